"""The resident classifier: padded token ids in, scores and verdicts out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from worker.classifier.backends import Backend
from worker.classifier.labels import Activation, Floats, VerdictTable
from worker.tokens import PaddedBatch, TextTokenizer
from worker.verdict import ModelCard, Verdicts


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """One model on one device. Every call that computes belongs in one thread (``Device`` owns it).

    Nothing of it changes after it was loaded; ``dataclasses.replace`` makes another one with the same model.
    """

    card: ModelCard
    backend: Backend
    tokenizer: TextTokenizer
    table: VerdictTable
    activation: Activation
    """How the scores are meant."""
    max_tokens: int
    """The limit for one text, special tokens included."""
    batch_size: int
    """Texts in a batch, at most."""
    batch_tokens: int
    """Padded tokens (width times texts) in a batch, at most; a text that is longer goes alone."""
    probe: PaddedBatch
    """One text that every working classifier can score."""
    pads: bool = True
    """Whether texts of different lengths may share a forward pass; found out when the model is loaded."""
    folder: Path | None = None
    """Where it was loaded from: a copy that is saved takes its tokenizer from there."""
    load_seconds: float = 0.0
    """Seconds from the start of loading until the model was warm."""

    @property
    def device(self) -> str:
        """``cpu``, or the name of an accelerator."""
        return self.backend.info.device

    @property
    def precision(self) -> str:
        """fp32, bf16 or fp16."""
        return self.backend.info.precision

    @property
    def pad_id(self) -> int:
        """The id that fills up the rows of a batch."""
        return self.backend.info.pad_id

    def scores(self, batch: PaddedBatch) -> Floats:
        """float32 [n, labels]: softmax, sigmoid or the value itself, as the model's head is meant.

        A row whose logits are not all finite is NaN throughout. Raises what the backend raises.
        """
        if not batch.lengths.all():
            raise ValueError("a text has no tokens: there is nothing to classify")
        if self.pads:
            return self.backend.scores(batch)
        scores = np.empty((len(batch), len(self.card.labels)), dtype=np.float32)
        for length in np.unique(batch.lengths):
            rows = np.flatnonzero(batch.lengths == length)
            scores[rows] = self.backend.scores(PaddedBatch(batch.ids[rows, :length], batch.lengths[rows]))
        return scores

    def verdicts(self, scores: Floats, lengths: npt.NDArray[np.integer], truncated: npt.NDArray[np.bool_]) -> Verdicts:
        """Labels, sentiments and polarities of n texts from their finite scores [n, labels], lengths and truncation."""
        return self.table.verdicts(scores, lengths, truncated)

    def release_memory(self) -> None:
        """Give memory that nothing uses back to the device, after it ran out."""
        self.backend.release_memory()
