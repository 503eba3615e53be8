"""The texts that wait for the device, as columns, and the padded batch cut from them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.fetch import Fetch
from worker.tokens import PaddedBatch, Tokens


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that go to the device together, and where their verdicts belong.

    Row r of ``padded`` is the text ``rows[r]`` of its fetch's list of texts; ``parts`` lists the fetches with the rows
    of each.
    """

    padded: PaddedBatch
    parts: list[tuple[Fetch, NDArray[np.intp], NDArray[np.intp]]] = field(repr=False)
    """(fetch, rows of the batch, positions in the fetch's list of texts), one entry a fetch."""

    def __len__(self) -> int:
        return len(self.padded)


class Backlog:
    """Tokenised texts in order of arrival. Not thread-safe: one event loop owns it."""

    def __init__(self, pad_id: int) -> None:
        self._pad_id = pad_id
        self._fetches: dict[int, tuple[Fetch, Tokens]] = {}
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
        return self._fetches[int(self._numbers[0])][0].received_at

    def add(self, fetch: Fetch, tokens: Tokens) -> None:
        """Append the texts of a fetch, all of them; those of one fetch arrive together."""
        count = tokens.lengths.size
        if count == 0:
            return
        number = self._next_number
        self._next_number += 1
        self._fetches[number] = (fetch, tokens)
        self.lengths = np.concatenate((self.lengths, tokens.lengths))
        self._numbers = np.concatenate((self._numbers, np.full(count, number, dtype=np.int64)))
        self._positions = np.concatenate((self._positions, np.arange(count, dtype=np.intp)))

    def take(self, chosen: NDArray[np.intp]) -> Batch:
        """Remove the texts at these positions of the backlog and pad them to a batch."""
        numbers, positions, lengths = self._numbers[chosen], self._positions[chosen], self.lengths[chosen]
        ids = np.full((chosen.size, int(lengths.max())), self._pad_id, dtype=np.int64)
        parts = []
        for number in np.unique(numbers):
            fetch, tokens = self._fetches[int(number)]
            rows = np.flatnonzero(numbers == number)
            within = positions[rows]
            tokens.write(ids, rows, within)
            parts.append((fetch, rows, within))
        keep = np.ones(len(self), dtype=bool)
        keep[chosen] = False
        self._filter(keep)
        return Batch(PaddedBatch(ids, lengths), parts)

    def drop(self, fetches: Iterable[Fetch]) -> None:
        """Forget what waits of these fetches."""
        gone = set(fetches)
        numbers = [number for number, (fetch, _) in self._fetches.items() if fetch in gone]
        keep = ~np.isin(self._numbers, numbers)
        self._filter(keep)

    def _filter(self, keep: NDArray[np.bool_]) -> None:
        self.lengths = self.lengths[keep]
        self._numbers = self._numbers[keep]
        self._positions = self._positions[keep]
        waiting = {int(number) for number in np.unique(self._numbers)}
        for number in self._fetches.keys() - waiting:
            del self._fetches[number]
