"""Check how much is admitted beside what is pending."""

import pytest

from worker.pipeline.admission import Admission
from worker.settings import load_settings


def admission(*pending: tuple[int, int]) -> Admission:
    found = Admission(load_settings(max_pending_events=10, max_pending_bytes=1_000))
    for events, size in pending:
        found.enter(events, size)
    return found


@pytest.mark.parametrize(
    ("events", "size", "admitted"),
    [
        pytest.param(6, 600, True, id="as much as both bounds"),
        pytest.param(7, 1, False, id="an event too many"),
        pytest.param(1, 601, False, id="a byte too many"),
    ],
)
def test_more_comes_in_up_to_either_bound(events: int, size: int, admitted: bool) -> None:
    assert admission((4, 400)).admits(events, size) is admitted


def test_what_is_over_a_bound_by_itself_comes_in_alone() -> None:
    assert admission().admits(11, 2_000)
    assert not admission((1, 1)).admits(11, 2_000)


def test_what_has_left_makes_room() -> None:
    full = admission((6, 100), (4, 100))
    assert not full.admits(1, 1)
    full.leave(6, 100)
    assert (full.events, full.bytes) == (4, 100)
    assert full.admits(6, 900)
