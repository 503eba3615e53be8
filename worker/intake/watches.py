"""Regular checks: whether the group still accepts us, and whether the topics are still the same."""

from contextlib import suppress
from functools import cached_property
from typing import Any

from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.exceptions import ConsumerNotStarted
from faust.types import TP
from mode import Service
from mode.utils.locks import Event

from worker.intake.ending import EndingConsumer
from worker.intake.open_transactions import OpenTransactions
from worker.intake.places import Places
from worker.intake.thread import FetchConsumerThread
from worker.observability.events import PartitionGoesOn, PartitionStalled
from worker.observability.instruments import Labels

#: Between two checks whether the group still accepts us.
GROUP_CHECK_SECONDS = 1.0


class WatchingConsumer(EndingConsumer):
    """Faust's consumer with a task for each check."""

    _thread: FetchConsumerThread
    places: Places

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._intake.metrics.consumer_lag.ask_by_label(self._lags)

    def _lags(self) -> dict[Labels, float]:
        """Return how many offsets of each partition may not be committed yet, as far as is known."""
        lags: dict[Labels, float] = {}
        with suppress(ConsumerNotStarted):
            for partition, ends in self._thread.ends().items():
                start, committable = self.places.start(TP(*partition)), self._intake.ledger.committable(partition)
                if start is not None:
                    answered = start if committable is None else committable
                    lags[partition.topic, str(partition.partition)] = max(0, ends.high_watermark - answered)
        return lags

    @cached_property
    def _has_assignment(self) -> Event:
        """Set at an assignment whose topics are still to be looked at."""
        return Event()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Pass an assignment on, and have its topics looked at."""
        await super().on_partitions_assigned(assigned, generation_id)
        self._has_assignment.set()

    @Service.task
    async def _watch_the_group(self) -> None:
        """End the worker at an error that excludes it from the group: aiokafka keeps it, and Faust never asks."""
        while not self.should_stop:
            error = self._thread.group_error()
            if error is not None:
                self._intake.fail(error)
                return
            await self.sleep(GROUP_CHECK_SECONDS)

    @Service.task
    async def _watch_assignments(self) -> None:
        """Notice at once why an assignment lacks a topic, and that a missing one is back."""
        while not (await self.wait(self._has_assignment)).stopped:
            self._has_assignment.clear()
            try:
                await self._compare_topics()
            except ConsumerStoppedError:
                return  # we stop
            except (KafkaError, ConsumerNotStarted):
                continue  # they are looked at again after metadata_max_age

    async def _compare_topics(self) -> None:
        self.places.compare(await self._thread.topic_ids(self._intake.topics))

    @Service.task
    async def _watch_topics(self) -> None:
        """Notice topics that are gone or were made anew, and transactions that are left open."""
        open_transactions = OpenTransactions()
        async for _ in self.itertimer(self._intake.metadata_max_age, name="topics"):
            try:
                await self._compare_topics()
                ends = self._thread.ends()
            except ConsumerStoppedError:
                return  # we stop
            except (KafkaError, ConsumerNotStarted):
                continue  # fetching fails as well, and says so
            begun, ended = open_transactions.look(ends)
            for partition in begun:
                self._intake.emit(PartitionStalled(*partition, open_transactions.stalled[partition]))
            for partition in ended:
                self._intake.emit(PartitionGoesOn(*partition))
            self._intake.note_stalled(open_transactions.stalled)
