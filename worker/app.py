"""Builds the Faust app and wires the packages together: the only place that knows them all.

    faust -A worker.app worker -l info      # settings from the environment and the TOML file
    sentiment-worker run                    # the same, with flags and messages of its own

A user's own app is a few lines more::

    app = create_app(load_settings())

    @app.agent(app.topic("orders"))
    async def orders(stream): ...
"""

import hashlib
import logging
import os
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterable, Callable
from pathlib import Path
from typing import Any, cast

import faust
from faust.app.base import BootStrategy
from faust.auth import SASLCredentials, SSLCredentials
from prometheus_client import CollectorRegistry

from worker.classifier import Classifier, load_classifier
from worker.clock import boot_clock
from worker.connection import client_options
from worker.delivery.group_session import heartbeat_interval
from worker.engine.engine import Engine
from worker.errors import Code, SettingError, WorkerError
from worker.fetch import Fetch
from worker.intake.consumer import FetchConsumer, FetchTransport
from worker.intake.static_member import Assignor
from worker.observability.telemetry import Telemetry
from worker.pages.health import add_pages
from worker.pages.server import PageServer
from worker.settings import Settings, load_settings

#: Records in one poll, over all partitions.
MAX_POLL_RECORDS = 2_000
#: Seconds without a poll after which aiokafka leaves the group, and never joins it again: who left does not poll.
#: A full worker does not poll, either, as long as its outputs cannot be written. ``stall_timeout`` says so instead.
MAX_POLL_INTERVAL = 100 * 365 * 86_400.0
#: Fetches that wait for the agent. The pipeline's own bounds do the rest.
FETCH_BUFFER = 8


class EngineBoot(BootStrategy):
    """Starts the engine behind the health pages and before everything that talks to Kafka; stops it after that."""

    def server(self) -> Any:
        first = [*self.web_server(), cast(SentimentApp, self.app).engine]
        return [*first, *(service for service in super().server() if service not in first)]


class SentimentApp(faust.App):
    """A Faust app with an engine; other topics, agents and tables work as in any Faust app."""

    logger = logging.getLogger("faust.app")
    BootStrategy = EngineBoot
    engine: Engine


def create_app(
    settings: Settings,
    load: Callable[[Settings], Classifier] = load_classifier,
    registry: CollectorRegistry | None = None,
) -> SentimentApp:
    """Return the Faust app of these settings; nothing is loaded or connected before it starts.

    Args:
        settings: where from, where to, and how.
        load: gives the resident classifier, warm; a classifier of your own goes in here.
        registry: for an app with metrics of its own: what ``/metrics`` shows, to which the worker's are added. Without
            there are also prometheus_client's metrics of the process and of Python.
    """
    # A rebalance waits for our drain, and whoever takes longer than the group waits is read again by another.
    rebalance_timeout = max(60.0, settings.session_timeout, settings.drain_timeout + 15.0)
    app = SentimentApp(
        settings.group_id,
        env={},  # Faust would let its own variables (WEB_PORT, BROKER_URL, ...) win over what follows
        broker=[f"kafka://{server}" for server in settings.bootstrap_servers],
        broker_credentials=_credentials(settings),
        broker_commit_interval=settings.commit_interval,
        broker_max_poll_records=MAX_POLL_RECORDS,
        broker_max_poll_interval=MAX_POLL_INTERVAL,
        # Faust wants the session timeout below the request timeout; joining a group is a request, too.
        broker_session_timeout=settings.session_timeout,
        broker_request_timeout=max(settings.session_timeout + 30.0, rebalance_timeout + 15.0),
        broker_rebalance_timeout=rebalance_timeout,
        broker_heartbeat_interval=heartbeat_interval(settings.session_timeout),
        PartitionAssignor=Assignor,
        consumer_group_instance_id=settings.group_instance_id,
        consumer_metadata_max_age_ms=int(settings.metadata_max_age * 1000),
        producer_metadata_max_age_ms=int(settings.metadata_max_age * 1000),
        consumer_auto_offset_reset="latest" if settings.start_from == "latest" else "earliest",
        stream_wait_empty=True,  # at a stop and a rebalance: our own drain, with its deadline
        topic_disable_leader=True,  # no leader topic is made for a job that needs none
        topic_replication_factor=max(1, settings.topic_replication),
        web_enabled=settings.web_port != 0,
        web_bind=settings.web_host,
        web_port=settings.web_port or 6066,
        store="memory://",
        datadir=_data_folder(settings.group_id),
        worker_redirect_stdouts=False,
    )
    app.engine = Engine(
        settings,
        load,
        Telemetry(registry, clock=time.monotonic),
        clock=time.monotonic,
        session_clock=boot_clock,
        wall_clock=time.time,
        positions_known=lambda: cast(FetchConsumer, app.consumer).positions_known,
        waits_for=lambda: cast(FetchConsumer, app.consumer).places.reasons(),
        loop=app.loop,
        beacon=app.beacon,
    )
    transport = FetchTransport(app.conf.broker_consumer, app)
    transport.intake = app.engine
    app.transport = transport
    # Offsets are the ledger's (acks=False): Faust neither tracks a fetch nor waits for it.
    texts = app.topic(
        *settings.input_topics, value_serializer="raw", key_serializer="raw", acks=False, maxsize=FETCH_BUFFER
    )

    @app.agent(texts, name="texts")
    async def texts_agent(stream: AsyncIterable[Fetch]) -> None:
        async for fetch in stream:
            await app.engine.submit(fetch)

    @app.on_partitions_assigned.connect(weak=False)
    async def on_assigned(_: Any, assigned: Any, **__: Any) -> None:
        app.engine.on_assigned(assigned)

    @app.on_partitions_revoked.connect(weak=False)
    async def on_revoked(_: Any, revoked: Any, **__: Any) -> None:
        app.engine.on_revoked(revoked)

    app.web = PageServer(app)
    add_pages(app, app.engine, app.engine.telemetry.registry)
    return app


def _data_folder(group: str) -> Path:
    """Faust makes it for tables; ours are none. One for each user, since temporary folders are shared.

    A user id may have no name (as in OpenShift), and a group's name may be longer than a file's.

    Raises:
        SettingError: no folder for temporary files can be written to.
    """
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError as error:
        raise SettingError(
            Code.NO_TEMPORARY_FOLDER, "no folder for temporary files can be written to: set TMPDIR to one that can"
        ) from error
    digest = hashlib.sha256(group.encode(errors="surrogatepass")).hexdigest()[:16]
    return Path(temporary) / f"sentiment-worker-{os.getuid()}-{digest}-data"


def _credentials(settings: Settings) -> Any:
    options = client_options(settings)
    context: ssl.SSLContext | None = options.get("ssl_context")
    if settings.security_protocol.startswith("SASL"):
        return SASLCredentials(
            mechanism=settings.sasl_mechanism,
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            ssl_context=context,
        )
    return SSLCredentials(context) if context is not None else None


def __getattr__(name: str) -> Any:
    """``worker.app.app``, which ``faust -A worker.app`` looks for, is made when it is asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = create_app(load_settings())
    except WorkerError as error:
        sys.exit(f"Error: {error.with_code}")
    globals()["app"] = value
    return value
