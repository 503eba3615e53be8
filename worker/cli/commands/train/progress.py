"""How far a training is, and the signals that ask it to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from worker.cli.shared.console import stderr

if TYPE_CHECKING:
    from worker.training.loop import Progress


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect the first SIGINT (Ctrl-C) and the first SIGTERM; the second of either ends the process as before."""
    requests: list[int] = []
    former: dict[int, Any] = {}

    def request(number: int, _frame: object) -> None:
        requests.append(number)
        signal.signal(number, former[number])

    for wanted in (signal.SIGINT, signal.SIGTERM):
        former[wanted] = signal.signal(wanted, request)
    try:
        yield requests
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class Bar:
    """Steps, loss and dev score on a terminal; elsewhere a line for each dev score."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = stderr()
        self._progress = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TextColumn("loss [bold]{task.fields[loss]}[/bold]  dev macro F1 [bold]{task.fields[dev]}[/bold]"),
            TimeRemainingColumn(),
            console=self._console,
            expand=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, loss="-", dev="-")
        self._dev = "-"
        self.standing = "no step"
        """Where the run stands, in words."""

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, now: "Progress") -> None:
        """Note a step of the training."""
        self.standing = f"step {now.step} of {now.steps}"
        if now.dev_score is not None:
            best = now.best_score if now.best_score is not None else now.dev_score
            self._dev = f"{now.dev_score:.3f}" + (f" (best {best:.3f})" if best > now.dev_score else "")
            if not self._console.is_terminal:
                self._console.print(f"{self.standing}: loss {now.loss:.3f}, dev macro F1 {self._dev}")
        self._progress.update(self._task, completed=now.step, total=now.steps, loss=f"{now.loss:.3f}", dev=self._dev)
