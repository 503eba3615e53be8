"""In the life of the worker: model, group, readiness and stop."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from worker.observability.event import InternalEvent
from worker.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class ModelLoaded(InternalEvent):
    """The classifier is there, and warm; its own line has names that are not known here."""

    seconds: float

    def count(self, metrics: Metrics) -> None:
        metrics.model_load.set(self.seconds)


@dataclass(frozen=True, slots=True)
class WorkerReady(InternalEvent):
    """The worker is ready for the first time."""

    level = logging.INFO

    input_topics: Sequence[str]
    output_topic: str
    dead_letter_topic: str
    page: str | None
    """Where it says so."""

    def sentence(self) -> str:
        return (
            f"ready: reads {', '.join(self.input_topics)}, writes {self.output_topic}, dead letters to "
            f"{self.dead_letter_topic}; health pages: {self.page or 'none'}"
        )


@dataclass(frozen=True, slots=True)
class PartitionsAssigned(InternalEvent):
    """The group has decided what is this worker's."""

    level = logging.INFO

    partitions: str

    def sentence(self) -> str:
        return f"assigned: {self.partitions}"

    def count(self, metrics: Metrics) -> None:
        metrics.assignments.inc()


@dataclass(frozen=True, slots=True)
class PartitionsRegained(PartitionsAssigned):
    """The same after they were lost: whoever sees warnings alone sees the end of the trouble, too."""

    level = logging.WARNING


@dataclass(frozen=True, slots=True)
class PartitionsRevoked(InternalEvent):
    """Partitions are somebody else's from now on."""

    level = logging.INFO

    partitions: str

    def sentence(self) -> str:
        return f"revoked: {self.partitions}"


@dataclass(frozen=True, slots=True)
class SessionLost(InternalEvent):
    """The group has given this worker's partitions to others by itself."""

    level = logging.WARNING

    session_timeout: float

    def sentence(self) -> str:
        return (
            "the group has given this worker's partitions to others, for want of heartbeats within "
            f"session_timeout={self.session_timeout:g} s, say: what was not acknowledged is dropped, and they read it "
            "again"
        )

    def count(self, metrics: Metrics) -> None:
        metrics.session_losses.inc()


@dataclass(frozen=True, slots=True)
class StoppedWhileLoading(InternalEvent):
    """A stop came before the model was there."""

    level = logging.INFO

    def sentence(self) -> str:
        return "stopped before the model was loaded: nothing was read"


@dataclass(frozen=True, slots=True)
class StopBegun(InternalEvent):
    """The worker was told to stop."""

    level = logging.INFO

    drain_timeout: float

    def sentence(self) -> str:
        return f"stopping: what is under way is finished, within {self.drain_timeout:g} s"


@dataclass(frozen=True, slots=True)
class Drained(InternalEvent):
    """Nothing is worked at any more, at a stop or a rebalance."""

    level = logging.INFO

    outcome: str
    left: str
    """The sentence about what is still open."""

    def sentence(self) -> str:
        return f"drained: {self.outcome}; {self.left}"


@dataclass(frozen=True, slots=True)
class StopHangs(InternalEvent):
    """A stop did not end in time, and the process is ended."""

    level = logging.CRITICAL

    because: str
    left: str

    def sentence(self) -> str:
        return f"the stop hangs{self.because}: the process is ended; {self.left}"
