"""The worker's side of intake."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from worker.delivery.group_session import GroupSession
from worker.delivery.ledger import Ledger, Partition
from worker.intake.offset_reset import Policy, Reset
from worker.observability.event import InternalEvent
from worker.observability.metrics import Metrics


class Intake(Protocol):
    """The worker, as the consumer sees it."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def topics(self) -> frozenset[str]: ...

    @property
    def isolation_level(self) -> str: ...

    @property
    def session(self) -> GroupSession: ...

    @property
    def start_time_ms(self) -> int | None:
        """Where partitions without a committed offset start, if not at an end: milliseconds since the epoch."""
        ...

    @property
    def on_offset_reset(self) -> Policy:
        """Where a partition is read from when its offset is not of its log."""
        ...

    @property
    def metadata_max_age(self) -> float:
        """Seconds between two looks at the topics."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Whose gauges are asked for here."""
        ...

    def emit(self, event: InternalEvent) -> None:
        """Log and count what happened."""
        ...

    def note_reset(self, reset: Reset) -> None:
        """Log and count a reset, and stop where ``on_offset_reset`` says so."""
        ...

    def note_stalled(self, partitions: Mapping[Partition, int]) -> None:
        """Note how many offsets wait behind an open transaction, by partition."""
        ...

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Forget what is pending of these partitions."""
        ...

    def resume(self) -> None:
        """Take fetches again after a drain."""
        ...

    async def drain(self, *, stopping: bool) -> None:
        """Finish what was started, within the worker's drain timeout."""
        ...

    def fail(self, error: BaseException) -> None:
        """End the worker: the client cannot go on."""
        ...
