"""Which errors of a broker end the worker, and which questions are asked again. Delivery decides by the same list."""

from aiokafka.errors import KafkaError, NoError

from worker.delivery.outcomes import Outcome, error_for, outcome


class UnansweredError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """A broker did not say what it was asked. Asking again may help."""

    retriable = True


def is_fatal(error: KafkaError) -> bool:
    """Tell whether asking again can never succeed, so that the worker has to end."""
    return outcome(error) is Outcome.FATAL


def raise_for(code: int, subject: str, topic: str | None = None) -> None:
    """Raise the error that a broker's code stands for; 0 stands for none.

    Args:
        code: as the broker sent it.
        subject: of the question, for the message.
        topic: that is refused, if one is.

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
