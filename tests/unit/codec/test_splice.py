"""Enriching keeps the input's bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.codec.events import (
    OTHER_MEMBER,
    SENTIMENT,
    SENTIMENT_BYTES,
    SENTIMENT_KEY,
    SPACE,
    TEXT,
    TEXT_MEMBER,
    VALUE,
    WRAPPINGS,
    a_codec,
    a_record,
    answer,
    events,
    exactly,
    members,
    unhurried,
)

MEMBER = b',"sentiment":' + SENTIMENT_BYTES


@unhurried
@given(event=events())
def test_taking_the_verdict_out_gives_back_the_input_byte_for_byte(event: bytes) -> None:
    value, _ = answer(a_codec(), a_record(event))
    brace = event.rindex(b"}")
    assert value[:brace] == event[:brace]
    assert value[brace : brace + len(MEMBER)] == MEMBER
    assert value[brace + len(MEMBER) :] == event[brace:]


@unhurried
@given(event=events())
def test_an_output_parses_to_the_input_and_its_verdict(event: bytes) -> None:
    value, _ = answer(a_codec(), a_record(event))
    assert exactly(value) == [*exactly(event), ("sentiment", exactly(SENTIMENT_BYTES))]


@pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
@unhurried
@given(event=events())
def test_every_format_carries_the_same_bytes(wrapping: object, event: bytes) -> None:
    value, _ = answer(a_codec(), wrapping.wrap(event))  # type: ignore[attr-defined]
    spliced = wrapping.unwrap(value)  # type: ignore[attr-defined]
    brace = event.rindex(b"}")
    assert spliced == event[:brace] + MEMBER + event[brace:]


@unhurried
@given(
    kept=st.lists(OTHER_MEMBER, max_size=4),
    own=st.lists(members(SENTIMENT_KEY, VALUE), min_size=1, max_size=3),
    text=TEXT_MEMBER,
    space=SPACE,
    data=st.data(),
)
def test_a_sentiment_of_the_events_own_is_replaced_and_the_others_keep_their_bytes(
    kept: list[str], own: list[str], text: str, space: str, data: st.DataObject
) -> None:
    order = data.draw(
        st.permutations([(True, member) for member in [*kept, text]] + [(False, member) for member in own])
    )
    event = (space + "{" + ",".join(member for _, member in order) + "}" + space).encode()
    expected = (
        (space + "{" + ",".join(member for keep, member in order if keep)).encode() + MEMBER + b"}" + space.encode()
    )
    codec = a_codec()
    assert codec.decode([a_record(event)]).texts == [TEXT]
    assert answer(codec, a_record(event))[0] == expected


def test_a_text_within_the_replaced_sentiment_leaves_the_verdict_alone_in_the_object() -> None:
    value, _ = answer(a_codec(text_path="/sentiment/text"), a_record(b'{ "sentiment": {"text": "lovely"} }'))
    assert value == b'{"sentiment":' + SENTIMENT_BYTES + b"}"


def test_a_verdict_in_an_input_a_thousand_levels_deep_is_replaced_like_any_other() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    value, _ = answer(a_codec(), a_record(b'{"sentiment":' + deep + b',"text":"lovely","a":' + deep + b"}"))
    assert value == b'{"text":"lovely","a":' + deep + MEMBER + b"}"


@pytest.mark.parametrize(
    "number",
    ["1" + "0" * 400, "1e999", "-0", "1.10", "12345678901234567890123", "1E+2", "9" * 5000],
    ids=lambda n: n[:12],
)
def test_numbers_beyond_any_machine_type_come_out_as_they_went_in(number: str) -> None:
    event = f'{{"n":{number},"text":"lovely"}}'.encode()
    value, _ = answer(a_codec(), a_record(event))
    assert value == event[:-1] + MEMBER + b"}"


def test_a_sentiment_below_the_top_is_no_verdict() -> None:
    event = b'{"text":"lovely","review":{"sentiment":1}}'
    value, _ = answer(a_codec(), a_record(event))
    assert exactly(value)[1] == ("review", [("sentiment", "1")])
    assert value == event[:-1] + MEMBER + b"}"


def test_the_verdict_is_what_the_classifier_said() -> None:
    value, _ = answer(a_codec(), a_record(b'{"text":"lovely"}'))
    assert exactly(value) == exactly(b'{"text":"lovely","sentiment":' + SENTIMENT_BYTES + b"}")
    assert SENTIMENT["score"] == pytest.approx(0.9731584787368774, rel=1e-5)


def test_headers_go_through_doubled_null_empty_and_binary() -> None:
    headers = (("trace", b"\xff\xfe"), ("trace", None), ("", b""), ("x", b"1"))
    assert answer(a_codec(), a_record(b'{"text":"lovely"}', headers))[1] == headers
