"""CloudEvents 1.0 in Kafka, with the CloudEvents project's own Python SDK as the judge of events made and read."""

import json
from base64 import b64encode
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from unit.codec.events import (
    CE_HEADERS,
    ID,
    OFFSET,
    PARTITION,
    PROCESSED_AT,
    SENTIMENT,
    SENTIMENT_BYTES,
    STRUCTURED,
    TOPIC,
    a_codec,
    a_record,
    answer,
    unhurried,
)

from worker.codec import Output
from worker.errors import Reason

FORMAT = JSONFormat()
DATA = {"id": 5, "text": "The lamp is lovely", "stars": 4}
MODES = pytest.mark.parametrize(
    ("write", "read"), [(to_binary, from_binary), (to_structured, from_structured)], ids=["binary", "structured"]
)
REQUIRED = b'"specversion":"1.0","id":"1","source":"s","type":"t"'
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def an_event(data: Any = DATA, **attributes: str) -> CloudEvent:
    required = {"specversion": "1.0", "id": "7d1c", "source": "/shop/reviews", "type": "review.written"}
    return CloudEvent(required | {"datacontenttype": "application/json"} | attributes, data)


def as_record(message: KafkaMessage) -> Any:
    return a_record(message.value, tuple(message.headers.items()))


def as_message(output: Output) -> KafkaMessage:
    value, headers = output
    assert len(dict(headers)) == len(headers), "a header came twice"
    return KafkaMessage({name: content or b"" for name, content in headers}, None, value)


def reason_of(record: Any, **settings: str) -> Reason:
    return a_codec(**settings).decode([record]).rejected[0].reason


@MODES
@unhurried
@given(id_=WORDS, source=WORDS, type_=WORDS, subject=WORDS, tenant=WORDS, text=WORDS)
def test_what_the_sdk_writes_is_read_and_the_sdk_reads_it_back_with_a_verdict(
    write: Any, read: Any, id_: str, source: str, type_: str, subject: str, tenant: str, text: str
) -> None:
    text += "!"  # not blank
    event = an_event({"text": text}, id=id_, source=source, type=type_, subject=subject, tenant=tenant)
    record = as_record(write(event, FORMAT))
    assert a_codec().decode([record]).texts == [text]
    enriched = read(as_message(answer(a_codec(), record)), FORMAT)
    assert enriched.get_data() == {"text": text, "sentiment": SENTIMENT}
    assert enriched.get_attributes() == event.get_attributes()


@MODES
def test_a_verdict_alone_is_an_event_of_its_own_that_the_sdk_reads(write: Any, read: Any) -> None:
    event = an_event(subject="lamp", dataschema="https://example.com/review", tenant="north")
    output = answer(a_codec(output_mode="verdict"), as_record(write(event, FORMAT)))
    verdict = read(as_message(output), FORMAT)
    assert verdict.get_attributes() | {"time": verdict.get_time().isoformat()} == {
        "specversion": "1.0",
        "id": ID,
        "source": "/sentiment-worker/text-events",
        "type": "sentiment-worker.verdict.v1",
        "subject": "7d1c",
        "time": "2026-01-31T08:00:00.250000+00:00",
        "datacontenttype": "application/json",
        "tenant": "north",
    }
    assert verdict.get_data() == {
        "id": ID,
        "event_id": 5,
        "topic": TOPIC,
        "partition": PARTITION,
        "offset": OFFSET,
        "sentiment": SENTIMENT,
    }


@MODES
def test_an_event_without_an_id_in_its_data_is_known_by_its_own(write: Any, read: Any) -> None:
    output = answer(a_codec(output_mode="verdict"), as_record(write(an_event({"text": "lovely"}), FORMAT)))
    assert read(as_message(output), FORMAT).get_data()["event_id"] == "7d1c"


def test_other_headers_go_with_a_binary_verdict_in_their_order() -> None:
    headers = (("a", b"\xff"), *CE_HEADERS, ("b", None), ("a", b""), ("Ce_Time", b"then"), ("ce_tenant", b"north"))
    _, answered = answer(a_codec(output_mode="verdict"), a_record(b'{"text":"lovely"}', headers))
    assert answered[:4] == [("a", b"\xff"), ("b", None), ("a", b""), ("ce_tenant", b"north")]
    assert [name for name, _ in answered[4:]] == [
        *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type"),
    ]
    assert ("ce_time", PROCESSED_AT.encode()) in answered


def test_extensions_of_a_structured_event_keep_their_bytes_in_its_verdict() -> None:
    event = b'{"tenant" :  "n\\u006frth",%b,"rank":1.0,"data":{"text":"a"}}' % REQUIRED
    value, headers = answer(a_codec(output_mode="verdict"), a_record(event, STRUCTURED))
    assert b',"tenant" :  "n\\u006frth","rank":1.0,"data":{' in value
    assert headers == STRUCTURED


@pytest.mark.parametrize(
    "event",
    [
        b'{"data":{"text":"lovely"},%b}',
        b'{%b,"data":{"text":"lovely"}}',
        b'{%b, "data" :\n{"text":"lovely"} \n} ',
        b'{%b,"d\\u0061ta":{"text":"lovely"}}',
        b'{"data":{"text":"first"},%b,"data":{"text":"lovely"}}',
        b'{%b,"data":{"data":{"text":"first"},"text":"lovely"},"x":{"data":{"text":"no"}}}',
        b'{"x":{"y":"}","data":{"text":"no"}},%b,"data":{"text":"lovely"}}',
        b'{"x":"{\\"data\\":{","y":{"data":{}},%b,"data":{"text":"lovely","data":{}}}',
    ],
    ids=["first", "last", "spaced", "escaped", "twice", "nested and not last", "behind another", "in a string"],
)
def test_the_verdict_goes_into_the_data_wherever_that_is(event: bytes) -> None:
    event %= REQUIRED
    value, _ = answer(a_codec(), a_record(event, STRUCTURED))
    assert value.replace(b',"sentiment":' + SENTIMENT_BYTES, b"") == event
    data = json.loads(value)["data"]
    assert (data["text"], data["sentiment"]) == ("lovely", SENTIMENT)


def test_json_in_base64_goes_on_as_data_with_its_own_bytes() -> None:
    record = as_record(to_structured(an_event(b' {"n":1.0,"text":"lovely"}'), FORMAT))
    assert b"data_base64" in record.value
    output = answer(a_codec(), record)
    assert b'"data": {"n":1.0,"text":"lovely","sentiment":{' in output[0]
    enriched = from_structured(as_message(output), FORMAT)
    assert enriched.get_data() == {"n": 1.0, "text": "lovely", "sentiment": SENTIMENT}
    assert "data_base64" not in enriched.get_attributes()


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("content", [None, b"", b"\xff"], ids=["null", "empty", "not UTF-8"])
def test_a_binary_event_without_a_required_attribute_is_rejected(name: str, content: bytes | None) -> None:
    headers = [(header, content if header == f"ce_{name}" else value) for header, value in CE_HEADERS]
    assert reason_of(a_record(b'{"text":"lovely"}', headers)) is Reason.INVALID_CLOUDEVENT
    without = [(header, value) for header, value in headers if header != f"ce_{name}"]
    assert reason_of(a_record(b'{"text":"lovely"}', without)) is Reason.INVALID_CLOUDEVENT


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("content", ["null", '""', "1"], ids=["null", "empty", "a number"])
def test_a_structured_event_without_a_required_attribute_is_rejected(name: str, content: str) -> None:
    attributes = {"specversion": '"1.0"', "id": '"1"', "source": '"s"', "type": '"t"'}
    event = ",".join(f'"{key}":{value}' for key, value in (attributes | {name: content}).items())
    assert reason_of(a_record(f'{{{event},"data":{{"text":"a"}}}}'.encode(), STRUCTURED)) is Reason.INVALID_CLOUDEVENT
    attributes.pop(name)
    event = ",".join(f'"{key}":{value}' for key, value in attributes.items())
    assert reason_of(a_record(f'{{{event},"data":{{"text":"a"}}}}'.encode(), STRUCTURED)) is Reason.INVALID_CLOUDEVENT


WHOLE = b"{" + REQUIRED + b",%b}"


@pytest.mark.parametrize(
    ("members", "reason"),
    {
        "no data": (b'"subject":"x"', Reason.NO_TEXT),
        "null data": (b'"data":null', Reason.NO_TEXT),
        "a string as data": (b'"data":"lovely"', Reason.NOT_AN_OBJECT),
        "text data": (b'"datacontenttype":"text/plain","data":"lovely"', Reason.INVALID_CLOUDEVENT),
        "a number as content type": (b'"datacontenttype":1,"data":{"text":"a"}', Reason.INVALID_CLOUDEVENT),
        "data in both ways": (b'"data":{"text":"a"},"data_base64":"e30="', Reason.INVALID_CLOUDEVENT),
        "data_base64 twice": (b'"data_base64":"e30=","data_base64":"eyJ0ZXh0IjoiYSJ9"', Reason.INVALID_CLOUDEVENT),
        "no base64": (b'"data_base64":"%"', Reason.INVALID_CLOUDEVENT),
        "base64 of no ASCII": ('"data_base64":"é"'.encode(), Reason.INVALID_CLOUDEVENT),
        "a number as base64": (b'"data_base64":1', Reason.INVALID_CLOUDEVENT),
        "base64 of no JSON": (b'"data_base64":"' + b64encode(b"lovely") + b'"', Reason.NOT_JSON),
        "another version": (b'"specversion":"0.3","data":{"text":"a"}', Reason.INVALID_CLOUDEVENT),
    }.values(),
    ids=lambda case: case if isinstance(case, str) else None,
)
def test_a_structured_event_that_holds_no_object_is_rejected(members: bytes, reason: Reason) -> None:
    assert reason_of(a_record(WHOLE.replace(b"%b", members), STRUCTURED)) is reason


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/jsonlines", "json", "application/cloudevents-batch+json", "\xff"],
)
def test_a_content_type_that_is_not_json_is_rejected(content_type: str) -> None:
    headers = (*CE_HEADERS[:-1], ("content-type", content_type.encode("latin-1")))
    assert reason_of(a_record(b'{"text":"lovely"}', headers)) is Reason.INVALID_CLOUDEVENT


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"Application/JSON ; charset=utf-8", b"text/json", b"application/vnd.shop+json", b"", None],
)
def test_a_content_type_that_is_json_or_unsaid_is_read(content_type: bytes | None) -> None:
    headers = (*CE_HEADERS[:-1], ("Content-Type", content_type))
    assert a_codec().decode([a_record(b'{"text":"lovely"}', headers)]).texts == ["lovely"]


def test_the_content_type_decides_before_the_attributes_in_the_headers() -> None:
    headers = (*CE_HEADERS[:-1], *STRUCTURED)
    assert a_codec().decode([a_record(WHOLE % b'"data":{"text":"inner"}', headers)]).texts == ["inner"]


def test_a_headers_name_may_be_written_in_capitals() -> None:
    headers = [(name.title(), value) for name, value in CE_HEADERS]
    assert reason_of(a_record(b'{"text":"lovely"}', [*headers[1:]])) is Reason.INVALID_CLOUDEVENT
    assert answer(a_codec(output_mode="verdict"), a_record(b'{"text":"lovely"}', headers))[1][4] == (
        "ce_subject",
        b"7d1c",
    )
    structured = [("Content-Type", value) for _, value in STRUCTURED]
    assert a_codec().decode([a_record(WHOLE % b'"data":{"text":"inner"}', structured)]).texts == ["inner"]


def test_of_a_doubled_header_the_last_counts() -> None:
    headers = (("ce_specversion", b"0.3"), ("content-type", b"text/plain"), *CE_HEADERS)
    assert a_codec().decode([a_record(b'{"text":"lovely"}', headers)]).texts == ["lovely"]
    assert reason_of(a_record(b'{"text":"lovely"}', headers[::-1])) is Reason.INVALID_CLOUDEVENT


def test_other_peoples_headers_make_no_cloudevent() -> None:
    headers = (("ce_tenant", b"north"), ("content-type", b"text/plain"), ("id", b"1"))
    assert a_codec().decode([a_record(b'{"text":"lovely"}', headers)]).texts == ["lovely"]
    assert reason_of(a_record(b'{"text":"lovely"}', headers), input_format="cloudevents") is Reason.INVALID_CLOUDEVENT


def test_a_cloudevent_is_never_framed() -> None:
    for record in (a_record(b'{"text":"a"}', CE_HEADERS), a_record(WHOLE % b'"data":{"text":"a"}', STRUCTURED)):
        for mode in ("enrich", "verdict"):
            plain = answer(a_codec(output_mode=mode), record)
            assert answer(a_codec(output_mode=mode, output_schema_id=7), record) == plain
    framed = a_record(b'\0\0\0\0\1{"text":"a"}', CE_HEADERS)
    assert reason_of(framed) is Reason.UNKNOWN_FRAME
