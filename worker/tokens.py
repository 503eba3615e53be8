"""Texts as token ids, in columns: the output of tokenising, and the input of batching and of the classifier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

Ids32 = npt.NDArray[np.int32]
Ids64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The token ids of n texts, flat: text i is ``ids[offsets[i] : offsets[i] + lengths[i]]``."""

    ids: Ids32 = field(repr=False)  # texts are private, and ids are texts
    """[total], special tokens included."""
    lengths: Ids32 = field(repr=False)
    """[n], special tokens included, none beyond the model's limit."""
    offsets: Ids64 = field(repr=False)
    """[n], where each text starts in ``ids``."""
    truncated: Flags = field(repr=False)
    """[n], whether the text had more tokens than the model's limit. A text that just fits is not truncated."""

    def __len__(self) -> int:
        return len(self.lengths)

    def by_length(self, size: int, token_limit: int | None, *, equal: bool = False) -> Iterator[Ids64]:
        """Yield groups of similar length, longest first: at most ``size`` texts and ``token_limit`` padded tokens.

        A text that is longer than the limit comes alone. With ``equal`` the texts of a group have one length, so that
        nothing is padded.
        """
        order = np.argsort(-self.lengths, kind="stable")
        start = 0
        while start < len(order):
            longest = int(self.lengths[order[start]])
            room = size if token_limit is None else max(1, min(size, token_limit // longest))
            texts = order[start : start + room]
            if equal:
                texts = texts[self.lengths[texts] == longest]
            yield texts
            start += len(texts)

    def chosen(self, texts: npt.NDArray[np.integer]) -> "Tokens":
        """Return these texts alone, in this order; no id is copied."""
        return Tokens(self.ids, self.lengths[texts], self.offsets[texts], self.truncated[texts])

    def padded(self, texts: npt.NDArray[np.integer], pad_id: int) -> "PaddedBatch":
        """Return these texts, at least one, as one padded batch in this order."""
        lengths = self.lengths[texts]
        ids = np.full((len(texts), int(lengths.max())), pad_id, np.int64)
        self.write(ids, np.arange(len(texts)), texts)
        return PaddedBatch(ids, lengths)

    def write(self, ids: Ids64, rows: npt.NDArray[np.integer], texts: npt.NDArray[np.integer]) -> None:
        """Write the ids of ``texts`` into ``rows`` of a padded matrix, in one gather without a loop over texts."""
        lengths = self.lengths[texts]
        columns = np.arange(ids.shape[1])
        real = columns < lengths[:, None]
        source = (self.offsets[texts][:, None] + columns)[real]
        block = ids[rows]
        block[real] = self.ids[source]
        ids[rows] = block


class TextTokenizer(Protocol):
    """Turns lists of texts into token ids. Called from one thread at a time, though not always the same."""

    @property
    def name(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> Tokens:
        """Return the ids of n texts, special tokens added, truncated to the model's limit.

        Raises:
            ValueError: a text is not Unicode (it has a lone surrogate); nothing of the list is encoded.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PaddedBatch:
    """n texts as one matrix, padded with the pad id. The attention mask is ``arange(width) < lengths``."""

    ids: Ids64 = field(repr=False)
    """[n, width]."""
    lengths: Ids32 = field(repr=False)
    """[n], at most the width."""

    def __len__(self) -> int:
        return len(self.lengths)

    def rows(self, start: int, stop: int) -> "PaddedBatch":
        """Return a view of the rows from ``start`` up to ``stop``, no wider than the longest of them."""
        lengths = self.lengths[start:stop]
        return PaddedBatch(self.ids[start:stop, : lengths.max()], lengths)
