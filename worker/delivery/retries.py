"""Tell that nothing is written: once when it begins, and once when it is over.

Pure: it is given the time.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

from worker.delivery.outcomes import SessionUnconfirmedError
from worker.observability.event import InternalEvent
from worker.observability.events import OutputsWaitForGroup, OutputsWaitNoLonger, TopicNotWritable, TopicWritable

#: A leader that moves is back before this.
PATIENCE_SECONDS = 1.0


@dataclass(slots=True)
class _Trouble:
    """The partitions with the same trouble, since when, and whether the log has said so."""

    since: dict[tuple[str, Hashable], float] = field(default_factory=dict)
    said: bool = False


class Retries:
    """Which partitions are being tried again: topic by topic, and those that wait for the group's coordinator."""

    def __init__(self) -> None:
        self._topics: dict[str, _Trouble] = {}
        self._session = _Trouble()

    def failed(self, topic: str, partition: Hashable, error: BaseException, now: float) -> InternalEvent | None:
        """Note a failure; returns an event once the cause has lasted for a second, and no other until it is over."""
        unconfirmed = isinstance(error, SessionUnconfirmedError)
        trouble = self._session if unconfirmed else self._topics.setdefault(topic, _Trouble())
        since = trouble.since.setdefault((topic, partition), now)
        if trouble.said or now - since < PATIENCE_SECONDS:
            return None
        trouble.said = True
        return OutputsWaitForGroup() if unconfirmed else TopicNotWritable(topic, partition, type(error).__name__)

    def failing_for(self, now: float) -> float:
        """Return the seconds for which the partition has failed that has done so for longest; 0 if none does."""
        troubles = [self._session, *self._topics.values()]
        return now - min((since for trouble in troubles for since in trouble.since.values()), default=now)

    def over(self, topic: str, partition: Hashable) -> list[InternalEvent]:
        """Note that a partition is not tried again any more; returns an event for each trouble that this ends."""
        ends: dict[InternalEvent, _Trouble | None] = {
            TopicWritable(topic): self._topics.get(topic),
            OutputsWaitNoLonger(): self._session,
        }
        return [event for event, trouble in ends.items() if trouble and _ends(trouble, (topic, partition))]


def _ends(trouble: _Trouble, place: tuple[str, Hashable]) -> bool:
    """Note that a partition has no trouble any more; returns whether the log has to say that it is over for all."""
    if trouble.since.pop(place, None) is None or trouble.since or not trouble.said:
        return False
    trouble.said = False
    return True
