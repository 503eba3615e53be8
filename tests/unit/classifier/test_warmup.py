"""Warming up finds the largest batch that the memory holds, in whatever words a device says that it does not."""

from typing import Any

import numpy as np
import pytest
import torch

from worker.classifier.warmup import self_check, warm_up
from worker.errors import DeviceError
from worker.tokens import PaddedBatch
from worker.verdict import ModelCard

OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    MemoryError(),
]


class Scarce:
    """Stands in for a classifier on an accelerator with room for ``room`` padded tokens."""

    card = ModelCard("scarce", "0", ("negative", "positive"))
    device, precision, pads = "accelerator", "fp32", True
    max_tokens, batch_size = 64, 32
    probe = PaddedBatch(np.ones((1, 3), np.int64), np.full(1, 3, np.int32))

    def __init__(self, room: int, error: Exception) -> None:
        self.batch_tokens = 2048
        self.room, self.error = room, error
        self.released = 0
        self.tokenizer: Any = None

    def scores(self, batch: PaddedBatch) -> Any:
        if batch.ids.size > self.room:
            raise self.error
        return np.full((len(batch), 2), 0.5, np.float32)

    def release_memory(self) -> None:
        self.released += 1


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: str(error)[:12] or "MemoryError")
def test_batches_are_halved_until_they_fit(error: Exception) -> None:
    scarce: Any = Scarce(600, error)
    warm_up(scarce)
    assert scarce.batch_tokens == 512
    assert scarce.released == 2


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: str(error)[:12] or "MemoryError")
def test_no_room_for_a_single_text_is_said_in_a_sentence(error: Exception) -> None:
    scarce: Any = Scarce(10, error)
    with pytest.raises(DeviceError, match="has not the memory for one text"):
        warm_up(scarce)


def test_another_failure_is_not_taken_for_it() -> None:
    scarce: Any = Scarce(10, RuntimeError("kernel failed"))
    with pytest.raises(RuntimeError, match="kernel failed"):
        warm_up(scarce)


def test_a_model_is_not_blamed_for_the_device_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    scarce: Any = Scarce(0, OUT_OF_MEMORY[1])
    monkeypatch.setattr("worker.classifier.warmup._probe_ids", lambda _: [np.ones(3, np.int64), np.ones(9, np.int64)])
    with pytest.raises(DeviceError, match="has no memory left"):
        self_check(scarce)
