"""How long after a fault until every partition gets on, and how much may have been repeated. Pure."""

from bisect import bisect_left
from collections import Counter, defaultdict
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


def most_within(answers: Iterable[Answered], seconds: int) -> int:
    """Return the most outputs that were made within so many seconds."""
    counts = Counter(int(answer.made) for answer in answers if answer.writer)
    if not counts:
        return 0
    times = range(min(counts), max(counts) + 1)
    return max(sum(counts[time + later] for later in range(seconds)) for time in times)
