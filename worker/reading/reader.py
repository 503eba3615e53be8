"""Reads spans of partitions to their ends."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from worker.reading.spans import Span

POLL_MS = 500


class Reader:
    """Reads spans, batch by batch; each partition in offset order.

    Args:
        consumer: started, without a subscription; it is assigned these partitions.
        spans: what to read.
    """

    def __init__(self, consumer: AIOKafkaConsumer, spans: Mapping[TopicPartition, Span]) -> None:
        self._consumer = consumer
        self._spans = spans
        self.positions = {partition: span.start for partition, span in spans.items()}
        """Where each partition is read on. Of a batch that was just given: behind it."""

    @property
    def total(self) -> int:
        """Offsets in the spans; 0 where they have no end."""
        return sum(map(len, self._spans.values()))

    @property
    def passed(self) -> int:
        """Offsets of them that were passed."""
        return sum(position - self._spans[partition].start for partition, position in self.positions.items())

    async def batches(self, max_records: int = 500) -> AsyncIterator[dict[TopicPartition, list[Any]]]:
        """Yield records by partition, in offset order, until each span is read.

        Raises:
            KafkaError: they cannot be read.
        """
        open_partitions = {partition for partition in self._spans if not self._is_read(partition)}
        if not open_partitions:
            return
        self._consumer.assign(open_partitions)
        for partition in open_partitions:
            self._consumer.seek(partition, self.positions[partition])
        while open_partitions:
            polled = await self._consumer.getmany(*open_partitions, timeout_ms=POLL_MS, max_records=max_records)
            batch: dict[TopicPartition, list[Any]] = {}
            for partition in open_partitions:
                stop = self._spans[partition].stop
                # Past the last record, and past what holds none: transactions' markers, what compaction removed.
                position = await self._consumer.position(partition)
                self.positions[partition] = position if stop is None else min(position, stop)
                records = [record for record in polled.get(partition, ()) if stop is None or record.offset < stop]
                if records:
                    batch[partition] = records
            if batch:
                yield batch
            read = {partition for partition in open_partitions if self._is_read(partition)}
            open_partitions -= read
            if read:
                self._consumer.pause(*read)

    def _is_read(self, partition: TopicPartition) -> bool:
        stop = self._spans[partition].stop
        return stop is not None and self.positions[partition] >= stop
