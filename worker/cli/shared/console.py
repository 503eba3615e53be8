"""Where words go: results to stdout, everything said about them to stderr."""

from rich.console import Console

from worker.verdict import Sentiment

WIDE = 200
"""Columns for output that is not a terminal's: nothing is wrapped for a reader that is a program."""

STYLES = {Sentiment.NEGATIVE: "red", Sentiment.NEUTRAL: "yellow", Sentiment.POSITIVE: "green"}


def stdout() -> Console:
    """Return the console for results."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


def stderr() -> Console:
    """Return the console for progress, reports and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)
