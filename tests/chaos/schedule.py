"""The schedule of faults: a pure function of seed and minutes, so that the same seed gives the same attack again.

A run has epochs, each with topics, a consumer group and workers of its own. Within an epoch three tracks of faults go
on side by side, so that a worker may be killed while a broker is away.
"""

import random
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import count

MAIN, RECREATED, REPLACED = "main", "recreated", "replaced"
TRACKS = ("brokers", "workers", "load")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault."""

    name: str
    track: str
    seconds: tuple[float, float] = (0.0, 0.0)
    """How long it lasts, at least and at most; 0: it is done at once."""
    epochs: tuple[str, ...] = (MAIN,)
    least_minutes: float = 0.0
    """Shorter runs leave it out."""


EVERY = (MAIN, RECREATED, REPLACED)
KINDS = (
    Kind("kill", "workers", epochs=EVERY),
    Kind("sigterm", "workers", epochs=EVERY),
    Kind("sigterm_twice", "workers", epochs=(MAIN, RECREATED)),
    Kind("freeze", "workers", (9, 12), (MAIN, RECREATED)),
    Kind("freeze_short", "workers", (1, 3)),
    Kind("worker_added", "workers", (3, 6)),
    Kind("worker_removed", "workers", (3, 6)),
    Kind("broker_paused", "brokers", (3, 11)),
    Kind("broker_restarted", "brokers"),
    Kind("broker_killed", "brokers"),
    Kind("output_leaderless", "brokers", (10, 14)),
    Kind("output_leaderless_long", "brokers", (50, 60), least_minutes=5),
    Kind("partitions_added", "load"),
    Kind("device_slow", "load", (3, 8)),
    Kind("device_out_of_memory", "load", (3, 8)),
    Kind("device_raises", "load", (2, 4)),
    Kind("device_nan", "load", (2, 4)),
    Kind("unparsable_batch", "load"),
    Kind("refused_timestamps", "load"),
    Kind("refused_keys", "load"),
    Kind("flood_below_breaker", "load"),
    Kind("flood_above_breaker", "load", (5, 15)),
    Kind("topic_recreated", "brokers", epochs=(RECREATED,)),
    Kind("output_recreated", "brokers", epochs=(RECREATED,)),
    Kind("broker_replaced", "brokers", epochs=(REPLACED,)),
)

SHARES = {MAIN: 0.6, RECREATED: 0.2, REPLACED: 0.2}
"""Of the time of a run."""
GAPS = {"brokers": (4.0, 14.0), "workers": (2.0, 9.0), "load": (2.0, 8.0)}
"""Seconds between the faults of a track, at least and at most."""
DURING = {"broker_restarted": 14.0, "broker_killed": 14.0, "broker_replaced": 20.0, "topic_recreated": 4.0}
"""About how long a fault takes that has no length of its own, for planning."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it comes ``gap`` seconds after the one before it on its track has ended, and lasts ``seconds``."""

    kind: str
    gap: float
    seconds: float
    target: int
    """Chooses what it hits: a worker, a partition."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """A part of the run with promises of its own."""

    name: str
    seconds: float
    tracks: dict[str, tuple[Fault, ...]]


def schedule(seed: int, minutes: float, without: Container[str] = ()) -> tuple[Epoch, ...]:
    """Return the epochs of a run. Every kind but those of ``without`` comes once before any comes again."""
    epochs = []
    for name, share in SHARES.items():
        seconds = minutes * 60 * share
        tracks = {track: tuple(_track(seed, minutes, name, track, seconds, without)) for track in TRACKS}
        epochs.append(Epoch(name, seconds, tracks))
    return tuple(epochs)


def _track(
    seed: int, minutes: float, epoch: str, track: str, seconds: float, without: Container[str]
) -> Iterator[Fault]:
    chosen = random.Random(f"{seed} {epoch} {track}")
    kinds = [
        kind
        for kind in KINDS
        if kind.track == track and epoch in kind.epochs and kind.least_minutes <= minutes and kind.name not in without
    ]
    if not kinds:
        return
    # In a short run the gaps shrink, so that every kind has its turn.
    usual = sum(_length(kind) + sum(GAPS[track]) / 2 for kind in kinds)
    pace = min(1.0, max(0.2, seconds / usual))
    now = 0.0
    for number in count():
        if number % len(kinds) == 0:
            chosen.shuffle(kinds)
        kind = kinds[number % len(kinds)]
        fault = Fault(
            kind.name,
            round(pace * chosen.uniform(*GAPS[track]), 2),
            round(chosen.uniform(*kind.seconds), 2),
            chosen.randrange(1_000),
        )
        now += fault.gap
        if now >= seconds:
            return
        yield fault
        now += max(fault.seconds, DURING.get(kind.name, 0.0))


def _length(kind: Kind) -> float:
    return max(sum(kind.seconds) / 2, DURING.get(kind.name, 0.0))
