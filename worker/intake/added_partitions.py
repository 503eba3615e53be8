"""Finding partitions that were added to a topic after its group began to read it. Pure: no clock, no broker.

A partition that was added later is read from its start, whatever ``start_from`` says, since the records written before
it was discovered also count. It has no committed offset, but neither has a partition that had no leader when the group
began. So each commit records how many partitions the topic had then: those with a higher number were added later.
"""

from collections.abc import Mapping

FIELD = "partitions"


def partitions_at_first(count: int, committed: Mapping[int, str]) -> int:
    """Return how many partitions a topic had when its group began to read it.

    Args:
        count: the number of partitions now.
        committed: the metadata that was committed with the offsets, by partition.
    """
    if not committed:
        return count
    counts = [known for known in map(read_count, committed.values()) if known is not None]
    if counts:
        return min(counts)
    # Another client committed. It is better to read too much than to skip records.
    return next(number for number in range(count + 1) if number not in committed)


def with_count(text: str, count: int) -> str:
    """Return the metadata to commit with an offset, with the number of partitions that the topic had at first."""
    return f"{text} {FIELD}={count}".lstrip()


def read_count(text: str) -> int | None:
    """Return the number that ``with_count`` wrote; None if there is none."""
    for field in text.split(" "):
        name, _, value = field.partition("=")
        if name == FIELD and value.isascii() and value.isdecimal():
            return int(value)
    return None
