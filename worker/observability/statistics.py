"""The numbers of the ``/statistics`` page: a view of the metrics, as a frozen snapshot."""

from dataclasses import dataclass, field

from worker.observability.metrics import Metrics


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


def statistics(metrics: Metrics) -> Statistics:
    """Return the numbers as they are now."""
    stalled = metrics.stalled_offsets.values().items()
    return Statistics(
        received=int(metrics.received_messages.total),
        published=int(metrics.published_messages.total),
        dead_lettered=int(metrics.published_dead_letter_messages.total),
        forwarded=int(metrics.forwarded_messages.total),
        skipped=int(metrics.skipped_messages.total),
        dead_letter_reasons={reason: int(count) for reason, count in metrics.dead_letter_messages.by_label().items()},
        pending_events=int(metrics.pending_messages.value or 0),
        pending_bytes=int(metrics.pending_bytes.value or 0),
        waiting_texts=int(metrics.waiting_texts.value or 0),
        in_flight_batches=int(metrics.in_flight_batches.value or 0),
        batches=metrics.batch_size.count,
        batch_events=int(metrics.batch_size.sum),
        batch_tokens=int(metrics.batch_tokens.sum),
        batch_padded_tokens=int(metrics.batch_padded_tokens.sum),
        batch_token_limit=int(metrics.batch_token_limit.value or 0),
        inference_seconds=float(metrics.inference_seconds.sum),
        flushes={flush: int(count) for flush, count in metrics.batch_flush.by_label().items()},
        latency_p50=metrics.processing_latency.quantile(0.5),
        latency_p95=metrics.processing_latency.quantile(0.95),
        offset_resets=int(metrics.offset_resets.total),
        stalled_partitions={f"{topic}-{number}": int(count) for (topic, number), count in stalled},
    )
