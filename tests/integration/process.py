"""The worker as a user runs it: a process of its own, set up by environment variables alone."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from integration.polling import eventually

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "worker.cli")
START_SECONDS = 90.0
"""Importing torch on busy cores takes most of it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This process's environment without settings of its own, with these instead."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")}
    # Small models on few cores: threads that spin for work would only take it from the other processes.
    own = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}
    own["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "tests")))  # the tests have apps of their own
    return inherited | own | {f"SENTIMENT_{name.upper()}": str(value) for name, value in settings.items()}


def run_command(*arguments: str, settings: Mapping[str, object], stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command of ``sentiment-worker`` to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(settings), input=stdin, text=True, capture_output=True, timeout=90
    )


def only_sentence(output: str) -> str:
    """Return the last line of a command's stderr, which is no traceback's."""
    assert "Traceback" not in output
    return " ".join(output.split("sentiment-worker: ")[-1].split())


class Worker:
    """A running worker. Its log, stdout and stderr together, is kept in a file."""

    def __init__(
        self,
        settings: Mapping[str, object],
        log: Path,
        command: Sequence[str] = (*COMMAND, "run"),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            settings: of the worker.
            log: the file for what it prints.
            command: another one than ``run``; ``{port}`` in it is the port of the health pages.
            variables: of its environment, besides the settings.
        """
        self.port = free_port()
        self.log_path = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [part.format(port=self.port) for part in command],
                env=environment({"web_port": self.port, **settings}) | dict(variables or {}),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def warnings(self) -> list[str]:
        """Lines of its log that are more than information."""
        return [line for line in self.log.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL)\b", line)]

    def wait_ready(self) -> "Worker":
        """Until /readyz says so: model warm, partitions assigned."""
        eventually(self._ready_or_dead, f"the worker is ready; its log: {self.log_path}", START_SECONDS)
        return self

    def _ready_or_dead(self) -> bool:
        assert self.process.poll() is None, f"the worker ended with {self.process.returncode}:\n{self.log[-3000:]}"
        return self.page("readyz") is not None

    def page(self, name: str) -> Any:
        """A health page's JSON; None unless it answers 200."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}", timeout=2) as response:
                return json.load(response)
        except (urllib.error.URLError, OSError, json.JSONDecodeError):
            return None

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self, signum: signal.Signals = signal.SIGTERM, seconds: float = 40.0) -> int:
        """Ask it to stop; returns its exit code."""
        self.process.send_signal(signum)
        return self.wait(seconds)

    def wait(self, seconds: float = START_SECONDS) -> int:
        """Until it ends; returns its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds:g} s:\n{self.log[-3000:]}") from None

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self.process.kill()
        self.process.wait()
