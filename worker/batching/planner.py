"""The batching policy, whole and pure: what waits, the time and limits go in; a batch, or when to ask again, comes out.

The rule:

1. A batch is formed only when the device can take it (late binding: until then it may still grow).
2. The oldest text is in every batch; the others are the nearest to it in length, so that little is padded. They are
   looked for among the oldest ``LOOKAHEAD`` batches' worth only: outputs leave in order, so that a text which is passed
   over for long holds back all that came after it.
3. A batch holds at most ``batch_size`` texts and ``batch_tokens`` padded tokens (longest x count). A text that is over
   the whole budget goes alone.
4. An idle device gets what there is at once. Behind a batch that is being computed, the next one is sent ahead when a
   bound is reached or its oldest text has waited for ``batch_time``.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

LOOKAHEAD = 8
"""Batches' worth of texts, from the oldest on, among which neighbours in length are looked for."""


class Flush(StrEnum):
    """Why a batch was dispatched."""

    SIZE = "size"
    TOKENS = "tokens"
    TIME = "time"
    IDLE = "idle"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a batch."""

    batch_size: int
    """Texts."""
    batch_tokens: int
    """Padded tokens: the longest text's tokens times the number of texts."""
    batch_time: float
    """Seconds from the oldest text's arrival after which it is sent to a busy device's queue."""
    in_flight: int
    """Batches at the device, the computing one included."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next step: dispatch ``chosen`` because of ``flush``, or wait until ``deadline``.

    With ``flush`` None nothing is dispatched; ``deadline`` is then the time to ask again, or None where only an arrival
    or a finished batch can change the answer.
    """

    chosen: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """Positions in the backlog, the oldest first, then by distance in length."""
    flush: Flush | None = None
    deadline: float | None = None


WAIT = Plan()


def plan(
    lengths: NDArray[np.int32], oldest: float, now: float, limits: Limits, in_flight: int, *, draining: bool = False
) -> Plan:
    """Decide on the next batch.

    Args:
        lengths: tokens of each waiting text, shape [n], in order of arrival.
        oldest: arrival of the first of them, in seconds of the clock that gave ``now``.
        now: the time, in seconds.
        limits: bounds of a batch.
        in_flight: batches that the device has and has not finished.
        draining: nothing more will arrive, so there is nothing to wait for.
    """
    if lengths.size == 0 or in_flight >= limits.in_flight:
        return WAIT
    chosen = choose(lengths, limits)
    if chosen.size == limits.batch_size:
        flush = Flush.SIZE
    elif chosen.size < lengths.size:
        flush = Flush.TOKENS
    elif in_flight == 0:
        flush = Flush.IDLE
    elif now >= oldest + limits.batch_time:
        flush = Flush.TIME
    elif draining:
        flush = Flush.DRAIN
    else:
        return Plan(deadline=oldest + limits.batch_time)
    return Plan(chosen, flush)


def choose(lengths: NDArray[np.int32], limits: Limits) -> NDArray[np.intp]:
    """The largest batch within the bounds of the oldest text and those nearest to it in length in the lookahead.

    Returns:
        Positions in ``lengths`` (shape [n], n >= 1), shape [k] with k >= 1; the oldest first, then by distance in
        length, then by age.
    """
    distance = np.abs(lengths[: LOOKAHEAD * limits.batch_size] - lengths[0])
    nearest = np.argsort(distance, kind="stable")[: limits.batch_size]
    longest = np.maximum.accumulate(lengths[nearest])
    padded = longest.astype(np.int64) * np.arange(1, nearest.size + 1)
    # Never decreasing, so the budget cuts it at one place. The first text stays in even over the budget: it goes alone.
    count = int(np.searchsorted(padded, limits.batch_tokens, side="right"))
    return nearest[: max(count, 1)]
