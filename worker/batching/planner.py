"""The complete batching policy, as pure functions: given the backlog, the time and the limits, they plan the next step.

The rule:

1. A batch is formed only when the device can accept it (late binding: until then it may still grow).
2. The oldest text is in every batch; the others are those nearest to it in length, so that there is little padding.
   They are taken only from the oldest ``LOOKAHEAD`` batches' worth of texts: outputs are published in order, so a text
   that is passed over for long holds back all that came after it.
3. A batch holds at most ``batch_size`` texts and ``batch_tokens`` padded tokens (longest x count). A text that exceeds
   the budget by itself goes alone.
4. An idle device gets whatever is waiting at once. While the device computes a batch, the next one is queued when a
   bound is reached or its oldest text has waited for ``batch_time``.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

LOOKAHEAD = 8
"""Batches' worth of texts, from the oldest on, in which texts of similar length are searched for."""


class Flush(StrEnum):
    """Reasons why a batch is dispatched."""

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
    """Seconds after the oldest text's arrival at which it is sent to a busy device's queue."""
    in_flight: int
    """Batches at the device, including the one being computed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next step: dispatch ``chosen`` because of ``flush``, or wait until ``deadline``.

    With ``flush`` None nothing is dispatched; ``deadline`` is then the time to plan again, or None if only an arrival
    or a finished batch can change the plan.
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
        oldest: arrival of the first of them, in seconds of the same clock as ``now``.
        now: the time, in seconds.
        limits: bounds of a batch.
        in_flight: batches that the device has not finished.
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
    """Choose the largest batch within the bounds: the oldest text and the nearest in length within the lookahead.

    Returns:
        Positions in ``lengths`` (shape [n], n >= 1), shape [k] with k >= 1; the oldest first, then by distance in
        length, then by age.
    """
    distance = np.abs(lengths[: LOOKAHEAD * limits.batch_size] - lengths[0])
    nearest = np.argsort(distance, kind="stable")[: limits.batch_size]
    longest = np.maximum.accumulate(lengths[nearest])
    padded = longest.astype(np.int64) * np.arange(1, nearest.size + 1)
    # Never decreasing, so the budget cuts it at one place. The first text stays even beyond the budget: it goes alone.
    count = int(np.searchsorted(padded, limits.batch_tokens, side="right"))
    return nearest[: max(count, 1)]
