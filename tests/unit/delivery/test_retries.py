"""Trouble is said once for a topic, and its end once."""

from aiokafka.errors import LeaderNotAvailableError

from worker.delivery.retries import PATIENCE_SECONDS, Retries

TROUBLE = LeaderNotAvailableError()


def test_a_leader_that_is_back_at_once_is_not_worth_a_line() -> None:
    retries = Retries()
    assert retries.failed("out", 0, TROUBLE, now=5.0) is None
    assert retries.over("out", 0) is None


def test_a_topic_in_trouble_is_named_once_whatever_its_partitions_go_through() -> None:
    retries = Retries()
    late = 5.0 + PATIENCE_SECONDS
    said = [retries.failed("out", partition, TROUBLE, now) for now in (5.0, late, late + 1) for partition in (0, 1)]
    (sentence,) = filter(None, said)
    assert "out (LeaderNotAvailableError)" in sentence
    assert retries.over("out", 0) is None
    assert retries.over("out", 1) == "out can be written to again"
    assert retries.over("out", 1) is None


def test_topics_are_told_apart_and_new_trouble_is_said_again() -> None:
    retries = Retries()
    for start in (0.0, 100.0):
        for topic in ("out", "dead"):
            assert retries.failed(topic, 0, TROUBLE, start) is None
            assert topic in (retries.failed(topic, 0, TROUBLE, start + PATIENCE_SECONDS) or "")
            assert retries.over(topic, 0)
