"""The statistics page has the numbers of the metrics, under the names that its users know."""

from collections import Counter
from dataclasses import asdict

from worker.errors import Reason
from worker.observability.events import (
    BatchClassified,
    BatchSent,
    DeadLettersDecided,
    FetchReceived,
    OffsetReset,
    RangeDelivered,
)
from worker.observability.statistics import statistics
from worker.observability.telemetry import Telemetry


def test_before_anything_has_happened_all_is_zero() -> None:
    found = asdict(statistics(Telemetry().metrics))
    assert found == {
        "received": 0,
        "published": 0,
        "dead_lettered": 0,
        "forwarded": 0,
        "skipped": 0,
        "dead_letter_reasons": {},
        "pending_events": 0,
        "pending_bytes": 0,
        "waiting_texts": 0,
        "in_flight_batches": 0,
        "batches": 0,
        "batch_events": 0,
        "batch_tokens": 0,
        "batch_padded_tokens": 0,
        "batch_token_limit": 0,
        "inference_seconds": 0.0,
        "flushes": {},
        "latency_p50": None,
        "latency_p95": None,
        "offset_resets": 0,
        "stalled_partitions": {},
    }


def test_what_has_happened_is_under_its_name() -> None:
    telemetry = Telemetry()
    for event in (
        FetchReceived(100),
        BatchSent("size", waited=0.5),
        BatchSent("idle", waited=0.0),
        BatchSent("size", waited=0.5),
        BatchClassified(texts=4, tokens=15, padded_tokens=20, seconds=0.25),
        BatchClassified(texts=3, tokens=6, padded_tokens=6, seconds=0.5),
        RangeDelivered(published=8, dead_letters=4, forwarded=2, skipped=1, seconds=0.9, ages=[1.5] * 15),
        DeadLettersDecided(Counter([Reason.NO_TEXT, Reason.NO_TEXT, Reason.NOT_JSON])),
        OffsetReset("in[0] is read elsewhere"),
    ):
        telemetry.emit(event)
    gauges = telemetry.metrics
    gauges.pending_messages.ask(lambda: 85)
    gauges.pending_bytes.ask(lambda: 8_500)
    gauges.waiting_texts.ask(lambda: 5)
    gauges.in_flight_batches.ask(lambda: 2)
    gauges.batch_token_limit.ask(lambda: 20)
    gauges.stalled_offsets.ask_by_label(lambda: {("text-events", "1"): 2})

    found = asdict(statistics(gauges))

    assert (found.pop("latency_p50"), found.pop("latency_p95")) == (1.0, 1.0)
    assert found == {
        "received": 100,
        "published": 8,
        "dead_lettered": 4,
        "forwarded": 2,
        "skipped": 1,
        "dead_letter_reasons": {"no_text": 2, "not_json": 1},
        "pending_events": 85,
        "pending_bytes": 8_500,
        "waiting_texts": 5,
        "in_flight_batches": 2,
        "batches": 2,
        "batch_events": 7,
        "batch_tokens": 21,
        "batch_padded_tokens": 26,
        "batch_token_limit": 20,
        "inference_seconds": 0.75,
        "flushes": {"size": 2, "idle": 1},
        "offset_resets": 1,
        "stalled_partitions": {"text-events-1": 2},
    }
    assert all(type(found[name]) is int for name in found if name not in ("inference_seconds", *_NOT_NUMBERS))


_NOT_NUMBERS = ("dead_letter_reasons", "flushes", "stalled_partitions")
