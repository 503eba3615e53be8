"""Publishing to Kafka: outputs and dead letters, each to its topic and partition, in order, until acknowledged."""

from collections.abc import Callable, Mapping, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from worker.delivery.batches import OutputSlice, PendingDelivery, Stamp
from worker.delivery.breaker import Event
from worker.delivery.dead_letters import dead_letter_headers
from worker.delivery.last_resort import smaller_letter
from worker.delivery.ledger import CompletedRange
from worker.delivery.outcomes import TOO_LARGE
from worker.delivery.partition_sender import Callbacks, PartitionSender, RefusedRecords, Sink
from worker.delivery.retries import Retries
from worker.errors import BrokerError, Reason, Rejection, Stage
from worker.fetch import Headers


class Publisher:
    """Publishes completed ranges.

    A range is delivered when the broker has acknowledged every output and dead letter of it. ``publish`` returns at
    once: that means accepted, not delivered.

    Args:
        sink: where to.
        output_topic: where outputs go.
        dead_letter_topic: where dead letters go.
        group: the consumer group, named in dead letters.
        partitions: how many partitions a topic has now; asked for the input topics and both others.
        wanted: whether a completed range is still ours to publish, asked just before it is sent.
        delivered: called with a completed range, and how many of it are dead letters, once the broker has all of it.
        taken: called with how many outputs the broker has taken.
        refused: called with the size of a batch of outputs and those that the broker refuses, which become dead letters
            for this reason; what it raises ends the publishing before that.
        failed: called with the error that stops the publishing for good.
    """

    def __init__(
        self,
        sink: Sink,
        output_topic: str,
        dead_letter_topic: str,
        group: str,
        *,
        partitions: Callable[[str], int],
        wanted: Callable[[CompletedRange], bool],
        delivered: Callable[[CompletedRange, int], None],
        taken: Callable[[int], None],
        refused: Callable[[int, Sequence[Event]], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._sink = sink
        self._output_topic = output_topic
        self._dead_letter_topic = dead_letter_topic
        self._group = group
        self._partitions = partitions
        self._wanted = wanted
        self._on_delivered = delivered
        self._on_taken = taken
        self._on_refused = refused
        self._failed = failed
        self._partitioner = DefaultPartitioner()
        self._retries = Retries()
        self._senders: dict[TopicPartition, PartitionSender] = {}

    def publish(
        self,
        completed: CompletedRange,
        indexes: Sequence[int],
        values: Sequence[bytes | None],
        headers: Sequence[Headers],
        rejected: Mapping[int, Rejection],
    ) -> None:
        """Send the outputs of a range (columns of equal length, in index order) and its dead letters (by index)."""
        pending = PendingDelivery(completed, remaining=len(indexes) + len(rejected), dead_letters=len(rejected))
        if indexes:
            records = completed.fetch.records
            keys = [records[index].key for index in indexes]
            self._put(self._output_topic, OutputSlice(pending, indexes, keys, values, headers, Stamp.INPUT))
        if rejected:
            self._put(self._dead_letter_topic, self._dead_letters(pending, rejected))

    def failing_for(self, now: float) -> float:
        """Return the seconds for which nothing could be written to some partition; 0 if all can be written to."""
        return self._retries.failing_for(now)

    async def close(self) -> None:
        """Stop sending; what is not acknowledged stays uncommitted."""
        for sender in self._senders.values():
            await sender.close()

    def _dead_letters(self, pending: PendingDelivery, rejected: Mapping[int, Rejection]) -> OutputSlice:
        # Stamped with the time of writing: an old event's timestamp would let retention delete its dead letter at once.
        fetch = pending.completed.fetch
        indexes = sorted(rejected)
        keys = [fetch.records[index].key for index in indexes]
        values = [fetch.records[index].value for index in indexes]
        headers = [dead_letter_headers(fetch, index, rejected[index], self._group) for index in indexes]
        return OutputSlice(pending, indexes, keys, values, headers, Stamp.WRITING)

    def _put(self, topic: str, outputs: OutputSlice) -> None:
        """Keep the input's partition where both topics have as many; else by key, as Kafka's partitioner does."""
        fetch, count = outputs.pending.completed.fetch, self._partitions(topic)
        # A topic that is growing has partitions that the others may not have.
        if fetch.partition < count == self._partitions(fetch.topic):
            self._sender(topic, fetch.partition).put(outputs)
            return
        partitions = list(range(count))
        keyless = fetch.partition % count
        by_partition: dict[int, list[int]] = {}
        for row, key in enumerate(outputs.keys):
            partition = keyless if key is None else self._partitioner(key, partitions, partitions)
            by_partition.setdefault(partition, []).append(row)
        for partition, rows in by_partition.items():
            self._sender(topic, partition).put(outputs.pick(rows))

    def _sender(self, topic: str, partition: int) -> PartitionSender:
        target = TopicPartition(topic, partition)
        if target not in self._senders:
            is_output = topic == self._output_topic
            tell = Callbacks(
                wanted=lambda pending: self._wanted(pending.completed),
                delivered=self._delivered,
                taken=self._on_taken if is_output else lambda _: None,
                refused=self._outputs_refused if is_output else self._dead_letters_refused,
                failed=self._failed,
            )
            self._senders[target] = PartitionSender(self._sink, target, self._retries, tell)
        return self._senders[target]

    def _delivered(self, pending: PendingDelivery, count: int) -> None:
        pending.remaining -= count
        if pending.remaining == 0:
            self._on_delivered(pending.completed, pending.dead_letters)

    def _outputs_refused(self, refused: RefusedRecords) -> None:
        reason = Reason.OUTPUT_TOO_LARGE if isinstance(refused.error, TOO_LARGE) else Reason.OUTPUT_REFUSED
        places = [(outputs.pending.completed.fetch, index) for outputs in refused.slices for index in outputs.indexes]
        numbered = zip(refused.positions, places, strict=True)
        self._on_refused(refused.size, [Event(position, *place, reason) for position, place in numbered])
        rejection = Rejection(
            reason=reason,
            stage=Stage.PUBLISH,
            message=f"the broker refused the output for {self._output_topic}",
            exception=type(refused.error).__name__,
        )
        for outputs in refused.slices:
            outputs.pending.dead_letters += len(outputs.indexes)
            letters = self._dead_letters(outputs.pending, dict.fromkeys(outputs.indexes, rejection))
            self._put(self._dead_letter_topic, letters)

    def _dead_letters_refused(self, refused: RefusedRecords) -> None:
        for outputs in refused.slices:
            letters = smaller_letter(outputs, refused.error)
            if letters is None:
                raise BrokerError(self._last_resort_refused(outputs, refused.error))
            self._put(self._dead_letter_topic, letters)

    def _last_resort_refused(self, outputs: OutputSlice, error: KafkaError) -> str:
        fetch, topic = outputs.pending.completed.fetch, self._dead_letter_topic
        place = f"{fetch.topic}-{fetch.partition}@{fetch.records[outputs.indexes[0]].offset}"
        if isinstance(error, TOO_LARGE):
            size = sum(len(name) + len(value or b"") for name, value in outputs.headers[0])
            way_out = f"raise its max.message.bytes above the {size:,} bytes of our headers"
        else:
            way_out = "see which rule of the broker for this topic refuses it"
        return (
            f"{topic} refuses even the smallest dead letter of {place} ({type(error).__name__}): {way_out}, or name "
            "another dead_letter_topic; the event is not committed"
        )
