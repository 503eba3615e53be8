"""Which dead letters are selected, counted and explained."""

import pytest

from worker.dead_letters.advice import ADVICE, advice
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.selection import Selection
from worker.dead_letters.tally import ReasonCounts
from worker.delivery.dead_letters import PREFIX
from worker.errors import Reason


def letter(
    reason: str = "not_json", topic: str = "texts", partition: int = 1, key: bytes = b"k", at: int = 0
) -> DeadLetter:
    errors = {"topic": topic, "partition": str(partition), "offset": "7", "reason": reason}
    return DeadLetter(0, 0, at, key, b"", [(PREFIX + name, value.encode()) for name, value in errors.items()])


def test_nothing_named_selects_everything() -> None:
    assert letter() in Selection()


@pytest.mark.parametrize(
    "selection",
    [
        Selection(reasons=frozenset({"not_json", "no_text"})),
        Selection(topics=frozenset({"texts"})),
        Selection(partitions=frozenset({1, 2})),
        Selection(keys=frozenset({b"k"})),
    ],
)
def test_each_property_selects_by_its_values(selection: Selection) -> None:
    assert letter() in selection
    assert letter("empty_text", "others", 3, b"other") not in selection


def test_several_properties_must_all_hold() -> None:
    both = Selection(reasons=frozenset({"not_json"}), partitions=frozenset({2}))
    assert letter(partition=2) in both
    assert letter(partition=1) not in both


def test_counts_are_by_interval_and_reason() -> None:
    tally = ReasonCounts(60_000)
    tally.add([letter(at=0), letter(at=59_999), letter("no_text", at=60_000), letter(at=180_000)])
    assert tally.reasons == ["not_json", "no_text"]
    assert tally.rows() == [(0, {"not_json": 2}), (60_000, {"no_text": 1}), (180_000, {"not_json": 1})]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_way_out(reason: Reason) -> None:
    assert advice(reason)
    assert set(ADVICE) == set(Reason)


def test_a_reason_of_another_version_is_said_to_be_one() -> None:
    assert "not one of this version's" in advice("from_the_future")
