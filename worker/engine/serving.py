"""The parts that exist once the model is loaded: the pipeline with its publisher, and the client that they share."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from worker.classifier import Classifier
from worker.clock import Clock
from worker.delivery.group_session import GroupSession
from worker.delivery.ledger import Ledger
from worker.delivery.produce_client import ProduceClient
from worker.delivery.publisher import Publisher
from worker.observability.telemetry import Telemetry
from worker.pipeline.pipeline import Pipeline
from worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Serving:
    """The parts that serve."""

    pipeline: Pipeline
    client: ProduceClient
    since: float
    """Seconds of the session's clock."""

    @classmethod
    async def start(
        cls,
        settings: Settings,
        connection: dict[str, Any],
        classifier: Classifier,
        ledger: Ledger,
        telemetry: Telemetry,
        *,
        session: GroupSession,
        failed: Callable[[BaseException], None],
        clock: Clock,
        wall_clock: Clock,
    ) -> "Serving":
        """Connect the client and put the parts together.

        Args:
            settings: bounds, guards and topics.
            connection: where and how to connect, as ``client_options`` gives it.
            classifier: loaded and warm.
            ledger: where intake opens the fetches.
            telemetry: told what happens.
            session: the group's; nothing is written unless it certainly lasts.
            failed: told the error after which nothing moves any more.
            clock: monotonic seconds, as in the fetches.
            wall_clock: seconds since the epoch, as in the records.

        Raises:
            KafkaError, BrokerError: the brokers do not let us write.
        """
        client = ProduceClient(
            connection,
            settings.topics,
            settings.compression,
            metadata_max_age_ms=int(settings.metadata_max_age * 1000),
            confirmed=lambda: session.is_fresh,
            clock=clock,
        )
        try:
            await client.start()
        except BaseException:
            await client.stop()
            raise
        make_publisher = partial(Publisher, settings, client, clock, emit=telemetry.emit)
        pipeline = Pipeline(settings, classifier, ledger, clock, wall_clock, make_publisher, failed, telemetry)
        return cls(pipeline, client, session.now())

    async def close(self) -> None:
        """Stop sending, let the threads go and close the connections; what is not acknowledged stays uncommitted."""
        await self.pipeline.close()
        await self.client.stop()


def freeze_what_lives_for_ever() -> None:
    """Have the garbage collector never look again through what there is by now.

    Modules, model and settings live as long as the process: looked through at every full collection, a million objects
    of theirs would hold everything up for a quarter of a second.
    """
    gc.collect()
    gc.freeze()
