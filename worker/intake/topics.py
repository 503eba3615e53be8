"""The topics, looked up before anything is consumed: made or named where they are missing."""

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import IllegalArgumentError, IncompatibleBrokerVersion, NoError, TopicAlreadyExistsError, for_code

from worker.errors import BrokerError, Code
from worker.permissions import TOPIC_REFUSED, creation, refusal
from worker.settings import Settings


async def ensure_topics(settings: Settings, connection: dict[str, Any]) -> None:
    """Make the topics that are missing, or name them.

    Raises:
        BrokerError: a topic is missing and ``missing_topics=fail``, or the cluster refuses to make it.
    """
    admin = AIOKafkaAdminClient(**connection)
    await admin.start()
    try:
        present = set(await admin.list_topics())
        wanted = [*settings.input_topics, settings.output_topic, settings.dead_letter_topic]
        missing = [topic for topic in wanted if topic not in present]
        if not missing:
            return
        if settings.missing_topics == "fail":
            raise BrokerError(
                Code.TOPIC_MISSING,
                f"missing on the cluster: {', '.join(missing)}; create them with `sentiment-worker topics create`, "
                "or set missing_topics=create",
            )
        await _create(admin, missing, settings)
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: list[str], settings: Settings) -> None:
    cluster = await admin.describe_cluster()
    if cluster["controller_id"] not in {broker["node_id"] for broker in cluster["brokers"]}:
        await _name(admin, topics)  # nobody can be asked to make them, and aiokafka would look for its address
        return
    try:
        try:
            response = await admin.create_topics(_new(topics, settings, settings.topic_replication))
        except IllegalArgumentError:  # a broker too old to choose the number of replicas itself
            response = await admin.create_topics(_new(topics, settings, 1))
    except IncompatibleBrokerVersion:
        await _name(admin, topics)
        return
    if hidden := [topic for topic, code, *_ in response.topic_errors if code == TOPIC_REFUSED]:
        raise refusal(settings, map(creation, hidden))
    for topic, code, *detail in response.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            because = f": {detail[0]}" if detail and detail[0] else ""
            raise BrokerError(
                Code.TOPIC_NOT_CREATED,
                f"topic {topic!r} cannot be created ({error.__name__}{because}): create it by hand",
            )


async def _name(admin: AIOKafkaAdminClient, topics: list[str]) -> None:
    """Name topics to a broker that creates them when they are first named, as the embedded one does."""
    for topic in await admin.describe_topics(topics):
        if for_code(topic["error_code"]) is not NoError:
            raise BrokerError(
                Code.TOPIC_NOT_CREATED,
                f"topic {topic['topic']!r} cannot be created: the cluster names no controller that could do it; "
                "try again when it has elected one, or create the topic by hand",
            )


def _new(topics: list[str], settings: Settings, replication: int) -> list[NewTopic]:
    return [NewTopic(topic, settings.topic_partitions, replication) for topic in topics]
