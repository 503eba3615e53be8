"""Counts of what the worker has done and holds: kept in one place, read as frozen snapshots."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

#: Upper bounds of the latency histogram's buckets, in seconds: 1 ms to about 18 minutes, a quarter more each.
LATENCY_BOUNDS = tuple(0.001 * 1.25**step for step in range(63))


@dataclass(frozen=True, slots=True)
class Statistics:
    """A snapshot. Counts are since the start; an event is counted once, when the broker has its answer."""

    received: int
    """Events taken in."""
    published: int
    """Enriched events that the broker acknowledged."""
    dead_lettered: int
    """Dead letters that the broker acknowledged."""
    forwarded: int
    """Tombstones, and events that are not classified, passed on as they came."""
    skipped: int
    """Events that are not classified and answered by nothing."""
    dead_letter_reasons: dict[str, int]
    """Dead letters by reason, counted when they are decided on."""
    pending_events: int
    """Events received and not yet answered."""
    pending_bytes: int
    """Bytes of their values."""
    waiting_texts: int
    """Texts in the backlog."""
    in_flight_batches: int
    """Batches that the device has."""
    batches: int
    """Batches classified."""
    batch_events: int
    """Texts in them."""
    batch_tokens: int
    """Tokens in them, without padding."""
    batch_padded_tokens: int
    """Tokens in them, padding included."""
    batch_token_limit: int
    """Tokens that a batch may have now, padding included; lower than configured while the device lacks memory."""
    inference_seconds: float
    """Time the device computed."""
    flushes: dict[str, int]
    """Batches by the reason for which they were dispatched."""
    latency_p50: float | None
    """Seconds from an event's arrival in the worker to the broker's acknowledgement of its answer; None before any."""
    latency_p95: float | None
    offset_resets: int = 0
    """Partitions that were read on elsewhere because their offset was not of their log any more."""
    stalled_partitions: dict[str, int] = field(default_factory=dict)
    """Offsets that wait behind an open transaction, by partition (``topic-number``)."""


@dataclass(slots=True)
class Counters:
    """Counters that the pipeline adds to."""

    received: int = 0
    published: int = 0
    dead_lettered: int = 0
    forwarded: int = 0
    skipped: int = 0
    batches: int = 0
    batch_events: int = 0
    batch_tokens: int = 0
    batch_padded_tokens: int = 0
    inference_seconds: float = 0.0
    dead_letter_reasons: Counter[str] = field(default_factory=Counter)
    flushes: Counter[str] = field(default_factory=Counter)
    _latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))

    def count_batch(self, texts: int, tokens: int, padded_tokens: int, seconds: float) -> None:
        """Count a batch that the device has classified."""
        self.batches += 1
        self.batch_events += texts
        self.batch_tokens += tokens
        self.batch_padded_tokens += padded_tokens
        self.inference_seconds += seconds

    def observe_latency(self, seconds: float, events: int) -> None:
        self._latencies[bisect_left(LATENCY_BOUNDS, seconds)] += events

    def latency(self, quantile: float) -> float | None:
        """The upper bound of the bucket that holds the quantile (0..1): at most a quarter too high."""
        total = sum(self._latencies)
        if total == 0:
            return None
        seen = 0
        for count, bound in zip(self._latencies, LATENCY_BOUNDS, strict=False):
            seen += count
            if seen >= quantile * total:
                return bound
        return LATENCY_BOUNDS[-1]

    def snapshot(
        self,
        *,
        pending_events: int,
        pending_bytes: int,
        waiting_texts: int,
        in_flight_batches: int,
        batch_token_limit: int,
    ) -> Statistics:
        """Return the counts, and what the worker holds, as they are now."""
        return Statistics(
            received=self.received,
            published=self.published,
            dead_lettered=self.dead_lettered,
            forwarded=self.forwarded,
            skipped=self.skipped,
            dead_letter_reasons=dict(self.dead_letter_reasons),
            pending_events=pending_events,
            pending_bytes=pending_bytes,
            waiting_texts=waiting_texts,
            in_flight_batches=in_flight_batches,
            batches=self.batches,
            batch_events=self.batch_events,
            batch_tokens=self.batch_tokens,
            batch_padded_tokens=self.batch_padded_tokens,
            batch_token_limit=batch_token_limit,
            inference_seconds=self.inference_seconds,
            flushes=dict(self.flushes),
            latency_p50=self.latency(0.5),
            latency_p95=self.latency(0.95),
        )
