"""The torch backend: in whatever words torch says that the memory does not suffice, it is a MemoryError."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from worker.classifier import Classifier, embed, outputs_of, save_classifier
from worker.classifier.outputs import torch_backend

NAME = "DistilBERT with NEGATIVE and POSITIVE"
Load = Callable[..., Classifier]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(torch.OutOfMemoryError("CUDA out of memory"), id="CUDA's"),
        pytest.param(MemoryError(), id="Python's"),
        pytest.param(RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), id="Apple's"),
        pytest.param(RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), id="the CPU's"),
    ],
)
def test_every_devices_way_of_running_out_of_memory_is_one(error: Exception, load: Load) -> None:
    classifier = load(NAME)

    def full(**_: Any) -> Any:
        raise error

    torch_backend(classifier).model.forward = full
    with pytest.raises(MemoryError) as raised:
        classifier.scores(classifier.probe)
    assert error in (raised.value, raised.value.__cause__)


def test_another_failure_is_what_torch_says(load: Load) -> None:
    classifier = load(NAME)

    def broken(**_: Any) -> Any:
        raise RuntimeError("kernel failed")

    torch_backend(classifier).model.forward = broken
    with pytest.raises(RuntimeError, match="kernel failed"):
        classifier.scores(classifier.probe)


def test_interface_classifier_and_device_are_there_without_torch() -> None:
    code = (
        "import sys, worker.classifier.backends.registry, worker.classifier.classifier, worker.classifier.device; "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda classifier, _: outputs_of(classifier, ["a"]), id="outputs_of"),
        pytest.param(lambda classifier, _: embed(classifier, ["a"]), id="embed"),
        pytest.param(save_classifier, id="save_classifier"),
    ],
)
def test_what_torch_alone_can_do_is_refused_to_another_backend(
    use: Callable[..., Any], load: Load, tmp_path: Path
) -> None:
    class Other:
        info = load(NAME).backend.info

    other: Any = Other()
    with pytest.raises(TypeError, match="this output needs the torch backend, but the classifier runs on Other"):
        use(replace(load(NAME), backend=other), tmp_path)
