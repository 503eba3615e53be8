"""Whether a batch leaves, decided as the connection writes it."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.protocol.produce import ProduceResponse_v7

from worker.delivery.outcomes import Outcome, SessionUnconfirmedError, WithdrawnError, outcome
from worker.delivery.produce_client import ProduceClient
from worker.delivery.requests import Requests

OUT = TopicPartition("out", 0)
VERSIONS = {0: (3, 7)}


class Session:
    fresh = True


class Connection:
    """Stands in for aiokafka's client: it connects, which may take as long as the process is frozen, and writes."""

    def __init__(self, session: Session, *, freezes: bool) -> None:
        self._session = session
        self._freezes = freezes
        self.cluster: Any = self
        self.written = 0

    def leader_for_partition(self, _: Any) -> int:
        return 0

    def force_metadata_update(self) -> None: ...

    async def send(self, _: int, request: Any) -> Any:
        if self._freezes:
            self._session.fresh = False
        request.prepare(VERSIONS)
        self.written += 1
        return ProduceResponse_v7([("out", [(0, 0, 0, -1, 0)])], 0)


def produced(*, fresh: bool = True, freezes: bool = False, wanted: bool = True) -> int:
    """Requests written."""

    def check() -> None:
        if not wanted:
            raise WithdrawnError()

    async def produce() -> int:
        session = Session()
        session.fresh = fresh
        client = ProduceClient({}, ("out",), confirmed=lambda: session.fresh, clock=lambda: 0.0)
        connection: Any = Connection(session, freezes=freezes)
        client._client = connection
        client._requests = Requests(connection, timeout_ms=1_000)
        try:
            await client.produce(OUT, b"batch", check)
        finally:
            assert connection.written == (fresh and wanted and not freezes)
        return int(connection.written)

    return asyncio.run(produce())


def test_a_member_that_is_heard_sends() -> None:
    assert produced() == 1


@pytest.mark.parametrize("case", [{"fresh": False}, {"freezes": True}], ids=["before", "while it connects"])
def test_nothing_is_written_unless_the_session_is_confirmed_at_the_last_moment(case: dict[str, bool]) -> None:
    with pytest.raises(SessionUnconfirmedError):
        produced(**case)


def test_what_nobody_wants_is_withdrawn_also_while_the_session_is_in_doubt() -> None:
    with pytest.raises(WithdrawnError):
        produced(fresh=False, wanted=False)


def test_what_is_in_doubt_is_tried_again() -> None:
    assert outcome(SessionUnconfirmedError()) is Outcome.RETRY
