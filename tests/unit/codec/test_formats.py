"""Properties of every input format, from the day it is listed in FORMATS."""

import json
from collections.abc import Iterator
from itertools import permutations
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.codec.events import (
    CE_HEADERS,
    ID,
    OFFSET,
    PARTITION,
    SENTIMENT,
    TOPIC,
    WRAPPINGS,
    Wrapping,
    a_codec,
    a_record,
    answer,
    unhurried,
)

from worker.codec import Codec
from worker.codec.formats import FORMATS
from worker.codec.headers import format_headers
from worker.errors import Reason, Rejection, Stage
from worker.settings import Settings

MODES = get_args(Settings.model_fields["output_mode"].annotation)
every_wrapping = pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)

BAD_OBJECTS = {
    "not UTF-8": (b'{"text":"\xff"}', Reason.NOT_UTF8),
    "not JSON": (b'{"text":"lovely"', Reason.NOT_JSON),
    "an array": (b'["lovely"]', Reason.NOT_AN_OBJECT),
    "a bomb of brackets": (b'{"text":"lovely","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", Reason.NESTED_TOO_DEEPLY),
    "half a surrogate pair": (rb'{"text":"lovely \ud800"}', Reason.LONE_SURROGATE),
    "no text": (b'{"texts":"lovely"}', Reason.NO_TEXT),
    "a number for a text": (b'{"text":5}', Reason.TEXT_NOT_A_STRING),
    "a blank text": (b'{"text":" "}', Reason.EMPTY_TEXT),
    "a text too large": (b'{"text":"' + b"x" * 101 + b'"}', Reason.TEXT_TOO_LARGE),
}


SHAPES = {
    **{name: wrapping.wrap(b'{"id":1.0,"text":"%b"}' % name.encode()) for name, wrapping in WRAPPINGS.items()},
    "plain JSON with headers": a_record(b'{"id":"a","text":"lovely"}', (("content-type", b"application/json"),)),
    "a frame where a CloudEvent has none": a_record(b'\0\0\0\0\x2a{"text":"lovely"}', CE_HEADERS),
}
"""One record of each format and of what is close to another one."""


def test_every_listed_format_is_a_setting_and_every_setting_a_format() -> None:
    choices = set(get_args(Settings.model_fields["input_format"].annotation))
    assert set(FORMATS) == choices - {"auto"}


def test_every_listed_format_is_under_contract_here() -> None:
    assert {wrapping.format for wrapping in WRAPPINGS.values()} == set(FORMATS)


@every_wrapping
def test_auto_takes_a_record_for_the_format_it_is(wrapping: Wrapping) -> None:
    record = wrapping.wrap(b'{"text":"lovely"}')
    assert (
        next(
            name
            for name, format_ in FORMATS.items()
            if format_.recognises(record.value, format_headers(record.headers))
        )
        == wrapping.format
    )


@pytest.mark.parametrize("mode", MODES)
def test_what_a_record_is_taken_for_does_not_depend_on_those_before_it(mode: str) -> None:
    def read(codec: Codec, record: Any) -> Any:
        decoded = codec.decode([record])
        return decoded.rejected.get(0) or (decoded.texts, answer(codec, record))

    alone = {name: read(a_codec(output_mode=mode), record) for name, record in SHAPES.items()}
    texts = {name: [] if isinstance(read_, Rejection) else read_[0] for name, read_ in alone.items()}
    assert sum(isinstance(read_, Rejection) for read_ in alone.values()) == 1
    for order in permutations(SHAPES, 3):
        codec = a_codec(output_mode=mode)
        assert codec.decode([SHAPES[name] for name in order]).texts == [text for name in order for text in texts[name]]
        assert [read(codec, SHAPES[name]) for name in order] == [alone[name] for name in order]


class CountedHeaders(tuple[tuple[str, bytes | None], ...]):
    """Headers that know how often somebody went through them."""

    times = 0

    def __iter__(self) -> Iterator[tuple[str, bytes | None]]:
        self.times += 1
        return super().__iter__()


@pytest.mark.parametrize("input_format", [*FORMATS, "auto"])
@pytest.mark.parametrize("record", SHAPES.values(), ids=SHAPES)
def test_decoding_goes_through_a_records_headers_once_at_most(record: Any, input_format: str) -> None:
    headers = CountedHeaders(record.headers)
    a_codec(input_format=input_format).decode([a_record(record.value, headers)])
    assert headers.times <= (input_format in ("auto", "cloudevents"))


@pytest.mark.parametrize("mode", MODES)
@every_wrapping
def test_the_format_named_and_the_format_found_answer_alike(wrapping: Wrapping, mode: str) -> None:
    record = wrapping.wrap(b'{"id":7,"text":"lovely"}')
    named = answer(a_codec(input_format=wrapping.format, output_mode=mode), record)
    assert named == answer(a_codec(output_mode=mode), record)


@every_wrapping
def test_a_text_is_found_where_the_pointer_says(wrapping: Wrapping) -> None:
    record = wrapping.wrap(b'{"review":{"parts":[{"body":"bad"},{"body":"lovely"}]},"text":"other"}')
    assert a_codec(text_path="/review/parts/1/body").decode([record]).texts == ["lovely"]


@every_wrapping
def test_enriching_adds_the_verdict_to_the_object_and_leaves_the_headers(wrapping: Wrapping) -> None:
    record = wrapping.wrap(b'{"text":"lovely","n":1}')
    value, headers = answer(a_codec(), record)
    assert json.loads(wrapping.unwrap(value)) == {"text": "lovely", "n": 1, "sentiment": SENTIMENT}
    assert headers == record.headers


@every_wrapping
def test_an_old_verdict_is_replaced(wrapping: Wrapping) -> None:
    value, _ = answer(a_codec(), wrapping.wrap(b'{"sentiment":"old", "text":"lovely"}'))
    assert json.loads(wrapping.unwrap(value)) == {"text": "lovely", "sentiment": SENTIMENT}


@every_wrapping
def test_a_verdict_alone_repeats_the_events_id_and_place(wrapping: Wrapping) -> None:
    value, _ = answer(a_codec(output_mode="verdict"), wrapping.wrap(b'{"id":12345678901234567890123,"text":"lovely"}'))
    parsed = json.loads(value)
    assert parsed.get("data", parsed) == {
        "id": ID,
        "event_id": 12345678901234567890123,
        "topic": TOPIC,
        "partition": PARTITION,
        "offset": OFFSET,
        "sentiment": SENTIMENT,
    }


@pytest.mark.parametrize("id_", ["7", "-0", "0", "1.50", "1E5", "12345678901234567890123", '"a"', '"\u00e9"'])
@every_wrapping
def test_an_id_is_repeated_as_it_was_written(wrapping: Wrapping, id_: str) -> None:
    record = wrapping.wrap(f'{{"ref":{{"no":0}},"ref":{{"id":0,"id":{id_} }},"text":"lovely"}}'.encode())
    value, _ = answer(a_codec(output_mode="verdict", id_path="/ref/id"), record)
    assert f'"event_id":{id_},"topic"'.encode() in value


@pytest.mark.parametrize("id_", ["null", "true", "[1]", '{"no":1}'])
@every_wrapping
def test_an_id_that_is_no_string_and_no_number_is_none(wrapping: Wrapping, id_: str) -> None:
    value, _ = answer(a_codec(output_mode="verdict"), wrapping.wrap(f'{{"id":{id_},"text":"lovely"}}'.encode()))
    parsed = json.loads(value)
    assert parsed.get("data", parsed)["event_id"] == ("7d1c" if wrapping.format == "cloudevents" else None)


@pytest.mark.parametrize("mode", MODES)
@every_wrapping
def test_the_same_record_gets_the_same_answer_again(wrapping: Wrapping, mode: str) -> None:
    record = wrapping.wrap(b'{"text":"lovely"}')
    assert answer(a_codec(output_mode=mode), record) == answer(a_codec(output_mode=mode), record)


@pytest.mark.parametrize(("body", "reason"), BAD_OBJECTS.values(), ids=BAD_OBJECTS)
@every_wrapping
def test_a_bad_object_is_rejected_with_its_reason(wrapping: Wrapping, body: bytes, reason: Reason) -> None:
    decoded = a_codec(max_text_bytes=100).decode([wrapping.wrap(body)])
    framed_nothing = wrapping.format == "confluent" and reason in (Reason.NOT_JSON, Reason.NOT_UTF8)
    assert decoded.rejected[0].reason == (Reason.UNKNOWN_FRAME if framed_nothing else reason)
    assert decoded.rejected[0].stage is Stage.DECODE
    assert (decoded.indexes, decoded.texts, decoded.forwarded) == ([], [], [])


@pytest.mark.parametrize("name", [*FORMATS, "auto"])
@every_wrapping
@unhurried
@given(body=st.binary(max_size=40))
def test_no_bytes_make_a_format_raise(wrapping: Wrapping, name: str, body: bytes) -> None:
    for record in (wrapping.wrap(body), wrapping.wrap(b'{"text":' + body + b"}"), a_record(body)):
        decoded = a_codec(input_format=name).decode([record])
        assert len(decoded.indexes) + len(decoded.rejected) == 1
