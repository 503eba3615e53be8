"""The texts that wait for the device, as columns, and the padded batches taken from them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from worker.tokens import PaddedBatch, Tokens


class Source(Protocol):
    """Where texts come from: a fetch, or any other list of them that arrived as one."""

    @property
    def received_at(self) -> float: ...  # monotonic seconds
    def __hash__(self) -> int: ...


S = TypeVar("S", bound=Source)


@dataclass(frozen=True, slots=True)
class Batch(Generic[S]):
    """Texts that go to the device together, and where their verdicts belong.

    Row r of ``padded`` is the text ``rows[r]`` of its source's list of texts; ``parts`` lists the sources with the rows
    of each.
    """

    padded: PaddedBatch
    parts: list[tuple[S, NDArray[np.intp], NDArray[np.intp]]] = field(repr=False)
    """(source, rows of the batch, positions in the source's list of texts), one entry a source."""

    def __len__(self) -> int:
        return len(self.padded)


class Backlog(Generic[S]):
    """Tokenised texts in order of arrival. Not thread-safe: one event loop owns it."""

    def __init__(self, pad_id: int) -> None:
        self._pad_id = pad_id
        self._sources: dict[int, tuple[S, Tokens]] = {}
        self._next_number = 0
        self.lengths: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        """Tokens of each waiting text, in order of arrival."""
        self._numbers: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._positions: NDArray[np.intp] = np.empty(0, dtype=np.intp)

    def __len__(self) -> int:
        return self.lengths.size

    @property
    def oldest(self) -> float:
        """Arrival of the oldest waiting text, monotonic seconds. The backlog must not be empty."""
        return self._sources[int(self._numbers[0])][0].received_at

    def add(self, source: S, tokens: Tokens) -> None:
        """Append the texts of a source, all of them; those of one source arrive together."""
        count = tokens.lengths.size
        if count == 0:
            return
        number = self._next_number
        self._next_number += 1
        self._sources[number] = (source, tokens)
        self.lengths = np.concatenate((self.lengths, tokens.lengths))
        self._numbers = np.concatenate((self._numbers, np.full(count, number, dtype=np.int64)))
        self._positions = np.concatenate((self._positions, np.arange(count, dtype=np.intp)))

    def take(self, chosen: NDArray[np.intp]) -> Batch[S]:
        """Remove the texts at these positions of the backlog and pad them to a batch."""
        numbers, positions, lengths = self._numbers[chosen], self._positions[chosen], self.lengths[chosen]
        ids = np.full((chosen.size, int(lengths.max())), self._pad_id, dtype=np.int64)
        parts = []
        for number in np.unique(numbers):
            source, tokens = self._sources[int(number)]
            rows = np.flatnonzero(numbers == number)
            within = positions[rows]
            tokens.write(ids, rows, within)
            parts.append((source, rows, within))
        keep = np.ones(len(self), dtype=bool)
        keep[chosen] = False
        self._filter(keep)
        return Batch(PaddedBatch(ids, lengths), parts)

    def drop(self, sources: Iterable[S]) -> None:
        """Forget what waits of these sources."""
        gone = set(sources)
        numbers = [number for number, (source, _) in self._sources.items() if source in gone]
        keep = ~np.isin(self._numbers, numbers)
        self._filter(keep)

    def _filter(self, keep: NDArray[np.bool_]) -> None:
        self.lengths = self.lengths[keep]
        self._numbers = self._numbers[keep]
        self._positions = self._positions[keep]
        waiting = {int(number) for number in np.unique(self._numbers)}
        for number in self._sources.keys() - waiting:
            del self._sources[number]
