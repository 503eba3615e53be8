"""The resident classifier: padded token ids in, scores and verdicts out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel

from worker.classifier.hardware import Hardware
from worker.classifier.labels import Activation, Floats, VerdictTable
from worker.tokens import PaddedBatch, TextTokenizer
from worker.verdict import ModelCard, Verdicts


class Classifier:
    """One model on one device. Every call that computes belongs in one thread (``Device`` owns it)."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: TextTokenizer,
        card: ModelCard,
        table: VerdictTable,
        activation: Activation,
        hardware: Hardware,
        *,
        max_tokens: int,
        pad_id: int,
    ) -> None:
        self.card = card
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        """The model's limit for one text, special tokens included."""
        self.pad_id = pad_id
        self.batch_size = hardware.batch_size
        """Texts in a batch, at most."""
        self.batch_tokens = hardware.batch_tokens
        """Padded tokens (width times texts) in a batch, at most; a text that is longer goes alone."""
        self.device = str(hardware.device)
        self.precision = hardware.precision
        self.load_seconds = 0.0
        """Seconds from the start of loading until the model was warm."""
        self.pads = True
        """Whether texts of different lengths may share a forward pass; found out when the model is loaded."""
        self.probe = _probe(tokenizer)
        """One text that every working classifier can score."""
        self.folder: Path | None = None
        """Where it was loaded from: a copy that is saved takes its tokenizer from there."""
        self.model = model
        """transformers' own, in evaluation mode."""
        self.activation = activation
        self._table = table
        self._torch_device = hardware.device

    def scores(self, batch: PaddedBatch) -> Floats:
        """float32 [n, labels]: softmax, sigmoid or the value itself, as the model's head is meant.

        A row whose logits are not all finite is NaN throughout. Raises what the model or the device raises.
        """
        if not batch.lengths.all():
            raise ValueError("a text has no tokens: there is nothing to classify")
        if self.pads:
            return self._scores(batch)
        scores = np.empty((len(batch), len(self.card.labels)), dtype=np.float32)
        for length in np.unique(batch.lengths):
            rows = np.flatnonzero(batch.lengths == length)
            scores[rows] = self._scores(PaddedBatch(batch.ids[rows, :length], batch.lengths[rows]))
        return scores

    def verdicts(self, scores: Floats, lengths: npt.NDArray[np.integer], truncated: npt.NDArray[np.bool_]) -> Verdicts:
        """Labels, sentiments and polarities of n texts from their finite scores [n, labels], lengths and truncation."""
        return self._table.verdicts(scores, lengths, truncated)

    def release_memory(self) -> None:
        """Give memory that no tensor holds back to the device, after it ran out."""
        if self._torch_device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._torch_device.type == "mps":
            torch.mps.empty_cache()

    def forward(self, batch: PaddedBatch, **wanted: bool) -> Any:
        """The model's output on a batch, as transformers gives it; ``wanted`` are its flags (``output_attentions``)."""
        return self.model(**self._inputs(batch), **wanted)

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """Scores of logits [n, labels], of the same shape."""
        if self.activation is Activation.SOFTMAX:
            return logits.softmax(dim=-1)
        return logits.sigmoid() if self.activation is Activation.SIGMOID else logits

    @torch.inference_mode()
    def _scores(self, batch: PaddedBatch) -> Floats:
        logits = self.forward(batch).logits.float()
        scores = self.activate(logits)
        # An infinite logit can look like a fine score after softmax or sigmoid.
        finite = logits.isfinite().all(dim=-1, keepdim=True)
        result: Floats = torch.where(finite, scores, torch.nan).cpu().numpy()
        return result

    def _inputs(self, batch: PaddedBatch) -> Mapping[str, torch.Tensor | None]:
        ids = self._to_device(batch.ids)
        if (batch.lengths == batch.ids.shape[1]).all():
            # Attention without a mask takes a faster path, and with one it is searched for padding in each pass.
            return {"input_ids": ids, "attention_mask": None}
        lengths = self._to_device(batch.lengths)
        mask = torch.arange(ids.shape[1], device=self._torch_device) < lengths[:, None]
        return {"input_ids": ids, "attention_mask": mask.long()}

    def _to_device(self, array: npt.NDArray[np.integer]) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self._torch_device.type == "cuda":
            return tensor.pin_memory().to(self._torch_device, non_blocking=True)
        return tensor.to(self._torch_device)


def _probe(tokenizer: TextTokenizer) -> PaddedBatch:
    tokens = tokenizer.encode(["Good."])
    return PaddedBatch(tokens.ids.astype(np.int64)[None], tokens.lengths)
