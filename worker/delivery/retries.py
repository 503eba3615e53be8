"""What the log says while a topic takes nothing: once when it begins, and once when it is over.

Pure: it is given the time.
"""

from collections.abc import Hashable

#: A leader that moves is back before this.
PATIENCE_SECONDS = 1.0


class Retries:
    """Which partitions are being tried again, topic by topic."""

    def __init__(self) -> None:
        self._failing: dict[str, dict[Hashable, float]] = {}
        self._said: set[str] = set()

    def failed(self, topic: str, partition: Hashable, error: BaseException, now: float) -> str | None:
        """Note a failure; returns a sentence once the topic has failed for a second, and no other until it is over."""
        failing = self._failing.setdefault(topic, {})
        since = failing.setdefault(partition, now)
        if topic in self._said or now - since < PATIENCE_SECONDS:
            return None
        self._said.add(topic)
        return (
            f"nothing can be written to {topic} ({type(error).__name__}): it is tried again until it works; what is "
            "not written is not committed"
        )

    def over(self, topic: str, partition: Hashable) -> str | None:
        """Note that a partition is not tried again any more; returns a sentence if all of the topic works again."""
        failing = self._failing.get(topic)
        if failing is None or failing.pop(partition, None) is None or failing:
            return None
        del self._failing[topic]
        if topic not in self._said:
            return None
        self._said.discard(topic)
        return f"{topic} can be written to again"
