"""The headers of a dead letter: where the event came from and why it was not answered."""

from worker.errors import Rejection
from worker.fetch import Fetch, Headers

PREFIX = "__dlq.errors."


def dead_letter_headers(fetch: Fetch, index: int, rejection: Rejection, group: str) -> Headers:
    """Return the event's headers untouched, then ours, named after KIP-1191's; every value of ours is UTF-8 text.

    Key and value of a dead letter are the event's own, except for what its topic refuses (see ``smaller_letter``). The
    text itself never gets into a header.
    """
    record = fetch.records[index]
    ours = {
        "topic": fetch.topic,
        "partition": str(fetch.partition),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp),
        "group": group,
        "stage": rejection.stage.value,
        "reason": rejection.reason.value,
        "exception": rejection.exception,
        "message": rejection.message,
        "attempts": str(rejection.attempts),
    }
    return [*record.headers, *((PREFIX + name, value.encode()) for name, value in ours.items())]
