"""Stops commands at random moments: ``python -m integration.random_stops BOOTSTRAP MODEL COUNT [SEED]``.

Each is to end by itself, soon, with an exit code that it promises, and without a traceback or an abort.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from integration.polling import eventually
from integration.process import COMMAND, environment, free_port

SECONDS = 60.0
"""A stop that takes longer hangs."""
UNCLEAN = (
    *("Traceback", "terminate called", "Fatal Python", "Event loop is closed"),
    *("never awaited", "Exception ignored"),
)
CODES = {
    # A worker that runs ends with 0 at Ctrl-C, too; before it has begun it is a command like any other.
    ("run", signal.SIGTERM): {0, 143},
    ("run", signal.SIGINT): {0, 130},
}


@dataclass(frozen=True, slots=True)
class Stop:
    """What to stop, how, and after how many seconds."""

    command: str
    arguments: Sequence[str]
    signum: signal.Signals
    seconds: float
    stdin: str = ""

    def codes(self) -> set[int]:
        """Exit codes that it may have; 0 also where it was done before."""
        usual = {130} if self.signum is signal.SIGINT else {143}
        return CODES.get((self.command, self.signum), usual | {0})


def draw(chosen: random.Random, longest: float, model: Path) -> Stop:
    """Choose a command, a signal and a moment within ``longest`` seconds."""
    commands = {
        "run": ([], ""),
        "classify": (["--model", str(model)], "\n".join(["good", "bad"] * 2_000)),
        "doctor": (["--model", str(model)], ""),
        "watch": ([], ""),
    }
    command = chosen.choices([*commands], weights=[3, 3, 1, 1])[0]
    arguments, stdin = commands[command]
    signum = chosen.choice([signal.SIGINT, signal.SIGTERM])
    return Stop(command, arguments, signum, chosen.uniform(0.05, longest), stdin)


def carry_out(stop: Stop, settings: Mapping[str, object], log: Path) -> list[str]:
    """Start the command, stop it, and return what was not clean about its end."""
    with log.open("wb") as output, tempfile.TemporaryFile() as stdin:
        stdin.write(stop.stdin.encode())
        stdin.seek(0)
        process = subprocess.Popen(
            [*COMMAND, stop.command, *stop.arguments],
            env=environment({**settings, "web_port": free_port()}),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        eventually(lambda: process.poll() is not None or _is_ours(process.pid), "our code has begun")
        time.sleep(stop.seconds)  # the moment is what is tried
        process.send_signal(stop.signum)
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return [f"still running after {SECONDS:g} s"]
    text = log.read_text(errors="replace")
    found = [] if code in stop.codes() else [f"exit code {code}"]
    return found + [sign for sign in UNCLEAN if sign in text]


def _is_ours(pid: int) -> bool:
    """Whether a process catches SIGTERM, which Python itself does not: before that it is the interpreter that ends."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def main(bootstrap: str, model: str, count: str, seed: str = "1") -> int:
    # Where a shell has put us in the background Ctrl-C is ignored, and would be by what we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen, unclean = random.Random(int(seed)), 0
    folder = Path(tempfile.mkdtemp(prefix="random-stops-"))
    settings = {"bootstrap_servers": bootstrap, "model": model, "session_timeout": 6, "drain_timeout": 10}
    settings["group_id"] = settings["input_topics"] = f"random-stops-{os.getpid()}"
    for number in range(int(count)):
        stop = draw(chosen, 15.0, Path(model))
        log = folder / f"{number}.log"
        found = carry_out(stop, settings, log)
        unclean += bool(found)
        line = f"{number} {stop.command} {stop.signum.name} after {stop.seconds:.2f} s: {', '.join(found) or 'clean'}"
        print(line + (f" ({log})" if found else ""), flush=True)  # noqa: T201
    print(f"{unclean} of {count} ends were not clean")  # noqa: T201
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
