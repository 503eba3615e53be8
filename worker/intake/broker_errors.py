"""Classifying broker errors: those that end the worker, and those that are retried. Delivery uses the same list."""

from aiokafka.errors import KafkaError, NoError

from worker.delivery.outcomes import Outcome, error_for, outcome


class UnansweredError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """A broker did not answer a request as asked. A retry may succeed."""

    retriable = True


def is_fatal(error: KafkaError) -> bool:
    """Return whether a retry can never succeed, so that the worker must stop."""
    return outcome(error) is Outcome.FATAL


def raise_for(code: int, subject: str, topic: str | None = None) -> None:
    """Raise the error for a broker's error code; 0 means no error.

    Args:
        code: the error code from the broker.
        subject: the subject of the request, for the message.
        topic: the refused topic, if any.

    Raises:
        KafkaError: fatal, or retriable.
    """
    if code == NoError.errno:
        return
    error = error_for(code)
    if is_fatal(error):
        raise error if topic is None else type(error)(topic)  # worker/permissions.py names it
    if error.retriable:
        raise type(error)(subject)
    raise UnansweredError(f"{subject}: {type(error).__name__} (code {code})")
