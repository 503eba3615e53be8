"""Runs a worker as a process of its own, until it is told to stop."""

import asyncio
from collections.abc import Callable

from aiokafka.errors import KafkaError

from worker.app import create_app
from worker.classifier import Classifier, load_classifier
from worker.diagnosis import explained
from worker.errors import Code, WorkerError
from worker.process import run_until_stopped
from worker.quiet_worker import QuietWorker, quieten
from worker.settings import Settings


def run(settings: Settings, load: Callable[[Settings], Classifier] = load_classifier) -> None:
    """Run a worker until it is told to stop (SIGTERM, SIGINT); ``load`` is as for ``create_app``.

    Raises:
        WorkerError: it stopped for a reason that can be mended; nothing unpublished is committed.
    """
    app = create_app(settings, load)
    app.engine.owns_process = True
    worker = QuietWorker(app, loglevel=settings.log_level, quiet=True, redirect_stdouts=False)
    quieten(settings.log_level)
    try:
        run_until_stopped(worker)
    except KafkaError as error:
        raise asyncio.run(explained(settings, error)) from error
    if app.engine.unfinished:
        raise WorkerError(
            Code.STOP_UNFINISHED,
            f"drain_timeout={settings.drain_timeout:g} s passed with batches unfinished; they are not committed and "
            "will be read again",
        )
