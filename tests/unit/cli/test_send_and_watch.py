"""``send`` and ``watch`` on a real listener: what goes in comes out, and nothing is sent that is not what it says."""

import json
from pathlib import Path

import pytest
from command_line import Ran, Run

from worker.embedded import EmbeddedBroker


def _sent(run: Run, topic: str, count: int) -> list[str]:
    """Return the records of a topic as ``watch`` prints them without a terminal, in no certain order."""
    ran = run("watch", "--output-topic", topic, "--from", "earliest", "--count", str(count))
    assert ran.code == 0
    return sorted(ran.lines)


def test_a_text_becomes_an_event_with_an_id(run: Run, broker: EmbeddedBroker) -> None:
    assert run("send", "--topic", "t", "I love it").lines == [
        f"1 event acknowledged in t at {broker.bootstrap_servers}"
    ]
    (line,) = _sent(run, "t", 1)
    event = json.loads(line)
    assert event["text"] == "I love it"
    assert event["id"]


def test_a_text_goes_where_the_worker_will_look_for_it(run: Run, broker: EmbeddedBroker) -> None:
    assert run("send", "--topic", "t", "--text-path", "/review/body", "--id-path", "/review/id", "Fine").code == 0
    event = json.loads(_sent(run, "t", 1)[0])
    assert event["review"]["body"] == "Fine"
    assert event["review"]["id"]


def test_without_a_topic_it_goes_to_the_first_input_topic(run: Run, broker: EmbeddedBroker) -> None:
    assert "in first at" in run("send", "--topic", "first", "x").out
    assert "in text-events at" in run("send", "x").out


def _send_lines(run: Run, tmp_path: Path, content: bytes, *arguments: str) -> Ran:
    file = tmp_path / "lines"
    file.write_bytes(content)
    return run("send", "--topic", "t", "--file", str(file), *arguments)


def test_json_lines_are_sent_byte_for_byte(run: Run, broker: EmbeddedBroker, tmp_path: Path) -> None:
    lines = ['{"text": "a",  "n": 1.0e400}', '{"n": 12345678901234567890, "text": "b"}']
    ran = _send_lines(run, tmp_path, "\r\n".join(lines).encode() + b"\n\n  \n")
    assert ran.code == 0
    assert "2 events" in ran.out
    assert _sent(run, "t", 2) == sorted(lines)


def test_plain_lines_become_events(run: Run, broker: EmbeddedBroker, tmp_path: Path) -> None:
    _send_lines(run, tmp_path, "Schön!\n{not json\n".encode())
    assert {json.loads(line)["text"] for line in _sent(run, "t", 2)} == {"Schön!", "{not json"}


def test_a_broken_line_among_json_is_named_and_the_others_are_sent(
    run: Run, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    ran = _send_lines(run, tmp_path, b'{"text":"a"}\nbroken\n\n{"text":"b"}\n[1]\n')
    assert ran.code == 1
    assert "2 events" in ran.out
    assert "line 2 " in ran.err
    assert "line 5 " in ran.err
    assert _sent(run, "t", 2) == ['{"text":"a"}', '{"text":"b"}']


def test_a_line_that_is_not_utf8_is_named(run: Run, broker: EmbeddedBroker, tmp_path: Path) -> None:
    ran = _send_lines(run, tmp_path, b"fine\ncaf\xe9\n")
    assert ran.code == 1
    assert "line 2 is no UTF-8 text" in ran.err
    assert len(_sent(run, "t", 1)) == 1


def test_raw_lines_are_sent_broken_as_they_are(run: Run, broker: EmbeddedBroker, tmp_path: Path) -> None:
    assert _send_lines(run, tmp_path, b"broken\n{]\n", "--as", "raw").code == 0
    assert _sent(run, "t", 2) == ['"broken"', '"{]"']


def test_a_byte_order_mark_is_no_part_of_the_first_event(run: Run, broker: EmbeddedBroker, tmp_path: Path) -> None:
    _send_lines(run, tmp_path, b'\xef\xbb\xbf{"text":"a"}\n')
    assert _sent(run, "t", 1) == ['{"text":"a"}']


def test_more_events_than_may_be_in_flight_all_arrive(run: Run, broker: EmbeddedBroker, tmp_path: Path) -> None:
    ran = _send_lines(run, tmp_path, b"".join(b'{"n":%d}\n' % number for number in range(2_500)))
    assert "2,500 events" in ran.out
    assert len(set(_sent(run, "t", 2_500))) == 2_500


def test_events_with_one_key_stay_in_order(run: Run, broker: EmbeddedBroker, tmp_path: Path) -> None:
    _send_lines(run, tmp_path, b"".join(b'{"n":%d}\n' % number for number in range(100)), "--key", "k")
    ran = run("watch", "--output-topic", "t", "--from", "earliest", "-n", "100")
    assert [json.loads(line)["n"] for line in ran.lines] == list(range(100))


def test_dead_letters_are_shown_with_their_reason_and_value(run: Run, broker: EmbeddedBroker) -> None:
    import asyncio

    from aiokafka import AIOKafkaProducer

    async def reject() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers)
        await producer.start()
        headers = [("own", b"x"), ("__dlq.errors.reason", b"not_json"), ("__dlq.errors.message", b"no JSON")]
        await producer.send_and_wait("text-events.dead-letters", b"broken", key=b"k", headers=headers)
        await producer.stop()

    asyncio.run(reject())
    ran = run("watch", "--dead-letters", "--from", "earliest", "-n", "1")
    assert json.loads(ran.out) == {
        "errors": {"reason": "not_json", "message": "no JSON"},
        "key": "k",
        "value": "broken",
    }


@pytest.mark.parametrize("count", ["0", "-1"])
def test_a_count_that_counts_nothing_is_refused(run: Run, count: str) -> None:
    assert run("watch", "--count", count).code == 2
