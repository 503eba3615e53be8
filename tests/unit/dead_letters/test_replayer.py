"""How a replay is told from another, and how a batch is halved without a gap."""

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.replayer import Batch, Order, halves
from worker.dead_letters.replaying import Skipped
from worker.dead_letters.selection import Selection
from worker.reading import EARLIEST, LATEST, Place
from worker.settings import load_settings


def letter(partition: int, offset: int) -> DeadLetter:
    return DeadLetter(partition, offset, 0, None, None, [])


ORDER = Order()


@pytest.mark.parametrize(
    "other",
    [
        Order(Selection(reasons=frozenset({"no_text"}))),
        Order(Selection(keys=frozenset({b"k"}))),
        Order(start=Place("24h", time_ms=7)),
        Order(to="again"),
        Order(through="cat"),
        Order(text_at="/body"),
        Order(max_attempts=4),
    ],
)
def test_another_order_is_another_replay(other: Order) -> None:
    settings = load_settings(group_id="group")
    assert other.group(settings) != ORDER.group(settings)
    assert other.group(settings) == other.group(settings)


def test_how_fast_and_how_far_makes_no_other_replay() -> None:
    settings = load_settings(group_id="group")
    assert Order(stop=EARLIEST, rate=5.0).group(settings) == Order(stop=LATEST).group(settings)


def test_a_text_path_is_part_of_a_replay_that_moves_texts_there() -> None:
    groups = {Order(text_at="/body").group(load_settings(text_path=path)) for path in ("/text", "/data/text")}
    assert len(groups) == 2


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40))
def test_no_half_commits_behind_a_letter_that_the_other_holds(partitions: list[int]) -> None:
    letters = [letter(partition, offset) for offset, partition in enumerate(sorted(partitions))]
    ends = {TopicPartition("dead", number): 100 + number for number in {*partitions}}
    batch = Batch([(one, Skipped.FILTERED) for one in letters], ends)
    first, second = halves(batch)
    assert [*first.outcomes, *second.outcomes] == [*batch.outcomes]
    for at, offset in first.offsets.items():
        assert all(one.offset >= offset for one, _ in second.outcomes if one.partition == at.partition)
        assert all(one.offset < offset for one, _ in first.outcomes if one.partition == at.partition)
    committed = {**first.offsets, **second.offsets}
    assert committed == ends, "both together commit what the whole would have"
