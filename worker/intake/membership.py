"""Reporting the group coordinator's responses to the session that delivery checks."""

from typing import Any

from aiokafka.errors import NoError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest

from worker.delivery.group_session import GroupSession

#: A member that must rejoin keeps its partitions until it does.
_STILL_A_MEMBER = (NoError.errno, RebalanceInProgressError.errno)


def watch_membership(coordinator: Any, session: GroupSession) -> None:
    """Tell the session when a coordinator has confirmed the membership, and when the membership has ended.

    Everything here runs in the consumer's thread. A request counts from the time it was sent: its response may have
    waited in a socket for as long as the process was frozen.

    Args:
        coordinator: aiokafka's ``GroupCoordinator`` of this member.
        session: the session to keep informed.
    """
    send, reset = coordinator._send_req, coordinator.reset_generation

    async def send_and_note(request: Any) -> Any:
        if isinstance(request, LeaveGroupRequest):
            session.left()  # other members may get the partitions before the response arrives
        sent_at = session.now()
        response = await send(request)
        if isinstance(request, HeartbeatRequest) and response.error_code in _STILL_A_MEMBER:
            session.renewed(sent_at)
        elif isinstance(request, SyncGroupRequest) and response.error_code == NoError.errno:
            session.joined(sent_at)
            if session.now() - sent_at > session.timeout / 3:
                await coordinator._do_heartbeat()  # a slow leader delayed us: the next heartbeat would come too late
        return response

    def reset_and_note() -> None:
        session.lost()
        reset()

    coordinator._send_req, coordinator.reset_generation = send_and_note, reset_and_note
