"""Words for the log about the worker as a whole; its lines are those of the events."""

from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from worker.address import host_port
from worker.errors import WorkerError
from worker.settings import Settings

#: A permission that is missing, as aiokafka raises it; whoever ends the worker for it names it.
NOT_PERMITTED = (GroupAuthorizationFailedError, TopicAuthorizationFailedError)
READ_AGAIN = "what is not committed will be read again"


def because(error: BaseException | None) -> str:
    """Return the reason of a stop, for a line that may be the last one; a bug has its traceback in the log."""
    if isinstance(error, NOT_PERMITTED):
        return f" ({type(error).__name__}: {error})"
    return f" ({error.with_code})" if isinstance(error, WorkerError) else ""


def named(partitions: Iterable[Sequence[Any]]) -> str:
    """Return ``texts[0,1,5]``, topic by topic."""
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(tuple(partition) for partition in partitions):
        topics.setdefault(topic, []).append(partition)
    return " ".join(f"{topic}[{','.join(map(str, numbers))}]" for topic, numbers in topics.items()) or "none"


def readiness_page(settings: Settings) -> str | None:
    """Return the address of the page that says whether the worker is ready."""
    return f"http://{host_port(settings.web_host, settings.web_port)}/readyz" if settings.web_port else None


def outcome(*, finished: bool, broken: bool) -> str:
    """Return how a drain has ended."""
    if broken:
        return "broken off"
    return "what was started is finished" if finished else "out of time"


def left_open(count: int, *, is_member: bool) -> str:
    """Return what a drain has left, of which ``count`` events are open."""
    if not is_member:
        return "no partition is this worker's any more"
    if count == 0:
        return "all that was received is answered"
    events = "event is" if count == 1 else "events are"
    return f"{count:,} {events} not answered, uncommitted, and will be read again"
