"""A crash is told once, and a second Ctrl-C ends a stop: in processes of their own."""

import signal
import subprocess
import sys
import tempfile

PROGRAM = """
import asyncio
import logging
from mode import Service
import faust
from worker.errors import Code, DeviceError
from worker.process import run_until_stopped
from worker.quiet_worker import QuietWorker, quieten

class Part(Service):
    async def on_started(self):
        for _ in range({overlaps}):
            logging.getLogger("mode.timers").warning("Timer %s is overlapping", "commit")
        print("ready", flush=True)
        if {crash!r}:
            try:
                raise {crash}
            except Exception as error:
                await self.crash(error)

    async def on_stop(self):
        print("stopping", flush=True)
        await asyncio.sleep({hang})

app = faust.App("quiet", broker="kafka://nowhere:1", web_enabled=False, datadir={folder!r})
worker = QuietWorker(app, Part(), loglevel="info", quiet=True, redirect_stdouts=False)
quieten("info")
try:
    run_until_stopped(worker)
except Exception as error:
    print("last line:", error, flush=True)
"""


def program(crash: str = "", hang: float = 0.0, overlaps: int = 0) -> subprocess.Popen[str]:
    folder = tempfile.mkdtemp()
    script = PROGRAM.format(crash=crash, hang=hang, overlaps=overlaps, folder=folder)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=60)
    finally:
        process.kill()


def crashed(crash: str) -> tuple[str, str]:
    with program(crash) as process:
        return ended(process)


def test_a_crash_that_ends_in_a_sentence_is_told_by_that_alone() -> None:
    out, err = crashed("DeviceError(Code.DEVICE_FAILED, 'the device is gone')")
    assert "last line: the device is gone" in out
    assert "Crashed" not in err
    assert "the device is gone" not in err


def test_a_crash_by_a_bug_shows_its_traceback() -> None:
    out, err = crashed("ValueError('a bug')")
    assert "last line: a bug" in out
    assert err.count("Traceback") == 1


def test_a_second_ctrl_c_ends_a_stop_at_once_and_says_so() -> None:
    with program(hang=600) as process:
        for line in ("ready\n", "stopping\n"):
            assert process.stdout is not None
            assert process.stdout.readline() == line
            process.send_signal(signal.SIGINT)
        _, err = ended(process)
    assert process.returncode == 130
    assert "stopping at once: what is not committed will be read again" in err


def test_ctrl_c_in_the_stop_that_a_crash_began_names_its_reason() -> None:
    with program("DeviceError(Code.DEVICE_FAILED, 'the device is gone')", hang=600) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["ready\n", "stopping\n"]
        process.send_signal(signal.SIGINT)
        _, err = ended(process)
    assert process.returncode == 130
    assert "stopping at once (the device is gone [device_failed]): what is not committed will be read again" in err


def test_commits_that_take_longer_than_their_interval_do_not_fill_the_log() -> None:
    with program("DeviceError(Code.DEVICE_FAILED, 'the end')", overlaps=20) as process:
        _, err = ended(process)
    assert err.count("Timer commit is overlapping") == 1
