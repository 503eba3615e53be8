"""Confluent's frame, in and out."""

import pytest
from unit.codec.events import SENTIMENT_BYTES, a_codec, a_record, answer

from worker.errors import Reason

FRAME = b"\0\0\0\x12\x34"
EVENT = b'{"text":"lovely"}'
ENRICHED = b'{"text":"lovely","sentiment":' + SENTIMENT_BYTES + b"}"


@pytest.mark.parametrize("value", [EVENT, FRAME + EVENT], ids=["plain in", "framed in"])
def test_outputs_are_plain_unless_a_schema_is_named(value: bytes) -> None:
    assert answer(a_codec(), a_record(value))[0] == ENRICHED
    assert answer(a_codec(output_schema_id=0x0102), a_record(value))[0] == b"\0\0\0\x01\x02" + ENRICHED


@pytest.mark.parametrize("schema_id", [0, 2**31 - 1])
def test_the_schema_id_is_written_in_four_bytes(schema_id: int) -> None:
    value, _ = answer(a_codec(output_schema_id=schema_id, output_mode="verdict"), a_record(EVENT))
    assert value[:6] == b"\0" + schema_id.to_bytes(4, "big") + b"{"


def test_white_space_behind_the_frame_stays() -> None:
    assert answer(a_codec(), a_record(FRAME + b"\n" + EVENT + b"\n"))[0] == b"\n" + ENRICHED + b"\n"


@pytest.mark.parametrize(
    ("input_format", "value"),
    [
        ("json", FRAME + EVENT),
        ("confluent", EVENT),
        ("confluent", b""),
        ("confluent", b"     " + EVENT),
        ("cloudevents", FRAME + EVENT),
    ],
)
def test_a_format_that_is_named_reads_no_other(input_format: str, value: bytes) -> None:
    [rejection] = a_codec(input_format=input_format).decode([a_record(value)]).rejected.values()
    expected = Reason.INVALID_CLOUDEVENT if input_format == "cloudevents" else Reason.UNKNOWN_FRAME
    assert rejection.reason is expected


def test_a_frame_in_a_frame_is_unknown() -> None:
    [rejection] = a_codec().decode([a_record(FRAME + FRAME + EVENT)]).rejected.values()
    assert rejection.reason is Reason.UNKNOWN_FRAME
