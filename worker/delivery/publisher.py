"""Publishing to Kafka: outputs and dead letters, each to its topic and partition, in order, until acknowledged."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from worker.clock import Clock
from worker.delivery.answers import Acknowledgement, Answer, RefusedOutput
from worker.delivery.batches import OutputSlice, PendingDelivery, Span, Stamp
from worker.delivery.breaker import REFUSED, Breaker, Event
from worker.delivery.dead_letters import dead_letter_headers
from worker.delivery.last_resort import smaller_letter
from worker.delivery.outcomes import TOO_LARGE
from worker.delivery.partition_sender import BatchResult, PartitionSender, RefusedRecords, Sink
from worker.delivery.retries import Retries
from worker.errors import BrokerError, Code, Reason, Rejection, Stage
from worker.fetch import Fetch
from worker.observability.event import Emit
from worker.observability.events import RecordsRefused
from worker.settings import Settings


class Cluster(Sink, Protocol):
    """The client that a publisher sends through; ``ProduceClient`` is one."""

    def partitions(self, topic: str) -> int: ...  # as many as it has now; asked for inputs, too


class Publisher:
    """Publishes the answers to completed ranges.

    Args:
        settings: topics, the group that dead letters name, and how many refused outputs are let through.
        cluster: where to.
        clock: monotonic seconds.
        acknowledged: told once the broker has all of an answer, outputs and dead letters; never of what is withdrawn.
        failed: told the error that stops the publishing for good: nearly everything is refused, say.
        emit: told what happens.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        clock: Clock,
        acknowledged: Callable[[Acknowledgement], None],
        failed: Callable[[BaseException], None],
        emit: Emit,
    ) -> None:
        self._settings = settings
        self._dead_letter_topic = settings.dead_letter_topic
        self._cluster = cluster
        self._clock = clock
        self._acknowledged = acknowledged
        self._failed = failed
        self._emit = emit
        self._partitioner = DefaultPartitioner()
        self._retries = Retries()
        self._breakers: dict[str, Breaker] = {}
        self._senders: dict[TopicPartition, PartitionSender] = {}
        self._pending: dict[Fetch, set[PendingDelivery]] = {}

    def publish(self, answer: Answer) -> None:
        """Send an answer, which is not empty. Returns at once: that means accepted, not acknowledged."""
        completed = answer.completed
        remaining = sum(len(outputs.indexes) for outputs in answer.outputs) + len(answer.rejected)
        pending = PendingDelivery(completed, remaining, dead_letters=len(answer.rejected))
        self._pending.setdefault(completed.fetch, set()).add(pending)
        records = completed.fetch.records
        for outputs in answer.outputs:
            keys = [records[index].key for index in outputs.indexes]
            columns = (outputs.indexes, keys, outputs.values, outputs.headers)
            self._put(outputs.topic, OutputSlice(pending, *columns, Stamp.INPUT))
        if answer.rejected:
            self._put(self._dead_letter_topic, self._dead_letters(pending, answer.rejected))

    def withdraw(self, fetches: Iterable[Fetch]) -> None:
        """Send nothing more of these fetches, and acknowledge nothing of them: their partitions are another's.

        What the broker has, or is being sent at this moment, stays there.
        """
        for fetch in fetches:
            for pending in self._pending.pop(fetch, ()):
                pending.is_withdrawn = True

    def failing_for(self) -> float:
        """Return the seconds for which nothing could be written to some partition; 0 if all can be written to."""
        return self._retries.failing_for(self._clock())

    async def close(self) -> None:
        """Stop sending; what is not acknowledged stays uncommitted."""
        for sender in [*self._senders.values()]:  # a refusal that comes meanwhile may need one more
            await sender.close()

    def _dead_letters(self, pending: PendingDelivery, rejected: Mapping[int, Rejection]) -> OutputSlice:
        # Stamped with the time of writing: an old event's timestamp would let retention delete its dead letter at once.
        fetch = pending.completed.fetch
        indexes = sorted(rejected)
        keys = [fetch.records[index].key for index in indexes]
        values = [fetch.records[index].value for index in indexes]
        headers = [dead_letter_headers(fetch, index, rejected[index], self._settings.group_id) for index in indexes]
        return OutputSlice(pending, indexes, keys, values, headers, Stamp.WRITING)

    def _put(self, topic: str, outputs: OutputSlice) -> None:
        """Keep the input's partition where both topics have as many; else by key, as Kafka's partitioner does."""
        fetch, count = outputs.pending.completed.fetch, self._cluster.partitions(topic)
        # A topic that is growing has partitions that the others may not have.
        if fetch.partition < count == self._cluster.partitions(fetch.topic):
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
            answered = self._letters_answered if topic == self._dead_letter_topic else partial(self._answered, topic)
            self._senders[target] = PartitionSender(
                self._cluster, target, self._retries, self._clock, answered, self._failed, self._emit
            )
        return self._senders[target]

    def _answered(self, topic: str, result: BatchResult) -> None:
        """Acknowledge outputs, and make dead letters of those that are refused.

        Raises:
            CircuitOpenError: nearly everything is refused; what is must not become dead letters.
        """
        events = _refused_events(result.refused) if result.refused is not None else []
        if result.judged:
            self._breaker(topic).count_events(result.judged, events)
        self._written(result.written)
        if result.refused is not None:
            self._outputs_refused(topic, result.refused)

    def _letters_answered(self, result: BatchResult) -> None:
        self._written(result.written)
        if result.refused is not None:
            self._letters_refused(result.refused)

    def _written(self, spans: Iterable[Span]) -> None:
        for outputs, start, stop in spans:
            pending = outputs.pending
            pending.remaining -= stop - start
            if pending.remaining or pending.is_withdrawn:
                continue
            fetch = pending.completed.fetch
            self._pending[fetch].remove(pending)
            if not self._pending[fetch]:
                del self._pending[fetch]
            self._acknowledged(Acknowledgement(pending.completed, pending.dead_letters, pending.refused))

    def _outputs_refused(self, topic: str, refused: RefusedRecords) -> None:
        self._emit(RecordsRefused(topic, len(refused.positions)))
        rejection = Rejection(
            reason=_reason(refused.error),
            stage=Stage.PUBLISH,
            message=f"the broker refused the output for {topic}",
            exception=type(refused.error).__name__,
        )
        for outputs in refused.slices:
            pending = outputs.pending
            pending.dead_letters += len(outputs.indexes)
            pending.refused += [RefusedOutput(topic, index, rejection.reason) for index in outputs.indexes]
            letters = self._dead_letters(pending, dict.fromkeys(outputs.indexes, rejection))
            self._put(self._dead_letter_topic, letters)

    def _letters_refused(self, refused: RefusedRecords) -> None:
        self._emit(RecordsRefused(self._dead_letter_topic, len(refused.positions)))
        for outputs in refused.slices:
            letters = smaller_letter(outputs, refused.error)
            if letters is None:
                raise BrokerError(Code.DEAD_LETTER_REFUSED, self._last_resort_refused(outputs, refused.error))
            self._put(self._dead_letter_topic, letters)

    def _breaker(self, topic: str) -> Breaker:
        if topic not in self._breakers:
            limits = self._settings.max_consecutive_invalid, self._settings.max_invalid_ratio
            self._breakers[topic] = Breaker(*limits, f"refused by {topic}", REFUSED)
        return self._breakers[topic]

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


def _reason(error: KafkaError) -> Reason:
    return Reason.OUTPUT_TOO_LARGE if isinstance(error, TOO_LARGE) else Reason.OUTPUT_REFUSED


def _refused_events(refused: RefusedRecords) -> list[Event]:
    places = [(outputs.pending.completed.fetch, index) for outputs in refused.slices for index in outputs.indexes]
    reason = _reason(refused.error)
    return [Event(position, *place, reason) for position, place in zip(refused.positions, places, strict=True)]
