"""The values that go to the publisher and come back: a completed range with its answer, and the broker's word on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.delivery.ledger import CompletedRange
from worker.errors import Reason, Rejection
from worker.fetch import Headers


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs of a completed range for one topic: columns of equal length, in index order."""

    topic: str
    indexes: Sequence[int]
    values: Sequence[bytes | None] = field(repr=False)
    headers: Sequence[Headers] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A completed range and all that is to be published for it."""

    completed: CompletedRange
    outputs: Sequence[Outputs]
    """None of them is empty."""
    rejected: dict[int, Rejection]
    """Events that become dead letters, by ascending index."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to publish, and so nothing that a broker could acknowledge."""
        return not self.outputs and not self.rejected


@dataclass(frozen=True, slots=True)
class RefusedOutput:
    """An output that the broker did not take, for which a dead letter was written instead."""

    topic: str
    index: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The broker has all of a completed range: each output of its answer, or a dead letter in its place."""

    completed: CompletedRange
    dead_letters: int = 0
    """Dead letters written: the answer's rejections, and one for each refused output."""
    refused: Sequence[RefusedOutput] = ()
