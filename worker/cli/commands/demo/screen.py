"""The display of the running demo: a line for some of the answers, and the worker's counts below them."""

import time
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from worker.cli.commands.demo.stream import LEAD
from worker.cli.commands.demo.tally import Tally
from worker.cli.shared.console import STYLES

LINES_PER_SECOND = {True: 12.0, False: 3.0}
"""Answers shown, in a terminal and without one: as many as can be read. Dead letters are shown all."""

COUNTS_EVERY_SECONDS = 1.0
"""Seconds between two lines of counts where stdout is not a terminal."""


class Screen:
    """A live block at the foot of a terminal; plain lines where the output is none."""

    def __init__(self, console: Console, tally: Tally, expected: int) -> None:
        self._console = console
        self._tally = tally
        self._expected = expected
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._next_line = 0.0
        self._next_counts = time.monotonic() + COUNTS_EVERY_SECONDS

    def __enter__(self) -> "Screen":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def answer(self, line: Text, *, always: bool) -> None:
        """Show an answer, unless the last one was shown only just now."""
        now = time.monotonic()
        if not always and now < self._next_line:
            return
        self._next_line = now + 1 / LINES_PER_SECOND[self._console.is_terminal]
        self._console.print(line, no_wrap=True, overflow="ellipsis", crop=True)

    def counts(self, statistics: dict[str, Any]) -> None:
        """Show the counts as they are now."""
        if self._live is not None:
            self._live.update(self._block(statistics), refresh=True)
        elif time.monotonic() >= self._next_counts:
            self._next_counts += COUNTS_EVERY_SECONDS
            answered = f"{len(self._tally.answers):,} of {self._expected:,} answered"
            self._console.print(f"-- {answered}; {self._rates()}; {batches(statistics)}")

    def _block(self, statistics: dict[str, Any]) -> RenderableType:
        tally = self._tally
        answers = Text("  ").join(
            [
                *(Text(f"{tally.sentiments[sentiment]:,} {sentiment}", style) for sentiment, style in STYLES.items()),
                Text(f"{tally.dead_letters} dead letters", "magenta"),
            ]
        )
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_row("", "")
        grid.add_row("answered", ProgressBar(total=self._expected, completed=len(tally.answers), width=50))
        grid.add_row("", answers)
        grid.add_row("rate", self._rates())
        grid.add_row("batches", batches(statistics))
        return grid

    def _rates(self) -> str:
        tally = self._tally
        return f"{tally.events_per_second:,.0f} events/s; {latencies(tally)}"


def latencies(tally: Tally) -> str:
    """Nearly all of it is the wait among the events that the demo keeps ahead."""
    times = f"p50 {tally.latency(0.5):.2f} s, p95 {tally.latency(0.95):.2f} s"
    return f"sent to answered, with {LEAD:,} events on the way: {times}"


def batches(statistics: dict[str, Any]) -> str:
    """Describe number, size and padding of the batches, from the worker's own counts."""
    number, padded = statistics.get("batches", 0), statistics.get("batch_padded_tokens", 0)
    if not number or not padded:
        return "no batch yet"
    size = statistics["batch_events"] / number
    padding = 1 - statistics["batch_tokens"] / padded
    flushes = ", ".join(f"{reason} {count}" for reason, count in sorted(statistics.get("flushes", {}).items()))
    what = "batch" if number == 1 else "batches"
    return f"{number} {what} of {size:.0f} texts on average, {padding:.1%} padding, sent because of: {flushes}"
