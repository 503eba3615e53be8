"""A record batch in which one record has a header whose name is not UTF-8: the broker takes it, most clients do not."""

import asyncio
import itertools
import json

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from chaos.events import IDENTITY

PLACEHOLDER, NOT_UTF8 = b"chaos-not-utf8", b"chaos-not-\xff\xfe\xfd\xfc"
CRC, CHECKED = slice(17, 21), slice(21, None)
"""Of a record batch of format 2: the checksum, and what it is of."""

_numbers = itertools.count(1)


def produce_unparsable(bootstrap: str, topic: str, partition: int) -> None:
    """Produce a batch of three records, of which clients cannot read the one in the middle."""
    asyncio.run(_produce(bootstrap, topic, partition))


async def _produce(bootstrap: str, topic: str, partition: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        batch = producer.create_batch()
        key = f"g0-unparsable-{next(_numbers)}"
        value = json.dumps({"text": f"{key} beside a record that cannot be read"}).encode()
        for number in (1, 2, 3):
            headers = [(IDENTITY, f"{key}:{number}:output".encode())]
            if number == 2:
                headers = [(PLACEHOLDER.decode(), b"")]
            batch.append(key=key.encode(), value=value, timestamp=None, headers=headers)
        batch.close()
        data = bytearray(bytes(batch._build()).replace(PLACEHOLDER, NOT_UTF8))
        data[CRC] = calc_crc32c(data[CHECKED]).to_bytes(4, "big")
        batch._buffer = data
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()
