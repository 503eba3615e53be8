"""Which offsets of each partition lie between two places."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from worker.reading.places import EARLIEST, Place


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of a partition: from ``start`` to ``stop``, exclusive; without a ``stop`` there is no end."""

    start: int
    stop: int | None

    def __len__(self) -> int:
        return 0 if self.stop is None else max(0, self.stop - self.start)


async def find_spans(
    consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], start: Place, stop: Place | None
) -> dict[TopicPartition, Span]:
    """Return the span of each partition between two places; without a ``stop`` the spans have no end.

    Places outside what the broker keeps are moved to its ends.

    Raises:
        KafkaError: the broker cannot be asked.
    """
    first: Mapping[TopicPartition, int] = await consumer.beginning_offsets(partitions)
    last: Mapping[TopicPartition, int] = await consumer.end_offsets(partitions)
    starts = await _offsets(consumer, start, first, last)
    stops = dict.fromkeys(partitions, None) if stop is None else await _offsets(consumer, stop, first, last)
    return {partition: Span(starts[partition], stops[partition]) for partition in partitions}


async def _offsets(
    consumer: AIOKafkaConsumer, place: Place, first: Mapping[TopicPartition, int], last: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    if place.offset is not None:
        return {partition: min(max(place.offset, first[partition]), last[partition]) for partition in first}
    if place.time_ms is not None:
        found = await consumer.offsets_for_times(dict.fromkeys(first, place.time_ms))
        return {
            partition: last[partition] if (at := found[partition]) is None else min(at.offset, last[partition])
            for partition in first
        }
    return dict(first if place == EARLIEST else last)
