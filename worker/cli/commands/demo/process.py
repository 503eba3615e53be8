"""The worker as a process of its own: the real ``sentiment-worker run``."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from worker.cli.shared.flags import CLASSIFIER, flag, shown
from worker.errors import Code, WorkerError
from worker.process import INTERRUPTED, TERMINATED
from worker.settings import ENV_PREFIX, Settings
from worker.settings_file import CONFIG_FILE_VARIABLE

PASSED_ON = (*CLASSIFIER, "max_batch_time", "max_in_flight_batches", "log_level")
"""Settings that the demo leaves to the user; topics, shapes and connection are its own."""

READY_SECONDS = 180.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1
LOG_LINES = 15
_BY_SIGNAL = {TERMINATED, INTERRUPTED, -signal.SIGTERM, -signal.SIGINT}
"""Exit codes of a worker that a stop met before it ran; the negative ones where its interpreter was still starting."""


class WorkerProcess:
    """Started on entering the block, stopped as an operator would (SIGTERM) on leaving it."""

    def __init__(self, settings: Settings, bootstrap_servers: str) -> None:
        self.port = _free_port()
        folder = Path(tempfile.mkdtemp(prefix="sentiment-worker-"))
        self.log = folder / "worker.log"
        self._no_settings = folder / "no-settings.toml"
        self._command = [
            *(sys.executable, "-m", "worker.cli", "run"),
            *("--bootstrap-servers", bootstrap_servers, "--web-port", str(self.port), "--start-from", "earliest"),
            *_passed_on(settings),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def statistics_page(self) -> str:
        return f"http://127.0.0.1:{self.port}/statistics"

    def __enter__(self) -> Self:
        # The user's other settings are for their Kafka, not for this one: an empty file hides those of the folder.
        environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(ENV_PREFIX)}
        self._no_settings.touch()
        environment[CONFIG_FILE_VARIABLE] = str(self._no_settings)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)  # nothing happens if it has ended
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # The user's Ctrl-C reaches the worker, too, which may not be ready for it.
        stopped = kind is not None and issubclass(kind, asyncio.CancelledError) and process.returncode in _BY_SIGNAL
        if process.returncode == 0 or stopped:
            shutil.rmtree(self.log.parent, ignore_errors=True)  # a log of trouble stays to be read

    async def wait_ready(self) -> None:
        """Wait until the model is warm and the partitions are assigned.

        Raises:
            WorkerError: the worker ended instead, or takes too long.
        """
        try:
            async with asyncio.timeout(READY_SECONDS):
                while await self._page("readyz") is None:
                    self.check()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise WorkerError(
                Code.DEMO_TIMED_OUT, f"the worker is not ready after {READY_SECONDS:g} s; its log is {self.log}"
            ) from None

    async def wait_ended(self) -> None:
        """Wait until the worker has ended, which it does only when something goes wrong.

        Raises:
            WorkerError: it has.
        """
        while True:
            self.check()
            await asyncio.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Check that the worker still runs.

        Raises:
            WorkerError: it does not; the error has the end of its log.
        """
        if self._process is not None and (code := self._process.poll()) is not None:
            end = "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])
            raise WorkerError(
                Code.DEMO_WORKER_ENDED,
                f"the worker ended with exit code {code}; the end of its log, {self.log}:\n{end}",
            )

    async def statistics(self) -> dict[str, Any]:
        """Return the worker's own counts, as its health page gives them; empty if it does not answer."""
        return await self._page("statistics") or {}

    async def _page(self, name: str) -> dict[str, Any] | None:
        return await asyncio.to_thread(_get, f"http://127.0.0.1:{self.port}/{name}")


def _get(url: str) -> dict[str, Any] | None:
    # Past any proxy of the environment: the page is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            page = json.loads(response.read())
    except (OSError, ValueError):
        return None
    return page if isinstance(page, dict) else None


def _passed_on(settings: Settings) -> list[str]:
    arguments: list[str] = []
    for name in PASSED_ON:
        value = getattr(settings, name)
        if value != Settings.model_fields[name].get_default(call_default_factory=True):
            arguments += [flag(name), shown(value)]
    return arguments


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
