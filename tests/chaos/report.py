"""The result of a run: a table for people, a row for the documentation, and whether every promise was kept."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from chaos.accounts import Account
from chaos.exits import End

BATCH_BYTES = 1_000_000
"""The most that a worker hands to the socket at once, for each output partition."""


@dataclass(frozen=True, slots=True)
class Done:
    """A fault as it was carried out; times are seconds since the epoch."""

    epoch: str
    kind: str
    begin: float
    end: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class EpochResult:
    """The result of an epoch."""

    name: str
    account: Account
    faults: Sequence[Done]
    recoveries: Sequence[tuple[str, float]]
    """Fault and seconds: see ``recovery.py``."""
    ends: Sequence[End]
    memory: dict[str, int] = field(default_factory=dict)
    """Worker -> the most bytes."""
    tracebacks: int = 0
    """In the logs of its workers."""
    repeats_allowed: int = 0
    late_allowed: int = 0
    stuck: bool = False
    """Whether the events were not all committed in time once the faults had ended."""

    @property
    def unexpected(self) -> list[End]:
        return [end for end in self.ends if end.expected is None]

    def broken(self) -> list[str]:
        """Return the promises that were not kept, each with its figure."""
        account = self.account
        figures = {
            "lost": len(account.lost),
            "out of order": len(account.disordered),
            "wrong": len(account.wrong),
            "answers to nothing": len(account.strange),
            "unexpected exits": len(self.unexpected),
            f"late beyond {self.late_allowed:,}": max(0, len(account.late) - self.late_allowed),
            f"repeated beyond {self.repeats_allowed:,}": max(0, account.repeated - self.repeats_allowed),
            "stuck": int(self.stuck),
            "faults that could not be carried out": sum(bool(fault.error) for fault in self.faults),
        }
        return [f"{self.name}: {name}: {count:,}" for name, count in figures.items() if count]


def table(results: Sequence[EpochResult]) -> str:
    """Return what is counted, one column for each epoch."""
    rows: list[tuple[str, list[str]]] = []

    def row(title: str, cells: Sequence[object]) -> None:
        rows.append((title, [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells]))

    accounts = [result.account for result in results]
    row("", [result.name for result in results])
    row("events", [account.events for account in accounts])
    row("of them to be answered", [account.required for account in accounts])
    row("faults", [len(result.faults) for result in results])
    row("lost", [len(account.lost) for account in accounts])
    row("out of order, per key", [len(account.disordered) for account in accounts])
    row("wrong", [len(account.wrong) for account in accounts])
    row("answers to nothing", [len(account.strange) for account in accounts])
    row("repeated", [account.repeated for account in accounts])
    row("  allowed", [result.repeats_allowed for result in results])
    row("  most copies of one", [account.most_copies for account in accounts])
    row("late", [len(account.late) for account in accounts])
    row("  allowed", [result.late_allowed for result in results])
    row("dead letters expected", [account.dead_letters_expected.total() for account in accounts])
    row("dead letters seen", [account.dead_letters_seen.total() for account in accounts])
    row("keys in two partitions", [account.split_keys for account in accounts])
    row("recovery, median", [_seconds(result, statistics.median) for result in results])
    row("recovery, longest", [_seconds(result, max) for result in results])
    row(
        "memory of a worker, most", [f"{max(result.memory.values(), default=0) / 2**20:,.0f} MiB" for result in results]
    )
    row("exits expected", [len(result.ends) - len(result.unexpected) for result in results])
    row("exits unexpected", [len(result.unexpected) for result in results])
    row("tracebacks in logs", [result.tracebacks for result in results])
    width = max(len(title) for title, _ in rows) + 2
    return "\n".join(title.ljust(width) + "".join(cell.rjust(14) for cell in cells) for title, cells in rows)


def details(results: Sequence[EpochResult]) -> str:
    """Return how often each kind of fault came and how long recovery from it took, and every unexpected exit."""
    lines = []
    kinds = Counter(fault.kind for result in results for fault in result.faults)
    for kind, count in sorted(kinds.items()):
        times = [seconds for result in results for name, seconds in result.recoveries if name == kind]
        recovery = f"recovered in {statistics.median(times):.1f} s, at most {max(times):.1f} s" if times else ""
        lines.append(f"{count:4} {kind.ljust(24)} {recovery}")
    reasons = Counter(end.expected or "unexpected" for result in results for end in result.ends)
    lines.append("exits: " + ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()))
    for result in results:
        lines += [f"unexpected exit of {end.name} in {result.name}: code {end.code}" for end in result.unexpected]
        lines += [f"{fault.kind} in {result.name}: {fault.error}" for fault in result.faults if fault.error]
    return "\n".join(lines)


MARKDOWN_HEAD = (
    "| Run | Events | Faults | Lost | Out of order | Wrong | Repeated (allowed; most copies) | Late (allowed) "
    "| Dead letters (expected) | Recovery, median and longest | Memory | Unexpected exits |\n" + "|---" * 12 + "|"
)


def markdown(command: str, results: Sequence[EpochResult]) -> str:
    """Return the run as one row of the table in docs/guarantees.md."""
    accounts = [result.account for result in results]
    times = [seconds for result in results for _, seconds in result.recoveries] or [0.0]
    cells = (
        f"`{command}`",
        f"{sum(account.events for account in accounts):,}",
        f"{sum(len(result.faults) for result in results)}",
        f"{sum(len(account.lost) for account in accounts)}",
        f"{sum(len(account.disordered) for account in accounts)}",
        f"{sum(len(account.wrong) + len(account.strange) for account in accounts)}",
        f"{sum(account.repeated for account in accounts):,} "
        f"({sum(result.repeats_allowed for result in results):,}; {max(account.most_copies for account in accounts)})",
        f"{sum(len(account.late) for account in accounts):,} ({sum(result.late_allowed for result in results):,})",
        f"{sum(account.dead_letters_seen.total() for account in accounts):,} "
        f"({sum(account.dead_letters_expected.total() for account in accounts):,})",
        f"{statistics.median(times):.1f} s, {max(times):.1f} s",
        f"{max((most for result in results for most in result.memory.values()), default=0) / 2**20:,.0f} MiB",
        f"{sum(len(result.unexpected) for result in results)}",
    )
    return "| " + " | ".join(cells) + " |"


def _seconds(result: EpochResult, statistic: object) -> str:
    times = [seconds for _, seconds in result.recoveries]
    return f"{statistic(times):.1f} s" if times and callable(statistic) else "-"
