"""A permission that we lack is named, with the commands that allow it."""

import asyncio

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

from worker.diagnosis import connected, explained
from worker.embedded.broker import EmbeddedBroker
from worker.errors import Code
from worker.permissions import (
    IDEMPOTENT_WRITE,
    Permission,
    missing_creations,
    missing_permissions,
    refusal,
    refused,
)
from worker.settings import Settings

LOGIN = Settings(security_protocol="SASL_PLAINTEXT", sasl_username="kim", sasl_password="secret")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TopicAuthorizationFailedError("text-events"), "User:kim may not Read the topic 'text-events': allow it"),
        (
            TopicAuthorizationFailedError({"b", "a"}),
            "User:kim may not Write the topic 'a', nor Write the topic 'b': allow it",
        ),
        (
            TopicAuthorizationFailedError(),
            "User:kim may not use a topic, and Kafka does not say which: `sentiment-worker doctor`",
        ),
        (GroupAuthorizationFailedError("any"), "User:kim may not Read the group 'sentiment-worker': allow it"),
    ],
    ids=["input", "outputs", "no name", "group"],
)
def test_a_permission_that_a_client_misses_is_named(error: Exception, says: str) -> None:
    told = refused(LOGIN, error)
    assert told is not None
    assert told.code is Code.NOT_AUTHORISED
    assert str(told).startswith(says)


@pytest.mark.parametrize("operation", ["Read", "Write", "Describe"])
@pytest.mark.parametrize("topic", ["text-events", "sentiment-events", "another"])
def test_who_says_what_it_does_with_a_topic_is_told_that_permission(operation: str, topic: str) -> None:
    told = asyncio.run(explained(LOGIN, TopicAuthorizationFailedError(topic), operation))
    assert str(told).startswith(f"User:kim may not {operation} the topic '{topic}': allow it")


def test_the_commands_in_a_refusal_allow_all_that_is_missing() -> None:
    missing = [
        Permission("Read", "topic", "in"),
        Permission("Read", "group", "a group"),
        Permission("Write", "topic", "out"),
        Permission("Write", "topic", "dead"),
        IDEMPOTENT_WRITE,
    ]
    acls = "kafka-acls --add --allow-principal 'User:kim' --operation"
    assert (
        f"allow it ({acls} Read --topic in --group 'a group' && {acls} Write --topic out --topic dead && "
        f"{acls} IdempotentWrite --cluster), or log in"
    ) in str(refusal(LOGIN, missing))


def test_a_broker_that_knows_no_permissions_refuses_none() -> None:
    async def missing(settings: Settings) -> list[object]:
        async with connected(settings) as connection:
            missing = await missing_permissions(settings, connection)
            return [*missing, *await missing_creations(settings, connection, settings.topics)]

    with EmbeddedBroker() as broker:
        assert asyncio.run(missing(Settings(bootstrap_servers=broker.bootstrap_servers))) == []
