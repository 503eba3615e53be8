"""The publisher, as the pipeline sees it."""

from collections.abc import Callable, Iterable
from typing import Protocol

from worker.delivery.answers import Acknowledgement, Answer
from worker.fetch import Fetch


class Publisher(Protocol):
    """The part of a publisher that the pipeline needs; ``worker.delivery.publisher`` has one."""

    def publish(self, answer: Answer) -> None:
        """Send an answer on its way; returns at once."""

    def withdraw(self, fetches: Iterable[Fetch]) -> None:
        """Send and acknowledge nothing more of these fetches."""

    def failing_for(self) -> float:
        """Return the seconds for which nothing could be written to some partition; 0 if all can be written to."""

    async def close(self) -> None:
        """Stop sending; what is not acknowledged stays uncommitted."""


MakePublisher = Callable[[Callable[[Acknowledgement], None], Callable[[BaseException], None]], Publisher]
"""Makes the publisher, given whom to tell that an answer is acknowledged, and whom that it cannot go on."""
