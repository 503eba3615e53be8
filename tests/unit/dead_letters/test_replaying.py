"""How a dead letter becomes an event again: byte for byte, or as a program or a moved text has it."""

import asyncio
import json
import re
import shlex
import sys

import pytest
from error_codes import raises_code

from worker.dead_letters.letter import REPLAYS_HEADER, DeadLetter
from worker.dead_letters.mending import mended, with_text_moved
from worker.dead_letters.replaying import Event, Skipped, replayed
from worker.delivery.dead_letters import PREFIX
from worker.errors import Code, SettingError
from worker.fetch import Headers
from worker.pointer import Pointer

OWN: Headers = [("shop", b"7"), ("bytes", b"\xff")]


def letter(
    value: bytes | None = b"{}", key: bytes | None = b"k", own: Headers = OWN, offset: int = 0, **errors: str
) -> DeadLetter:
    ours = {"topic": "texts", "partition": "1", "offset": "7", "reason": "not_json"} | errors
    return DeadLetter(
        0, offset, 0, key, value, [*own, *((PREFIX + name, text.encode()) for name, text in ours.items())]
    )


def event_of(value: bytes | None = b"{}", key: bytes | None = b"k") -> Event:
    event = replayed(letter(value, key), to=None, max_attempts=3)
    assert isinstance(event, Event)
    return event


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", f"import sys, json\nfor line in sys.stdin:\n    {program}"])


def through(command: str, *letters: DeadLetter) -> list[Event | Skipped]:
    events = [event_of(one.value, one.key) for one in letters]
    return asyncio.run(mended(command, letters, events))


def test_an_event_is_written_as_it_was_read_with_its_replays_counted() -> None:
    event = replayed(letter(b"\xff", None), to=None, max_attempts=3)
    assert event == Event("texts", 1, None, b"\xff", [*OWN, (REPLAYS_HEADER, b"1")])


def test_the_count_goes_on_and_stands_once() -> None:
    event = replayed(letter(own=[(REPLAYS_HEADER, b"1"), *OWN]), to="again", max_attempts=3)
    assert event == Event("again", None, b"k", b"{}", [*OWN, (REPLAYS_HEADER, b"2")])


def test_an_event_that_came_back_too_often_is_left_alone() -> None:
    often = letter(own=[(REPLAYS_HEADER, b"3")])
    assert replayed(often, to=None, max_attempts=3) is Skipped.TOO_MANY_ATTEMPTS
    assert isinstance(replayed(often, to=None, max_attempts=4), Event)


def test_an_incomplete_event_is_not_written_as_if_it_were_whole() -> None:
    assert replayed(letter(value_left_out="100"), to=None, max_attempts=3) is Skipped.INCOMPLETE


def test_what_is_no_dead_letter_is_not_replayed() -> None:
    assert replayed(DeadLetter(0, 0, 0, b"k", b"v", OWN), to="x", max_attempts=3) is Skipped.NOT_A_DEAD_LETTER


def test_a_program_changes_values_and_leaves_events_out() -> None:
    command = python("o = json.loads(line); o['value'] += '!'; print('null' if o['id'] == '0@1' else json.dumps(o))")
    answers = through(command, letter(b"a", offset=0), letter(b"b", offset=1), letter("ü".encode(), offset=2))
    assert [answer.value if isinstance(answer, Event) else answer for answer in answers] == [
        b"a!",
        Skipped.FILTERED,
        "ü!".encode(),
    ]


def test_what_a_program_does_not_change_keeps_its_bytes() -> None:
    letters = [letter(b"\xff\x00", None), letter(None, b"k"), letter(b'{"a": 1.50}', b"\xfe")]
    assert through("cat", *letters) == [event_of(one.value, one.key) for one in letters]


def test_in_another_topic_the_key_decides_the_partition_and_without_one_it_stays() -> None:
    keyed, keyless = (replayed(letter(key=key), to="again", max_attempts=3) for key in (b"k", None))
    assert isinstance(keyed, Event)
    assert isinstance(keyless, Event)
    assert (keyed.partition, keyless.partition) == (None, 1)
    same = replayed(letter(), to="texts", max_attempts=3)
    assert isinstance(same, Event)
    assert same.partition == 1


def test_a_program_changes_key_and_headers_and_the_count_of_replays_stays() -> None:
    command = python(
        "o = json.loads(line); o['key'] = None; o['headers'] = [{'name': 'n', 'value': 'x'}]; print(json.dumps(o))"
    )
    assert through(command, letter()) == [Event("texts", None, None, b"{}", [("n", b"x"), (REPLAYS_HEADER, b"1")])]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("exit 3", "exit code 3"),
        ("true", "0 lines for 2"),
        (python("pass; print(line); print(line)"), "lines for 2"),
        (python("print('{}')"), "another id"),
        (python("print('nonsense')"), "form|unexpected"),
        (python("o = json.loads(line); o['value'] = 7; print(json.dumps(o))"), "neither a string nor null"),
        (python("o = json.loads(line); o.pop('value'); o['value_base64'] = '%'; print(json.dumps(o))"), "base64"),
        (python("o = json.loads(line); o['headers'] = 'x'; print(json.dumps(o))"), "form"),
    ],
)
def test_a_program_that_fails_replays_nothing_and_says_why(command: str, says: str) -> None:
    with raises_code(SettingError, Code.FILTER_FAILED) as raised:
        through(command, letter(offset=0), letter(offset=1))
    assert re.search(says, str(raised.value))


def test_no_message_about_a_program_quotes_an_event() -> None:
    with pytest.raises(SettingError) as raised:
        through(python("print('private ' + line)"), letter(b"private"))
    assert "private" not in str(raised.value)


def test_a_text_is_moved_to_where_the_worker_looks_for_it() -> None:
    moved = with_text_moved(
        event_of(b'{"body": {"t": "Good."}}'), Pointer.parse("/body/t"), Pointer.parse("/data/text")
    )
    assert isinstance(moved, Event)
    assert json.loads(moved.value or b"") == {"body": {"t": "Good."}, "data": {"text": "Good."}}


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"[1]", b'{"t": 1}', b'{"u": ""}', b'{"t": "x", "data": 1}'])
def test_an_event_without_the_text_is_not_replayed_untouched(value: bytes | None) -> None:
    assert with_text_moved(event_of(value), Pointer.parse("/t"), Pointer.parse("/data/text")) is Skipped.NO_TEXT
