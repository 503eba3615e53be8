"""The families of errors, by whose fault an error is.

    Rejection          (a value, not an exception) the event is bad: it becomes a dead letter
    WorkerError        shown to the user as one sentence, without a traceback
     ├ SettingError      a setting, a file or a model is wrong: the person who runs the worker can correct it
     ├ BrokerError       Kafka is unreachable, refuses us or lacks a topic
     ├ DeviceError       the device or the model on it stopped working
     └ CircuitOpenError  nearly everything that arrives is invalid: stopped before the topic drains into dead letters

Any other exception is a bug of the worker, and stops it with a traceback in its log.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Reasons why an event becomes a dead letter. The values are published: they are part of the interface."""

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
    """The reason why one event cannot be answered. ``message`` never quotes the event: texts are private."""

    reason: Reason
    stage: Stage
    message: str
    exception: str = ""
    attempts: int = 1
    counts: bool = True
    """Whether the breaker counts it: of a batch that is damaged as a whole, it counts one record."""


class Code(StrEnum):
    """The kind of mistake that a ``WorkerError`` is about. The values are published: docs/errors.md explains each."""

    # Settings and flags
    UNKNOWN_SETTING = "unknown_setting"
    INVALID_SETTING = "invalid_setting"
    CONFLICTING_SETTINGS = "conflicting_settings"
    SETTINGS_FILE_NOT_FOUND = "settings_file_not_found"
    SETTINGS_FILE_UNREADABLE = "settings_file_unreadable"
    INVALID_POINTER = "invalid_pointer"
    INVALID_FLAG = "invalid_flag"
    CONFLICTING_FLAGS = "conflicting_flags"
    UNKNOWN_SCHEMA = "unknown_schema"

    # This machine
    STREAM_CLOSED = "stream_closed"
    NO_TEMPORARY_FOLDER = "no_temporary_folder"
    PACKAGE_NOT_INSTALLED = "package_not_installed"
    PORT_TAKEN = "port_taken"
    WEB_ADDRESS_UNUSABLE = "web_address_unusable"

    # Kafka
    BROKER_UNREACHABLE = "broker_unreachable"
    BROKER_NOT_RESPONDING = "broker_not_responding"
    CONNECTION_LOST = "connection_lost"
    PROTOCOL_MISMATCH = "protocol_mismatch"
    CERTIFICATE_UNUSABLE = "certificate_unusable"
    BROKER_CERTIFICATE_REFUSED = "broker_certificate_refused"
    CLIENT_CERTIFICATE_REFUSED = "client_certificate_refused"
    TLS_HANDSHAKE_FAILED = "tls_handshake_failed"
    LOGIN_REFUSED = "login_refused"
    LOGIN_MECHANISM_UNSUPPORTED = "login_mechanism_unsupported"
    ADVERTISED_LISTENER_UNUSABLE = "advertised_listener_unusable"
    NOT_AUTHORISED = "not_authorised"
    KAFKA_ERROR = "kafka_error"
    TOPIC_MISSING = "topic_missing"
    TOPIC_NOT_CREATED = "topic_not_created"
    PARTITION_GONE = "partition_gone"
    OFFSET_RESET = "offset_reset"
    GROUP_INSTANCE_ID_TAKEN = "group_instance_id_taken"
    GROUP_PROTOCOL_MISMATCH = "group_protocol_mismatch"
    GROUP_SETTING_REFUSED = "group_setting_refused"
    GROUP_FULL = "group_full"
    GROUP_REQUEST_REFUSED = "group_request_refused"
    NO_PRODUCER_ID = "no_producer_id"
    PUBLISHING_FAILED = "publishing_failed"
    DEAD_LETTER_REFUSED = "dead_letter_refused"
    DEAD_LETTER_NOT_FOUND = "dead_letter_not_found"
    REPLAY_RUNS_ELSEWHERE = "replay_runs_elsewhere"
    FILTER_FAILED = "filter_failed"
    CIRCUIT_OPEN = "circuit_open"
    STOP_UNFINISHED = "stop_unfinished"
    EMBEDDED_BROKER_UNAVAILABLE = "embedded_broker_unavailable"
    DEMO_WORKER_ENDED = "demo_worker_ended"
    DEMO_TIMED_OUT = "demo_timed_out"

    # Model and device
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_REVISION_NOT_FOUND = "model_revision_not_found"
    MODEL_GATED = "model_gated"
    HUB_UNREACHABLE = "hub_unreachable"
    MODEL_INCOMPLETE = "model_incomplete"
    MODEL_DAMAGED = "model_damaged"
    MODEL_FORMAT_UNSUPPORTED = "model_format_unsupported"
    MODEL_NEEDS_CODE = "model_needs_code"
    MODEL_NOT_FINE_TUNED = "model_not_fine_tuned"
    MODEL_UNREADABLE = "model_unreadable"
    MODEL_LABELS_AMBIGUOUS = "model_labels_ambiguous"
    MODEL_FAILED = "model_failed"
    SCORES_NOT_FINITE = "scores_not_finite"
    TOKENIZER_UNUSABLE = "tokenizer_unusable"
    TOKENIZER_OF_ANOTHER_MODEL = "tokenizer_of_another_model"
    TOKENIZER_FAILED = "tokenizer_failed"
    UNKNOWN_LABEL = "unknown_label"
    DEVICE_NOT_FOUND = "device_not_found"
    PRECISION_UNSUPPORTED = "precision_unsupported"
    DEVICE_FAILED = "device_failed"
    OUT_OF_MEMORY = "out_of_memory"

    # Files of texts and labels
    FILE_UNREADABLE = "file_unreadable"
    FILE_NOT_WRITABLE = "file_not_writable"
    FILE_EMPTY = "file_empty"
    FILE_DAMAGED = "file_damaged"
    FILE_NOT_UTF8 = "file_not_utf8"
    FILE_FORMAT_UNSUPPORTED = "file_format_unsupported"
    INVALID_ROW = "invalid_row"
    COLUMN_NOT_FOUND = "column_not_found"
    DUPLICATE_COLUMN = "duplicate_column"
    VERDICTS_AS_LABELS = "verdicts_as_labels"
    LABELS_OF_RATINGS = "labels_of_ratings"
    NOT_RATINGS = "not_ratings"
    SINGLE_LABEL = "single_label"
    TOO_FEW_TEXTS = "too_few_texts"

    # Evaluation and training
    TEXT_NOT_CLASSIFIABLE = "text_not_classifiable"
    MODEL_NOT_COMPARABLE = "model_not_comparable"
    LABELS_DIFFER = "labels_differ"
    LABELS_WITHOUT_POLARITY = "labels_without_polarity"
    INVALID_BEHAVIOUR_SUITE = "invalid_behaviour_suite"
    TRAINING_DIVERGED = "training_diverged"
    OUTPUT_IS_TAKEN = "output_is_taken"
    ANOTHER_TRAINING = "another_training"
    CHECKPOINT_DAMAGED = "checkpoint_damaged"


class WorkerError(Exception):
    """Base of all errors that the user sees as one sentence; the sentence says what to do.

    ``str`` gives the sentence, which may be reworded at any time; programs and tests go by ``code``.
    """

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence

    @property
    def with_code(self) -> str:
        """The sentence with the code at its end, as a user is shown it: ``... is not a folder [model_not_found]``."""
        return f"{self.sentence} [{self.code}]"


class SettingError(WorkerError):
    """A setting, a file or a model cannot be used."""


class BrokerError(WorkerError):
    """The Kafka cluster cannot be reached, refuses us, or lacks what we need."""


class DeviceError(WorkerError):
    """The device, or the model on it, stopped working for every text."""


class CircuitOpenError(WorkerError):
    """So many events are invalid that continuing would drain the topic into dead letters."""
