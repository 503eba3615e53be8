"""The backend of PyTorch and transformers: every architecture, and also the outputs that training and analysis need.

``torch`` below is PyTorch: imports are absolute, so this module does not shadow it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from worker.classifier.backends import BackendInfo, Load, Model
from worker.classifier.backends.model_limits import add_pad_token, max_positions, vectors_of
from worker.classifier.backends.pretrained import LOCAL, unusable
from worker.classifier.hardware import Hardware, choose_hardware, is_out_of_memory
from worker.classifier.labels import Activation, Floats
from worker.errors import Code, SettingError
from worker.settings import Settings
from worker.tokens import PaddedBatch


class TorchBackend:
    """A transformers model in evaluation mode on a torch device."""

    def __init__(self, model: PreTrainedModel, described: Model, info: BackendInfo) -> None:
        self._model = model
        self._labels = len(described.labels)
        self._activation = described.activation
        self._info = info
        self._device = torch.device(info.device)

    @property
    def info(self) -> BackendInfo:
        return self._info

    @property
    def model(self) -> PreTrainedModel:
        """transformers' own model."""
        return self._model

    def scores(self, batch: PaddedBatch) -> Floats:
        """Return the scores of a batch; see ``Backend``."""
        limit = self._info.max_tokens
        if limit is not None and batch.ids.shape[1] > limit:  # on an accelerator it would break the device for good
            raise ValueError(f"a text has {batch.ids.shape[1]} tokens, more than the model's limit of {limit}")
        if not len(batch):
            return np.empty((0, self._labels), np.float32)
        with torch.inference_mode(), _memory_errors():
            logits = self.forward(batch).logits.float()
            scores = self.activate(logits)
            # An infinite logit can look like a valid score after softmax or sigmoid.
            finite = logits.isfinite().all(dim=-1, keepdim=True)
            result: Floats = torch.where(finite, scores, torch.nan).cpu().numpy()
        return result

    def release_memory(self) -> None:
        """Release memory that no tensor uses to the device, after it ran out."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def forward(self, batch: PaddedBatch, **wanted: bool) -> Any:
        """Return transformers' output for a batch; ``wanted`` are its flags, such as ``output_attentions``."""
        return self._model(**self._inputs(batch), **wanted)

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the scores of logits [n, labels], in the same shape."""
        if self._activation is Activation.SOFTMAX:
            return logits.softmax(dim=-1)
        return logits.sigmoid() if self._activation is Activation.SIGMOID else logits

    def _inputs(self, batch: PaddedBatch) -> Mapping[str, torch.Tensor | None]:
        ids = self._to_device(batch.ids)
        if (batch.lengths == batch.ids.shape[1]).all():
            # Attention without a mask is faster; a mask is searched for padding in each pass.
            return {"input_ids": ids, "attention_mask": None}
        lengths = self._to_device(batch.lengths)
        mask = torch.arange(ids.shape[1], device=self._device) < lengths[:, None]
        return {"input_ids": ids, "attention_mask": mask.long()}

    def _to_device(self, array: npt.NDArray[np.integer]) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self._device.type == "cuda":
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)


def prepare(settings: Settings) -> Load:
    """Return the function that loads a model onto the device, and at the precision, that the settings name.

    Raises:
        SettingError: the device does not exist, or cannot compute at that precision.
    """
    return partial(_load, choose_hardware(settings))


def _load(hardware: Hardware, model: Model) -> TorchBackend:
    loaded = _pretrained(model, hardware.dtype)
    info = BackendInfo(
        device=str(hardware.device),
        precision=hardware.precision,
        max_tokens=max_positions(loaded),
        vocabulary=vectors_of(loaded),  # before an id may be added for padding, which no text contains
        pad_id=add_pad_token(loaded),
    )
    loaded.to(device=hardware.device)  # type: ignore[call-arg]  # its stub knows no arguments
    return TorchBackend(loaded, model, info)


def _pretrained(model: Model, dtype: torch.dtype) -> PreTrainedModel:
    try:
        config = AutoConfig.from_pretrained(model.folder, **LOCAL)
        loaded, info = AutoModelForSequenceClassification.from_pretrained(
            model.folder, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True, **LOCAL
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise unusable(model, error) from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise SettingError(
            Code.MODEL_NOT_FINE_TUNED,
            f"the model {model.name} has no weights for {', '.join(missing[:3])}: it is not a fine-tuned "
            "sequence classifier; choose a model that was trained for text classification",
        )
    evaluating: PreTrainedModel = loaded.eval()
    evaluating.config.use_cache = False  # each text takes one pass: nothing is read again
    return evaluating


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Turn each of torch's out-of-memory errors into a MemoryError."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise
