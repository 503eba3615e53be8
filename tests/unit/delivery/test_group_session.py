"""Whose the partitions are, by the time that has passed since the coordinator was heard."""

import pytest

from worker.delivery.group_session import GroupSession, confirmation_timeout, heartbeat_interval, is_confirmed


@pytest.mark.parametrize(
    ("renewed_at", "now", "expected"),
    [
        pytest.param(100.0, 100.0, True, id="just heard"),
        pytest.param(100.0, 105.9, True, id="heard within the session timeout"),
        pytest.param(100.0, 106.0, False, id="not heard for the session timeout"),
        pytest.param(100.0, 900.0, False, id="frozen for long"),
        pytest.param(None, 100.0, False, id="no member"),
    ],
)
def test_outputs_are_sent_only_while_the_partitions_are_certainly_ours(
    renewed_at: float | None, now: float, expected: bool
) -> None:
    assert is_confirmed(renewed_at, now, timeout=6.0) is expected


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> GroupSession:
    return GroupSession(6.0, clock)


def test_an_answer_counts_from_when_its_request_was_sent(session: GroupSession, clock: Clock) -> None:
    session.joined(sent_at=0.0)
    clock.now = 20.0  # the answer lay in the socket while the process was frozen
    session.renewed(sent_at=3.0)
    assert not session.is_fresh
    session.renewed(sent_at=20.0)
    assert session.is_fresh


def test_a_heartbeat_makes_nobody_a_member_again(session: GroupSession) -> None:
    session.joined(sent_at=0.0)
    session.lost()
    session.renewed(sent_at=0.0)
    assert not session.is_fresh
    assert not session.is_member


def test_listeners_are_told_when_the_membership_begins_and_ends_and_of_no_heartbeat(
    session: GroupSession, clock: Clock
) -> None:
    told: list[float] = []
    session.listen(lambda: told.append(clock.now))
    session.joined(sent_at=0.0)
    for clock.now in (2.0, 4.0, 6.0):
        session.renewed(sent_at=clock.now)
    clock.now = 21.0
    session.lost()
    session.lost()
    assert told == [0.0, 21.0]


@pytest.mark.parametrize("session_timeout", [6.0, 45.0])
def test_a_static_member_that_was_frozen_waits_for_its_next_heartbeat(session_timeout: float, clock: Clock) -> None:
    """Another one that joined under its name has its partitions at once."""
    named, unnamed = (
        GroupSession(confirmation_timeout(session_timeout, static=static), clock) for static in (True, False)
    )

    def fresh() -> list[bool]:
        return [named.is_fresh, unnamed.is_fresh]

    for session in (named, unnamed):
        session.joined(sent_at=0.0)
    clock.now = 1.5 * heartbeat_interval(session_timeout)
    assert fresh() == [True, True], "a heartbeat may be late"
    clock.now = 0.9 * session_timeout
    assert fresh() == [False, True]
    named.renewed(sent_at=clock.now)
    assert fresh() == [True, True]


def test_how_long_the_coordinator_was_silent_counts_from_the_last_confirmation_or_the_end(
    session: GroupSession, clock: Clock
) -> None:
    clock.now = 2.0
    assert session.unconfirmed_for() == 2.0, "never a member"
    session.joined(sent_at=2.0)
    clock.now = 5.0
    assert session.unconfirmed_for() == 3.0
    session.lost()
    session.lost()
    clock.now = 25.0
    session.lost()
    assert session.unconfirmed_for() == 20.0
