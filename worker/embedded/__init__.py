"""Parts that need nothing installed: a Kafka broker inside the process, and a stream of sentences that people rated."""

from worker.embedded.broker import EmbeddedBroker
from worker.embedded.sample import RatedSentence, rated_sentences

__all__ = ["EmbeddedBroker", "RatedSentence", "rated_sentences"]
