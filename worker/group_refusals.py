"""The ways in which a consumer group's coordinator refuses a member, each as one sentence with the setting to change.

Kafka's error codes, by the requests that they answer. Pure: no I/O.
"""

from collections.abc import Mapping

from worker.errors import Code

# Kafka's error codes.
UNKNOWN_SERVER_ERROR = -1
OFFSET_METADATA_TOO_LARGE = 12
INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT = 23, 24, 26
INVALID_COMMIT_OFFSET_SIZE = 28
TOPIC_REFUSED, GROUP_REFUSED = 29, 30
UNSUPPORTED_VERSION, INVALID_REQUEST = 35, 42
GROUP_MAX_SIZE_REACHED, FENCED_INSTANCE_ID = 81, 82
FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, UNSUPPORTED_ASSIGNOR, STALE_MEMBER_EPOCH = 110, 111, 112, 113

#: The codes after which the client looks for the coordinator, rejoins or retries. ``OffsetFetch`` is retried after all
#: codes but those in ``_ENDS`` (``worker/intake/broker_errors.py``).
_ASKED_AGAIN: Mapping[str, frozenset[int]] = {
    "JoinGroup": frozenset({14, 15, 16, 25, 79}),
    "SyncGroup": frozenset({15, 16, 22, 25, 27}),
    "Heartbeat": frozenset({15, 16, 22, 25, 27}),
    "OffsetCommit": frozenset({3, 5, 6, 7, 14, 15, 16, 19, 20, 22, 25, 27, 41, 56}),
}
_ENDS: Mapping[str, frozenset[int]] = {
    "OffsetFetch": frozenset({INVALID_GROUP_ID, UNSUPPORTED_VERSION, INVALID_REQUEST})
}

#: A missing permission is named by ``worker/permissions.py``.
_PERMISSIONS = frozenset({TOPIC_REFUSED, GROUP_REFUSED})

_OTHER_PROTOCOL = (
    "another client uses the group_id {group!r} with another protocol (a consumer of another kind, or with another "
    "assignor): give this worker a group_id of its own, or stop the other one"
)
_NAME_IS_TAKEN = (
    "another member of the group {group!r} has the group_instance_id {name!r}: give each worker a name of its own"
)
SENTENCES: Mapping[int, str] = {
    UNKNOWN_SERVER_ERROR: (
        "the coordinator of the group {group!r} fails at our {request} request: the broker's log says why. Where a "
        "record of its own is too large, raise max.message.bytes of the topic __consumer_offsets"
    ),
    OFFSET_METADATA_TOO_LARGE: (
        "the metadata committed with an offset is larger than the brokers accept: raise their offset.metadata.max.bytes"
    ),
    INCONSISTENT_GROUP_PROTOCOL: _OTHER_PROTOCOL,
    INVALID_GROUP_ID: "Kafka does not accept the group_id {group!r}: choose another group_id",
    INVALID_SESSION_TIMEOUT: (
        "the brokers do not accept session_timeout={session_timeout:g} s: set it between their "
        "group.min.session.timeout.ms and group.max.session.timeout.ms, or change those"
    ),
    INVALID_COMMIT_OFFSET_SIZE: (
        "the offsets of the group {group!r} are too large to be stored: raise max.message.bytes of the topic "
        "__consumer_offsets"
    ),
    UNSUPPORTED_VERSION: (
        "the coordinator of the group {group!r} does not support the version of our {request} request: upgrade the "
        "brokers, all or one of which are too old"
    ),
    INVALID_REQUEST: (
        "the coordinator of the group {group!r} considers our {request} request invalid: the broker's log says why. "
        "Another group_id or group_instance_id may help"
    ),
    GROUP_MAX_SIZE_REACHED: (
        "the group {group!r} has as many members as the brokers allow: raise their group.max.size, or run fewer "
        "workers; more workers than partitions are of no use"
    ),
    FENCED_INSTANCE_ID: _NAME_IS_TAKEN,
    FENCED_MEMBER_EPOCH: _OTHER_PROTOCOL,
    UNRELEASED_INSTANCE_ID: _NAME_IS_TAKEN,
    UNSUPPORTED_ASSIGNOR: _OTHER_PROTOCOL,
    STALE_MEMBER_EPOCH: _OTHER_PROTOCOL,
}
_UNKNOWN = (
    "the coordinator of the group {group!r} refuses our {request} request with Kafka's error code {code}: the broker's "
    "log says why"
)


_CODES: Mapping[int, Code] = {
    INCONSISTENT_GROUP_PROTOCOL: Code.GROUP_PROTOCOL_MISMATCH,
    FENCED_MEMBER_EPOCH: Code.GROUP_PROTOCOL_MISMATCH,
    UNSUPPORTED_ASSIGNOR: Code.GROUP_PROTOCOL_MISMATCH,
    STALE_MEMBER_EPOCH: Code.GROUP_PROTOCOL_MISMATCH,
    FENCED_INSTANCE_ID: Code.GROUP_INSTANCE_ID_TAKEN,
    UNRELEASED_INSTANCE_ID: Code.GROUP_INSTANCE_ID_TAKEN,
    INVALID_GROUP_ID: Code.GROUP_SETTING_REFUSED,
    INVALID_SESSION_TIMEOUT: Code.GROUP_SETTING_REFUSED,
    GROUP_MAX_SIZE_REACHED: Code.GROUP_FULL,
}
"""Ours, by Kafka's error code; ``GROUP_REQUEST_REFUSED`` for all others."""

#: Codes that call for a change of one of our settings.
WRONG_SETTINGS = frozenset({INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT})
#: Codes that may pass by themselves: a fault within the broker, and a full group that still counts a dead member.
_MAY_PASS = frozenset({UNKNOWN_SERVER_ERROR, GROUP_MAX_SIZE_REACHED})


def is_final(code: int) -> bool:
    """Return whether a refusal is permanent; others have passing causes, such as a slow replica."""
    return code in SENTENCES and code not in _MAY_PASS


def is_refusal(request: str, code: int) -> bool:
    """Return whether a coordinator's response is an error after which the client does not retry by itself.

    Args:
        request: the request, as Kafka names it; only requests of group members count as refused here.
        code: Kafka's error code, 0 for no error. A missing permission does not count as a refusal here.
    """
    if code == 0 or code in _PERMISSIONS:
        return False
    if request in _ASKED_AGAIN:
        return code not in _ASKED_AGAIN[request]
    return code in _ENDS.get(request, ())


def group_refusal(request: str, code: int, *, group: str, session_timeout: float, name: str | None) -> str:
    """Return what is wrong and what to change.

    Args:
        request: the refused request, as Kafka names it.
        code: Kafka's error code.
        group: the ``group_id``.
        session_timeout: our session timeout, in seconds.
        name: the ``group_instance_id``.
    """
    sentence = SENTENCES.get(code, _UNKNOWN)
    return sentence.format(group=group, session_timeout=session_timeout, name=name, request=request, code=code)


def code_of_refusal(code: int) -> Code:
    """Return our code of a refusal by Kafka's."""
    return _CODES.get(code, Code.GROUP_REQUEST_REFUSED)
