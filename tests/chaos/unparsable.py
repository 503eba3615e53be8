"""A record batch in which one record has a header whose name is not UTF-8: the broker takes it, most clients do not."""

import itertools
import json
import time

from integration.raw_producer import produce_batches
from record_batches import batch, record

from chaos.events import IDENTITY

NOT_UTF8 = b"chaos-not-\xff\xfe\xfd\xfc"

_numbers = itertools.count(1)


def produce_unparsable(bootstrap: str, topic: str, partition: int) -> None:
    """Produce a batch of three records, of which clients cannot read the one in the middle."""
    now_ms = int(time.time() * 1000)
    produce_batches(bootstrap, topic, [unparsable(next(_numbers), now_ms)], partition)


def unparsable(number: int, timestamp_ms: int) -> bytes:
    """Return the batch of this number."""
    key = f"g0-unparsable-{number}"
    value = json.dumps({"text": f"{key} beside a record that cannot be read"}).encode()
    headers = [(IDENTITY.encode(), f"{key}:{place}:output".encode()) for place in (1, 2, 3)]
    headers[1] = (NOT_UTF8, b"")
    records = [record(delta, value, key.encode(), [header]) for delta, header in enumerate(headers)]
    return batch(records, timestamp_ms=timestamp_ms)
