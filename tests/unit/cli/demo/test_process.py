"""The demo's worker leaves a log where there was trouble, and nothing where the user stopped the demo."""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from worker.cli.commands.demo.process import WorkerProcess
from worker.errors import Code, WorkerError
from worker.settings import Settings


def leave(worker: WorkerProcess, code: str, error: BaseException) -> None:
    """Run code in place of the worker, and leave the block by ``error`` once it has ended."""
    worker._command = [sys.executable, "-c", code]
    with suppress(type(error)), worker:
        assert worker._process is not None
        worker._process.wait(30)
        raise error


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> WorkerProcess:
    monkeypatch.setattr("worker.cli.commands.demo.process.tempfile.mkdtemp", lambda **_: str(tmp_path))
    return WorkerProcess(Settings(), "nowhere:1")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(f"raise SystemExit({128 + signal.SIGINT})", id="while-it-starts"),
        pytest.param(
            "import os, signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), 2)", id="while-python-starts"
        ),
    ],
)
def test_a_stop_that_met_the_worker_while_it_started_leaves_nothing(worker: WorkerProcess, code: str) -> None:
    leave(worker, code, asyncio.CancelledError())
    assert not worker.log.parent.exists()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param("raise SystemExit(1)", asyncio.CancelledError(), id="it-failed"),
        pytest.param(
            "raise SystemExit(143)", WorkerError(Code.DEMO_WORKER_ENDED, "it ended"), id="somebody-else-ended-it"
        ),
    ],
)
def test_a_log_of_trouble_stays(worker: WorkerProcess, code: str, error: BaseException) -> None:
    leave(worker, code, error)
    assert worker.log.exists()
