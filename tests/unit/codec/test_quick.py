"""``decode`` agrees with itself, in few steps and in many, and with Python's own parser, whatever the bytes are."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.codec.events import (
    OTHER_MEMBER,
    VALUE,
    a_codec,
    a_fetch,
    a_record,
    answer,
    events,
    exactly,
    members,
    some_verdicts,
    unhurried,
)

from worker.errors import Reason

MUTATION = st.tuples(
    st.integers(0, 200), st.sampled_from([b"", b'"', b"{", b"}", b"\\", b"\xff", b"\0", b",", b"[", b"1"])
)
ODDITY = st.tuples(
    st.integers(0, 200),
    st.sampled_from(
        [rb"\ud800", b"NaN", b"1e999", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"sentiment":1,', b"text", rb"\u0"]
    ),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "Content-Type", "ce_id", "ce_specversion", "ce_type", "ce_source", "x", ""])
        | st.text(),
        st.sampled_from([b"1.0", b"application/cloudevents+json", b"application/cloudevents", b"application/json", b""])
        | st.none()
        | st.binary(max_size=5),
    ),
    max_size=5,
)


def mutated(event: bytes, mutations: list[tuple[int, bytes]]) -> bytes:
    for position, piece in mutations:
        event = event[:position] + piece + event[position + 1 :]
    return event


@unhurried
@given(event=events(), mutations=st.lists(MUTATION, max_size=2))
def test_a_bare_object_comes_out_as_one_with_a_space_behind_it(
    event: bytes, mutations: list[tuple[int, bytes]]
) -> None:
    event = mutated(event.strip(), mutations)
    codec = a_codec()
    bare, spaced = codec.decode([a_record(event)]), codec.decode([a_record(event + b" ")])
    assert bare.texts == spaced.texts
    assert {index: rejection.reason for index, rejection in bare.rejected.items()} == {
        index: rejection.reason for index, rejection in spaced.rejected.items()
    }
    if bare.texts:
        assert answer(codec, a_record(event))[0] == answer(codec, a_record(event + b" "))[0].rstrip()


@unhurried
@given(others=st.lists(OTHER_MEMBER, max_size=2), ids=st.lists(members(st.just('"id"'), VALUE), max_size=2))
def test_a_bare_object_gets_the_verdict_that_one_with_a_space_behind_it_gets(others: list[str], ids: list[str]) -> None:
    event = ("{" + ",".join([*ids, '"text":"lovely"', *others]) + "}").encode()
    for path in ("/id", "/id/0", "/other"):
        codec = a_codec(output_mode="verdict", id_path=path)
        assert answer(codec, a_record(event)) == answer(codec, a_record(event + b" "))


def refuse(constant: str) -> None:
    raise ValueError(constant)


def reasons_by_python(value: bytes) -> set[Reason]:
    """Return why the standard library, read strictly, rejects a value; an empty set if there may be a text in it."""
    if value[:1] == b"\0":
        return {Reason.UNKNOWN_FRAME}
    if value.startswith(b"\xef\xbb\xbf"):
        return {Reason.NOT_JSON}
    try:
        document = json.loads(value.decode(), parse_constant=refuse)
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        return {Reason.NOT_UTF8}
    except UnicodeEncodeError:
        return {Reason.LONE_SURROGATE}
    except ValueError:
        return {Reason.NOT_JSON}
    return set() if isinstance(document, dict) else {Reason.NOT_AN_OBJECT}


@unhurried
@given(event=events(), mutations=st.lists(MUTATION | ODDITY, max_size=3))
def test_what_is_no_json_object_to_python_is_none_here_and_the_other_way_round(
    event: bytes, mutations: list[tuple[int, bytes]]
) -> None:
    value = mutated(event, mutations)
    decoded = a_codec().decode([a_record(value)])
    found = {rejection.reason for rejection in decoded.rejected.values()}
    assert found - {Reason.NO_TEXT, Reason.TEXT_NOT_A_STRING, Reason.EMPTY_TEXT} == reasons_by_python(value)
    if decoded.indexes:
        members = [member for member in exactly(value) if member[0] != "sentiment"]
        assert exactly(answer(a_codec(), a_record(value))[0])[:-1] == members


@pytest.mark.parametrize("output_mode", ["enrich", "verdict"])
@pytest.mark.parametrize("input_format", ["auto", "json", "cloudevents", "confluent"])
@unhurried
@given(
    records=st.lists(
        st.builds(
            a_record,
            st.none() | st.binary(max_size=60) | st.builds(mutated, events(), st.lists(MUTATION, max_size=3)),
            HEADERS,
            st.none() | st.binary(max_size=3),
        ),
        max_size=4,
    )
)
def test_every_record_ends_in_one_place_and_every_text_is_answered(
    input_format: str, output_mode: str, records: list[Any]
) -> None:
    codec = a_codec(input_format=input_format, output_mode=output_mode)
    decoded = codec.decode(records)
    ends = [*decoded.indexes, *decoded.rejected, *decoded.forwarded, *decoded.skipped]
    assert sorted(ends) == list(range(len(records)))
    assert decoded.indexes == sorted(decoded.indexes)
    assert len(decoded.texts) == len(decoded.indexes)
    assert all(text.strip() for text in decoded.texts)
    outputs = codec.encode(
        a_fetch(records), decoded, decoded.indexes, some_verdicts(len(decoded.indexes)), "2026-01-31T08:00:00Z"
    )
    assert len(outputs) == len(decoded.indexes)
    assert all(isinstance(orjson.loads(value), dict) for value, _ in outputs)


@unhurried
@given(pick=st.sets(st.integers(0, 9)))
def test_a_part_of_a_fetch_is_answered_with_its_own_offsets(pick: set[int]) -> None:
    records = [
        a_record(b'{"text":"number %d"}' % index + b" " * (index % 2), offset=100 + index) for index in range(10)
    ]
    codec, indexes = a_codec(), sorted(pick)
    outputs = codec.encode(
        a_fetch(records), codec.decode(records), indexes, some_verdicts(len(indexes)), "2026-01-31T08:00:00Z"
    )
    for (value, _), index in zip(outputs, indexes, strict=True):
        assert value.startswith(b'{"text":"number %d"' % index)
        assert b'"id":"text-events-3-%d-' % (100 + index) in value
