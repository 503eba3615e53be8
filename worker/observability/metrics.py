"""Every metric of the worker. A new one is declared here, filled by an event, and listed in docs/metrics.md."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry

from worker.errors import Reason
from worker.observability.instruments import Counter, Gauge, Histogram, Instrument

#: Bounds by which /statistics tells latencies, in seconds: 1 ms to about 18 minutes, a quarter more each.
LATENCY_BOUNDS = tuple(0.001 * 1.25**step for step in range(63))

_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
_COMPUTING = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75)
_TEXTS = tuple(float(2**power) for power in range(11))
_TOKENS = tuple(float(2**power) for power in range(4, 18))


class Metrics:
    """The metrics of one worker, in its registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # What becomes of the events.
        self.received_messages = Counter(
            "received_messages_total", "Events taken in from the input topics.", unit="messages"
        )
        self.published_messages = Counter(
            "published_messages_total", "Enriched events that the broker has acknowledged.", unit="messages"
        )
        self.forwarded_messages = Counter(
            "forwarded_messages_total",
            "Tombstones and events without a text that were passed on as they came, acknowledged by the broker.",
            unit="messages",
        )
        self.skipped_messages = Counter(
            "skipped_messages_total", "Events without a text that on_no_text=skip leaves out.", unit="messages"
        )
        self.dead_letter_messages = Counter(
            "dead_letter_messages_total",
            "Dead letters by reason, those under way included; of refused outputs, once the broker has them.",
            unit="messages",
            labels=["reason"],
            known=Reason,
        )
        self.published_dead_letter_messages = Counter(
            "published_dead_letter_messages_total", "Dead letters that the broker has acknowledged.", unit="messages"
        )
        self.processing_latency = Histogram(
            "processing_latency_seconds",
            "Time from the arrival of an event in the worker to the broker's acknowledgement of its answer.",
            buckets=_LATENCIES,
            finer=LATENCY_BOUNDS,
            unit="seconds",
        )

        self.end_to_end_latency = Histogram(
            "end_to_end_latency_seconds",
            "Time from an event's timestamp, if it has one, to the broker's acknowledgement of its answer.",
            buckets=(*_LATENCIES, 3_600.0, 86_400.0),
            unit="seconds",
        )

        # What the worker is.
        self.ready = Gauge("ready", "Whether /readyz says that the worker is ready: 1 or 0.")
        self.alive = Gauge("alive", "Whether /livez says that the worker is alive: 1 or 0.")
        self.model_load = Gauge(
            "model_load_seconds", "Time from the start of loading the model to its being warm.", unit="seconds"
        )
        self.assigned_partitions = Gauge(
            "assigned_partitions", "Partitions that the group has given to the worker.", unit="partitions"
        )
        self.assignments = Counter("assignments_total", "Assignments by the group, one at each rebalance.")
        self.session_losses = Counter(
            "session_losses_total",
            "Times that the group gave the partitions to others for want of heartbeats.",
        )

        # What the worker holds.
        self.pending_messages = Gauge(
            "pending_messages",
            "Events received and not yet acknowledged, whole fetches; bounded by max_pending_events.",
            unit="messages",
        )
        self.pending_bytes = Gauge(
            "pending_bytes", "Bytes of the pending events; bounded by max_pending_bytes.", unit="bytes"
        )

        self.backpressure = Counter(
            "backpressure_seconds_total",
            "Time that a fetch waited because max_pending_events or max_pending_bytes were reached.",
            unit="seconds",
        )
        self.oldest_uncommitted = Gauge(
            "oldest_uncommitted_seconds",
            "Age, since its arrival, of the oldest fetch that is not acknowledged as a whole; 0 if there is none.",
            unit="seconds",
        )

        # Batches and the device.
        self.waiting_texts = Gauge("waiting_texts", "Tokenised texts that wait for the device.", unit="texts")
        self.in_flight_batches = Gauge(
            "in_flight_batches",
            "Batches that the device has; bounded by max_in_flight_batches.",
            unit="batches",
        )
        self.batch_token_limit = Gauge(
            "batch_token_limit",
            "Tokens that a batch may have now, padding included; less than max_batch_tokens while the device lacks "
            "memory.",
        )
        self.batch_flush = Counter(
            "batch_flush_total",
            "Batches sent to the device, by why then: size, tokens, time, idle (the device had nothing else to do), or "
            "drain at a stop.",
            labels=["reason"],
        )
        self.batch_wait = Histogram(
            "batch_wait_seconds",
            "Time from the arrival of a batch's oldest text in the worker to its way to the device.",
            buckets=_LATENCIES,
            unit="seconds",
        )
        self.batch_size = Histogram("batch_size", "Texts in a batch that came back from the device.", buckets=_TEXTS)
        self.batch_tokens = Histogram(
            "batch_tokens", "Tokens in such a batch, without padding.", buckets=_TOKENS, unit="tokens"
        )
        self.batch_padded_tokens = Histogram(
            "batch_padded_tokens", "Tokens in such a batch, padding included.", buckets=_TOKENS, unit="tokens"
        )
        self.batch_padding_ratio = Histogram(
            "batch_padding_ratio",
            "Share of padding in all tokens of such a batch, from 0 to 1.",
            buckets=_RATIOS,
            unit="ratio",
        )
        self.inference_seconds = Histogram(
            "inference_seconds", "Time that the device computed a batch.", buckets=_COMPUTING, unit="seconds"
        )

        # Writing.
        self.produce_retries = Counter(
            "produce_retries_total", "Batches that could not be written and are tried again.", labels=["topic"]
        )
        self.produce_refused_records = Counter(
            "produce_refused_records_total",
            "Records that the broker refuses for good: outputs become dead letters, and dead letters go smaller.",
            unit="records",
            labels=["topic"],
        )
        self.produce_stalled = Gauge(
            "produce_stalled_seconds",
            "Time for which the partition that fails for longest could not be written to; 0 while all can be.",
            unit="seconds",
        )

        # Partitions.
        self.unreadable_records = Counter(
            "unreadable_records_total",
            "Records that cannot be read: they become dead letters; those for an agent of your own are skipped.",
            unit="records",
        )
        self.offset_resets = Counter(
            "offset_resets_total", "Partitions whose offset was not of their log any more; see on_offset_reset."
        )
        self.stalled_offsets = Gauge(
            "stalled_offsets",
            "Offsets that wait behind a transaction that was left open; only partitions where there are any.",
            unit="offsets",
            labels=["topic", "partition"],
        )
        self.consumer_lag = Gauge(
            "consumer_lag",
            "Offsets from what may be committed to the end of the partition, as the newest fetch found it.",
            labels=["topic", "partition"],
        )
        self.poll_failures = Counter("poll_failures_total", "Polls that failed and were tried again.")

        for metric in self:
            registry.register(metric)

    def __iter__(self) -> Iterator[Instrument]:
        """Yield all of them, in the order of the page."""
        yield from (metric for metric in vars(self).values() if isinstance(metric, Instrument))
