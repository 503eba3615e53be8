"""A fetch on its way through the pipeline: what is decided of its records so far, as columns."""

from bisect import bisect_left
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from worker.classifier import Classifier, Result
from worker.codec import Codec, Decoded
from worker.delivery.answers import Answer, Outputs
from worker.delivery.ledger import CompletedRange
from worker.errors import Rejection
from worker.fetch import Fetch, Headers
from worker.tokens import Tokens
from worker.verdict import Verdicts


class Job:
    """A fetch that was taken in; once it is decoded, verdicts land in it in any order."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self.fetch = fetch
        self.bytes = size
        """Bytes that the fetch adds to what is pending."""
        self._decoded = Decoded()
        self._indexes: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._rejected: dict[int, Rejection] = {}
        self._tokens: Tokens | None = None
        self._scores: NDArray[np.float32] = np.empty((0, 0), dtype=np.float32)

    def decoded(self, decoded: Decoded) -> None:
        """Note what the codec found in the records."""
        if self.fetch.unreadable:
            decoded.reject(self.fetch.unreadable)
        self._decoded = decoded
        self._indexes = np.array(decoded.indexes, dtype=np.intp)
        self._rejected = dict(decoded.rejected)

    @property
    def texts(self) -> list[str]:
        """The texts to classify."""
        return self._decoded.texts

    @property
    def decided_by_decoding(self) -> NDArray[np.intp]:
        """Indexes of records that need no classifier: rejected, forwarded and skipped ones."""
        decoded = self._decoded
        return np.array([*decoded.rejected, *decoded.forwarded, *decoded.skipped], dtype=np.intp)

    def tokenised(self, tokens: Tokens, rejected: Mapping[int, Rejection], labels: int) -> None:
        """Note the texts' tokens and which of them have none, and make room for ``labels`` scores of each.

        A rejected text is classified with the others, by the tokens that stand in for its own, and completed with them.
        """
        self._tokens = tokens
        for text, rejection in rejected.items():
            self._rejected[int(self._indexes[text])] = rejection
        self._scores = np.zeros((len(tokens), labels), dtype=np.float32)

    def classified(self, texts: NDArray[np.intp], rows: NDArray[np.intp], result: Result) -> NDArray[np.intp]:
        """Note the result of these texts, which were ``rows`` of a batch; returns their indexes."""
        self._scores[texts] = result.scores[rows]
        for row, rejection in result.rejected.items():
            for text in texts[rows == row]:
                self._rejected[int(self._indexes[text])] = rejection
        indexes: NDArray[np.intp] = self._indexes[texts]
        return indexes

    def rejected_in(self, completed: CompletedRange) -> dict[int, Rejection]:
        """Return the rejections in a range of this fetch, by ascending index."""
        if not self._rejected:
            return {}
        return {
            index: self._rejected[index] for index in range(completed.start, completed.stop) if index in self._rejected
        }

    def forwarded_in(self, completed: CompletedRange, refused: Collection[int] = frozenset()) -> list[int]:
        """Return the indexes in a range whose records are forwarded as they are, ascending.

        Args:
            completed: the range.
            refused: indexes that the broker refused: their answers are dead letters, not the events themselves.
        """
        forwarded = _within(self._decoded.forwarded, completed)
        return [index for index in forwarded if index not in refused] if refused else forwarded

    def skipped_in(self, completed: CompletedRange) -> list[int]:
        """Return the indexes in a range whose records are answered by nothing, ascending."""
        return _within(self._decoded.skipped, completed)

    def verdicts_in(
        self, completed: CompletedRange, classifier: Classifier
    ) -> tuple[list[int], NDArray[np.intp], Verdicts | None]:
        """Return what has a verdict in a range, ascending: its indexes, its places among the texts, and the verdicts.

        They are None where there are none, as before the texts are tokenised.
        """
        rejected = self.rejected_in(completed)
        first, last = np.searchsorted(self._indexes, (completed.start, completed.stop))
        texts = np.arange(first, last)
        if rejected:
            texts = texts[[index not in rejected for index in self._indexes[first:last].tolist()]]
        tokens = self._tokens
        if tokens is None or not texts.size:
            return [], texts[:0], None
        verdicts = classifier.verdicts(self._scores[texts], tokens.lengths[texts], tokens.truncated[texts])
        return self._indexes[texts].tolist(), texts, verdicts

    def answer(
        self, completed: CompletedRange, classifier: Classifier, codec: Codec, topic: str, processed_at: str
    ) -> Answer:
        """Encode the answer to a range, with its outputs for ``topic``."""
        rejected = self.rejected_in(completed)
        indexes, _, verdicts = self.verdicts_in(completed, classifier)
        values: list[bytes | None] = []
        headers: list[Headers] = []
        if verdicts is not None:
            for value, own in codec.encode(self.fetch, self._decoded, indexes, verdicts, processed_at):
                values.append(value)
                headers.append(own)
        if forwarded := self.forwarded_in(completed):
            records = self.fetch.records
            rows = [
                *zip(indexes, values, headers, strict=True),
                *((index, records[index].value, records[index].headers) for index in forwarded),
            ]
            rows.sort(key=lambda row: row[0])
            indexes, values, headers = ([row[column] for row in rows] for column in range(3))  # type: ignore[assignment]
        outputs = [Outputs(topic, indexes, values, headers)] if indexes else []
        return Answer(completed, outputs, rejected)


def _within(indexes: list[int], completed: CompletedRange) -> list[int]:
    """Return those of ascending ``indexes`` that a range holds."""
    return indexes[bisect_left(indexes, completed.start) : bisect_left(indexes, completed.stop)]
