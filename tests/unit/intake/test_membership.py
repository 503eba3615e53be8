"""The coordinator's answers to aiokafka's own requests begin, renew and end a session."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalGenerationError, NoError, RebalanceInProgressError, UnknownMemberIdError
from aiokafka.protocol.group import HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest

from worker.delivery.group_session import GroupSession
from worker.intake.membership import watch_membership

HEARTBEAT = HeartbeatRequest("group", 1, "member")
SYNC = SyncGroupRequest("group", 1, "member", None, [])
LEAVE = LeaveGroupRequest("group", "member")


class Coordinator:
    """Answers what the test says, after as long as it says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.session = GroupSession(6.0, lambda: self.now)
        self.code = NoError.errno
        self.takes = 0.0
        self.asked: list[tuple[Any, bool]] = []
        """Each request, and whether we were a member when it left."""
        self.resets = 0
        watch_membership(self, self.session)

    async def _send_req(self, request: Any) -> Any:
        self.asked.append((request, self.session.is_member))
        self.now += self.takes
        return SimpleNamespace(error_code=self.code)

    def reset_generation(self) -> None:
        self.resets += 1

    async def _do_heartbeat(self) -> bool:
        self.takes = 0.0
        await self._send_req(HEARTBEAT)
        return True

    def ask(self, request: Any, code: int = 0, takes: float = 0.0) -> None:
        self.code, self.takes = code, takes
        asyncio.run(self._send_req(request))


@pytest.fixture
def coordinator() -> Coordinator:
    return Coordinator()


def test_a_sync_that_is_answered_well_begins_a_session(coordinator: Coordinator) -> None:
    coordinator.ask(SYNC, RebalanceInProgressError.errno)
    assert not coordinator.session.is_member
    coordinator.ask(SYNC)
    assert coordinator.session.is_fresh


@pytest.mark.parametrize("error", [NoError, RebalanceInProgressError])
def test_a_heartbeat_of_a_member_renews_it_also_while_others_join(
    coordinator: Coordinator, error: type[Exception]
) -> None:
    coordinator.ask(SYNC)
    coordinator.now = 20.0
    coordinator.ask(HEARTBEAT, error.errno)  # type: ignore[attr-defined]
    assert coordinator.session.is_fresh


@pytest.mark.parametrize("error", [UnknownMemberIdError, IllegalGenerationError])
def test_a_heartbeat_of_a_stranger_renews_nothing(coordinator: Coordinator, error: type[Exception]) -> None:
    coordinator.ask(SYNC)
    coordinator.now = 20.0
    coordinator.ask(HEARTBEAT, error.errno)  # type: ignore[attr-defined]
    assert not coordinator.session.is_fresh


def test_an_answer_that_comes_late_counts_from_its_request(coordinator: Coordinator) -> None:
    coordinator.ask(SYNC)
    coordinator.ask(HEARTBEAT, takes=7.0)
    assert not coordinator.session.is_fresh


def test_who_waited_long_for_the_leader_is_heard_again_at_once(coordinator: Coordinator) -> None:
    coordinator.ask(SYNC, takes=20.0)
    assert [type(request) for request, _ in coordinator.asked] == [SyncGroupRequest, HeartbeatRequest]
    assert coordinator.session.is_fresh


def test_the_session_ends_before_the_group_is_told_that_we_leave(coordinator: Coordinator) -> None:
    coordinator.ask(SYNC)
    coordinator.ask(LEAVE)
    assert coordinator.asked[-1] == (LEAVE, False)


def test_a_generation_that_is_given_up_ends_the_session(coordinator: Coordinator) -> None:
    coordinator.ask(SYNC)
    coordinator.reset_generation()
    assert not coordinator.session.is_member
    assert coordinator.session.was_lost
    assert coordinator.resets == 1


def test_a_session_that_we_end_is_not_lost(coordinator: Coordinator) -> None:
    coordinator.ask(SYNC)
    coordinator.ask(LEAVE)
    coordinator.reset_generation()
    assert not coordinator.session.is_member
    assert not coordinator.session.was_lost
