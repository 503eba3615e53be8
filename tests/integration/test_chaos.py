"""Two minutes of ``make chaos``: every promise is kept under every kind of fault that a short run has room for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from integration.process import ROOT, environment

pytestmark = pytest.mark.kafka

SEED, TIMEOUT = 7, 660


@pytest.mark.timeout(TIMEOUT)
def test_no_promise_is_broken_in_two_minutes_of_chaos(tmp_path: Path) -> None:
    if os.environ.get("SENTIMENT_TEST_BOOTSTRAP"):
        reason = "starts and stops brokers of its own: needs Docker and no SENTIMENT_TEST_BOOTSTRAP"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    command = [sys.executable, "-m", "chaos", "--minutes", "2", "--seed", str(SEED), "--keep", str(tmp_path / "chaos")]
    with subprocess.Popen(
        command, env=environment({}), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        try:
            output, _ = run.communicate(timeout=TIMEOUT - 60)
        except BaseException:
            run.send_signal(signal.SIGINT)  # its containers must go
            raise
    assert run.returncode == 0, output[-8_000:]
