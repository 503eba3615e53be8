"""The other end of ``prefork.py``: starts workers' processes and tells of their starts and ends."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from integration.process import ROOT, environment

Listener = Callable[[str, int, int | None], None]
"""Called with a name, a process id, and the exit code, None at a start; in a thread of its own."""


class Processes:
    """A context: every process that is left at its end is killed."""

    def __enter__(self) -> Self:
        self._listeners: dict[str, Listener] = {}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "chaos.prefork"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment({}),
            cwd=ROOT,
            start_new_session=True,  # Ctrl-C at the terminal is not for it
        )
        threading.Thread(target=self._listen, name="processes", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

    def start(self, name: str, flags: list[str], orders: Path, log: Path, listener: Listener) -> None:
        """Start a worker under a name that no other has; returns at once."""
        self._listeners[name] = listener
        order = {"name": name, "flags": flags, "orders": str(orders), "log": str(log)}
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        self._server.stdin.flush()

    def _listen(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            message = json.loads(line)
            self._listeners[message["name"]](message["name"], message["pid"], message.get("code"))
