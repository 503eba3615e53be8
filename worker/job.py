"""A fetch on its way through the pipeline: what is decided of its slots so far, as columns."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.classifier import Classifier, Result
from worker.codec import Codec, Decoded, processed_now
from worker.delivery.ledger import Release
from worker.errors import Rejection
from worker.fetch import Fetch, Headers
from worker.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """Records to publish for a release: outputs as columns of equal length in slot order, and dead letters by slot."""

    slots: Sequence[int]
    values: Sequence[bytes | None] = field(repr=False)
    headers: Sequence[Headers] = field(repr=False)
    rejected: dict[int, Rejection]


class Job:
    """A fetch that was taken in; once it is decoded, verdicts land in it in any order."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self.fetch = fetch
        self.bytes = size
        """Bytes that the fetch adds to what is pending."""
        self._decoded = Decoded()
        self._slots: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._rejected: dict[int, Rejection] = {}
        self._refused: set[int] = set()
        self._tokens: Tokens | None = None
        self._scores: NDArray[np.float32] = np.empty((0, 0), dtype=np.float32)

    def decoded(self, decoded: Decoded) -> None:
        """Note what the codec found in the records."""
        if self.fetch.unreadable:
            decoded.reject(self.fetch.unreadable)
        self._decoded = decoded
        self._slots = np.array(decoded.slots, dtype=np.intp)
        self._rejected = dict(decoded.rejected)

    @property
    def texts(self) -> list[str]:
        """The texts to classify."""
        return self._decoded.texts

    @property
    def decided_by_decoding(self) -> NDArray[np.intp]:
        """Slots that need no classifier: rejected, forwarded and skipped ones."""
        decoded = self._decoded
        return np.array([*decoded.rejected, *decoded.forwarded, *decoded.skipped], dtype=np.intp)

    def tokenised(self, tokens: Tokens, rejected: Mapping[int, Rejection], labels: int) -> None:
        """Note the texts' tokens and which of them have none, and make room for ``labels`` scores of each.

        A rejected text is classified with the others, by the tokens that stand in for its own, and settled with them.
        """
        self._tokens = tokens
        for text, rejection in rejected.items():
            self._rejected[int(self._slots[text])] = rejection
        self._scores = np.zeros((len(tokens), labels), dtype=np.float32)

    def classified(self, texts: NDArray[np.intp], rows: NDArray[np.intp], result: Result) -> NDArray[np.intp]:
        """Note the result of these texts, which were ``rows`` of a batch; returns their slots."""
        self._scores[texts] = result.scores[rows]
        for row, rejection in result.rejected.items():
            for text in texts[rows == row]:
                self._rejected[int(self._slots[text])] = rejection
        slots: NDArray[np.intp] = self._slots[texts]
        return slots

    def _rejected_in(self, release: Release) -> dict[int, Rejection]:
        """The rejected slots of a release of this fetch, ascending."""
        if not self._rejected:
            return {}
        return {slot: self._rejected[slot] for slot in range(release.start, release.stop) if slot in self._rejected}

    def forwarded_in(self, release: Release) -> list[int]:
        """The slots of a release that are forwarded as they are, ascending."""
        forwarded = _within(self._decoded.forwarded, release)
        return [slot for slot in forwarded if slot not in self._refused] if self._refused else forwarded

    def refused(self, slot: int) -> None:
        """Note that the broker refused the output in this slot: its answer is a dead letter, not the event itself."""
        self._refused.add(slot)

    def skipped_in(self, release: Release) -> list[int]:
        """The slots of a release that are answered by nothing, ascending."""
        return _within(self._decoded.skipped, release)

    def answer(self, release: Release, classifier: Classifier, codec: Codec) -> Answer:
        """Encode the slots of a release."""
        rejected = self._rejected_in(release)
        first, last = np.searchsorted(self._slots, (release.start, release.stop))
        texts = np.arange(first, last)
        if rejected:
            texts = texts[[slot not in rejected for slot in self._slots[first:last].tolist()]]
        slots: list[int] = self._slots[texts].tolist()
        values: list[bytes | None] = []
        headers: list[Headers] = []
        if self._tokens is not None and slots:
            tokens = self._tokens
            verdicts = classifier.verdicts(self._scores[texts], tokens.lengths[texts], tokens.truncated[texts])
            for value, own in codec.encode(self.fetch, self._decoded, slots, verdicts, processed_now()):
                values.append(value)
                headers.append(own)
        if forwarded := self.forwarded_in(release):
            records = self.fetch.records
            rows = [
                *zip(slots, values, headers, strict=True),
                *((slot, records[slot].value, records[slot].headers) for slot in forwarded),
            ]
            rows.sort(key=lambda row: row[0])
            slots, values, headers = ([row[column] for row in rows] for column in range(3))  # type: ignore[assignment]
        return Answer(slots, values, headers, rejected)


def _within(slots: list[int], release: Release) -> list[int]:
    """Those of ascending ``slots`` that a release holds."""
    return slots[bisect_left(slots, release.start) : bisect_left(slots, release.stop)]
