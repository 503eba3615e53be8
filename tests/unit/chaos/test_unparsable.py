"""The batch that no client can read is one that a broker takes."""

import pytest
from aiokafka.record.memory_records import MemoryRecords
from chaos.events import IDENTITY
from chaos.unparsable import unparsable

NOW_MS = 1_700_000_000_000


def test_the_record_in_the_middle_cannot_be_read_and_the_first_says_what_it_is() -> None:
    batch = MemoryRecords(unparsable(4, NOW_MS)).next_batch()
    assert batch.validate_crc()
    first = next(batch)
    assert (first.key, first.timestamp) == (b"g0-unparsable-4", NOW_MS)
    assert first.headers == [(IDENTITY, b"g0-unparsable-4:1:output")]
    with pytest.raises(UnicodeDecodeError):
        next(batch)
