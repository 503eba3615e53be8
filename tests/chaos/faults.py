"""The faults, one function for each kind of the schedule."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from integration.topics import Topics

from chaos.cluster import PARTITIONS, Cluster
from chaos.exits import BROKER_AWAY, DEVICE_BROKEN, FLOOD, TOPIC_AWAY
from chaos.load import Load
from chaos.schedule import Fault
from chaos.unparsable import produce_unparsable
from chaos.workers import Slot, Supervisor

MOST_PARTITIONS = 7
BREAKER = 1_000
"""max_consecutive_invalid of the workers."""
READY_SECONDS = 30.0


@dataclass(slots=True)
class Scene:
    """The processes and topics that the faults of an epoch act on."""

    cluster: Cluster
    topics: Topics
    load: Load
    workers: Supervisor
    least_workers: int
    ended: threading.Event = field(default_factory=threading.Event)
    """Set at the end of the epoch; whatever lasts, ends then."""
    required: int = 0
    """The generation from which on every event has to be answered."""
    broker_lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        self.ended.wait(seconds)

    def worker(self, target: int) -> Slot:
        """Return a worker that runs; waits for one if need be."""
        deadline = time.monotonic() + READY_SECONDS
        while (slot := self.workers.running(target)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError("no worker runs")
            time.sleep(0.1)
        return slot

    @contextlib.contextmanager
    def window(self, kind: str, slot: int | None = None) -> Iterator[None]:
        """Note that workers may end because of something."""
        window = self.workers.during(kind, slot)
        try:
            yield
        finally:
            window.close(time.time())

    @contextlib.contextmanager
    def broker_away(self) -> Iterator[None]:
        """Keep topics as they are and excuse workers, as long as a broker is not there."""
        with self.broker_lock, self.window(BROKER_AWAY):
            yield


def kill(scene: Scene, fault: Fault) -> None:
    scene.workers.send(scene.worker(fault.target), signal.SIGKILL)


def sigterm(scene: Scene, fault: Fault) -> None:
    scene.workers.send(scene.worker(fault.target), signal.SIGTERM)


def sigterm_twice(scene: Scene, fault: Fault) -> None:
    slot = scene.worker(fault.target)
    name = slot.name
    scene.workers.send(slot, signal.SIGTERM)
    scene.sleep(0.02 * (fault.target % 20))
    if slot.name == name:
        scene.workers.send(slot, signal.SIGTERM)


def freeze(scene: Scene, fault: Fault) -> None:
    slot = scene.worker(fault.target)
    scene.workers.send(slot, signal.SIGSTOP)
    scene.sleep(fault.seconds)
    scene.workers.send(slot, signal.SIGCONT)


def worker_added(scene: Scene, fault: Fault) -> None:
    slot = scene.workers.add()
    scene.sleep(fault.seconds)
    _retire(scene, slot)


def worker_removed(scene: Scene, fault: Fault) -> None:
    slot = scene.worker(fault.target)
    _retire(scene, slot)
    scene.sleep(fault.seconds)
    scene.workers.add()


def _retire(scene: Scene, slot: Slot) -> None:
    slot.wanted = False
    scene.workers.send(slot, signal.SIGTERM)


def broker_paused(scene: Scene, fault: Fault) -> None:
    with scene.broker_away():
        scene.cluster.pause(1, fault.seconds, scene.sleep)


def broker_restarted(scene: Scene, fault: Fault) -> None:
    with scene.broker_away():
        scene.cluster.restart(1 + fault.target % 2, kill=False)


def broker_killed(scene: Scene, fault: Fault) -> None:
    with scene.broker_away():
        scene.cluster.restart(1 + fault.target % 2, kill=True)


def output_leaderless(scene: Scene, fault: Fault) -> None:
    with scene.broker_away():
        scene.cluster.pause(2, fault.seconds, scene.sleep)


def partitions_added(scene: Scene, fault: Fault) -> None:
    with scene.broker_lock:
        wanted = scene.load.source.partitions + 1
        if wanted > MOST_PARTITIONS:
            return
        scene.cluster.grow(scene.topics, wanted)
    scene.load.grow(wanted)


def _order(scene: Scene, fault: Fault, order: str) -> None:
    slot = scene.worker(fault.target)
    slot.orders.write_text(order)
    scene.sleep(fault.seconds)
    slot.orders.write_text("")


def device_slow(scene: Scene, fault: Fault) -> None:
    _order(scene, fault, "slow 0.1")


def device_out_of_memory(scene: Scene, fault: Fault) -> None:
    _order(scene, fault, "out_of_memory 300")


def _broken_device(scene: Scene, fault: Fault, order: str) -> None:
    with scene.window(DEVICE_BROKEN):
        _order(scene, fault, order)


def device_raises(scene: Scene, fault: Fault) -> None:
    _broken_device(scene, fault, "raises")


def device_nan(scene: Scene, fault: Fault) -> None:
    _broken_device(scene, fault, "nan")


def unparsable_batch(scene: Scene, fault: Fault) -> None:
    with scene.broker_lock:
        produce_unparsable(scene.cluster.bootstrap, scene.topics.input, fault.target % PARTITIONS)


def refused_timestamps(scene: Scene, fault: Fault) -> None:
    scene.load.burst("old", BREAKER // 2, fault.target)


def refused_keys(scene: Scene, fault: Fault) -> None:
    scene.load.burst("keyless", BREAKER // 2, fault.target)


def flood_below_breaker(scene: Scene, fault: Fault) -> None:
    scene.load.burst("no_text", BREAKER // 2, fault.target)


def flood_above_breaker(scene: Scene, fault: Fault) -> None:
    """A flood that stops every worker that gets it, until somebody raises the limit."""
    flags, since = scene.workers.flags, time.time()
    scene.workers.during(FLOOD)  # to the end: who lags behind meets the flood late
    scene.load.burst("no_text", 3 * BREAKER, fault.target)
    deadline = time.monotonic() + fault.seconds
    while not any(end.expected == "flood" and end.time > since for end in scene.workers.ends):
        if time.monotonic() > deadline or scene.ended.is_set():
            break
        time.sleep(0.1)
    # Whoever got it next and still has the old limit stops as well, and is started with the new one.
    flags["max_consecutive_invalid"] = 100 * BREAKER


def _recreate(scene: Scene, name: str) -> None:
    with scene.broker_lock, scene.window(TOPIC_AWAY):
        scene.load.pause()
        try:
            scene.cluster.delete(name)
            scene.cluster.create(scene.topics, (name,))
        finally:
            scene.load.resume(generation=True)
        scene.required = scene.load.source.generation


def topic_recreated(scene: Scene, fault: Fault) -> None:
    _recreate(scene, scene.topics.input)


def output_recreated(scene: Scene, fault: Fault) -> None:
    _recreate(scene, scene.topics.output)


def broker_replaced(scene: Scene, fault: Fault) -> None:
    with scene.broker_away():
        scene.load.pause()
        try:
            scene.cluster.replace()
            scene.cluster.create(scene.topics)
        finally:
            scene.load.resume(generation=True)
        scene.required = scene.load.source.generation


_ALL: tuple[Callable[[Scene, Fault], None], ...] = (
    kill,
    sigterm,
    sigterm_twice,
    freeze,
    worker_added,
    worker_removed,
    broker_paused,
    broker_restarted,
    broker_killed,
    output_leaderless,
    partitions_added,
    device_slow,
    device_out_of_memory,
    device_raises,
    device_nan,
    unparsable_batch,
    refused_timestamps,
    refused_keys,
    flood_below_breaker,
    flood_above_breaker,
    topic_recreated,
    output_recreated,
    broker_replaced,
)
FAULTS = {fault.__name__: fault for fault in _ALL} | {
    "freeze_short": freeze,
    "output_leaderless_long": output_leaderless,
}
