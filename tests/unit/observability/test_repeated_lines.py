"""A library that logs every attempt is heard now and then; everybody else always."""

import logging

from worker.observability.repeated_lines import MOST_LINES, RepeatedLines

FAILED = "Failed fetch messages from %s: %s"


def line(message: str, *args: object, name: str = "aiokafka.consumer.fetcher") -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 1, message, args, None)


def test_a_line_is_let_through_once_in_ten_seconds_with_the_number_left_out() -> None:
    now = 100.0
    lines = RepeatedLines("aiokafka", clock=lambda: now)
    seen = []
    for step in range(25):
        now = 100.0 + step
        record = line(FAILED, 1, f"attempt {step}")
        if lines.filter(record):
            seen.append(record.getMessage())
    assert seen == [
        "Failed fetch messages from 1: attempt 0",
        "Failed fetch messages from 1: attempt 10 (and 9 times more since it was last logged)",
        "Failed fetch messages from 1: attempt 20 (and 9 times more since it was last logged)",
    ]


def test_another_broker_another_line_and_another_logger_are_not_held_back() -> None:
    lines = RepeatedLines("aiokafka", clock=lambda: 0.0)
    assert all(lines.filter(line(FAILED, broker, "gone")) for broker in (1, 2))
    assert lines.filter(line("Unable connect to node with id %s", 1))
    assert [lines.filter(line("drained", name="worker.engine")) for _ in range(3)] == [True] * 3
    assert not lines.filter(line(FAILED, 1, "gone"))


def test_what_is_remembered_is_bounded() -> None:
    lines = RepeatedLines("aiokafka", clock=lambda: 0.0)
    for number in range(3 * MOST_LINES):
        lines.filter(line("group %s", number))
    assert len(lines._shown) <= MOST_LINES
