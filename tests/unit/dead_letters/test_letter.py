"""A dead letter as it is read back: the event whole, and why it was not answered."""

from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord

from worker.dead_letters.letter import REPLAYS_HEADER, DeadLetter
from worker.delivery.batches import OutputSlice, PendingDelivery, Stamp
from worker.delivery.dead_letters import dead_letter_headers
from worker.delivery.last_resort import smaller_letter
from worker.delivery.ledger import CompletedRange
from worker.errors import Reason, Rejection, Stage
from worker.fetch import Fetch, Headers

REJECTION = Rejection(Reason.NOT_JSON, Stage.DECODE, "the value is not JSON")
OWN: Headers = [("shop", b"7"), ("empty", None), ("bytes", b"\xff")]


@dataclass
class Written:
    """A dead letter in its topic."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int = 3
    offset: int = 9
    timestamp: int = 1_000


def fetch_of(key: bytes | None, value: bytes | None, headers: Headers) -> Fetch:
    record: Any = ConsumerRecord("texts", 5, 42, 77, 0, key, value, None, 0, 0, tuple(headers))
    return Fetch("texts", 5, [record], 43, 0.0)


def letter_of(key: bytes | None = b"k", value: bytes | None = b"v", headers: Headers = OWN) -> DeadLetter:
    return DeadLetter.of(Written(key, value, dead_letter_headers(fetch_of(key, value, headers), 0, REJECTION, "group")))


def refused_letter(errors: list[KafkaError], key: bytes | None, value: bytes | None, headers: Headers) -> DeadLetter:
    """The dead letter of an event whose topic refused larger ones for these errors."""
    fetch = fetch_of(key, value, headers)
    pending = PendingDelivery(CompletedRange(fetch, 0, 1), 1, 1)
    letters: OutputSlice | None = OutputSlice(
        pending, [0], [key], [value], [dead_letter_headers(fetch, 0, REJECTION, "group")], Stamp.WRITING
    )
    for error in errors:
        assert letters is not None
        letters = smaller_letter(letters, error)
    assert letters is not None
    return DeadLetter.of(Written(letters.keys[0], letters.values[0], letters.headers[0]))


def test_it_says_where_the_event_stood_and_why_it_was_not_answered() -> None:
    letter = letter_of()
    assert (letter.topic, letter.source_partition, letter.source, letter.reason) == (
        "texts",
        5,
        "texts-5@42",
        "not_json",
    )
    assert letter.errors["message"] == REJECTION.message


def test_the_event_has_its_key_value_and_headers_byte_for_byte() -> None:
    letter = letter_of(b"\x00k", b"\xff\xfe")
    assert (letter.event_key, letter.event_value, letter.own_headers) == (b"\x00k", b"\xff\xfe", OWN)
    assert letter.lost == []


def test_an_event_that_was_a_dead_letter_of_another_worker_keeps_that_ones_headers() -> None:
    first = [*dead_letter_headers(fetch_of(b"k", b"v", OWN), 0, REJECTION, "first")]
    assert letter_of(headers=first).own_headers == first


def test_a_record_without_our_headers_is_no_dead_letter() -> None:
    letter = DeadLetter.of(Written(b"k", b"v", OWN))
    assert (letter.topic, letter.reason, letter.errors, letter.own_headers) == ("", "unknown", {}, OWN)


@pytest.mark.parametrize("count", [0, 1, 12])
def test_replays_are_counted_by_the_events_own_header(count: int) -> None:
    own = [*OWN, (REPLAYS_HEADER, str(count).encode())] if count else OWN
    assert letter_of(headers=own).replays == count


@pytest.mark.parametrize("value", [b"", b"-1", b"many", None, "٣".encode(), b"9" * 5_000])
def test_a_count_of_replays_that_is_no_number_counts_as_none(value: bytes | None) -> None:
    assert letter_of(headers=[(REPLAYS_HEADER, value)]).replays == 0


def test_what_a_dead_letter_had_to_leave_out_is_lost() -> None:
    too_large: KafkaError = MessageSizeTooLargeError()
    assert refused_letter([too_large], b"k", b"v", OWN).lost == ["value"]
    assert refused_letter([too_large] * 2, b"k", b"v", OWN).lost == ["value", "headers"]
    assert refused_letter([too_large] * 3, b"k", b"v", OWN).lost == ["value", "headers", "key"]


def test_a_key_that_the_event_never_had_is_not_lost() -> None:
    letter = refused_letter([KafkaError()], None, b"v", OWN)  # a compacted topic asks for a key
    assert letter.key is not None
    assert (letter.event_key, letter.event_value, letter.lost) == (None, b"v", [])
