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
    """One model on one device. All computing calls must come from one thread, which ``Device`` owns.

    It is immutable once loaded; ``dataclasses.replace`` makes another one with the same model.
    """

    card: ModelCard
    backend: Backend
    tokenizer: TextTokenizer
    table: VerdictTable
    activation: Activation
    """How logits become scores."""
    max_tokens: int
    """Limit on the tokens of one text, special tokens included."""
    batch_size: int
    """Limit on the texts in a batch."""
    batch_tokens: int
    """Limit on the padded tokens (width times texts) in a batch; a text that is longer goes alone."""
    probe: PaddedBatch
    """One text that every working classifier can score."""
    pads: bool = True
    """Whether texts of different lengths may share a forward pass; determined when the model is loaded."""
    folder: Path | None = None
    """Where it was loaded from: saving it copies the tokenizer from there."""
    load_seconds: float = 0.0
    """Seconds from the start of loading to the end of the warm-up."""

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
        """The id that pads the rows of a batch."""
        return self.backend.info.pad_id

    def scores(self, batch: PaddedBatch) -> Floats:
        """Return the scores, float32 [n, labels]: softmax, sigmoid or the value itself, according to the model's head.

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
        """Return the verdicts on n texts, given their finite scores [n, labels], lengths and truncation."""
        return self.table.verdicts(scores, lengths, truncated)

    def release_memory(self) -> None:
        """Release unused memory to the device, after it ran out."""
        self.backend.release_memory()
