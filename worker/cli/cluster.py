"""What is there on the cluster, asked without making anything: subscribing or sending may make a topic."""

from worker.connection import broker_error, client_options
from worker.settings import Settings


async def present_topics(settings: Settings) -> set[str]:
    """Topics of the cluster.

    Raises:
        BrokerError: the cluster cannot be reached or refuses us.
    """
    from aiokafka import AIOKafkaConsumer
    from aiokafka.errors import KafkaError

    consumer = AIOKafkaConsumer(**client_options(settings), group_id=None)
    try:
        await consumer.start()
        return set(await consumer.topics())
    except KafkaError as error:
        raise broker_error(settings, error) from error
    finally:
        await consumer.stop()
