"""The interface between the worker and the library that runs a model: token ids in, scores out, as numpy arrays.

It contains only what every backend can do. Anything else, such as attentions, is a matter of one backend, and its users
check for its type. ``registry`` lists the backends, ``conformance`` checks one.
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
    """The name to use in messages."""
    folder: Path
    labels: tuple[str, ...]
    """In the order of the model's outputs."""
    activation: Activation
    """How its logits become scores."""


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """Where and how a loaded model runs, and what input it accepts. Immutable."""

    device: str
    """``cpu``, or the name of an accelerator, such as ``cuda:0``."""
    precision: str
    """fp32, bf16 or fp16."""
    max_tokens: int | None
    """The longest text by the model's positions, special tokens included; None if the model has no limit."""
    vocabulary: int
    """Token ids of a text are below this."""
    pad_id: int
    """The id that pads the rows of a batch."""


class Backend(Protocol):
    """A sequence classifier on a device.

    Calls come one after another, from one thread, which need not be the one that loaded the model. A call that raises
    leaves the backend unchanged: the next batch is scored as if there had been no failure.
    """

    @property
    def info(self) -> BackendInfo: ...

    def scores(self, batch: PaddedBatch) -> Floats:
        """Return float32 [n, labels]: softmax, sigmoid or the value itself, according to the model's head.

        The rows are in the order of the batch, and belong to the caller. A row whose logits are not all finite is NaN
        throughout. Padding beyond a row's length does not affect scores, whichever id it is. An empty batch has an
        empty result. May block for as long as the device computes.

        Raises:
            MemoryError: the device does not have enough memory for this batch. If the library has an exception of its
                own for this, that is the cause (``raise MemoryError(...) from error``).
            ValueError: a text is longer than ``info.max_tokens``; nothing was sent to the device.
            Exception: anything else that the library raises.
        """
        ...

    def release_memory(self) -> None:
        """Release unused memory to the device, after it ran out; do nothing if no memory is cached."""
        ...


Load = Callable[[Model], Backend]
"""Loads a model onto the device that was prepared for it.

Raises:
    SettingError: the model cannot be used; the message says what to do.
"""

Prepare = Callable[[Settings], Load]
"""Chooses device and precision, which is quick, before a model is looked up, which may take long.

Raises:
    SettingError: the settings name a device or precision that this machine does not have.
"""
