"""Every error that aiokafka knows has its outcome, one by one: a new one fails here until somebody decides."""

from typing import Any

import aiokafka.errors as errors
import pytest
from aiokafka.errors import KafkaError

from worker.delivery.outcomes import (
    InvalidRecordError,
    Outcome,
    PartitionGoneError,
    SessionUnconfirmedError,
    UnsupportedCompressionTypeError,
    WithdrawnError,
    backoff,
    error_for,
    outcome,
)

REFUSED = {
    *("MessageSizeTooLargeError", "RecordListTooLargeError", "RecordTooLargeError", "InvalidTimestampError"),
    "InvalidRecordError",
}
RENUMBER = {
    *("OutOfOrderSequenceNumber", "UnknownProducerId", "InvalidProducerEpoch", "InvalidProducerIdMapping"),
    "ProducerFenced",
}
FATAL = {
    # rights
    *("TopicAuthorizationFailedError", "ClusterAuthorizationFailedError", "GroupAuthorizationFailedError"),
    *("TransactionalIdAuthorizationFailed", "DelegationTokenAuthorizationFailed", "DelegationTokenExpired"),
    *("AuthenticationFailedError", "AuthenticationMethodNotSupported", "SaslAuthenticationFailed"),
    *("UnsupportedSaslMechanismError", "IllegalSaslStateError", "SecurityDisabled"),
    # versions and settings
    *("IncompatibleBrokerVersion", "UnrecognizedBrokerVersion", "UnsupportedVersionError", "UnsupportedCodecError"),
    *("UnsupportedForMessageFormatError", "UnsupportedCompressionTypeError", "KafkaConfigurationError"),
    *("InvalidTopicError", "InvalidRequestError", "InvalidRequiredAcksError", "PartitionGoneError"),
    # ours
    *("IllegalStateError", "IllegalArgumentError", "ProducerClosed"),
}
RETRY = {
    # the cluster, in trouble or on the move
    *("UnknownTopicOrPartitionError", "LeaderNotAvailableError", "NotLeaderForPartitionError", "RequestTimedOutError"),
    *("NotEnoughReplicasError", "NotEnoughReplicasAfterAppendError", "KafkaStorageError", "NotControllerError"),
    *("BrokerNotAvailableError", "ReplicaNotAvailableError", "ReassignmentInProgress", "UnknownError"),
    *("CorruptRecordException", "StaleLeaderEpochCodeError", "StaleControllerEpochError", "ListenerNotFound"),
    *("LogDirNotFound", "QuotaViolationError", "PolicyViolationError", "OperationNotAttempted"),
    # the connection
    *("KafkaConnectionError", "KafkaTimeoutError", "KafkaUnavailableError", "NoBrokersAvailable", "NodeNotReadyError"),
    *("KafkaProtocolError", "CorrelationIdError", "Cancelled", "TooManyInFlightRequests", "StaleMetadata"),
    *("MetadataEmptyBrokerList", "WithdrawnError", "SessionUnconfirmedError"),
    # not of a produce request: should one of them come, the broker is to be asked again
    *("KafkaError", "BrokerResponseError", "NoError", "OffsetOutOfRangeError", "InvalidFetchRequestError"),
    *("OffsetMetadataTooLargeError", "GroupLoadInProgressError", "GroupCoordinatorNotAvailableError"),
    *("NotCoordinatorForGroupError", "IllegalGenerationError", "InconsistentGroupProtocolError"),
    *("InvalidGroupIdError", "UnknownMemberIdError", "InvalidSessionTimeoutError", "RebalanceInProgressError"),
    *("InvalidCommitOffsetSizeError", "TopicAlreadyExistsError", "InvalidPartitionsError", "CommitFailedError"),
    *("InvalidReplicationFactorError", "InvalidReplicationAssignmentError", "InvalidConfigurationError"),
    *("DuplicateSequenceNumber", "InvalidTxnState", "InvalidTransactionTimeout", "ConcurrentTransactions"),
    *("TransactionCoordinatorFenced", "DelegationTokenAuthDisabled", "DelegationTokenNotFound"),
    *("DelegationTokenOwnerMismatch", "DelegationTokenRequestNotAllowed", "InvalidPrincipalType", "NonEmptyGroup"),
    *("GroupIdNotFound", "FetchSessionIdNotFound", "InvalidFetchSessionEpoch", "MemberIdRequired"),
    *("NoOffsetForPartitionError",),
}
EXPECTED = {
    **dict.fromkeys(REFUSED, Outcome.REFUSED),
    **dict.fromkeys(RENUMBER, Outcome.RENUMBER),
    **dict.fromkeys(FATAL, Outcome.FATAL),
    **dict.fromkeys(RETRY, Outcome.RETRY),
}
OURS = (
    InvalidRecordError,
    UnsupportedCompressionTypeError,
    PartitionGoneError,
    WithdrawnError,
    SessionUnconfirmedError,
)
KINDS: list[Any] = sorted(
    {
        *(kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, KafkaError)),
        *OURS,
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_of_aiokafka_has_the_outcome_that_was_decided_for_it(kind: type[KafkaError]) -> None:
    assert outcome(kind()) is EXPECTED[kind.__name__]


def test_no_decision_is_about_an_error_that_is_not_there() -> None:
    assert EXPECTED.keys() == {kind.__name__ for kind in KINDS}


def test_what_aiokafka_calls_retriable_is_never_the_end() -> None:
    assert [kind for kind in KINDS if kind.retriable and outcome(kind()) is Outcome.FATAL] == []


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError()], ids=repr)
def test_a_broken_connection_is_tried_again(error: Exception) -> None:
    assert outcome(error) is Outcome.RETRY


def test_a_bug_is_not_tried_again() -> None:
    assert outcome(ValueError()) is Outcome.FATAL


@pytest.mark.parametrize(
    ("code", "kind"),
    [(87, "InvalidRecordError"), (76, "UnsupportedCompressionTypeError"), (3, "UnknownTopicOrPartitionError")],
)
def test_a_brokers_code_is_its_error(code: int, kind: str) -> None:
    assert type(error_for(code)).__name__ == kind


def test_a_code_that_nobody_knows_is_tried_again() -> None:
    assert outcome(error_for(9_999)) is Outcome.RETRY


def test_waiting_grows_and_stays_bounded() -> None:
    waits = [backoff(failures) for failures in range(1, 10_000)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.1, 2.0)
