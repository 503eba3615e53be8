"""JSON Pointers, and where they point in the bytes."""

from typing import Any

import orjson
import pytest
from error_codes import raises_code
from hypothesis import given
from unit.codec.events import events, unhurried

from worker.codec import spans
from worker.errors import Code, SettingError
from worker.pointer import MISSING, Pointer

# The document and the answers of RFC 6901, section 5.
RFC_DOCUMENT: dict[str, Any] = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}
RFC_ANSWERS = {
    "": RFC_DOCUMENT,
    "/foo": ["bar", "baz"],
    "/foo/0": "bar",
    "/": 0,
    "/a~1b": 1,
    "/c%d": 2,
    "/e^f": 3,
    "/g|h": 4,
    "/i\\j": 5,
    '/k"l': 6,
    "/ ": 7,
    "/m~0n": 8,
}


@pytest.mark.parametrize(("text", "found"), RFC_ANSWERS.items(), ids=lambda case: repr(case)[:20])
def test_the_examples_of_the_rfc_are_found(text: str, found: Any) -> None:
    assert Pointer.parse(text).find(RFC_DOCUMENT) == found


@pytest.mark.parametrize(
    "text",
    [
        "/foo/-",
        "/foo/2",
        "/foo/01",
        "/foo/+1",
        "/foo/-1",
        "/foo/ 1",
        "/foo/1_0",
        "/foo/١",
        "/foo/" + "9" * 30,
        "/foo/0/x",
        "/x",
    ],
)
def test_what_is_not_there_is_missing_and_raises_nothing(text: str) -> None:
    assert Pointer.parse(text).find(RFC_DOCUMENT) is MISSING


def test_a_null_is_found_and_is_not_missing() -> None:
    assert Pointer.parse("/a").find({"a": None}) is None


def test_an_escaped_tilde_before_a_one_stays_a_tilde() -> None:
    assert Pointer.parse("/~01").tokens == ("~1",)


@pytest.mark.parametrize("text", ["text", "/a~", "/~2", "/a~/b"])
def test_what_is_no_pointer_is_refused_with_the_way_out(text: str) -> None:
    with raises_code(SettingError, Code.INVALID_POINTER):
        Pointer.parse(text)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [leaf for key, item in items for leaf in leaves(item, (*path, str(key)))]


@unhurried
@given(event=events())
def test_the_bytes_that_a_pointer_finds_parse_to_the_value_that_it_finds(event: bytes) -> None:
    document = orjson.loads(event)
    for tokens in leaves(document)[1:]:
        pointer = Pointer(tokens)
        span = spans.find(event, event.index(b"{"), pointer)
        assert span is not None
        assert orjson.loads(event[slice(*span)]) == pointer.find(document)


@unhurried
@given(event=events())
def test_the_parts_of_an_object_are_its_members_in_order(event: bytes) -> None:
    found = list(spans.parts(event, event.index(b"{")))
    assert {part.key: orjson.loads(event[part.value_start : part.value_end]) for part in found} == orjson.loads(event)
    inside = event[event.index(b"{") + 1 : event.rindex(b"}")]
    assert b",".join(event[part.start : part.end] for part in found) == inside


@pytest.mark.parametrize("text", ["/a/3", "/a/-", "/b/x", "/c"])
def test_no_bytes_are_found_where_nothing_is(text: str) -> None:
    assert spans.find(b'{"a":[1,2],"b":"x"}', 0, Pointer.parse(text)) is None
