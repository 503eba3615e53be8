"""The command's body: a cluster, the epochs, the report; bounded in time, and tidy also after Ctrl-C."""

import argparse
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from chaos.cluster import Cluster
from chaos.processes import Processes
from chaos.report import MARKDOWN_HEAD, details, markdown, table
from chaos.run import run_epoch
from chaos.schedule import schedule

SPARE_SECONDS = 900.0
"""For starts, settling and counting; after that the run is broken off."""


def print_schedule(options: argparse.Namespace) -> int:
    """Print what would be done and when; returns the exit code."""
    print("track, seconds after the fault before it on its track: fault, seconds it lasts, target")
    print("The target is a number that chooses what is hit: a worker or a partition, counted around those there are.\n")
    for epoch in schedule(options.seed, options.minutes, frozenset(options.without.split(","))):
        print(f"{epoch.name}, {epoch.seconds:.0f} s")
        for track, faults in epoch.tracks.items():
            for fault in faults:
                print(f"  {track.ljust(8)} after {fault.gap:5.1f} s: {fault.kind}, {fault.seconds:g} s, {fault.target}")
    return 0


def attack(options: argparse.Namespace) -> int:
    """Carry the schedule out and print what came of it; returns the exit code."""
    epochs = schedule(options.seed, options.minutes, frozenset(options.without.split(",")))
    folder = Path(options.keep) if options.keep else Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schedule.json").write_text(json.dumps([asdict(epoch) for epoch in epochs], indent=1))
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", flush=True)

    say(f"what happens is written down in {folder}")
    with _bounded(options.minutes * 60 + SPARE_SECONDS), Processes() as processes, Cluster() as cluster:
        say("the brokers are up")
        results = [
            run_epoch(cluster, processes, epoch, options.workers, options.rate, options.seed, folder / epoch.name, say)
            for epoch in epochs
        ]
    print(f"\n{table(results)}\n\n{details(results)}\n")
    if options.markdown:
        command = f'make chaos ARGS="--minutes {options.minutes:g} --seed {options.seed} --workers {options.workers}"'
        print(f"{MARKDOWN_HEAD}\n{markdown(command, results)}\n")
    broken = [promise for result in results for promise in result.broken()]
    if broken:
        print(
            "BROKEN: " + "; ".join(broken) + f"\nLook into {folder}: schedule, faults, exits, offences, records, logs."
        )
        return 1
    print("Every promise was kept.")
    if options.keep is None:
        shutil.rmtree(folder)
    return 0


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, as Ctrl-C would; a SIGTERM does the same."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
