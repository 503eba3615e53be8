"""The interface between the worker and the library that runs a model: token ids in, scores out, as numpy arrays.

It holds only what every backend can do. What one of them can do besides, such as attentions, stays with it and is asked
for by type. ``registry`` lists the backends, ``conformance`` checks one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from worker.classifier.labels import Activation, Floats
from worker.settings import Settings
from worker.tokens import PaddedBatch


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a backend is to load."""

    name: str
    """As messages name it."""
    folder: Path
    labels: tuple[str, ...]
    """In the order of the model's outputs."""
    activation: Activation
    """How its logits become scores."""


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """Where and how a loaded model runs, and what it reads. It does not change."""

    device: str
    """``cpu``, or the name of an accelerator, such as ``cuda:0``."""
    precision: str
    """fp32, bf16 or fp16."""
    max_tokens: int | None
    """The longest text by the model's positions, special tokens included; None where the model sets no limit."""
    vocabulary: int
    """Token ids of a text are below this."""
    pad_id: int
    """The id that fills up the rows of a batch."""


class Backend(Protocol):
    """A sequence classifier on a device.

    Calls come one after another, from one thread, which need not be the one that loaded the model. A call that raised
    leaves the backend as it was: the next batch is scored as if there had been no failure.
    """

    @property
    def info(self) -> BackendInfo: ...

    def scores(self, batch: PaddedBatch) -> Floats:
        """Return float32 [n, labels]: softmax, sigmoid or the value itself, as the model's head is meant.

        The rows are in the order of the batch, and belong to the caller. A row whose logits are not all finite is NaN
        throughout. What fills a row up beyond its length does not count, whichever id it is. No rows give no rows. May
        block for as long as the device computes.

        Raises:
            MemoryError: the device has not the memory for this batch. Where the library has an exception of its own for
                this, that is the cause (``raise MemoryError(...) from error``).
            ValueError: a text is longer than ``info.max_tokens``; nothing of the batch was given to the device.
            Exception: anything else that the library raises.
        """
        ...

    def release_memory(self) -> None:
        """Give memory that nothing uses back to the device, after it ran out; does nothing where none is kept."""
        ...


Load = Callable[[Model], Backend]
"""Loads a model onto the device that was prepared for it.

Raises:
    SettingError: the model cannot be used; the sentence says what to do.
"""

Prepare = Callable[[Settings], Load]
"""Chooses device and precision, which takes no time, before a model is looked for, which may take long.

Raises:
    SettingError: the settings name a device or precision that this machine does not have.
"""
