"""Whatever a dead-letter topic refuses, there is a smaller letter, until there is only what must be there."""

from dataclasses import dataclass
from hashlib import sha256

import pytest
from aiokafka.errors import InvalidTimestampError, KafkaError, MessageSizeTooLargeError
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.json_schema import json_schema
from worker.delivery.batches import OutputSlice, PendingDelivery, Stamp
from worker.delivery.dead_letters import dead_letter_headers
from worker.delivery.last_resort import smaller_letter
from worker.delivery.ledger import CompletedRange
from worker.delivery.outcomes import InvalidRecordError
from worker.errors import Reason, Rejection, Stage
from worker.fetch import Fetch, Headers

BAD = Rejection(Reason.NOT_JSON, Stage.DECODE, "is not JSON")
SCHEMA = Draft202012Validator(json_schema("dead-letter-headers"))


@dataclass(frozen=True)
class StubRecord:
    key: bytes | None = b"key"
    value: bytes | None = b"value"
    headers: tuple[tuple[str, bytes | None], ...] = (("h", b"1"),)
    offset: int = 41
    timestamp: int = 1_000


def letters_of(*records: StubRecord) -> OutputSlice:
    fetch = Fetch("in", 3, records, 42, 0.0)
    pending = PendingDelivery(CompletedRange(fetch, 0, len(records)), len(records), len(records))
    indexes = range(len(records))
    headers = [dead_letter_headers(fetch, index, BAD, "group") for index in indexes]
    keys, values = [record.key for record in records], [record.value for record in records]
    return OutputSlice(pending, indexes, keys, values, headers, Stamp.WRITING)


def smaller(letters: OutputSlice, error: KafkaError) -> OutputSlice:
    less = smaller_letter(letters, error)
    assert less is not None
    return less


def ours(headers: Headers) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in headers if name.startswith("__dlq.errors.")}


def test_of_a_letter_that_is_too_large_the_value_goes_first_then_headers_then_key() -> None:
    error = MessageSizeTooLargeError()
    first = smaller(letters_of(StubRecord()), error)
    assert (first.keys, first.values, first.headers[0][0]) == ([b"key"], [b""], ("h", b"1"))
    assert ours(first.headers[0])["__dlq.errors.value_left_out"] == "5"
    assert ours(first.headers[0])["__dlq.errors.value_sha256"] == sha256(b"value").hexdigest()
    second = smaller(first, error)
    assert (second.keys, ours(second.headers[0])["__dlq.errors.headers_left_out"]) == ([b"key"], "1")
    assert all(name.startswith("__dlq.errors.") for name, _ in second.headers[0])
    third = smaller(second, error)
    assert (third.keys, ours(third.headers[0])["__dlq.errors.key_left_out"]) == ([b"in-3@41"], "3")
    assert smaller_letter(third, error) is None


def test_a_letter_without_a_key_gets_one_of_its_own_and_keeps_the_rest() -> None:
    letter = smaller(letters_of(StubRecord(key=None)), InvalidRecordError())
    assert (letter.keys, letter.values, letter.headers[0][0]) == ([b"in-3@41"], [b"value"], ("h", b"1"))
    assert ours(letter.headers[0])["__dlq.errors.key_left_out"] == "-1"


def test_a_null_value_with_a_key_of_our_own_would_delete_and_is_empty() -> None:
    assert smaller(letters_of(StubRecord(key=None, value=None)), InvalidRecordError()).values == [b""]


def test_a_letter_whose_time_is_refused_goes_without_and_keeps_the_rest() -> None:
    letter = smaller(letters_of(StubRecord()), InvalidTimestampError())
    assert (letter.stamp, letter.keys, letter.values) == (Stamp.NONE, [b"key"], [b"value"])


ERRORS = (MessageSizeTooLargeError(), InvalidTimestampError(), InvalidRecordError())
RECORDS = st.builds(
    StubRecord,
    key=st.none() | st.binary(max_size=5_000),
    value=st.none() | st.binary(max_size=5_000),
    headers=st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=2_000)), max_size=3).map(tuple),
)


@given(st.lists(RECORDS, min_size=1, max_size=3), st.lists(st.sampled_from(ERRORS), min_size=20, max_size=20))
def test_every_step_is_told_in_a_published_header_and_the_last_letter_is_small(
    records: list[StubRecord], errors: list[KafkaError]
) -> None:
    letters: OutputSlice | None = letters_of(*records)
    steps = 0
    for error in errors:
        smallest = letters
        letters = smaller_letter(smallest, error)  # type: ignore[arg-type]
        if letters is None:
            break
        steps += 1
        for record, headers in zip(records, letters.headers, strict=True):
            own = ours([*headers][-20:])
            if not any(name.startswith("__dlq") for name, _ in record.headers):
                SCHEMA.validate(own)
    assert steps <= 4
    if letters is None and error is not ERRORS[1] and smallest is not None:
        for headers in smallest.headers:
            assert sum(len(name) + len(value or b"") for name, value in headers) < 1_000


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_there_is_an_end(error: KafkaError) -> None:
    letters: OutputSlice | None = letters_of(StubRecord(), StubRecord(key=None, headers=()))
    for _ in range(5):
        if letters is not None:
            letters = smaller_letter(letters, error)
    assert letters is None
