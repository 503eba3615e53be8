"""A server that has imported the worker and forks one for each line on its input: a start without seconds of imports.

A line is a JSON object with ``name``, ``flags``, ``orders`` and ``log``; each child is ``sentiment-worker run`` with
another classifier, to the end of the interpreter. Answers are lines of JSON, too: ``{"name", "pid"}`` at a start and
``{"name", "pid", "code"}`` at an end. The end of the input kills all that is left.
"""

import ctypes
import functools
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any, cast

import worker.cli
import worker.run
from chaos.device import ChaosClassifier

DIE_WITH_PARENT = 1  # Linux: PR_SET_PDEATHSIG


def child(name: str, flags: list[str], orders: str, log: str) -> int:
    """Run the worker; returns its exit code."""
    os.setsid()  # Ctrl-C at the terminal is not for the workers
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["sentiment-worker", "run", *flags]
    worker.run.run = functools.partial(worker.run.run, load=lambda _: cast(Any, ChaosClassifier(name, Path(orders))))
    return worker.cli.main()


def serve() -> int:
    """Fork until the input ends; returns an exit code, in a child that of its worker."""
    names: dict[int, str] = {}
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.05)
        if readable:
            data = os.read(0, 65_536)
            if not data:
                break
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                order = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    return child(**order)
                names[pid] = order["name"]
                print(json.dumps({"name": order["name"], "pid": pid}), flush=True)
        while names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            code = os.waitstatus_to_exitcode(status)
            print(json.dumps({"name": names.pop(pid), "pid": pid, "code": code}), flush=True)
    for pid in names:
        os.kill(pid, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(serve())
