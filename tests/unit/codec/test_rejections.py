"""Every way in which a record can be bad, and what it is told."""

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unit.codec.events import a_codec, a_record, unhurried

from worker.errors import Reason, Rejection, Stage

BOMB = 100_000

REJECTED = {
    "an empty value": (b"", Reason.NOT_JSON),
    "white space alone": (b" \n", Reason.NOT_JSON),
    "plain text": (b"lovely", Reason.NOT_JSON),
    "an object that ends early": (b'{"text":"lovely"', Reason.NOT_JSON),
    "a trailing comma": (b'{"text":"lovely",}', Reason.NOT_JSON),
    "garbage behind the object": (b'{"text":"lovely"}x', Reason.NOT_JSON),
    "a NUL behind the object": (b'{"text":"lovely"}\0', Reason.NOT_JSON),
    "a second object": (b'{"text":"lovely"}{}', Reason.NOT_JSON),
    "NaN": (b'{"text":"lovely","n":NaN}', Reason.NOT_JSON),
    "Infinity": (b'{"text":"lovely","n":-Infinity}', Reason.NOT_JSON),
    "single quotes": (b"{'text':'lovely'}", Reason.NOT_JSON),
    "a raw line break in a string": (b'{"text":"love\nly"}', Reason.NOT_JSON),
    "a number with a leading zero": (b'{"text":"lovely","n":01}', Reason.NOT_JSON),
    "a byte order mark": (b'\xef\xbb\xbf{"text":"lovely"}', Reason.NOT_JSON),
    "a Latin-1 byte": (b'{"text":"caf\xe9"}', Reason.NOT_UTF8),
    "UTF-16": ('{"text":"lovely"}'.encode("utf-16"), Reason.NOT_UTF8),
    "a surrogate encoded as UTF-8": (b'{"text":"\xed\xa0\x80"}', Reason.NOT_UTF8),
    "an overlong encoding": (b'{"text":"\xc0\xaf"}', Reason.NOT_UTF8),
    "half a pair hidden by a repeated key": (
        rb'{"text":"lovely","a":"\ud800","a":1}',
        Reason.LONE_SURROGATE,
    ),
    "half a pair in the text": (rb'{"text":"lovely \ud800"}', Reason.LONE_SURROGATE),
    "half a pair in another member": (rb'{"text":"lovely","a":["\udc00"]}', Reason.LONE_SURROGATE),
    "half a pair in a key": (rb'{"text":"lovely","\ud800":1}', Reason.LONE_SURROGATE),
    "a pair the wrong way round": (rb'{"text":"\udc00\ud800"}', Reason.LONE_SURROGATE),
    "an array": (b'["lovely"]', Reason.NOT_AN_OBJECT),
    "a string": (b'"lovely"', Reason.NOT_AN_OBJECT),
    "a number beyond a double": (b"1e999", Reason.NOT_AN_OBJECT),
    "null as JSON": (b"null", Reason.NOT_AN_OBJECT),
    "a bomb of arrays": (b"[" * BOMB + b"]" * BOMB, Reason.NESTED_TOO_DEEPLY),
    "a bomb of objects": (b'{"a":' * BOMB + b"1" + b"}" * BOMB, Reason.NESTED_TOO_DEEPLY),
    "a bomb of arrays left open": (b"[" * BOMB, Reason.NESTED_TOO_DEEPLY),
    "a bomb of objects left open": (b'{"a":' * BOMB, Reason.NESTED_TOO_DEEPLY),
    "a bomb beside the text": (b'{"text":"lovely","a":' + b"[" * BOMB + b"]" * BOMB + b"}", Reason.NESTED_TOO_DEEPLY),
    "a bomb in a sentiment": (b'{"text":"a","sentiment":' + b"[" * BOMB + b"]" * BOMB + b"}", Reason.NESTED_TOO_DEEPLY),
    "one level too many": (b"[" * 1025 + b"]" * 1025, Reason.NESTED_TOO_DEEPLY),
    "an empty object": (b"{}", Reason.NO_TEXT),
    "no text": (b'{"body":"lovely"}', Reason.NO_TEXT),
    "a null text": (b'{"text":null}', Reason.TEXT_NOT_A_STRING),
    "a list of texts": (b'{"text":["lovely"]}', Reason.TEXT_NOT_A_STRING),
    "an empty text": (b'{"text":""}', Reason.EMPTY_TEXT),
    "a text of spaces": (b'{"text":"  \\n\\t "}', Reason.EMPTY_TEXT),
    "a text of no-break and ideographic spaces": ('{"text":"\u00a0\u3000\u2003"}'.encode(), Reason.EMPTY_TEXT),
    "a text of zero-width characters": ('{"text":"\u200b\u200d\u2060\ufeff"}'.encode(), Reason.EMPTY_TEXT),
    "a text of fillers and variation selectors": ('{"text":"\u3164\ufe0f\U000e0020"}'.encode(), Reason.EMPTY_TEXT),
    "a text of escaped NULs": (b'{"text":"\\u0000\\u0000"}', Reason.EMPTY_TEXT),
    "a text one byte too large": (b'{"text":"' + b"x" * 101 + b'"}', Reason.TEXT_TOO_LARGE),
    "a text whose characters fit and whose bytes do not": ('{"text":"' + "é" * 51 + '"}', Reason.TEXT_TOO_LARGE),
    "a large blank text": (b'{"text":"' + b" " * 101 + b'"}', Reason.TEXT_TOO_LARGE),
    "a control byte": (b'\x01{"text":"lovely"}', Reason.UNKNOWN_FRAME),
    "a frame cut short": (b"\0\0\0", Reason.UNKNOWN_FRAME),
    "a frame around nothing": (b"\0\0\0\0\x01", Reason.UNKNOWN_FRAME),
    "a frame around Avro": (b"\0\0\0\0\x01\x0clovely", Reason.UNKNOWN_FRAME),
    "a frame around Protobuf": (b"\0\0\0\0\x01\0\n\x06lovely", Reason.UNKNOWN_FRAME),
}

ACCEPTED = {
    "an escaped NUL within a text": (b'{"text":"love\\u0000ly"}', "love\0ly"),
    "a whole surrogate pair": (rb'{"text":"\ud83d\ude00"}', "😀"),
    "white space around": (b' \r\n{"text":"lovely"}\t', "lovely"),
    "the last of two texts": (b'{"text":"first","text":"last"}', "last"),
    "a key spelled with escapes": (rb'{"te\u0078t":"lovely"}', "lovely"),
    "a text with white space around": (b'{"text":" lovely "}', " lovely "),
    "an emoji of joined characters": ('{"text":"👨\u200d👩\u200d👧"}'.encode(), "👨\u200d👩\u200d👧"),
    "a text that starts with a zero-width space": ('{"text":"\u200blovely"}'.encode(), "\u200blovely"),
    "a text of the largest size": (b'{"text":"' + b"x" * 100 + b'"}', "x" * 100),
    "escapes longer than the characters they stand for": (b'{"text":"' + rb"\u00e9" * 50 + b'"}', "é" * 50),
    "a small text in a large event": (b'{"text":"lovely","a":"' + b"x" * 1000 + b'"}', "lovely"),
    "the deepest nesting": (b'{"text":"lovely","a":' + b"[" * 1023 + b"]" * 1023 + b"}", "lovely"),
}


def decode_one(value: bytes | str, **settings: object) -> Rejection:
    value = value.encode() if isinstance(value, str) else value
    decoded = a_codec(max_text_bytes=100, **settings).decode([a_record(value)])
    assert (decoded.texts, decoded.indexes, decoded.forwarded) == ([], [], [])
    return decoded.rejected[0]


@pytest.mark.parametrize(("value", "reason"), REJECTED.values(), ids=REJECTED)
def test_a_bad_record_is_rejected_with_its_reason(value: bytes | str, reason: Reason) -> None:
    rejection = decode_one(value)
    assert (rejection.reason, rejection.stage, rejection.attempts) == (reason, Stage.DECODE, 1)


@pytest.mark.parametrize(("value", "text"), ACCEPTED.values(), ids=ACCEPTED)
def test_an_odd_record_with_a_text_is_read(value: bytes, text: str) -> None:
    assert a_codec(max_text_bytes=100).decode([a_record(value)]).texts == [text]


@pytest.mark.parametrize("value", [value for value, _ in REJECTED.values()], ids=REJECTED)
def test_no_message_quotes_the_event(value: bytes | str) -> None:
    rejection = decode_one(value)
    for word in ("lovely", "café", "body", "sentiment"):
        assert word not in f"{rejection.message} {rejection.exception}"
    assert 0 < len(rejection.message) < 120


@unhurried
@given(secret=st.text(st.characters(categories=["Lo"]), min_size=3, max_size=20), cut=st.integers(0, 60))
@example(secret="秘密の", cut=20)
def test_no_piece_of_a_text_is_in_a_message(secret: str, cut: int) -> None:
    decoded = a_codec().decode([a_record(f'{{"{secret}":"{secret}","text":["{secret}"]}}'.encode()[:cut] + b"\xff")])
    assert decoded.rejected[0].message.isascii()
    assert secret not in repr(decoded)


def test_where_json_breaks_is_told() -> None:
    assert decode_one(b'{"text":"lovely",}').message == "the value is not JSON (RFC 8259): character 16"


def test_a_byte_order_mark_is_named() -> None:
    assert "byte order mark" in decode_one(b'\xef\xbb\xbf{"text":"lovely"}').message


def test_the_depth_allowed_does_not_hang_on_pythons_own_limit() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        assert decode_one(b"[" * 1025 + b"]" * 1025).reason is Reason.NESTED_TOO_DEEPLY
    finally:
        sys.setrecursionlimit(limit)


def test_repr_shows_no_text() -> None:
    assert "lovely" not in repr(a_codec(output_mode="verdict").decode([a_record(b'{"id":"lovely","text":"lovely"}')]))
    assert "lovely" not in repr(a_codec().decode([a_record(b'{"id":"lovely","text":"lovely"} ')]))


@pytest.mark.parametrize(
    ("key", "tombstones", "forwarded"),
    [(b"lamp", "forward", True), (b"", "forward", True), (None, "forward", False), (b"lamp", "dead_letter", False)],
    ids=["a key", "an empty key", "no key", "a key, but the setting says dead letter"],
)
def test_a_null_value_is_forwarded_or_rejected(key: bytes | None, tombstones: str, forwarded: bool) -> None:
    decoded = a_codec(tombstones=tombstones).decode([a_record(None, key=key)])
    assert decoded.forwarded == ([0] if forwarded else [])
    assert {index: rejection.reason for index, rejection in decoded.rejected.items()} == (
        {} if forwarded else {0: Reason.NULL_VALUE}
    )


def test_each_record_of_a_fetch_has_one_outcome() -> None:
    values = [b'{"text":"one"}', None, b"no", b'{"text":"two"} ', b'{"text":"three"}']
    decoded = a_codec().decode([a_record(value, offset=index) for index, value in enumerate(values)])
    assert (decoded.texts, decoded.indexes) == (["one", "two", "three"], [0, 3, 4])
    assert (decoded.forwarded, list(decoded.rejected)) == ([1], [2])
