"""The Faust service with classifier, pipeline, ledger and producer, which have one life cycle.

Faust starts it before its consumer and stops it after, so that the first fetch finds a warm model and the last commit a
ledger.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError
from mode import Service

from worker.classifier import Classifier
from worker.clock import Clock
from worker.connection import client_options
from worker.deadline import Deadline, StopDeadlines
from worker.delivery.group_session import GroupSession, confirmation_timeout
from worker.delivery.ledger import Ledger, Partition
from worker.diagnosis import connected, explained, explaining
from worker.engine import sentences
from worker.engine.assignment import Assignment
from worker.engine.health import Progress, State, gets_on, reasons_not_ready, seconds_since
from worker.engine.serving import Serving, freeze_what_lives_for_ever
from worker.engine.threads import call_in, in_daemon_thread
from worker.engine.watchdog import StopWatchdog
from worker.errors import BrokerError, Code
from worker.fetch import Fetch
from worker.intake.offset_reset import Reset
from worker.intake.topics import ensure_topics
from worker.observability import events
from worker.observability.metrics import Metrics
from worker.observability.statistics import Statistics, statistics
from worker.observability.telemetry import Telemetry
from worker.permissions import check_permissions, refused
from worker.setting_values import start_time_ms
from worker.settings import Settings


class Engine(Service):
    """The service that intake asks, agents submit to, and health pages read.

    Args:
        settings: where from, where to, and how.
        load: gives the classifier, warm; called in a thread.
        telemetry: told what happens; its gauges show what is the case here.
        clock: monotonic seconds, as in the fetches.
        session_clock: seconds that go on while the process, or the machine, is frozen.
        wall_clock: seconds since the epoch, as in the records.
        positions_known: whether intake knows where to read each partition; asked once there are some.
        waits_for: what intake lacks for that.
    """

    logger = logging.getLogger(f"{__name__}.service")
    mundane_level = "debug"

    def __init__(
        self,
        settings: Settings,
        load: Callable[[Settings], Classifier],
        telemetry: Telemetry,
        *,
        clock: Clock,
        session_clock: Clock,
        wall_clock: Clock,
        positions_known: Callable[[], bool],
        waits_for: Callable[[], list[str]] = list,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.telemetry = telemetry
        self.metrics = telemetry.metrics
        self.emit = telemetry.emit
        self.ledger = Ledger()  # from the start: Faust's commit timer may ask before anything else is there
        is_static = settings.group_instance_id is not None
        self.session = GroupSession(confirmation_timeout(settings.session_timeout, static=is_static), session_clock)
        self.topics = frozenset(settings.input_topics)
        self.isolation_level = settings.isolation_level
        self.on_offset_reset = settings.on_offset_reset
        self.metadata_max_age, self.start_time_ms = settings.metadata_max_age, start_time_ms(settings.start_from)
        self.unfinished = False
        """Whether a stop ran out of time with started work unfinished; it is uncommitted."""
        self.owns_process = False
        """Whether the process is there for the worker alone, so that a stop that hangs may end it."""
        self._load = load
        self._clock = clock
        self._wall_clock = wall_clock
        self._positions_known = positions_known
        self._waits_for = waits_for
        self._assignment = Assignment(settings, self.session, telemetry.emit)
        self._serving: Serving | None = None
        """None until the model is loaded."""
        self._stalled: Mapping[Partition, int] = {}
        self._said_ready = self._said_stopping = self._is_stopping = False
        self._stop_deadlines: StopDeadlines | None = None
        """Of the stop, which Faust may ask for more than once; None before."""
        self.watchdog = StopWatchdog(telemetry.emit, lambda: self._failure, lambda code: os._exit(code))
        self._failure: BaseException | None = None
        self._show_in(telemetry.metrics)

    def _show_in(self, metrics: Metrics) -> None:
        metrics.ready.ask(lambda: self.ready)
        metrics.alive.ask(lambda: self.alive)
        metrics.assigned_partitions.ask(lambda: self._assignment.count)
        metrics.oldest_uncommitted.ask(lambda: seconds_since(self.ledger.oldest_arrival(), self._clock()))
        metrics.produce_stalled.ask(lambda: self._serving.pipeline.unwritable_for() if self._serving else 0.0)
        metrics.stalled_offsets.ask_by_label(
            lambda: {(topic, str(number)): count for (topic, number), count in self._stalled.items()}
        )

    async def on_start(self) -> None:
        loop = asyncio.get_running_loop()
        self.session.listen(lambda: call_in(loop, self.look_at_the_session))
        settings, connection = self.settings, client_options(self.settings)
        async with explaining(settings):
            async with connected(settings) as broker:
                await check_permissions(settings, broker)
            if settings.missing_topics == "fail":
                await ensure_topics(settings, connection)
        began = self._clock()
        classifier = await in_daemon_thread(self._load, settings)
        self.emit(events.ModelLoaded(self._clock() - began))
        async with explaining(settings):
            if settings.missing_topics == "create":  # not before it is known that there will be a worker for them
                await ensure_topics(settings, connection)
            serving = await Serving.start(
                settings,
                connection,
                classifier,
                self.ledger,
                self.telemetry,
                session=self.session,
                failed=self.break_off,
                clock=self._clock,
                wall_clock=self._wall_clock,
            )
        self.serve(serving)

    def serve(self, serving: Serving) -> None:
        """Take fetches from now on."""
        self._serving = serving
        if self.owns_process:
            freeze_what_lives_for_ever()

    async def on_stop(self) -> None:
        if self._serving is not None:
            await self._serving.close()
        elif self.crash_reason is None:
            self.emit(events.StoppedWhileLoading())
        self.telemetry.flush()

    async def submit(self, fetch: Fetch) -> None:
        """Take a fetch; returning means accepted, not published. Never raises."""
        if self._serving is not None:
            await self._serving.pipeline.submit(fetch)

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Forget what is pending of these partitions."""
        if self._serving is not None:
            self._serving.pipeline.revoke(partitions)

    def note_reset(self, reset: Reset) -> None:
        """Tell of a partition whose offset is not of its log, and stop where ``on_offset_reset=fail``."""
        self.emit(events.OffsetReset(str(reset)))
        if reset.policy == "fail":
            self.fail(BrokerError(Code.OFFSET_RESET, str(reset)))

    def note_stalled(self, partitions: Mapping[Partition, int]) -> None:
        """Note how many offsets wait behind an open transaction, by partition."""
        self._stalled = partitions

    def on_assigned(self, partitions: Iterable[Sequence[Any]]) -> None:
        """Note the partitions that the group has assigned."""
        if not self._said_ready:
            self._said_ready = True
            self.add_future(self.say_when_ready())
        self._assignment.assigned([*partitions])

    def on_revoked(self, partitions: Iterable[Sequence[Any]]) -> None:
        """Note that these partitions belong to somebody else from now on."""
        partitions = list(partitions)
        self._assignment.revoked(partitions)
        self.revoke(Partition(*partition) for partition in partitions)

    def look_at_the_session(self) -> None:
        """Forget all that is pending if the membership in the group has ended."""
        if self._assignment.has_ended(stopping=self._is_stopping):
            self.revoke(self.ledger.partitions())

    def resume(self) -> None:
        """Take fetches again after a drain."""
        if self._serving is not None:
            self._serving.pipeline.resume()

    async def drain(self, *, stopping: bool) -> None:
        """Finish what was started, within ``drain_timeout``; at a stop also what was received, if time allows."""
        self._is_stopping = self._is_stopping or stopping
        if self._serving is None or (stopping and self._serving.pipeline.drained):
            return  # Faust asks twice at a stop
        if not self.session.is_member:  # also for what came in since that was noticed
            self.revoke(self.ledger.partitions())
        pipeline, said_stopping = self._serving.pipeline, self._said_stopping
        if stopping:
            deadlines = self._begin_stop()
            if not said_stopping:
                self._said_stopping = True
                self.emit(events.StopBegun(self.settings.drain_timeout))
            finished = await pipeline.drain(deadlines.finish, work_off=deadlines.work_off)
            self.unfinished = self.unfinished or not finished
        else:
            rebalance = Deadline(self._clock() + self.settings.drain_timeout)
            finished = await pipeline.drain(self._stop_deadlines.finish if self._stop_deadlines else rebalance)
        if not said_stopping:
            outcome = sentences.outcome(finished=finished, broken=pipeline.failure is not None)
            left = sentences.left_open(self.ledger.open_events(), is_member=self.session.is_member)
            self.emit(events.Drained(outcome, left))

    def _begin_stop(self) -> StopDeadlines:
        """Return the deadlines of the stop, which begins now unless it has begun; nothing that hangs may keep it."""
        if self._stop_deadlines is None:
            now = self._clock()
            self._stop_deadlines = StopDeadlines.begin(now, self.settings.drain_timeout)
            if self.owns_process:
                self.watchdog.watch(self._stop_deadlines.close.remaining(now))
        return self._stop_deadlines

    @property
    def not_ready(self) -> list[str]:
        """List what keeps the worker from being ready, as ``/readyz`` shows it; empty once it is ready."""
        if self._serving is None:
            return reasons_not_ready(State(is_loaded=False))
        pipeline, is_assigned = self._serving.pipeline, self._assignment.is_there
        state = State(
            is_loaded=True,
            is_broken=pipeline.failure is not None,
            is_draining=pipeline.draining,
            is_assigned=is_assigned,
            waits_for=self._waits_for() if is_assigned else (),
            is_session_fresh=self.session.is_fresh,
            positions_known=is_assigned and self._positions_known(),
        )
        return reasons_not_ready(state)

    @property
    def ready(self) -> bool:
        """Whether the model is warm, partitions are assigned and positioned, and no stop or failure is under way."""
        return not self.not_ready

    @property
    def alive(self) -> bool:
        """Whether nothing is broken, the group has the worker, and what is pending gets on."""
        if self._serving is None:
            return True
        pipeline, loaded_for = self._serving.pipeline, self.session.now() - self._serving.since
        progress = Progress(pipeline.stalled_for(), self.session.unconfirmed_for(), loaded_for)
        return pipeline.failure is None and gets_on(progress, self.settings.stall_timeout)

    @property
    def failure(self) -> BaseException | None:
        """Return the error that ended the pipeline, if one has."""
        return self._serving.pipeline.failure if self._serving is not None else None

    def statistics(self) -> Statistics | None:
        """Return what was done and what is pending; None before the model is loaded."""
        return None if self._serving is None else statistics(self.metrics)

    def fail(self, error: BaseException) -> None:
        """End the worker: a client of ours cannot go on. Nothing that is not published is committed."""
        self.add_future(self._explain_and_fail(error))

    async def _explain_and_fail(self, error: BaseException) -> None:
        explanation = await explained(self.settings, error) if isinstance(error, KafkaError) else error
        if self._serving is not None:
            self._serving.pipeline.fail(explanation)
        else:
            self.break_off(explanation)

    async def say_when_ready(self) -> None:
        """Wait until the worker is ready, and log it."""
        while not self.ready:
            if self.should_stop:  # a sleep is over at once from now on, and a cancellation may get lost in it
                return
            await self.sleep(0.05)
        of, page = self.settings, sentences.readiness_page(self.settings)
        self.emit(events.WorkerReady(of.input_topics, of.output_topic, of.dead_letter_topic, page))

    def break_off(self, error: BaseException) -> None:
        """Stop the worker with this error, which is explained."""
        error = self._failure = refused(self.settings, error) or error
        self._begin_stop()
        self.add_future(self._crash_with(error))

    async def _crash_with(self, error: BaseException) -> None:
        try:
            raise error
        except BaseException as raised:
            await self.crash(raised)  # logs what is being handled
