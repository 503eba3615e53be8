"""Batches that cannot be read, and batches that hold far more than they weigh, in a real broker's log."""

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard
from integration.client import dead_letter_source, sources
from integration.inputs import PRIVATE, valid
from integration.kafka_container import KafkaContainer
from integration.polling import eventually
from integration.raw_producer import produce_batches
from integration.scene import Scene, scene_of_its_own
from record_batches import batch, record, resealed

pytestmark = pytest.mark.kafka

LATIN_1 = f"{PRIVATE} Größe".encode("latin-1")
"""A header's name."""


def events(first: int, count: int, codec: str = "none", spoilt: Sequence[int] = ()) -> bytes:
    """A batch of valid events, at some of which a header has a name that is not UTF-8."""
    headers = ((b"trace", b"1"), (LATIN_1, b"2"))
    return batch(
        [record(delta, valid(first + delta), headers=headers if delta in spoilt else ()) for delta in range(count)],
        codec=codec,
    )


def test_a_header_name_that_is_not_utf8_is_a_dead_letter_and_stops_nobody(scene: Scene) -> None:
    scene.client.create(scene.topics.input, scene.topics.output, scene.topics.dead_letters, partitions=1)
    written = [events(0, 5, spoilt=[1]), events(5, 5, "zstd", spoilt=[0, 4]), events(10, 1, "gzip", [0]), events(11, 3)]
    produce_batches(str(scene.settings["bootstrap_servers"]), scene.topics.input, written)
    worker = scene.start()
    scene.wait_for_answers(14)
    scene.wait_for_commits()
    spoilt = [1, 5, 9, 10]
    topic = scene.topics.input
    assert sources(scene.outputs()) == [(topic, 0, offset) for offset in range(14) if offset not in spoilt]
    letters = scene.dead_letters()
    assert [dead_letter_source(letter) for letter in letters] == [(topic, 0, offset) for offset in spoilt]
    assert [letter.value for letter in letters] == [valid(offset) for offset in spoilt]
    headers = dict(letters[0].headers)
    assert (headers["__dlq.errors.reason"], headers["trace"]) == (b"unreadable_record", b"1")
    assert f"{topic}-0@1: the record cannot be read" in worker.log
    assert worker.stop() == 0
    assert "Traceback" not in worker.log


class Corruptible(KafkaContainer):
    """A broker whose log can be written into behind its back."""

    def overwrite(self, topic: str, at: int, data: bytes) -> None:
        """Put these bytes into the first segment of partition 0."""
        path = f"/tmp/kafka-logs/{topic}-0/00000000000000000000.log"
        text = base64.b64encode(data).decode()
        script = f"echo {text} | base64 -d | dd of={path} bs=1 seek={at} conv=notrunc"
        code, output = self.exec(["sh", "-c", script])
        assert code == 0, output


@pytest.fixture
def corruptible() -> Iterator[Corruptible]:
    with Corruptible() as kafka:
        yield kafka


def test_damage_on_the_brokers_disk_stays_where_it_is(
    corruptible: Corruptible, tiny_model: Path, tmp_path: Path
) -> None:
    with scene_of_its_own(corruptible, tiny_model, tmp_path) as scene:
        client, topic = scene.client, scene.topics.input
        client.create(topic, scene.topics.output, scene.topics.dead_letters, partitions=1)
        good = [events(at, 3, "zstd" if at % 2 else "none") for at in range(0, 30, 3)]
        produce_batches(corruptible.bootstrap, topic, good)
        starts = [sum(map(len, good[:number])) for number in range(len(good))]

        def damage(number: int, change: Any, *, seal: bool) -> None:
            data = bytearray(good[number])
            change(data)
            corruptible.overwrite(topic, starts[number] + 16, bytes(resealed(bytes(data)) if seal else data)[16:])

        damage(1, lambda data: data.__setitem__(-2, data[-2] ^ 1), seal=False)  # its checksum is wrong
        damage(3, lambda data: data.__setitem__(22, 7), seal=True)  # a codec that does not exist
        damage(5, lambda data: data.__setitem__(16, 9), seal=False)  # a format that does not exist
        damage(7, lambda data: data.__setitem__(slice(61, None), b"\xff" * (len(data) - 61)), seal=True)  # no Zstandard
        damage(8, lambda data: data.__setitem__(61, 0x7F), seal=True)  # a length that cannot be

        worker = scene.start()
        eventually(lambda: client.committed(scene.topics.group, topic).get(0) == 30, "all is answered")
        answered = sources(scene.outputs())
        letters = {dead_letter_source(letter)[2]: letter for letter in scene.dead_letters()}
        damaged = {1, 3, 5, 7, 8}
        whole = [offset for offset in range(30) if offset // 3 not in damaged]
        assert [offset for _, _, offset in answered] == whole
        assert {offset // 3 for offset in letters} == damaged
        reasons = {dict(letter.headers)["__dlq.errors.reason"] for letter in letters.values()}
        assert reasons <= {b"unreadable_batch", b"unreadable_record"}
        assert letters[9].value[61:] == good[3][61:], "the batch is there as it was"
        assert f"{topic}-0@" in worker.log
        assert worker.stop() == 0
        assert "Traceback" not in worker.log


BOMB_BYTES = 400 * 2**20
FILLING = b"x" * 100_000


def bomb() -> tuple[bytes, int]:
    """A batch of valid events that are ``BOMB_BYTES`` together, and how many they are."""
    compressor = zstandard.ZstdCompressor().compressobj()
    count = BOMB_BYTES // len(FILLING)
    payload = b"".join(
        compressor.compress(record(delta, json.dumps({"text": PRIVATE, "filling": FILLING.decode()}).encode()))
        for delta in range(count)
    )
    return batch([], codec="zstd", payload=payload + compressor.flush(), count=count, last_delta=count - 1), count


def peak_memory(worker: Any) -> int:
    """The most that the process ever had in memory, bytes."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def test_a_small_batch_of_many_megabytes_does_not_fill_the_memory(scene: Scene) -> None:
    scene.client.create(scene.topics.input, scene.topics.output, scene.topics.dead_letters, partitions=1)
    worker = scene.start(output_mode="verdict", max_pending_bytes=8 * 2**20)
    before = peak_memory(worker)
    data, count = bomb()
    assert len(data) < 200_000
    produce_batches(str(scene.settings["bootstrap_servers"]), scene.topics.input, [data])
    scene.wait_for_answers(count // 4)
    assert peak_memory(worker) - before < BOMB_BYTES // 2
