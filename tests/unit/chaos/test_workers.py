"""The supervisor of the chaos suite."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.processes import Processes
from chaos.workers import Slot, Supervisor


@pytest.fixture
def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_signal_to_a_worker_that_has_just_ended_is_neither_an_error_nor_noted(tmp_path: Path, ended_pid: int) -> None:
    workers = Supervisor(Processes(), "main", tmp_path, {})
    slot = Slot(0, tmp_path / "device", pid=ended_pid)
    workers.slots.append(slot)
    workers.send(slot, signal.SIGTERM)
    assert slot.signals == []
    workers.close()
