"""A dead letter that its topic refuses is sent smaller, until it fits. Pure.

At the end there is a letter of a few hundred bytes: a key of our own, coordinates, reason, and the digest of the value.
The event itself is still at its topic, partition and offset.
"""

from hashlib import sha256

from aiokafka.errors import InvalidTimestampError, KafkaError

from worker.delivery.batches import OutputSlice, Stamp
from worker.delivery.dead_letters import PREFIX
from worker.delivery.outcomes import TOO_LARGE
from worker.fetch import Headers

VALUE, HEADERS, KEY, TIMESTAMP = "value", "headers", "key", "timestamp"


def smaller_letter(letters: OutputSlice, error: KafkaError) -> OutputSlice | None:
    """Return refused dead letters with something less, and headers that say what; None if there is nothing left.

    Each call takes one thing away, that which the error speaks of first, so that some calls lead to the end.

    Args:
        letters: dead letters for one partition, of which the same was left out before.
        error: why they are refused.
    """
    for thing in _order(error):
        if thing not in letters.left_out and _has(letters, thing):
            return _without(letters, thing)
    return None


def _order(error: KafkaError) -> tuple[str, ...]:
    if isinstance(error, TOO_LARGE):
        return VALUE, HEADERS, KEY
    if isinstance(error, InvalidTimestampError):
        return TIMESTAMP, KEY, HEADERS, VALUE
    return KEY, TIMESTAMP, HEADERS, VALUE  # a compacted topic asks for a key; other rules we cannot know


def _has(letters: OutputSlice, thing: str) -> bool:
    """Whether leaving the thing out changes any of the letters."""
    records = letters.pending.completed.fetch.records
    if thing == VALUE:
        return any(letters.values)
    if thing == HEADERS:
        return any(records[index].headers for index in letters.indexes)
    return True


def _without(letters: OutputSlice, thing: str) -> OutputSlice:
    fetch = letters.pending.completed.fetch
    keys, values, headers, stamp = [*letters.keys], [*letters.values], [*letters.headers], letters.stamp
    for row, index in enumerate(letters.indexes):
        record = fetch.records[index]
        if thing == VALUE:
            value = values[row]
            headers[row] = _noted(headers[row], "value_left_out", str(_size(value)))
            if value is not None:
                headers[row] = _noted(headers[row], "value_sha256", sha256(value).hexdigest())
            values[row] = b""
        elif thing == HEADERS:
            headers[row] = _noted(headers[row][len(record.headers) :], "headers_left_out", str(len(record.headers)))
        elif thing == KEY:
            headers[row] = _noted(headers[row], "key_left_out", str(_size(keys[row])))
            keys[row] = f"{fetch.topic}-{fetch.partition}@{record.offset}".encode()
            if values[row] is None:  # with a key and no value it would be a tombstone
                values[row] = b""
        else:
            stamp = Stamp.NONE
            headers[row] = _noted(headers[row], "timestamp_left_out", "1")
    return OutputSlice(letters.pending, letters.indexes, keys, values, headers, stamp, letters.left_out | {thing})


def _noted(headers: Headers, name: str, value: str) -> Headers:
    return [*headers, (PREFIX + name, value.encode())]


def _size(content: bytes | None) -> int:
    """Its bytes; −1 for none."""
    return -1 if content is None else len(content)
