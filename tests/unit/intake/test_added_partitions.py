"""Which partitions came later is told by what was committed, not by what has no commit yet."""

import pytest

from worker.intake.added_partitions import partitions_at_first, read_count, with_count
from worker.intake.source import Source
from worker.intake.topic_ids import TopicId

TOPIC = TopicId("cluster", "topic")
OF_THREE = Source(None, TOPIC, 3).as_metadata()


@pytest.mark.parametrize(
    ("count", "committed", "at_first"),
    [
        pytest.param(4, {}, 4, id="the group begins"),
        pytest.param(4, {0: with_count("", 4)}, 4, id="others of its partitions are not committed yet"),
        pytest.param(5, dict.fromkeys(range(3), OF_THREE), 3, id="partitions were added"),
        pytest.param(5, {**dict.fromkeys(range(3), OF_THREE), 3: OF_THREE}, 3, id="one of them is committed"),
        pytest.param(4, {0: "", 1: "x", 2: "offsets=5"}, 3, id="somebody else committed"),
        pytest.param(3, {0: "", 1: "", 2: ""}, 3, id="somebody else committed all"),
        pytest.param(4, {0: "", 1: OF_THREE}, 3, id="somebody else committed some"),
    ],
)
def test_the_number_of_partitions_at_first(count: int, committed: dict[int, str], at_first: int) -> None:
    assert partitions_at_first(count, committed) == at_first


def test_the_number_goes_with_the_topic_and_both_are_read_back() -> None:
    assert TopicId.from_metadata(OF_THREE) == TOPIC
    assert read_count(OF_THREE) == 3
    assert [read_count(text) for text in ("", "partitions", "partitions=", "partitions=-1", "partitions=²")] == [
        None
    ] * 5
    assert Source(None, None).as_metadata() == ""
    assert Source(None, None, 3).as_metadata() == "partitions=3"
