"""The workers and their supervisor, which starts again what ended and keeps account of why it did."""

import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chaos.exits import End, Window, why_expected
from chaos.processes import Processes

RESTART_SECONDS = 1.0


@dataclass(slots=True)
class Slot:
    """The place of one worker, which may have several processes one after the other."""

    number: int
    orders: Path
    """The file that its device reads."""
    wanted: bool = True
    starts: int = 0
    name: str = ""
    pid: int = 0
    """0 while there is none."""
    started: float = 0.0
    again_at: float = 0.0
    signals: list[int] = field(default_factory=list)
    """Signals that the harness sent to the running process."""
    frozen: bool = False


class Supervisor:
    """Runs workers, each in a slot, until ``close``. Times are seconds since the epoch."""

    def __init__(self, processes: Processes, epoch: str, folder: Path, flags: Mapping[str, object]) -> None:
        self._processes = processes
        self._epoch = epoch
        self.folder = folder
        self.flags = dict(flags)
        self.ends: list[End] = []
        self.windows: list[Window] = []
        self.thaws: dict[str, list[float]] = {}
        self.memory: dict[str, int] = {}
        """Name -> the most bytes that it had in memory."""
        self.slots: list[Slot] = []
        self._lock = threading.RLock()
        self._closing = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Kill whatever still runs, and start nothing any more."""
        self._closing.set()
        self._watcher.join()
        with self._lock:
            for slot in self.slots:
                slot.wanted = False
                _signal(slot.pid, signal.SIGKILL)

    def add(self) -> Slot:
        """Start one more worker."""
        with self._lock:
            orders = self.folder / f"device-{len(self.slots)}"
            orders.write_text("")
            slot = Slot(len(self.slots), orders)
            self.slots.append(slot)
            self._start(slot)
        return slot

    def running(self, target: int) -> Slot | None:
        """Return one of the slots whose process runs, chosen by a number."""
        slots = [slot for slot in self.slots if slot.pid and slot.wanted and not slot.frozen]
        return slots[target % len(slots)] if slots else None

    def send(self, slot: Slot, signum: signal.Signals) -> None:
        """Send a signal to the slot's process, if it has one."""
        with self._lock:
            if _signal(slot.pid, signum):
                slot.signals.append(signum)
                slot.frozen = signum == signal.SIGSTOP
                if signum == signal.SIGCONT:
                    self.thaws.setdefault(slot.name, []).append(time.time())

    def stop(self, seconds: float) -> None:
        """Stop all workers cleanly; those that have not ended after ``seconds`` are killed, and found out."""
        for slot in self.slots:
            slot.wanted = False
            self.send(slot, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while any(slot.pid for slot in self.slots) and time.monotonic() < deadline:
            time.sleep(0.1)
        with self._lock:
            for slot in self.slots:
                _signal(slot.pid, signal.SIGKILL)  # not noted: nobody meant it to end so

    def during(self, kind: str, slot: int | None = None) -> Window:
        """Note that from now on something is going on that ends workers; ``Window.close`` says when it is over."""
        window = Window(kind, time.time(), slot)
        self.windows.append(window)
        return window

    def log_of(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _start(self, slot: Slot) -> None:
        slot.name = f"{self._epoch}-w{slot.number}.{slot.starts}"
        slot.starts += 1
        slot.started, slot.again_at, slot.signals, slot.frozen = time.time(), 0.0, [], False
        flags = [text for name, value in self.flags.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        self._processes.start(slot.name, flags, slot.orders, self.folder / f"{slot.name}.log", self._heard)

    def _heard(self, name: str, pid: int, code: int | None) -> None:
        with self._lock:
            slot = next(slot for slot in self.slots if slot.name == name)
            if code is None:
                slot.pid = pid
                if not slot.wanted:  # told to stop before it was there
                    self.send(slot, signal.SIGKILL if self._closing.is_set() else signal.SIGTERM)
                return
            slot.pid = 0
            slot.again_at = time.time() + RESTART_SECONDS
            if not self._closing.is_set():
                self._note(slot, code)

    def _note(self, slot: Slot, code: int) -> None:
        log = self.log_of(slot.name)
        end = End(slot.name, slot.number, time.time(), code, tuple(slot.signals), log)
        end.expected = why_expected(end, self.windows)
        self.ends.append(end)

    def _watch(self) -> None:
        while not self._closing.wait(0.2):
            with self._lock:
                for slot in self.slots:
                    if slot.pid:
                        self.memory[slot.name] = max(self.memory.get(slot.name, 0), _memory_of(slot.pid))
                    elif slot.wanted and slot.again_at and time.time() >= slot.again_at:
                        self._start(slot)


def _signal(pid: int, signum: signal.Signals) -> bool:
    """Send a signal; return whether there was a process to send it to.

    Workers are reaped by their parent, another process, which tells of their end a moment later: until then the pid
    leads nowhere.
    """
    try:
        if pid:
            os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return bool(pid)


def _memory_of(pid: int) -> int:
    """Return the bytes that a process has in memory; 0 where that is not told."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
