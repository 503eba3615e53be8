"""A run: its epochs one after the other, each with topics and workers of its own, and the count at its end."""

import json
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from integration.topics import Topics

from chaos.accounts import account
from chaos.cluster import PARTITIONS, Cluster
from chaos.events import Source
from chaos.faults import BREAKER, FAULTS, Scene
from chaos.load import Load
from chaos.processes import Processes
from chaos.reader import Row, read
from chaos.recovery import made_within, recovery_times
from chaos.report import BATCH_BYTES, Done, EpochResult
from chaos.schedule import Epoch, Fault
from chaos.workers import Supervisor

COMMIT_SECONDS = 0.5
SESSION_SECONDS = 6
METADATA_SECONDS = 5
UNCOMMITTED_SECONDS = 5
"""In which a worker publishes between two commits: the interval, and the time that a commit takes on a busy machine."""
REJOIN_SECONDS = 15
"""After a freeze or without a broker, until the group has agreed again and commits are taken."""
DRAIN_SECONDS = 8
AFTER_SECONDS = 5.0
"""For which events still come after the last fault."""
SETTLE_SECONDS = 150.0
"""Within which everything is to be answered once the faults have ended."""
STOP_SECONDS = 60.0
CUT_OFF = (
    "freeze",
    "broker_paused",
    "broker_restarted",
    "broker_killed",
    "output_leaderless",
    "output_leaderless_long",
    "broker_replaced",
)
"""Faults that come between publishing and committing; the end of a worker without a clean stop does as well."""

Say = Callable[[str], None]


def settings(cluster: Cluster, topics: Topics) -> dict[str, object]:
    """Return the flags of a worker."""
    return {
        "bootstrap_servers": cluster.bootstrap,
        "input_topics": topics.input,
        "output_topic": topics.output,
        "dead_letter_topic": topics.dead_letters,
        "group_id": topics.group,
        "commit_interval": COMMIT_SECONDS,
        "session_timeout": SESSION_SECONDS,
        "metadata_max_age": METADATA_SECONDS,
        "drain_timeout": DRAIN_SECONDS,
        "max_consecutive_invalid": BREAKER,
        "missing_topics": "fail",
        "web_port": 0,
    }


def run_epoch(
    cluster: Cluster, processes: Processes, epoch: Epoch, workers: int, rate: float, seed: int, folder: Path, say: Say
) -> EpochResult:
    """Attack workers for the length of an epoch, let them finish, and count."""
    topics = Topics.of(epoch.name)
    cluster.create(topics)
    folder.mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor(processes, epoch.name, folder / "workers", settings(cluster, topics))
    load = Load(cluster.bootstrap, topics.input, Source(seed, PARTITIONS), rate)
    scene = Scene(cluster, topics, load, supervisor, workers)
    done: list[Done] = []
    try:
        for _ in range(workers):
            supervisor.add()
        load.start()
        deadline = time.monotonic() + epoch.seconds
        tracks = [
            threading.Thread(target=_carry_out, args=(scene, epoch.name, faults, deadline, done), daemon=True)
            for faults in epoch.tracks.values()
        ]
        for track in tracks:
            track.start()
        while time.monotonic() < deadline:
            scene.sleep(min(10.0, max(0.0, deadline - time.monotonic())))
            say(f"{epoch.name}: {len(done)} faults, {load.sent:,} events, {len(supervisor.ends)} exits")
        scene.ended.set()
        for track in tracks:
            track.join(150)
        time.sleep(AFTER_SECONDS)
        load.stop()
        stuck = not _settled(scene, workers, say)
        supervisor.stop(STOP_SECONDS)
    finally:
        scene.ended.set()
        supervisor.close()
    say(f"{epoch.name}: reading what {load.sent:,} events have become")
    return _result(scene, epoch, sorted(done, key=lambda fault: fault.begin), stuck, folder)


def _carry_out(scene: Scene, epoch: str, faults: tuple[Fault, ...], deadline: float, done: list[Done]) -> None:
    for fault in faults:
        scene.sleep(fault.gap)
        if time.monotonic() > deadline or scene.ended.is_set():
            return
        begin, error = time.time(), ""
        try:
            FAULTS[fault.kind](scene, fault)
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
        done.append(Done(epoch, fault.kind, begin, time.time(), error))


def _settled(scene: Scene, workers: int, say: Say) -> bool:
    """Wait until the group has committed everything, with as many workers as at the start; whether it has."""
    while sum(slot.wanted for slot in scene.workers.slots) < workers:
        scene.workers.add()
    deadline = time.monotonic() + SETTLE_SECONDS
    said = time.monotonic()
    while (lag := scene.cluster.lag(scene.topics)) != 0:
        if time.monotonic() > deadline:
            say(f"stuck: {lag} events are not committed {SETTLE_SECONDS:g} s after the faults have ended")
            return False
        if time.monotonic() > said + 10:
            said = time.monotonic()
            say(f"the faults have ended; {lag} events are not committed yet")
        time.sleep(0.5)
    return True


def _result(scene: Scene, epoch: Epoch, done: list[Done], stuck: bool, folder: Path) -> EpochResult:
    topics, supervisor = scene.topics, scene.workers
    rows = {name: [*read(scene.cluster.bootstrap, name)] for name in (topics.input, topics.output, topics.dead_letters)}
    ends = [end for end in supervisor.ends if end.name]
    counted = account(
        topics.input,
        *rows.values(),
        generation=scene.required,
        thaws=supervisor.thaws,
        killed={end.name: end.time for end in ends if end.code != 0},
    )
    uncommitted = [
        (fault.begin - UNCOMMITTED_SECONDS, fault.end + REJOIN_SECONDS) for fault in done if fault.kind in CUT_OFF
    ]
    for end in ends:
        if end.code == -signal.SIGKILL:
            uncommitted.append((end.time - UNCOMMITTED_SECONDS, end.time))
        elif end.code:
            uncommitted.append((end.time - UNCOMMITTED_SECONDS - DRAIN_SECONDS - REJOIN_SECONDS, end.time))
    size = sum(len(row.value or b"") for row in rows[topics.output]) / max(1, len(rows[topics.output]))
    frozen = sum(fault.kind == "freeze" for fault in done)
    result = EpochResult(
        epoch.name,
        counted,
        done,
        recovery_times([(fault.kind, fault.end) for fault in done], counted.answered),
        ends,
        dict(supervisor.memory),
        sum(supervisor.log_of(path.stem).count("Traceback (most recent") for path in supervisor.folder.glob("*.log")),
        repeats_allowed=made_within(uncommitted, counted.answered),
        late_allowed=int(frozen * len(scene.cluster.leaders(topics.output)) * BATCH_BYTES / max(1.0, size)),
        stuck=stuck,
    )
    _keep(folder, result, rows)
    return result


def _keep(folder: Path, result: EpochResult, rows: dict[str, list[Row]]) -> None:
    """Write down what happened, and of the first events of each broken promise every record of their keys."""
    counted = result.account
    (folder / "faults.json").write_text(json.dumps([asdict(fault) for fault in result.faults], indent=1))
    (folder / "exits.json").write_text(
        json.dumps([asdict(end) | {"log": end.log[-3_000:]} for end in result.ends], indent=1)
    )
    offences = {name: getattr(counted, name) for name in ("lost", "disordered", "late", "wrong", "strange")}
    (folder / "offences.json").write_text(json.dumps(offences, indent=1))
    keys = {identity.rsplit(":", 2)[0] for found in offences.values() for identity in found[:20]}
    made = {(answer.partition, answer.identity): (answer.writer, answer.made) for answer in counted.answered}
    with (folder / "records.jsonl").open("w") as file:
        for topic, found in rows.items():
            for row in found:
                if row.identity.rsplit(":", 2)[0] in keys:
                    file.write(json.dumps(_plain(topic, row, made.get((row.partition, row.identity)))) + "\n")


def _plain(topic: str, row: Row, made: Any) -> dict[str, Any]:
    value = None if row.value is None else row.value[:2_000].decode(errors="replace")
    more = {"reason": row.reason} if row.reason else {}
    return {
        "topic": topic,
        "place": f"{row.partition}@{row.offset}",
        "is": row.identity,
        "timestamp": row.timestamp_ms,
        "value": value,
        "written by": made,
        **more,
    }
