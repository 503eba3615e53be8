"""Stop commands at random moments: ``python -m integration.random_stops BOOTSTRAP MODEL COUNT [SEED [COMMAND ...]]``.

Each must end by itself, soon, with an exit code that it promises, without a traceback or an abort, and leave neither a
process nor a temporary file behind.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from integration.polling import eventually
from integration.process import COMMAND, environment, free_port

SECONDS = 60.0
"""A stop that takes longer hangs."""
UNCLEAN = (
    *("Traceback", "terminate called", "Fatal Python", "Event loop is closed"),
    *("never awaited", "Exception ignored", "Exception in"),
)
CODES = {
    # A worker that runs ends with 0 at Ctrl-C, too; before it has begun it is a command like any other.
    ("run", signal.SIGTERM): {0, 143},
    ("run", signal.SIGINT): {0, 130},
}
USED_AGAIN = ("torchinductor_*", "*-data")
"""Temporary folders that torch and Faust make once, for each user and each group, and use again."""
WEIGHTS = {"run": 3, "classify": 3, "doctor": 1, "watch": 1, "send": 2, "demo": 2, "train": 2}


@dataclass(frozen=True, slots=True)
class Stop:
    """A command, the signal that stops it, and the seconds until then."""

    command: str
    arguments: Sequence[str]
    signum: signal.Signals
    seconds: float
    stdin: str | None = ""
    """None: a pipe that stays open and empty, as a terminal at which nobody types."""

    def codes(self) -> set[int]:
        """Exit codes that it may have; 0 also where it was done before."""
        usual = {130} if self.signum is signal.SIGINT else {143}
        return CODES.get((self.command, self.signum), usual | {0})


def draw(chosen: random.Random, longest: float, model: Path, folder: Path, among: Sequence[str] = ()) -> Stop:
    """Choose a command, a signal and a moment within ``longest`` seconds.

    Args:
        chosen: the source of chance.
        longest: the latest moment.
        model: a small classifier.
        folder: for the files that a command reads and writes.
        among: the commands to choose from; all without it.
    """
    names = list(among or WEIGHTS)
    command = chosen.choices(names, weights=[WEIGHTS[name] for name in names])[0]
    arguments: list[str] = []
    stdin: str | None = ""
    match command:
        case "classify":
            arguments, stdin = ["--model", str(model)], "\n".join(["good", "bad"] * 2_000)
        case "doctor":
            arguments = ["--model", str(model)]
        case "send" if chosen.random() < 0.5:
            stdin = None
        case "send":
            stdin = "good\n" * 50_000
        case "demo":
            arguments = chosen.choice([[], ["--keep"]])
        case "train":
            labelled = folder / "labelled.csv"
            labelled.write_text("text,label\n" + "".join(f"good {n},pos\nbad {n},neg\n" for n in range(500)))
            out = folder / f"trained-{chosen.getrandbits(32)}"
            arguments = [str(labelled), "--out", str(out), "--base", str(model), "--epochs", "30", "--patience", "30"]
    signum = chosen.choice([signal.SIGINT, signal.SIGTERM])
    return Stop(command, arguments, signum, chosen.uniform(0.05, longest), stdin)


def carry_out(stop: Stop, settings: Mapping[str, object], log: Path) -> list[str]:
    """Start the command, stop it, and return what was not clean about its end."""
    temporary = log.with_suffix(".tmp")
    temporary.mkdir()
    with log.open("wb") as output, tempfile.TemporaryFile() as lines:
        if stop.stdin is not None:
            lines.write(stop.stdin.encode())
            lines.seek(0)
        process = subprocess.Popen(
            [*COMMAND, stop.command, *stop.arguments],
            env=environment({**settings, "web_port": free_port()}) | {"TMPDIR": str(temporary)},
            stdin=subprocess.PIPE if stop.stdin is None else lines,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        eventually(lambda: process.poll() is not None or _is_ours(process.pid), "our code has begun")
        time.sleep(stop.seconds)  # the moment is what is tried
        _send(stop.signum, process)
        code = process.wait(SECONDS)
        left = _left_by(process.pid)
    except subprocess.TimeoutExpired:
        return [f"still running after {SECONDS:g} s"]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
    text = log.read_text(errors="replace")
    found = [] if code in stop.codes() else [f"exit code {code}"]
    found += [f"{sign!r} in its output" for sign in UNCLEAN if sign in text]
    found += ["a process left running"] if left else []
    left_over = [path.name for path in temporary.iterdir() if not any(map(path.match, USED_AGAIN))]
    return found + [f"{name} left in TMPDIR" for name in left_over]


def _send(signum: signal.Signals, process: "subprocess.Popen[bytes]") -> None:
    """Send Ctrl-C to the whole process group, as a terminal does, and SIGTERM to the command alone."""
    if process.poll() is None and signum is signal.SIGINT:
        os.killpg(process.pid, signum)
    else:
        process.send_signal(signum)  # nothing happens if it has ended


def _left_by(group: int) -> bool:
    """Whether a process of the group still runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _is_ours(pid: int) -> bool:
    """Whether a process catches SIGTERM, which Python itself does not: before that it is the interpreter that ends."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def main(bootstrap: str, model: str, count: str, seed: str = "1", *among: str) -> int:
    # Where a shell has put us in the background Ctrl-C is ignored, and would be by what we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen, unclean = random.Random(int(seed)), 0
    folder = Path(tempfile.mkdtemp(prefix="random-stops-"))
    settings = {"bootstrap_servers": bootstrap, "model": model, "session_timeout": 6, "drain_timeout": 10}
    settings["group_id"] = settings["input_topics"] = f"random-stops-{os.getpid()}"
    print(f"seed {seed}, logs of what is not clean in {folder}", flush=True)  # noqa: T201
    for number in range(int(count)):
        stop = draw(chosen, 15.0, Path(model), folder, among)
        log = folder / f"{number}.log"
        found = carry_out(stop, settings, log)
        unclean += bool(found)
        line = f"{number} {stop.command} {stop.signum.name} after {stop.seconds:.2f} s: {', '.join(found) or 'clean'}"
        print(line + (f" ({log})" if found else ""), flush=True)  # noqa: T201
    print(f"{unclean} of {count} ends were not clean")  # noqa: T201
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
