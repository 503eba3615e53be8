"""The worker's own part of a Faust app: classifier, pipeline, ledger and producer, with one life cycle.

Faust starts it before its consumer and stops it after, so that the first fetch finds a warm model and the last commit a
ledger.
"""

import asyncio
import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from mode import Service

from worker.address import host_port
from worker.classifier import Classifier
from worker.connection import client_options
from worker.deadline import Deadline
from worker.delivery.answers import Acknowledgement
from worker.delivery.group_session import GroupSession, confirmation_timeout
from worker.delivery.ledger import Ledger, Partition
from worker.delivery.produce_client import ProduceClient
from worker.delivery.publisher import Publisher
from worker.diagnosis import connected, explained, explaining
from worker.errors import BrokerError, Code, WorkerError
from worker.fetch import Fetch
from worker.intake.offset_reset import Reset
from worker.intake.topics import ensure_topics
from worker.observability import events
from worker.observability.metrics import Metrics
from worker.observability.statistics import Statistics, statistics
from worker.observability.telemetry import Telemetry
from worker.permissions import check_permissions, refused
from worker.pipeline import Pipeline
from worker.setting_values import start_time_ms
from worker.settings import Settings

T = TypeVar("T")

#: Seconds after ``drain_timeout`` that the rest of a stop may take before the process is ended.
STOP_GRACE = 10.0
#: A permission that is missing, as aiokafka raises it; whoever ends the worker for it names it.
NOT_PERMITTED = (GroupAuthorizationFailedError, TopicAuthorizationFailedError)
READ_AGAIN = "what is not committed will be read again"


class Engine(Service):
    """The service that intake asks, agents submit to, and health pages read."""

    logger = logging.getLogger(f"{__name__}.service")
    mundane_level = "debug"

    def __init__(
        self,
        settings: Settings,
        load: Callable[[Settings], Classifier],
        telemetry: Telemetry,
        *,
        positions_known: Callable[[], bool],
        waits_for: Callable[[], list[str]] = list,
        **kwargs: Any,
    ) -> None:
        """``positions_known`` tells whether intake knows where to read each partition, ``waits_for`` what it lacks."""
        super().__init__(**kwargs)
        self.settings = settings
        self.session = GroupSession(
            confirmation_timeout(settings.session_timeout, static=settings.group_instance_id is not None)
        )
        self._loaded_at = self.session.now()
        self._load = load
        self.telemetry = telemetry
        self.metrics = telemetry.metrics
        self.emit = telemetry.emit
        self._positions_known = positions_known
        self._waits_for = waits_for
        self.ledger = Ledger()  # from the start: Faust's commit timer may ask before anything else is there
        self.topics = frozenset(settings.input_topics)
        self.isolation_level = settings.isolation_level
        self.on_offset_reset = settings.on_offset_reset
        self.metadata_max_age = settings.metadata_max_age
        self.start_time_ms = start_time_ms(settings.start_from)
        self.assigned = False
        """Whether the group has given us partitions, or told us that there are none for us."""
        self._assigned_partitions = 0
        self._stopping = False
        self._has_lost = False
        """Whether the log has said that the partitions are gone, and not yet that they are back."""
        self._said_ready = False
        self._stalled: Mapping[Partition, int] = {}
        self.unfinished = False
        """Whether a stop ran out of time with started work unfinished; it is uncommitted."""
        self.owns_process = False
        """Whether the process is there for the worker alone, so that a stop that hangs may end it."""
        self._stop_deadline: Deadline | None = None
        """Of a stop, which Faust may ask for more than once."""
        self._watchdog: threading.Timer | None = None
        self._failure: BaseException | None = None
        self._pipeline: Pipeline | None = None
        self._publisher: Publisher | None = None
        self._client: ProduceClient | None = None
        self._show_in(telemetry.metrics)

    def _show_in(self, metrics: Metrics) -> None:
        metrics.ready.ask(lambda: self.ready)
        metrics.alive.ask(lambda: self.alive)
        metrics.assigned_partitions.ask(lambda: self._assigned_partitions if self.assigned else 0)
        metrics.oldest_uncommitted.ask(lambda: self._oldest_uncommitted(time.monotonic()))
        metrics.produce_stalled.ask(self._unwritable_for)
        metrics.stalled_offsets.ask_by_label(
            lambda: {(topic, str(number)): count for (topic, number), count in self._stalled.items()}
        )

    def _unwritable_for(self) -> float:
        return 0.0 if self._publisher is None else self._publisher.failing_for(time.monotonic())

    def _oldest_uncommitted(self, now: float) -> float:
        arrived = self.ledger.oldest_arrival()
        return 0.0 if arrived is None else now - arrived

    async def on_start(self) -> None:
        loop = asyncio.get_running_loop()
        self.session.listen(lambda: _call_in(loop, self._look_at_the_session))
        connection = client_options(self.settings)
        async with explaining(self.settings):
            async with connected(self.settings) as broker:
                await check_permissions(self.settings, broker)
            if self.settings.missing_topics == "fail":
                await ensure_topics(self.settings, connection)
        began = time.monotonic()
        classifier = await _in_daemon_thread(self._load, self.settings)
        self.emit(events.ModelLoaded(time.monotonic() - began))
        async with explaining(self.settings):
            if self.settings.missing_topics == "create":  # not before it is known that there will be a worker for them
                await ensure_topics(self.settings, connection)
            self._client = ProduceClient(
                connection,
                self.settings.topics,
                self.settings.compression,
                metadata_max_age_ms=int(self.settings.metadata_max_age * 1000),
                confirmed=lambda: self.session.is_fresh,
            )
            await self._client.start()
        self._assemble(classifier, self._client)

    def _assemble(self, classifier: Classifier, client: ProduceClient) -> None:
        def make_publisher(
            acknowledged: Callable[[Acknowledgement], None], failed: Callable[[BaseException], None]
        ) -> Publisher:
            self._publisher = Publisher(self.settings, client, acknowledged, failed, self.emit)
            return self._publisher

        pipeline = Pipeline(self.settings, classifier, self.ledger, make_publisher, self._fail, self.telemetry)
        self._loaded_at = self.session.now()
        self._pipeline = pipeline
        if self.owns_process:
            # Modules, model and settings live as long as the process: looked through at every full collection, a
            # million objects of theirs would hold everything up for a quarter of a second.
            gc.collect()
            gc.freeze()

    async def on_stop(self) -> None:
        if self._pipeline is not None:
            self._pipeline.close()
        elif self.crash_reason is None:
            self.emit(events.StoppedWhileLoading())
        if self._publisher is not None:
            await self._publisher.close()
        if self._client is not None:
            await self._client.stop()
        self.telemetry.flush()

    async def submit(self, fetch: Fetch) -> None:
        """Take a fetch; returning means accepted, not published. Never raises."""
        if self._pipeline is not None:
            await self._pipeline.submit(fetch)

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Forget what is pending of these partitions."""
        if self._pipeline is not None:
            self._pipeline.revoke(partitions)

    def note_reset(self, reset: Reset) -> None:
        """Tell of a partition whose offset is not of its log, and stop where ``on_offset_reset=fail``."""
        self.emit(events.OffsetReset(str(reset)))
        if reset.policy == "fail":
            self.fail(BrokerError(Code.OFFSET_RESET, str(reset)))

    def note_stalled(self, partitions: Mapping[Partition, int]) -> None:
        """Note how many offsets wait behind an open transaction, by partition."""
        self._stalled = partitions

    def on_assigned(self, partitions: Iterable[Sequence[Any]]) -> None:
        """The group has decided what is ours."""
        if not self._said_ready:
            self._said_ready = True
            self.add_future(self._say_when_ready())
        self.assigned = True
        partitions = list(partitions)
        self._assigned_partitions, named = len(partitions), _named(partitions)
        self.emit(events.PartitionsRegained(named) if self._has_lost else events.PartitionsAssigned(named))
        self._has_lost = False

    def on_revoked(self, partitions: Iterable[Sequence[Any]]) -> None:
        """These partitions are somebody else's from now on."""
        self.assigned = False
        partitions = list(partitions)
        if partitions:
            self.emit(events.PartitionsRevoked(_named(partitions)))
        self.revoke(Partition(*partition) for partition in partitions)

    def _left_open(self) -> str:
        if not self.session.is_member:
            return "no partition is this worker's any more"
        count = self.ledger.open_events()
        if count == 0:
            return "all that was received is answered"
        events = "event is" if count == 1 else "events are"
        return f"{count:,} {events} not answered, uncommitted, and will be read again"

    def _look_at_the_session(self) -> None:
        if self.assigned and not self.session.is_member:
            self.assigned = False
            if self.session.was_lost and not self._stopping:
                self._has_lost = True
                self.emit(events.SessionLost(self.settings.session_timeout))
            self.revoke(self.ledger.partitions())

    def resume(self) -> None:
        """Take fetches again after a drain."""
        if self._pipeline is not None:
            self._pipeline.resume()

    async def drain(self, *, stopping: bool) -> None:
        """Finish what was started, within ``drain_timeout``; at a stop also what was received, if time allows."""
        self._stopping = self._stopping or stopping
        if self._pipeline is None or (stopping and self._pipeline.drained):
            return  # Faust asks twice at a stop
        if not self.session.is_member:  # also for what came in since that was noticed
            self.revoke(self.ledger.partitions())
        deadline = self._stop_deadline or Deadline.after(self.settings.drain_timeout)
        is_first = self._stop_deadline is None
        if stopping:
            self._stop_deadline = deadline
            self._watch_the_stop()
            if is_first:
                self.emit(events.StopBegun(self.settings.drain_timeout))
        finished = await self._pipeline.drain(deadline, work_off=stopping)
        if stopping and not finished:
            self.unfinished = True
        if not is_first:
            return
        outcome = "what was started is finished" if finished else "out of time"
        if self._pipeline.failure is not None:
            outcome = "broken off"
        self.emit(events.Drained(outcome, self._left_open()))

    @property
    def not_ready(self) -> list[str]:
        """List what keeps the worker from being ready, as ``/readyz`` shows it; empty once it is ready."""
        pipeline = self._pipeline
        if pipeline is None:
            return ["model loading"]
        reasons = []
        if pipeline.failure is not None:
            reasons.append("broken")
        if pipeline.draining:
            reasons.append("draining")
        if not self.assigned:
            reasons.append("no partitions assigned yet")
        else:
            waits_for = self._waits_for()
            reasons += waits_for
            if not self.session.is_fresh:
                reasons.append("the group's coordinator does not answer")
            elif not waits_for and not self._positions_known():
                reasons.append("positions not known yet")
        return reasons

    @property
    def ready(self) -> bool:
        """Whether the model is warm, partitions are assigned and positioned, and no stop or failure is under way."""
        return not self.not_ready

    @property
    def alive(self) -> bool:
        """Whether nothing is broken, the group has the worker, and what is pending gets on."""
        pipeline = self._pipeline
        if pipeline is None:
            return True
        unconfirmed_for = min(self.session.unconfirmed_for(), self.session.now() - self._loaded_at)
        longest = max(pipeline.stalled_for(), unconfirmed_for, self._unwritable_for())
        return pipeline.failure is None and longest < self.settings.stall_timeout

    @property
    def failure(self) -> BaseException | None:
        """Return the error that ended the pipeline, if one has."""
        return self._pipeline.failure if self._pipeline is not None else None

    def statistics(self) -> Statistics | None:
        """Return what was done and what is pending; None before the model is loaded."""
        return None if self._pipeline is None else statistics(self.telemetry.metrics)

    def fail(self, error: BaseException) -> None:
        """End the worker: a client of ours cannot go on. Nothing that is not published is committed."""
        self.add_future(self._explain_and_fail(error))

    async def _explain_and_fail(self, error: BaseException) -> None:
        explanation = await explained(self.settings, error) if isinstance(error, KafkaError) else error
        if self._pipeline is not None:
            self._pipeline.fail(explanation)
        else:
            self._fail(explanation)

    async def _say_when_ready(self) -> None:
        while not self.ready:
            if self.should_stop:  # a sleep is over at once from now on, and a cancellation may get lost in it
                return
            await self.sleep(0.05)
        settings = self.settings
        page = f"http://{host_port(settings.web_host, settings.web_port)}/readyz" if settings.web_port else None
        self.emit(events.WorkerReady(settings.input_topics, settings.output_topic, settings.dead_letter_topic, page))

    def _watch_the_stop(self) -> None:
        """Nothing that hangs, in Faust, a client or a driver, may keep a worker that was told to stop."""
        if self.owns_process and self._watchdog is None:
            self._watchdog = threading.Timer(self.settings.drain_timeout + STOP_GRACE, self._end_process)
            self._watchdog.daemon = True
            self._watchdog.start()

    def _end_process(self) -> None:
        self.emit(events.StopHangs(because(self._failure), READ_AGAIN))
        os._exit(1)

    def _fail(self, error: BaseException) -> None:
        error = self._failure = refused(self.settings, error) or error
        self._watch_the_stop()
        self.add_future(self._crash_with(error))

    async def _crash_with(self, error: BaseException) -> None:
        try:
            raise error
        except BaseException as raised:
            await self.crash(raised)  # logs what is being handled


async def _in_daemon_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a thread that, unlike a pool's, does not keep the process from ending; return its result."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # a stop that cancels the wait does not cancel the thread

    def run() -> None:
        try:
            future.set_result(function(*arguments))
        except BaseException as error:  # a thread has nobody else to tell
            future.set_exception(error)

    threading.Thread(target=run, name="load", daemon=True).start()
    return await asyncio.wrap_future(future)


def _call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
        loop.call_soon_threadsafe(callback)


def because(error: BaseException | None) -> str:
    """Return the reason of a stop, for a line that may be the last one; a bug has its traceback in the log."""
    if isinstance(error, NOT_PERMITTED):
        return f" ({type(error).__name__}: {error})"
    return f" ({error.with_code})" if isinstance(error, WorkerError) else ""


def _named(partitions: Iterable[Sequence[Any]]) -> str:
    """``texts[0,1,5]``, topic by topic."""
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(tuple(partition) for partition in partitions):
        topics.setdefault(topic, []).append(partition)
    return " ".join(f"{topic}[{','.join(map(str, numbers))}]" for topic, numbers in topics.items()) or "none"
