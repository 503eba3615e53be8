"""What is there on the cluster, asked without making anything: subscribing or sending may make a topic."""

from worker.connection import client_options
from worker.diagnosis import check_connection, explained
from worker.settings import Settings


async def present_topics(settings: Settings) -> set[str]:
    """Topics of the cluster.

    Raises:
        BrokerError: the cluster cannot be reached or refuses us.
    """
    from aiokafka import AIOKafkaConsumer
    from aiokafka.errors import KafkaError

    await check_connection(settings)
    consumer = AIOKafkaConsumer(**client_options(settings), group_id=None)
    try:
        await consumer.start()
        return set(await consumer.topics())
    except KafkaError as error:
        raise await explained(settings, error) from error
    finally:
        await consumer.stop()
