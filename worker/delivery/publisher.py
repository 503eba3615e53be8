"""Outputs and dead letters to Kafka: which topic and partition, in order, and word when the broker has them."""

from collections.abc import Callable, Mapping, Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from worker.delivery.dead_letters import dead_letter_headers, value_left_out
from worker.delivery.lane import TOO_LARGE, Chunk, Lane, Parcel
from worker.delivery.ledger import Release
from worker.errors import BrokerError, Reason, Rejection, Stage
from worker.fetch import Headers

#: Bytes of a batch before compression: below the broker's default message.max.bytes, with room for the batch's header.
MAX_BATCH_BYTES = 1_000_000


class Publisher:
    """Publishes releases.

    A release is delivered when the broker has acknowledged every output and dead letter of it. ``publish`` returns at
    once: that means accepted, not delivered.

    Args:
        producer: a started idempotent producer with ``max_batch_size=MAX_BATCH_BYTES``.
        output_topic: where outputs go.
        dead_letter_topic: where dead letters go.
        group: the consumer group, named in dead letters.
        partitions: number of partitions of a topic, by name; for the input topics and both others.
        wanted: whether a release is still ours to publish, asked just before it is sent.
        delivered: called with a release, and how many of it are dead letters, once the broker has all of it.
        refused: called when the broker refuses an output, which then becomes a dead letter.
        failed: called with the error that stops the publishing for good.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        output_topic: str,
        dead_letter_topic: str,
        group: str,
        *,
        partitions: Mapping[str, int],
        wanted: Callable[[Release], bool],
        delivered: Callable[[Release, int], None],
        refused: Callable[[Rejection], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._producer = producer
        self._output_topic = output_topic
        self._dead_letter_topic = dead_letter_topic
        self._group = group
        self._partitions = partitions
        self._wanted = wanted
        self._on_delivered = delivered
        self._on_refused = refused
        self._failed = failed
        self._partitioner = DefaultPartitioner()
        self._lanes: dict[TopicPartition, Lane] = {}

    def publish(
        self,
        release: Release,
        slots: Sequence[int],
        values: Sequence[bytes | None],
        headers: Sequence[Headers],
        rejected: Mapping[int, Rejection],
    ) -> None:
        """Send the outputs of a release (columns of equal length, in slot order) and its dead letters (by slot)."""
        parcel = Parcel(release, remaining=len(slots) + len(rejected), dead_letters=len(rejected))
        if slots:
            self._put(self._output_topic, Chunk(parcel, slots, values, headers, timestamped=True))
        if rejected:
            self._put(self._dead_letter_topic, self._dead_letters(parcel, rejected))

    async def close(self) -> None:
        """Stop sending; what is not acknowledged stays uncommitted."""
        for lane in self._lanes.values():
            await lane.close()

    def _dead_letters(self, parcel: Parcel, rejected: Mapping[int, Rejection]) -> Chunk:
        # Stamped with the time of writing: an old event's timestamp would let retention delete its dead letter at once.
        fetch = parcel.release.fetch
        slots = sorted(rejected)
        values = [fetch.records[slot].value for slot in slots]
        headers = [dead_letter_headers(fetch, slot, rejected[slot], self._group) for slot in slots]
        return Chunk(parcel, slots, values, headers, timestamped=False)

    def _put(self, topic: str, chunk: Chunk) -> None:
        """Keep the input's partition where both topics have as many; else by key, as Kafka's partitioner does."""
        fetch, count = chunk.parcel.release.fetch, self._partitions[topic]
        # A topic that has grown since we started has partitions that the others may not have.
        if fetch.partition < count == self._partitions[fetch.topic]:
            self._lane(topic, fetch.partition).put(chunk)
            return
        partitions = list(range(count))
        keyless = fetch.partition % count
        by_partition: dict[int, list[int]] = {}
        for index, slot in enumerate(chunk.slots):
            key = fetch.records[slot].key
            partition = keyless if key is None else self._partitioner(key, partitions, partitions)
            by_partition.setdefault(partition, []).append(index)
        for partition, indexes in by_partition.items():
            self._lane(topic, partition).put(
                Chunk(
                    chunk.parcel,
                    [chunk.slots[index] for index in indexes],
                    [chunk.values[index] for index in indexes],
                    [chunk.headers[index] for index in indexes],
                    chunk.timestamped,
                )
            )

    def _lane(self, topic: str, partition: int) -> Lane:
        target = TopicPartition(topic, partition)
        if target not in self._lanes:
            self._lanes[target] = Lane(
                self._producer,
                target,
                wanted=lambda parcel: self._wanted(parcel.release),
                delivered=self._delivered,
                refused=self._dead_letter_refused if topic == self._dead_letter_topic else self._output_refused,
                failed=self._failed,
            )
        return self._lanes[target]

    def _delivered(self, parcel: Parcel, count: int) -> None:
        parcel.remaining -= count
        if parcel.remaining == 0:
            self._on_delivered(parcel.release, parcel.dead_letters)

    def _output_refused(self, chunk: Chunk, index: int, error: KafkaError) -> None:
        rejection = Rejection(
            reason=Reason.OUTPUT_TOO_LARGE if isinstance(error, TOO_LARGE) else Reason.OUTPUT_REFUSED,
            stage=Stage.PUBLISH,
            message=f"the broker refused the output for {self._output_topic}",
            exception=type(error).__name__,
        )
        self._on_refused(rejection)
        chunk.parcel.dead_letters += 1
        self._put(self._dead_letter_topic, self._dead_letters(chunk.parcel, {chunk.slots[index]: rejection}))

    def _dead_letter_refused(self, chunk: Chunk, index: int, error: KafkaError) -> None:
        fetch, slot, value = chunk.parcel.release.fetch, chunk.slots[index], chunk.values[index]
        if value and isinstance(error, TOO_LARGE):
            # It is as large as its input, and has headers besides. Topic, partition and offset are among these.
            headers = [*chunk.headers[index], value_left_out(len(value))]
            self._put(self._dead_letter_topic, Chunk(chunk.parcel, [slot], [b""], [headers], timestamped=False))
            return
        offset = fetch.records[slot].offset
        self._failed(
            BrokerError(
                f"the dead letter of {fetch.topic}-{fetch.partition}@{offset} is refused by "
                f"{self._dead_letter_topic} ({type(error).__name__}): raise its max.message.bytes, or name another "
                "dead_letter_topic; the event is not committed"
            )
        )
