"""Whose fault it is: four families of errors.

    Rejection          (a value, not an exception) the event is bad: it becomes a dead letter
    WorkerError        what a user is shown as one sentence, without a traceback
     ├ SettingError      a setting, a file or a model is wrong: the person who runs the worker can mend it
     ├ BrokerError       Kafka is unreachable, refuses us or lacks a topic
     ├ DeviceError       the device or the model on it stopped working
     └ CircuitOpenError  nearly everything that arrives is invalid: stopped before the topic drains into dead letters

Anything else that is raised is a bug of ours and stops the worker with a traceback in its log.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why an event became a dead letter. The values are published: they are part of the interface."""

    UNREADABLE_RECORD = "unreadable_record"
    UNREADABLE_BATCH = "unreadable_batch"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NESTED_TOO_DEEPLY = "nested_too_deeply"
    LONE_SURROGATE = "lone_surrogate"
    UNKNOWN_FRAME = "unknown_frame"
    INVALID_CLOUDEVENT = "invalid_cloudevent"
    NULL_VALUE = "null_value"
    NO_TEXT = "no_text"
    TEXT_NOT_A_STRING = "text_not_a_string"
    EMPTY_TEXT = "empty_text"
    TEXT_TOO_LARGE = "text_too_large"
    TOKENISING_FAILED = "tokenising_failed"
    INFERENCE_FAILED = "inference_failed"
    NON_FINITE_SCORES = "non_finite_scores"
    OUTPUT_TOO_LARGE = "output_too_large"
    OUTPUT_REFUSED = "output_refused"


class Stage(StrEnum):
    """The stage that rejected an event, as a dead letter names it."""

    RECEIVE = "receive"
    DECODE = "decode"
    TOKENISE = "tokenise"
    CLASSIFY = "classify"
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event cannot be answered. ``message`` never quotes the event: texts are private."""

    reason: Reason
    stage: Stage
    message: str
    exception: str = ""
    attempts: int = 1
    counts: bool = True
    """Whether the breaker counts it: of a batch that is damaged as a whole it counts one record."""


class WorkerError(Exception):
    """Base of everything that is told to the user in one sentence; the sentence names the way out."""


class SettingError(WorkerError):
    """A setting, a file or a model cannot be used."""


class BrokerError(WorkerError):
    """The Kafka cluster cannot be reached, refuses us, or lacks what we need."""


class DeviceError(WorkerError):
    """The device, or the model on it, stopped working for every text."""


class CircuitOpenError(WorkerError):
    """So many events are invalid that going on would drain the topic into dead letters."""
