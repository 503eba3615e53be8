"""Every batch that a broker may send is read to its end: what is readable goes on, what is not is a value."""

import importlib.util
import struct
from collections.abc import Callable, Sequence
from typing import Any

import aiokafka.consumer.fetcher as fetcher
import pytest
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from record_batches import CODECS, batch, record, resealed, varint

from worker.errors import Reason
from worker.intake import records
from worker.intake.parts import MAX_RECORD_BYTES
from worker.intake.records import PartitionRecords, Response
from worker.intake.unreadable import UnreadableRecord, unreadable_records_found

TEXTS = TopicPartition("texts", 0)
every_codec = pytest.mark.parametrize("codec", CODECS)
LATIN_1 = "Größe".encode("latin-1")


def reader(
    data: bytes,
    position: int = 0,
    isolation: int = fetcher.READ_UNCOMMITTED,
    aborted: Sequence[tuple[int, int]] = (),
) -> PartitionRecords:
    return PartitionRecords(TEXTS, Response(data), aborted, position, None, None, True, isolation)


def of_aiokafka(data: bytes, position: int) -> Any:
    """The same with aiokafka's own classes, also where ours are installed in their place."""
    spec = importlib.util.find_spec("aiokafka.consumer.fetcher")
    assert spec is not None
    assert spec.loader is not None
    untouched: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(untouched)
    return untouched.PartitionRecords(TEXTS, MemoryRecords(data), (), position, None, None, True, 0)


def all_of(partition_records: PartitionRecords) -> list[Any]:
    return [*partition_records]


def told(found: list[Any]) -> list[tuple[int, bytes | None, str]]:
    """Offset, value, and the reason for which it is rejected."""
    return [
        (one.offset, one.value, one.rejection.reason.value if isinstance(one, UnreadableRecord) else "")
        for one in found
    ]


def values(count: int, size: int = 20) -> list[bytes]:
    return [f"{number:08d}".encode() * (size // 8 + 1) for number in range(count)]


@every_codec
@pytest.mark.parametrize("count", [1, 3, 2_000])
def test_what_aiokafka_reads_is_read_the_same(codec: str, count: int) -> None:
    headers = [(b"name", b"content"), (b"empty", None)]
    content = [
        record(delta, value, None if delta % 3 else b"key", headers[: delta % 3])
        for delta, value in enumerate(values(count))
    ]
    data = batch(content, 100, codec) + batch([record(0, None), record(4, b"last")], 100 + count, last_delta=6)
    theirs = of_aiokafka(data, 101)
    ours = reader(data, 101)
    assert all_of(ours) == [*theirs]
    assert ours.next_fetch_offset == theirs.next_fetch_offset == 100 + count + 7


@every_codec
def test_a_header_name_that_is_not_utf8_spoils_its_own_record_alone(codec: str) -> None:
    bad = record(1, b"bad", b"key", [(b"kept", b"1"), (LATIN_1, b"2")])
    found = all_of(reader(batch([record(0, b"a"), bad, record(2, b"c")], 10, codec) + batch([record(0, b"d")], 13)))
    assert told(found) == [(10, b"a", ""), (11, b"bad", "unreadable_record"), (12, b"c", ""), (13, b"d", "")]
    assert (found[1].key, found[1].headers) == (b"key", (("kept", b"1"),))
    assert "1" in found[1].rejection.message


BROKEN: dict[str, tuple[Callable[[str], bytes], str]] = {
    "an unknown codec": (lambda _: batch([record(0, b"x")] * 3, 10, number=7), "codec 7"),
    "an unknown format": (lambda codec: batch([record(0, b"x")] * 3, 10, codec, magic=5), "magic 5"),
    "no compressed data": (lambda codec: batch([record(0, b"x")] * 3, 10, codec, payload=b"\xff" * 40), ""),
    "fewer records than it says": (lambda codec: batch([], 10, codec, last_delta=2, count=3), "fewer"),
}


@every_codec
@pytest.mark.parametrize("broken", BROKEN)
def test_a_batch_that_cannot_be_read_is_one_value_and_nothing_behind_it_is_missed(codec: str, broken: str) -> None:
    make, words = BROKEN[broken]
    middle = make(codec)
    data = batch([record(0, b"a")], 9) + middle + batch([record(0, b"b")], 13)
    partition_records = reader(data)
    found = all_of(partition_records)
    assert [(one.offset, isinstance(one, UnreadableRecord)) for one in found] == [(9, False), (10, True), (13, False)]
    assert partition_records.next_fetch_offset == 14
    assert words in found[1].rejection.message
    if codec != "none" or broken != "no compressed data":
        assert found[1].value == middle
        assert found[1].rejection.reason is Reason.UNREADABLE_BATCH


@every_codec
def test_of_a_batch_with_a_wrong_checksum_every_record_is_rejected_with_what_it_holds(codec: str) -> None:
    spoilt = bytearray(batch([record(delta, b"v%d" % delta) for delta in range(3)], 10, codec))
    struct.pack_into(">I", spoilt, 17, 1)
    found = all_of(reader(bytes(spoilt) + batch([record(0, b"b")], 13)))
    rejected = [(10 + number, b"v%d" % number, "unreadable_batch") for number in range(3)]
    assert told(found) == [*rejected, (13, b"b", "")]
    assert [one.rejection.counts for one in found[:3]] == [True, False, False]
    assert "checksum" in found[0].rejection.message


def test_a_header_that_lies_about_its_last_offset_skips_nothing() -> None:
    spoilt = bytearray(batch([record(0, b"v")], 10))
    struct.pack_into(">i", spoilt, 23, 1_000)  # and so its checksum is wrong
    found = all_of(reader(bytes(spoilt) + batch([record(0, b"b")], 11)))
    assert [(one.offset, isinstance(one, UnreadableRecord)) for one in found] == [(10, True), (11, False)]


def test_a_record_with_a_senseless_length_takes_the_rest_of_its_batch_along() -> None:
    rest = b"\xff\xff\xff\xff\x0f" + b"gone" + record(2, b"c")
    found = all_of(reader(batch([record(0, b"a"), rest, record(2, b"c")], 10) + batch([record(0, b"b")], 13)))
    assert [(one.offset, isinstance(one, UnreadableRecord)) for one in found] == [(10, False), (11, True), (13, False)]
    assert found[1].value.startswith(rest)


@every_codec
def test_a_record_whose_fields_do_not_fit_is_cut_out(codec: str) -> None:
    good = [record(0, b"a"), record(2, b"c")]
    bad = varint(9) + b"\0\2\2\2k\x7e\0\0\0"  # its value would be longer than the record
    found = all_of(reader(batch([good[0], bad, good[1]], 10, codec)))
    assert told(found) == [(10, b"a", ""), (11, bad[1:], "unreadable_record"), (12, b"c", "")]


def test_bytes_that_are_no_batch_are_passed() -> None:
    partition_records = reader(struct.pack(">qi", 5, 1_000) + b"short", 5)
    (found,) = all_of(partition_records)
    assert (found.offset, partition_records.next_fetch_offset) == (5, 6)


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, 1, 2])
def test_the_old_formats_are_read_or_are_values(magic: Any, codec: int) -> None:
    builder = LegacyRecordBatchBuilder(magic, codec, 1 << 20)
    builder.append(7, timestamp=1_234, key=b"k", value=b"old")
    data = bytes(builder.build())
    data = struct.pack(">q", 7) + data[8:]
    spoilt = bytearray(data)
    spoilt[-1] ^= 1
    assert told(all_of(reader(data))) == [(7, b"old", "")]
    assert told(all_of(reader(bytes(spoilt)))) == [(7, bytes(spoilt), "unreadable_batch")]
    assert all_of(reader(data))[0].timestamp == (1_234 if magic else -1)


def test_what_a_transaction_took_back_is_not_read() -> None:
    transactional, control = 0x10, 0x30
    marker = [record(0, b"\0\0\0\0\0\0", b"\0\0\0\0")]
    data = (
        batch([record(0, b"gone")], 0, attributes=transactional, producer=7)
        + batch(marker, 1, attributes=control, producer=7)
        + batch([record(0, b"stays")], 2, attributes=transactional, producer=7)
        + batch(marker, 3, attributes=control, producer=7)
    )
    committed = reader(data, 0, fetcher.READ_COMMITTED, [(7, 0)])
    assert told(all_of(committed)) == [(2, b"stays", "")]
    assert committed.next_fetch_offset == 4
    assert told(all_of(reader(data))) == [(0, b"gone", ""), (2, b"stays", "")]


def test_reading_on_in_the_middle_of_a_batch_repeats_nothing() -> None:
    content = [record(delta, b"v%d" % delta, headers=[(LATIN_1, b"")] if delta == 3 else ()) for delta in range(6)]
    data = batch(content, 10)
    assert [one.offset for one in all_of(reader(data, 13))] == [13, 14, 15]
    assert [one.offset for one in all_of(reader(data, 14))] == [14, 15]


@every_codec
def test_a_large_batch_is_read_part_by_part_and_whole(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.intake.decompression.PIECE_BYTES", 10_000)
    monkeypatch.setattr("worker.intake.parts.PIECE_BYTES", 10_000)
    monkeypatch.setattr("worker.intake.records.PIECE_BYTES", 10_000)
    content = values(2_000, 100)
    data = batch([record(delta, value) for delta, value in enumerate(content)], 10, codec)
    assert [one.value for one in all_of(reader(data))] == content
    assert [one.offset for one in all_of(reader(data, 1_500))] == [*range(1_500, 2_010)]


@every_codec
def test_a_poll_takes_no_more_than_its_bytes(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.intake.decompression.PIECE_BYTES", 10_000)
    monkeypatch.setattr("worker.intake.parts.PIECE_BYTES", 10_000)
    monkeypatch.setattr("worker.intake.records.PIECE_BYTES", 10_000)
    monkeypatch.setattr(records, "TAKEN_BYTES", 20_000)
    content = [record(delta, value) for delta, value in enumerate(values(1_000, 100))]
    partition_records = reader(b"".join(batch(content[at : at + 50], 0, codec) for at in range(0, 1_000, 50)))
    polls = []
    while not partition_records.exhausted:
        polls.append(partition_records.take(2_000))
    assert sum(map(len, polls)) == 1_000
    most = 70_000 if codec == "snappy in one block" else 50_000
    assert max(sum(len(one.value or b"") for one in poll) for poll in polls) < most


def test_a_record_too_large_for_the_memory_is_passed_over_with_its_key() -> None:
    large = record(1, b"x" * (MAX_RECORD_BYTES + 1), b"key of it")
    found = all_of(reader(batch([record(0, b"a"), large, record(2, b"c")], 10, "zstd")))
    assert told(found) == [(10, b"a", ""), (11, b"", "unreadable_record"), (12, b"c", "")]
    assert found[1].key == b"key of it"


def test_a_snappy_block_that_claims_gigabytes_is_not_believed() -> None:
    (found,) = all_of(
        reader(batch([record(0, b"x")], 0, "snappy in one block", payload=b"\xff\xff\xff\xff\x0f" + b"\0" * 9))
    )
    assert "wrong length" in found.rejection.message


def spoilt_count(data: bytes) -> bytes:
    """Claims more records than its offsets have room for; and so its checksum is wrong."""
    return data[:57] + struct.pack(">i", 1_000) + data[61:]


DAMAGED: dict[str, Callable[[], bytes]] = {
    "its count": lambda: spoilt_count(batch([record(delta, b"v") for delta in range(10)])),
    "its count, compressed": lambda: spoilt_count(batch([record(delta, b"v") for delta in range(10)], 0, "gzip")),
    "its count and its format": lambda: spoilt_count(batch([record(delta, b"v") for delta in range(10)], magic=9)),
    "its end, under a right checksum": lambda: batch([record(0, b"v")], last_delta=0),
    "its first offset": lambda: struct.pack(">q", -(2**40)) + batch([record(delta, b"v") for delta in range(10)])[8:],
    "a marker's end": lambda: batch([record(0, b"v")], attributes=0x30),
}


@pytest.mark.parametrize("damaged", DAMAGED)
@pytest.mark.parametrize("position", [5, 9])
def test_a_damaged_batch_is_left_behind_also_from_its_middle(damaged: str, position: int) -> None:
    data = DAMAGED[damaged]()
    for _ in range(10 - position):
        partition_records = reader(data, position)
        (first, *_) = all_of(partition_records)
        assert isinstance(first, UnreadableRecord)
        assert first.offset == position
        assert partition_records.next_fetch_offset > position
        position = partition_records.next_fetch_offset
        if position >= 10:
            return
    pytest.fail("it is read on for ever")


@given(st.data())
def test_whatever_the_bytes_reading_always_gets_on(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from([*CODECS]))
    content = bytearray(batch([record(delta, value) for delta, value in enumerate(values(20))], 10, codec))
    for at in data.draw(st.lists(st.integers(0, 60) | st.integers(0, len(content) - 1), max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    position = data.draw(st.integers(10, 29))
    damaged = resealed(bytes(content)) if data.draw(st.booleans()) else bytes(content)
    partition_records = reader(damaged, position)
    offsets = [one.offset for one in all_of(partition_records)]
    assert offsets == sorted({offset for offset in offsets if offset >= position})
    assert partition_records.next_fetch_offset > position


@given(st.data())
def test_whatever_the_bytes_reading_ends_in_order_and_gets_on(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from([*CODECS]))
    content = bytearray(batch([record(delta, value) for delta, value in enumerate(values(20))], 10, codec))
    for at in data.draw(st.lists(st.integers(12, len(content) - 1), max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    data_of_batch = bytes(content)
    if data.draw(st.booleans()):  # damaged before it was written: its checksum is right
        data_of_batch = resealed(data_of_batch)
    partition_records = reader(data_of_batch + batch([record(0, b"behind")], 30), data.draw(st.integers(0, 29)))
    offsets = [one.offset for one in all_of(partition_records)]
    assert offsets == sorted(set(offsets))
    assert partition_records.next_fetch_offset >= 31


def test_the_log_names_the_first_unreadable_record_and_counts_the_others() -> None:
    spoilt = all_of(reader(batch([record(delta, b"v", headers=[(LATIN_1, b"")]) for delta in range(3)], 7)))
    event = unreadable_records_found(spoilt, "becomes a dead letter")
    line = "texts-0@7: the record cannot be read: 1 of its 1 header names is not UTF-8; it becomes a dead letter"
    assert event.sentence() == f"{line}, and 2 more like it"
    assert event.merged(unreadable_records_found(spoilt[1:], "is skipped")).sentence() == f"{line}, and 4 more like it"
    assert unreadable_records_found(spoilt[:1], "becomes a dead letter").sentence() == line
