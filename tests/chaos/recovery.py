"""How long after a fault until every partition gets on, and how much may have been repeated. Pure."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

from chaos.events import OLD_MS
from chaos.late import Answered


def recovery_times(ends: Iterable[tuple[str, float]], answers: Sequence[Answered]) -> list[tuple[str, float]]:
    """Return for each fault how many seconds passed until, in every partition, an event made after it was answered.

    Args:
        ends: each fault's kind and when it ended, seconds since the epoch.
        answers: every output.
    """
    partitions: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    seen: set[str] = set()
    for answer in answers:
        if answer.writer and answer.created_ms > OLD_MS and answer.identity not in seen:
            seen.add(answer.identity)
            partitions[answer.source_partition].append((answer.created_ms / 1_000, answer.made))
    for rows in partitions.values():
        rows.sort()
    times = []
    for kind, end in ends:
        answered = []
        for rows in partitions.values():
            index = bisect_left(rows, (end, 0.0))
            if index < len(rows):
                answered.append(rows[index][1] - end)
        if answered:
            times.append((kind, round(max(answered), 2)))
    return times


def made_within(windows: Iterable[tuple[float, float]], answers: Iterable[Answered]) -> int:
    """Return how many outputs were made within each of the windows, from and to, all together."""
    times = sorted(answer.made for answer in answers if answer.writer)
    return sum(bisect_right(times, end) - bisect_left(times, begin) for begin, end in windows)
