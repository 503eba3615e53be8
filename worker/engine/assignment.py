"""Whether the group has given this worker partitions, and what is told of it."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from worker.delivery.group_session import GroupSession
from worker.engine import sentences
from worker.observability import events
from worker.observability.event import InternalEvent
from worker.settings import Settings


class Assignment:
    """The group's decision, from when it is told until it is revoked or the membership ends."""

    def __init__(self, settings: Settings, session: GroupSession, emit: Callable[[InternalEvent], None]) -> None:
        self._settings = settings
        self._emit = emit
        self._session = session
        self.is_there = False
        """Whether the group has given us partitions, or told us that there are none for us."""
        self._partitions = 0
        self._has_lost = False
        """Whether the log has said that the partitions are gone, and not yet that they are back."""

    @property
    def count(self) -> int:
        """How many partitions are ours."""
        return self._partitions if self.is_there else 0

    def assigned(self, partitions: Collection[Sequence[Any]]) -> None:
        """Note what is ours."""
        self.is_there = True
        self._partitions, named = len(partitions), sentences.named(partitions)
        self._emit(events.PartitionsRegained(named) if self._has_lost else events.PartitionsAssigned(named))
        self._has_lost = False

    def revoked(self, partitions: Collection[Sequence[Any]]) -> None:
        """Note what is somebody else's from now on."""
        self.is_there = False
        if partitions:
            self._emit(events.PartitionsRevoked(sentences.named(partitions)))

    def has_ended(self, *, stopping: bool) -> bool:
        """Return whether an assignment has ended with its membership, without having been revoked; once for each."""
        if not self.is_there or self._session.is_member:
            return False
        self.is_there = False
        if self._session.was_lost and not stopping:
            self._has_lost = True
            self._emit(events.SessionLost(self._settings.session_timeout))
        return True
