"""Decide what follows from an error of a produce request: try again, number anew, another way for a record, or the end.

Everything is tried again unless it is known that it cannot succeed: a cluster in trouble has more kinds of errors than
any list, and `/livez` says when nothing gets on.
"""

from enum import Enum, auto

from aiokafka import TopicPartition
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    BrokerResponseError,
    ClusterAuthorizationFailedError,
    CorruptRecordException,
    DelegationTokenAuthorizationFailed,
    DelegationTokenExpired,
    GroupAuthorizationFailedError,
    IllegalArgumentError,
    IllegalSaslStateError,
    IllegalStateError,
    IncompatibleBrokerVersion,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidRequestError,
    InvalidRequiredAcksError,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaConfigurationError,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    RecordListTooLargeError,
    RecordTooLargeError,
    SaslAuthenticationFailed,
    SecurityDisabled,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownProducerId,
    UnrecognizedBrokerVersion,
    UnsupportedCodecError,
    UnsupportedForMessageFormatError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
    for_code,
)

from worker.errors import BrokerError, Code


class InvalidRecordError(BrokerResponseError):  # type: ignore[misc]
    """A record without a key for a compacted topic, say."""

    errno = 87
    message = "INVALID_RECORD"


class UnsupportedCompressionTypeError(BrokerResponseError):  # type: ignore[misc]
    """The topic or the broker does not know the codec of our batches."""

    errno = 76
    message = "UNSUPPORTED_COMPRESSION_TYPE"


class PartitionGoneError(KafkaError):  # type: ignore[misc]
    """The topic has fewer partitions than it had: it was made anew."""


class RequestCutOffError(KafkaError):  # type: ignore[misc]
    """The broker closes the connection at a large request, and answers others: above its socket.request.max.bytes."""


class NotSentError(KafkaError):  # type: ignore[misc]
    """A batch was not sent, for a reason of ours that says nothing about the broker."""


class WithdrawnError(NotSentError):
    """Some of its records are no longer wanted."""


class SessionUnconfirmedError(NotSentError):
    """The group's coordinator has not confirmed for too long that its inputs are still ours."""


#: The broker's codes that aiokafka 0.14 does not know and that are more than "try again".
_CODES: dict[int, type[KafkaError]] = {
    InvalidRecordError.errno: InvalidRecordError,
    UnsupportedCompressionTypeError.errno: UnsupportedCompressionTypeError,
    90: ProducerFenced,
}

#: Errors about records, not about the broker: the rest of the batch may still be good.
_TOO_LARGE_BY_NAME = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)
TOO_LARGE = (*_TOO_LARGE_BY_NAME, RequestCutOffError)
REFUSALS = (*_TOO_LARGE_BY_NAME, InvalidTimestampError, InvalidRecordError)

#: Errors that may pass, and may as well be the records' fault: after ``SUSPECT_ATTEMPTS`` in a row they are. A batch
#: whose checksum was wrong when it arrived may arrive whole the next time; but brokers before 2.4 say the same of a
#: record without a key for a compacted topic, and every broker of a batch that was damaged in our memory. A broker may
#: close a connection for reasons of its own, or always at a request of this size.
SUSPECT = (CorruptRecordException, RequestCutOffError)
SUSPECT_ATTEMPTS = 4

#: The broker does not know our numbering (it lost data, or the topic was made anew) and has taken nothing.
_NUMBERING = (
    OutOfOrderSequenceNumber,
    UnknownProducerId,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    ProducerFenced,
)

#: Errors that last until somebody changes a permission, a setting or a version.
FORBIDDEN = (
    TopicAuthorizationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    DelegationTokenAuthorizationFailed,
)
_HOPELESS = (
    *FORBIDDEN,
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    DelegationTokenExpired,
    IllegalArgumentError,
    IllegalSaslStateError,
    IllegalStateError,
    IncompatibleBrokerVersion,
    InvalidRequestError,
    InvalidRequiredAcksError,
    InvalidTopicError,
    KafkaConfigurationError,
    PartitionGoneError,
    ProducerClosed,
    SaslAuthenticationFailed,
    SecurityDisabled,
    UnrecognizedBrokerVersion,
    UnsupportedCodecError,
    UnsupportedCompressionTypeError,
    UnsupportedForMessageFormatError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)


class Outcome(Enum):
    """The action to take about a batch that was not acknowledged."""

    RETRY = auto()
    """Send the same bytes again: if the broker has them already, their numbers tell it so."""
    RENUMBER = auto()
    """Send the same records again under new numbers."""
    REFUSED = auto()
    """Look for the records that are not taken; the others can go on."""
    FATAL = auto()
    """Stop."""


def outcome(error: BaseException) -> Outcome:
    """Return what to do about an error of a produce request or of the connection that carries it."""
    if isinstance(error, REFUSALS):
        return Outcome.REFUSED
    if isinstance(error, _NUMBERING):
        return Outcome.RENUMBER
    if isinstance(error, _HOPELESS) or not isinstance(error, KafkaError | OSError | TimeoutError):
        return Outcome.FATAL
    return Outcome.RETRY


def error_for(code: int) -> KafkaError:
    """Return the error that a broker's code stands for."""
    return _CODES.get(code, for_code(code))()


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row, from 0.1 to 2."""
    return float(min(0.1 * 2 ** (failures - 1), 2.0)) if failures < 10 else 2.0


def explained(error: BaseException, target: TopicPartition) -> BaseException:
    """Return an error that ends publishing to a partition, as one for users where there is none yet."""
    # The message about a missing permission names the user, which is not known here.
    if isinstance(error, TopicAuthorizationFailedError):
        named: BaseException = TopicAuthorizationFailedError(target.topic)
        return named
    if not isinstance(error, KafkaError) or isinstance(error, ClusterAuthorizationFailedError):
        return error
    kind = type(error).__name__
    if isinstance(error, FORBIDDEN):
        code = Code.NOT_AUTHORISED
        way_out = f"this user needs the right to write to the topic (operations Write and Describe on {target.topic})"
    elif isinstance(error, PartitionGoneError):
        code = Code.PARTITION_GONE
        way_out = f"partition {target.partition} is gone, the topic was made anew: start the worker again"
    else:
        code = Code.PUBLISHING_FAILED
        way_out = "tried again it would fail again: see the brokers' log and the topic's settings"
    return BrokerError(
        code, f"publishing to {target.topic} failed ({kind}): {way_out}. Nothing unacknowledged was committed"
    )
