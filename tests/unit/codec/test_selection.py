"""Events that are not meant to be classified: ``on_no_text`` and ``classify_if``."""

from typing import Any

import pytest
from error_codes import raises_code
from unit.codec.events import CE_HEAD, STRUCTURED, WRAPPINGS, Wrapping, a_codec, a_record, some_verdicts

from worker.codec.selection import Condition
from worker.errors import Code, Reason, SettingError
from worker.settings import load_settings

DELETE = b'{"before":{"text":"old"}, "after" : null, "op":"d"}'
IDENTITY = b'{"kind":"identity"}'
NULL_TEXT = b'{"after":{"text":null}}'
SCALAR = b'{"after":5}'


def ends(body: bytes, wrapping: Wrapping, **settings: Any) -> str:
    """Where the record of this body ends."""
    decoded = a_codec(text_path="/after/text", **settings).decode([wrapping.wrap(body)])
    if decoded.rejected:
        return str(decoded.rejected[0].reason)
    return "classified" if decoded.indexes else "forwarded" if decoded.forwarded else "skipped"


@pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("output_mode", ["enrich", "verdict"])
@pytest.mark.parametrize("body", [DELETE, IDENTITY, NULL_TEXT, SCALAR, b"{}"])
def test_valid_json_without_a_text_goes_where_the_setting_says(
    body: bytes, output_mode: str, wrapping: Wrapping
) -> None:
    found = [ends(body, wrapping, output_mode=output_mode, on_no_text=way) for way in ("forward", "skip")]
    assert found == ["forwarded", "skipped"]
    assert ends(body, wrapping, output_mode=output_mode) in (Reason.NO_TEXT, Reason.TEXT_NOT_A_STRING)


@pytest.mark.parametrize("on_no_text", ["forward", "skip"])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"after":{"text":"x"', Reason.NOT_JSON),
        (b'{"after":{"text":" "}}', Reason.EMPTY_TEXT),
        (b'{"after":{"text":5}}', Reason.TEXT_NOT_A_STRING),
        (b"[1]", Reason.NOT_AN_OBJECT),
        (b'{"after":"\xff"}', Reason.NOT_UTF8),
    ],
)
def test_what_is_broken_is_a_dead_letter_all_the_same(body: bytes, reason: Reason, on_no_text: str) -> None:
    assert ends(body, WRAPPINGS["plain JSON"], on_no_text=on_no_text) == reason


def test_a_cloudevent_without_data_has_no_text() -> None:
    record = a_record(CE_HEAD + b"null}", STRUCTURED)
    assert a_codec(on_no_text="forward").decode([record]).forwarded == [0]
    assert a_codec(on_no_text="skip").decode([record]).skipped == [0]


@pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("space", [b"", b" "], ids=["bare", "with a space behind it"])
def test_only_what_the_condition_selects_is_classified(wrapping: Wrapping, space: bytes) -> None:
    create, other = b'{"op":"c","text":"good"}' + space, b'{"op":"r","text":"good"}' + space
    for on_no_text, left_out in {"dead_letter": "forwarded", "forward": "forwarded", "skip": "skipped"}.items():
        codec = a_codec(classify_if="/op=c", on_no_text=on_no_text)
        decoded = codec.decode([wrapping.wrap(body) for body in (create, other, create)])
        assert decoded.indexes == [0, 2]
        assert getattr(decoded, left_out) == [1]
        assert decoded.rejected == {}


@pytest.mark.parametrize("condition", ["/op=c", "/op", "/op=null"])
@pytest.mark.parametrize("end", [b'"data":null}', b'"x":1}'], ids=["null", "none"])
def test_an_event_without_data_is_not_selected_and_never_a_dead_letter(condition: str, end: bytes) -> None:
    record = a_record(CE_HEAD.replace(b'"data" : ', end), STRUCTURED)
    for on_no_text, left_out in {"dead_letter": "forwarded", "forward": "forwarded", "skip": "skipped"}.items():
        decoded = a_codec(classify_if=condition, on_no_text=on_no_text).decode([record])
        assert (getattr(decoded, left_out), decoded.rejected) == ([0], {})


@pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("body", [b"{}", b'{"op":"d"}', b'{"op":null,"after":5}', b'{"op":["c"],"after":{"text":5}}'])
def test_no_object_that_the_condition_leaves_out_is_a_dead_letter(wrapping: Wrapping, body: bytes) -> None:
    assert ends(body, wrapping, classify_if="/op=c") == "forwarded"
    assert ends(body, wrapping, classify_if="/op=c", on_no_text="skip") == "skipped"


def test_a_selected_event_without_a_text_is_a_dead_letter_by_default() -> None:
    decoded = a_codec(classify_if="/op=c").decode([a_record(b'{"op":"c"}'), a_record(b'{"op":"d"}')])
    assert (list(decoded.rejected), decoded.forwarded) == ([0], [1])


@pytest.mark.parametrize(
    ("condition", "document", "holds"),
    [
        ("/after", {"after": {}}, True),
        ("/after", {"after": None}, False),
        ("/after", {}, False),
        ("/after=null", {"after": None}, True),
        ("/after=null", {}, False),
        ("/op=c", {"op": "c"}, True),
        ('/op="c"', {"op": "c"}, True),
        ("/op=c", {"op": "cc"}, False),
        ("/n=1", {"n": 1}, True),
        ("/n=1", {"n": 1.0}, True),
        ("/n=1", {"n": "1"}, False),
        ('/n="1"', {"n": "1"}, True),
        ("/n=1", {"n": True}, False),
        ("/n=true", {"n": True}, True),
        ("/n=true", {"n": 1}, False),
        ("/n=true", {"n": "true"}, False),
        ("/n=a=b", {"n": "a=b"}, True),
        ("/n=", {"n": ""}, True),
        ("/a/0=x", {"a": ["x"]}, True),
        ("/a=[1]", {"a": [1]}, True),
    ],
)
def test_a_condition_holds_where_its_pointer_finds_its_value(condition: str, document: Any, holds: bool) -> None:
    assert Condition.parse(condition).holds(document) is holds


@pytest.mark.parametrize("condition", ["op=c", "=c", "/a~2=c"])
def test_a_condition_without_a_pointer_is_refused(condition: str) -> None:
    with raises_code(SettingError, Code.INVALID_SETTING) as raised:
        load_settings(classify_if=condition)
    assert str(raised.value).startswith("classify_if: ")


def test_what_is_between_the_events_left_out_is_answered_in_its_place() -> None:
    records = [a_record(b'{"text":"good"}'), a_record(DELETE), a_record(None), a_record(b'{"text":"bad"}')]
    codec = a_codec(on_no_text="forward")
    decoded = codec.decode(records)
    assert (decoded.indexes, decoded.forwarded) == ([0, 3], [1, 2])
    assert len(some_verdicts(2)) == len(decoded.texts)
