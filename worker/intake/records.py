"""Fetched records, as aiokafka's consumers hand them out, without a batch that could stop them or fill the memory.

aiokafka raises at the first record that it cannot read, again and again at the same place, and decompresses a batch as
a whole. These classes stand in for its own: a record that cannot be read is a value like others, and of a compressed
batch one part is in memory at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import aiokafka.consumer.fetcher as fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import ConsumerRecord, TopicPartition

from worker.errors import Rejection
from worker.fetch import Record
from worker.intake import stretches
from worker.intake.batch import HEADER_SIZE, Header, RawBatch, believable_last_offset, is_plain, split, uncompressed
from worker.intake.decompression import PIECE_BYTES, UnreadableBatchError, decompress
from worker.intake.legacy import read_legacy
from worker.intake.parts import MAX_RECORD_BYTES, Oversized, Part, parts
from worker.intake.tolerant import ParsedRecord, parse, parse_one
from worker.intake.unreadable import of_a_batch, of_a_record, unreadable

TAKEN_BYTES = 2**20
"""A poll takes no more of a partition once it has looked at as many bytes of records: as many as aiokafka fetches."""
SKIPPED_BYTES = 64 * 2**20
"""The same while all that it looked at was read before."""


def install() -> None:
    """Have every aiokafka consumer of this process read its records with these classes from now on."""
    fetcher.MemoryRecords = Response
    fetcher.PartitionRecords = PartitionRecords
    fetcher.FetchResult = FetchResult


class Response:
    """The bytes that the broker sent of a partition; stands in for aiokafka's ``MemoryRecords``."""

    def __init__(self, data: bytes | None) -> None:
        self.data = data or b""

    def has_next(self) -> bool:
        """Return whether there is anything to read."""
        return bool(self.data)

    def size_in_bytes(self) -> int:
        """Return how large it is, bytes."""
        return len(self.data)


class FetchResult(fetcher.FetchResult):  # type: ignore[misc]
    """The records of a partition that were fetched and not taken yet; a poll takes some of them."""

    _partition_records: "PartitionRecords | None"

    def getall(self, max_records: int | None = None) -> list[Record]:
        """Take records, at most ``max_records``, and no more once they had ``TAKEN_BYTES``."""
        records = self._partition_records
        if records is None or not self.check_assignment(self._topic_partition):
            return []
        start = records.next_fetch_offset
        taken = records.take(max_records)
        self._update_position()
        stretches.note(self._assignment, self._topic_partition, start, records.next_fetch_offset)
        if records.exhausted:
            self._partition_records = None
        return taken


class PartitionRecords:
    """The records of one response, batch by batch; stands in for aiokafka's class of this name."""

    def __init__(
        self,
        tp: TopicPartition,
        records: Response,
        aborted_transactions: Sequence[tuple[int, int]] | None,
        fetch_offset: int,
        key_deserializer: Callable[[bytes | None], Any] | None,
        value_deserializer: Callable[[bytes | None], Any] | None,
        check_crcs: bool,
        isolation_level: int,
    ) -> None:
        self.next_fetch_offset = fetch_offset
        """Where to read on: behind the last record, and behind what holds none."""
        self.exhausted = False
        self._tp = tp
        self._aborted = sorted(aborted_transactions or (), key=lambda aborted: aborted[1])
        self._aborting_producers: set[int] = set()
        self._key_deserializer = key_deserializer
        self._value_deserializer = value_deserializer
        self._check_crcs = check_crcs
        self._committed_only = isolation_level == fetcher.READ_COMMITTED
        self._bytes_read = 0
        self._seen = -1
        """The offset of the last record that was looked at."""
        self._found = 0
        """Records of the batch that is being read."""
        self._parts = self._all_parts(records.data)
        self._part: Iterator[Record] = iter(())

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        while not self.exhausted:
            if record := self.take(1):
                return record[0]
        raise StopIteration

    def take(self, max_records: int | None) -> list[Record]:
        """Return the next records. There may be more behind an empty list, unless this is ``exhausted``."""
        taken: list[Record] = []
        start = self._bytes_read
        while True:
            taken += self._part if max_records is None else islice(self._part, max_records - len(taken))
            if len(taken) == max_records or self._bytes_read - start >= (TAKEN_BYTES if taken else SKIPPED_BYTES):
                return taken
            part = next(self._parts, None)
            if part is None:
                self.exhausted = True
                return taken
            self._part = part

    def _all_parts(self, data: bytes) -> Iterator[Iterator[Record]]:
        """Yield iterators over records; each must be exhausted before the next one is asked for."""
        start, first = self.next_fetch_offset, None
        for batch in split(data):
            first = first or batch
            if batch.magic == 2 and len(batch.data) >= HEADER_SIZE:
                records = DefaultRecordBatch(batch.data)
                intact = not self._check_crcs or records.validate_crc()
                if intact and is_plain(batch.data, PIECE_BYTES):  # the same result as below, in fewer steps
                    self._bytes_read += len(batch.data)
                    yield self._plain_records(batch, records)
                    last_offset = records.next_offset - 1
                else:
                    header = Header.read(batch.data)
                    if not intact:
                        header = header.ending_at(self._last_offset(header, batch))
                    if not self._is_passed_over(header) or not intact:
                        yield from self._batch_parts(header, batch, intact)
                    last_offset = header.last_offset
            elif batch.magic in (0, 1):
                self._bytes_read += len(batch.data)
                yield self._legacy_records(batch)
                last_offset = batch.base_offset
            else:
                yield self._unknown_batch(batch)
                last_offset = -1
            self.next_fetch_offset = max(self.next_fetch_offset, last_offset + 1)
        if first is not None and self.next_fetch_offset == start:  # the same bytes would come again, for ever
            yield self._whole_batch(first, start, start, "it says that it ends before the offset that was asked for")

    def _last_offset(self, header: Header, batch: RawBatch) -> int:
        """Return where a damaged batch ends: not before what was asked for, since that is what the broker sent."""
        return max(believable_last_offset(header, batch), self.next_fetch_offset)

    def _plain_records(self, batch: RawBatch, records: DefaultRecordBatch) -> Iterator[Record]:
        try:
            for record in records:
                if record.offset >= self.next_fetch_offset:
                    self.next_fetch_offset = record.offset + 1
                    yield self._consumer_record(record)
        except Exception:  # whatever it is about, it would come again at each attempt
            for part in self._batch_parts(Header.read(batch.data), batch, intact=True):
                yield from part

    def _is_passed_over(self, header: Header) -> bool:
        """Return whether a batch holds no records for us: a marker, or what a transaction took back."""
        if self._committed_only:
            while self._aborted and self._aborted[0][1] <= header.base_offset:
                self._aborting_producers.add(self._aborted.pop(0)[0])
            if header.is_control:  # of either kind: the producer's transaction ends here
                self._aborting_producers.discard(header.producer_id)
            elif header.is_transactional and header.producer_id in self._aborting_producers:
                return True
        return header.is_control

    def _batch_parts(self, header: Header, batch: RawBatch, intact: bool) -> Iterator[Iterator[Record]]:
        self._seen, self._found = header.base_offset - 1, 0
        trouble = exception = ""
        try:
            for part in _parts_of(header, batch):
                if isinstance(part, Oversized):
                    yield self._oversized_record(header, part)
                    continue
                self._bytes_read += len(part.payload)
                yield self._records(header, batch, part) if intact else self._distrusted_records(header, part)
        except UnreadableBatchError as error:
            trouble = str(error)
        except Exception as error:  # each codec's library has others
            trouble, exception = "what is compressed in it is damaged", type(error).__name__
        if not trouble and self._found < header.record_count:
            trouble = "it holds fewer records than it says"
        if trouble:
            yield self._whole_batch(batch, header.base_offset, header.last_offset, trouble, exception)

    def _records(self, header: Header, batch: RawBatch, part: Part) -> Iterator[Record]:
        data = uncompressed(batch.data, *part) if header.codec else batch.data
        record: Any = None
        try:
            for record in DefaultRecordBatch(data):
                if record.offset >= self.next_fetch_offset:
                    self.next_fetch_offset = record.offset + 1
                    yield self._consumer_record(record)
        except Exception:  # whatever it is about, it would come again at each attempt
            for parsed in parse(header, part.payload, self._seen + 1):
                yield from self._parsed_record(parsed, of_a_record(parsed.trouble) if parsed.trouble else None)
        else:
            self._found += part.record_count
            self._seen = self._seen if record is None else record.offset

    def _distrusted_records(self, header: Header, part: Part) -> Iterator[Record]:
        """Yield the records of a batch with a wrong checksum: nobody can tell which of them is damaged."""
        first, last = header.base_offset, header.last_offset
        for parsed in parse(header, part.payload, self._seen + 1):
            rejection = of_a_batch(first, last, "its checksum is wrong", counts=not self._found)
            yield from self._parsed_record(parsed, rejection)

    def _oversized_record(self, header: Header, part: Oversized) -> Iterator[Record]:
        parsed = parse_one(header, part.start, self._seen + 1)
        trouble = f"it has {part.size:,} bytes, and at most {MAX_RECORD_BYTES:,} are taken out of a compressed batch"
        yield from self._parsed_record(parsed._replace(value=b"", headers=()), of_a_record(trouble))

    def _parsed_record(self, parsed: ParsedRecord, rejection: Rejection | None) -> Iterator[Record]:
        self._found += 1
        self._seen = parsed.last_offset
        if parsed.last_offset >= self.next_fetch_offset:
            parsed = parsed._replace(offset=max(parsed.offset, self.next_fetch_offset))
            self.next_fetch_offset = parsed.last_offset + 1
            yield self._consumer_record(parsed) if rejection is None else unreadable(self._tp, parsed, rejection)

    def _unknown_batch(self, batch: RawBatch) -> Iterator[Record]:
        """Yield a batch whose header cannot be read."""
        if batch.magic < 0:
            first = last = self.next_fetch_offset
            trouble = "it does not have the length that it says"
        else:
            first = last = batch.base_offset
            trouble = f"its format (magic {batch.magic}) is unknown"
            if len(batch.data) >= HEADER_SIZE:
                last = self._last_offset(Header.read(batch.data), batch)
        return self._whole_batch(batch, first, last, trouble)

    def _whole_batch(
        self, batch: RawBatch, first: int, last: int, trouble: str, exception: str = ""
    ) -> Iterator[Record]:
        """Yield the unread rest of a batch as one record, which has the bytes of the whole batch."""
        first = max(first, self.next_fetch_offset)
        if first <= last:
            self.next_fetch_offset = last + 1
            parsed = ParsedRecord(first, -1, 0, None, bytes(batch.data), (), trouble, last)
            yield unreadable(self._tp, parsed, of_a_batch(first, last, trouble, exception))

    def _legacy_records(self, batch: RawBatch) -> Iterator[Record]:
        trouble = exception = ""
        try:
            for record in read_legacy(batch, check_crc=self._check_crcs):
                if record.offset >= self.next_fetch_offset:
                    self.next_fetch_offset = record.offset + 1
                    yield self._consumer_record(record)
        except UnreadableBatchError as error:
            trouble = str(error)
        except Exception as error:
            trouble, exception = "it is damaged", type(error).__name__
        if trouble:
            yield from self._whole_batch(batch, batch.base_offset, batch.base_offset, trouble, exception)

    def _consumer_record(self, record: Any) -> Record:
        key, value = record.key, record.value
        consumed: Record = ConsumerRecord(
            self._tp.topic,
            self._tp.partition,
            record.offset,
            -1 if record.timestamp is None else record.timestamp,
            record.timestamp_type,
            self._key_deserializer(key) if self._key_deserializer else key,
            self._value_deserializer(value) if self._value_deserializer else value,
            record.checksum,
            -1 if key is None else len(key),
            -1 if value is None else len(value),
            tuple(record.headers),
        )
        return consumed


def _parts_of(header: Header, batch: RawBatch) -> Iterator[Part | Oversized]:
    payload = batch.data[HEADER_SIZE:]
    if not header.codec:
        return iter([Part(header.record_count, payload)])
    return parts(decompress(header.codec, payload), header.record_count)
