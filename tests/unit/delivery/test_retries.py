"""Trouble is said once for a topic, and its end once."""

from aiokafka.errors import LeaderNotAvailableError

from worker.delivery.outcomes import SessionUnconfirmedError
from worker.delivery.retries import PATIENCE_SECONDS, Retries
from worker.observability.events import OutputsWaitForGroup, OutputsWaitNoLonger, TopicNotWritable, TopicWritable

TROUBLE = LeaderNotAvailableError()


def test_a_leader_that_is_back_at_once_is_not_worth_a_line() -> None:
    retries = Retries()
    assert retries.failed("out", 0, TROUBLE, now=5.0) is None
    assert retries.over("out", 0) == []


def test_a_topic_in_trouble_is_named_once_whatever_its_partitions_go_through() -> None:
    retries = Retries()
    late = 5.0 + PATIENCE_SECONDS
    said = [retries.failed("out", partition, TROUBLE, now) for now in (5.0, late, late + 1) for partition in (0, 1)]
    (event,) = filter(None, said)
    assert event == TopicNotWritable("out", 0, "LeaderNotAvailableError")
    assert "out[0] cannot be written to (LeaderNotAvailableError)" in (event.sentence() or "")
    assert retries.over("out", 0) == []
    assert retries.over("out", 1) == [TopicWritable("out")]
    assert retries.over("out", 1) == []


def test_the_partition_that_has_failed_for_longest_tells_for_how_long() -> None:
    retries = Retries()
    assert retries.failing_for(now=5.0) == 0.0
    for partition, now in ((0, 5.0), (1, 7.0), (0, 8.0)):
        retries.failed("out", partition, TROUBLE, now)
    assert retries.failing_for(now=9.0) == 4.0
    retries.over("out", 0)
    assert retries.failing_for(now=9.0) == 2.0
    retries.over("out", 1)
    assert retries.failing_for(now=9.0) == 0.0


def test_topics_are_told_apart_and_new_trouble_is_said_again() -> None:
    retries = Retries()
    for start in (0.0, 100.0):
        for topic in ("out", "dead"):
            assert retries.failed(topic, 0, TROUBLE, start) is None
            event = retries.failed(topic, 0, TROUBLE, start + PATIENCE_SECONDS)
            assert event == TopicNotWritable(topic, 0, "LeaderNotAvailableError")
            assert retries.over(topic, 0)


def test_outputs_that_wait_for_the_coordinator_blame_no_topic_and_are_said_once_for_all() -> None:
    retries = Retries()
    unconfirmed = SessionUnconfirmedError()
    places = [("out", 0), ("out", 1), ("dead", 0)]
    times = (5.0, 5.0 + PATIENCE_SECONDS)
    said = [retries.failed(*place, unconfirmed, now) for now in times for place in places]
    (event,) = filter(None, said)
    assert event == OutputsWaitForGroup()
    ended = [retries.over(*place) for place in places]
    assert ended == [[], [], [OutputsWaitNoLonger()]]


def test_a_partition_with_two_troubles_comes_out_of_both() -> None:
    retries = Retries()
    for now in (5.0, 5.0 + PATIENCE_SECONDS):
        retries.failed("out", 0, TROUBLE, now)
        retries.failed("out", 0, SessionUnconfirmedError(), now)
    assert len(retries.over("out", 0)) == 2
    assert retries.over("out", 0) == []
