"""Moves a fetch from step to step: decode, tokenise, plan, classify, complete, publish, acknowledge.

One event loop owns everything here. Two threads help: one tokenises, one is the device. Both take and give whole lists,
so that nothing is awaited or locked per event.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from worker.classifier import Classifier, Result
from worker.clock import Clock
from worker.codec import Codec, processed_now
from worker.deadline import Deadline
from worker.delivery.answers import Acknowledgement
from worker.delivery.breaker import Breaker
from worker.delivery.ledger import Ledger, Partition
from worker.fetch import Fetch
from worker.inference import Sent
from worker.observability import events
from worker.observability.telemetry import Telemetry
from worker.pipeline.admission import Admission
from worker.pipeline.decoding import decode
from worker.pipeline.dispatch import Dispatcher, classified
from worker.pipeline.job import Job
from worker.pipeline.publishing import MakePublisher
from worker.settings import Settings


class Pipeline:
    """The way of events from intake to publisher.

    Args:
        settings: bounds and guards.
        classifier: loaded and warm.
        ledger: where intake opened the fetches.
        clock: monotonic seconds, as in the fetches.
        wall_clock: seconds since the epoch, as in the records.
        make_publisher: makes the publisher, which may call back once this returned.
        failed: called once, with the error after which nothing moves any more.
        telemetry: told what happens; its gauges show what is pending here.
    """

    def __init__(
        self,
        settings: Settings,
        classifier: Classifier,
        ledger: Ledger,
        clock: Clock,
        wall_clock: Clock,
        make_publisher: MakePublisher,
        failed: Callable[[BaseException], None],
        telemetry: Telemetry,
    ) -> None:
        self._classifier = classifier
        self._codec = Codec(settings, classifier.card)
        self._output_topic = settings.output_topic
        self._ledger = ledger
        self._clock = clock
        self._wall_clock = wall_clock
        self._publisher = make_publisher(self.acknowledged, self.fail)
        self._on_failed = failed
        self._emit = telemetry.emit
        self._breaker = Breaker(settings.max_consecutive_invalid, settings.max_invalid_ratio)
        self._dispatcher = Dispatcher(
            classifier, batch_time=settings.max_batch_time, in_flight=settings.max_in_flight_batches
        )
        self._jobs: dict[Fetch, Job] = {}
        self._pending = Admission(settings)
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._progressed_at = self._device_progressed_at = self._clock()
        self._tokenise_thread = ThreadPoolExecutor(1, thread_name_prefix="tokenise")
        self.draining = False
        self.failure: BaseException | None = None
        metrics = telemetry.metrics
        metrics.pending_messages.ask(lambda: self._pending.events)
        metrics.pending_bytes.ask(lambda: self._pending.bytes)
        metrics.backpressure.ask(lambda: self._pending.waited(self._clock()))
        metrics.waiting_texts.ask(lambda: len(self._dispatcher))
        metrics.in_flight_batches.ask(lambda: self._dispatcher.in_flight)
        metrics.batch_token_limit.ask(lambda: self._dispatcher.token_limit)

    async def submit(self, fetch: Fetch) -> None:
        """Take a fetch that the ledger has opened; waits while the worker holds as much as it may.

        Returning means accepted, not published. Never raises: what goes wrong ends the pipeline through ``failed``.
        """
        try:
            await self._submit(fetch)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # a panic in Rust is no Exception, and would end the agent without a word
            self.fail(error)

    async def _submit(self, fetch: Fetch) -> None:
        size = fetch.size()
        if not self._has_room(len(fetch), size):
            await self._wait_for_room(len(fetch), size)
        if self.draining or self.failure or not self._ledger.knows(fetch):
            return  # uncommitted: whoever gets the partition next reads it again
        if not self._pending.events:
            self._progressed_at = self._clock()  # there was nothing to do until now
        self._emit(events.FetchReceived(len(fetch)))
        self._pending.enter(len(fetch), size)
        job = self._jobs[fetch] = Job(fetch, size)
        decoded = await decode(self._codec, fetch.records, size, self._tokenise_thread)
        if fetch not in self._jobs or self.failure is not None:  # revoked or broken meanwhile
            return
        job.decoded(decoded)
        decided = job.decided_by_decoding
        if decided.size:
            self._complete(fetch, decided)
        if not job.texts:
            return
        tokens, rejected = await asyncio.get_running_loop().run_in_executor(
            self._tokenise_thread, self._dispatcher.tokenise, job.texts
        )
        if fetch in self._jobs:  # not revoked meanwhile
            self._dispatcher.add(job, tokens, rejected)
            self._dispatch()

    def _has_room(self, count: int, size: int) -> bool:
        return self.draining or self.failure is not None or self._pending.admits(count, size)

    async def _wait_for_room(self, count: int, size: int) -> None:
        """Hold the agent up: backpressure."""
        self._pending.wait(self._clock())
        try:
            while not self._has_room(count, size):
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._pending.go_on(self._clock())

    def _dispatch(self) -> None:
        """Give the device what the planner says, and ask again when it says so."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while len(self._dispatcher) and self.failure is None:
            now = self._clock()
            idle = self._dispatcher.in_flight == 0
            sent = self._dispatcher.send(now, draining=self.draining)
            if not isinstance(sent, Sent):
                if sent.deadline is not None:
                    self._timer = loop.call_later(sent.deadline - now, self._dispatch_in_time)
                return
            if idle:
                self._device_progressed_at = now
            self._emit(events.BatchSent(sent.flush, sent.waited))
            asyncio.wrap_future(sent.result).add_done_callback(partial(self._classified, sent))

    def _dispatch_in_time(self) -> None:
        try:
            self._dispatch()
        except Exception as error:  # a timer has nobody else to tell
            self.fail(error)

    def _classified(self, sent: Sent[Fetch], future: asyncio.Future[Result]) -> None:
        self._dispatcher.returned()
        self._progressed_at = self._device_progressed_at = self._clock()
        self._changed.set()
        if self.failure is not None:
            return
        try:
            result = future.result()
            self._dispatcher.learn(result)
            self._dispatch()  # the device first: it must not wait for the bookkeeping
            padded = sent.batch.padded
            self._emit(events.BatchClassified(len(padded), int(padded.lengths.sum()), padded.ids.size, result.seconds))
            for fetch, decided in classified(sent.batch, result, self._jobs):
                self._complete(fetch, decided)
        except Exception as error:
            self.fail(error)

    def _complete(self, fetch: Fetch, indexes: NDArray[np.intp]) -> None:
        """Note that records are decided, and publish what is next in order."""
        for completed in self._ledger.complete(fetch, indexes):
            where = self._output_topic, processed_now()
            answer = self._jobs[completed.fetch].answer(completed, self._classifier, self._codec, *where)
            self._breaker.count(completed, answer.rejected)
            if answer.rejected:
                self._emit(events.DeadLettersDecided(Counter(its.reason for its in answer.rejected.values())))
            if answer.is_empty:  # all of it is skipped
                self.acknowledged(Acknowledgement(completed))
            else:
                self._publisher.publish(answer)

    def acknowledged(self, acknowledgement: Acknowledgement) -> None:
        """Count a completed range that the broker has all of.

        One that was revoked while its records travelled counts as nothing: who has the partition now answers it again.
        """
        completed = acknowledgement.completed
        job = self._jobs.get(completed.fetch)
        if job is None:
            return
        done = self._ledger.acknowledge(completed)
        forwarded = len(job.forwarded_in(completed, {refused.index for refused in acknowledgement.refused}))
        skipped = len(job.skipped_in(completed))
        if acknowledgement.refused:
            self._emit(events.DeadLettersDecided(Counter(refused.reason for refused in acknowledgement.refused)))
        self._progressed_at = self._clock()
        self._emit(
            events.RangeDelivered(
                published=len(completed) - acknowledgement.dead_letters - forwarded - skipped,
                dead_letters=acknowledgement.dead_letters,
                forwarded=forwarded,
                skipped=skipped,
                seconds=self._progressed_at - completed.fetch.received_at,
                ages=completed.ages(self._wall_clock()),
            )
        )
        for fetch in done:
            self._forget(fetch)
        self._changed.set()

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Forget what is pending of partitions that are not ours any more."""
        fetches = self._ledger.revoke(partitions)
        self._publisher.withdraw(fetches)
        self._dispatcher.drop(fetches)
        for fetch in fetches:
            self._forget(fetch)
        self._changed.set()

    def _forget(self, fetch: Fetch) -> None:
        job = self._jobs.pop(fetch, None)
        if job is not None:
            self._pending.leave(len(fetch), job.bytes)

    async def drain(self, finish: Deadline, *, work_off: Deadline | None = None) -> bool:
        """Take nothing more and finish what was started; returns whether that is done in time.

        Args:
            finish: until when.
            work_off: until when what was received and not started is worked off, too; what is then left of it stays
                uncommitted. Without, it is left at once: at a rebalance everybody waits for us.
        """
        self.draining = True
        self._changed.set()
        self._dispatch()
        if work_off is not None:
            await self._wait_until(lambda: not self._jobs, work_off)
        self._dispatcher.drop(list(self._jobs))
        return await self._wait_until(lambda: self.drained, finish)

    @property
    def drained(self) -> bool:
        """Whether a drain has nothing left to wait for."""
        return self.draining and self._dispatcher.in_flight == 0 and self._ledger.unacknowledged() == 0

    async def _wait_until(self, condition: Callable[[], bool], deadline: Deadline) -> bool:
        while not condition() and self.failure is None:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline.remaining(self._clock()))
            except TimeoutError:
                return condition()
        return condition()

    def resume(self) -> None:
        """Take fetches again, after a rebalance."""
        self.draining = False

    async def close(self) -> None:
        """Let the threads and the publisher go. A batch that the device still computes is not waited for."""
        self._tokenise_thread.shutdown(wait=False, cancel_futures=True)
        self._dispatcher.close(timeout=0)
        await self._publisher.close()

    def fail(self, error: BaseException) -> None:
        """End the pipeline, once: nothing is dispatched any more; what the broker acknowledges still counts."""
        if self.failure is None:
            self.failure = error
            self._changed.set()
            self._on_failed(error)

    def stalled_for(self) -> float:
        """Return the seconds for which something that has to get on did not, 0 with nothing to do.

        While events are pending a batch must come back or the broker acknowledge something; while the device has a
        batch it must come back, whatever the broker acknowledges meanwhile: a dead letter needs no device. One output
        partition that cannot be written to is enough, although others get on.
        """
        now = self._clock()
        idle = now - self._progressed_at if self._pending.events else 0.0
        device = now - self._device_progressed_at if self._dispatcher.in_flight else 0.0
        return max(idle, device, self.unwritable_for())

    def unwritable_for(self) -> float:
        """Return the seconds for which some output partition could not be written to; 0 if all can be written to."""
        return self._publisher.failing_for()
