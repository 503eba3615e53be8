"""The events and headers that other programs write for the worker or read from it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

EventId: TypeAlias = str | int | float | None
Count = Annotated[int, Field(ge=0)]
Digits = Annotated[str, Field(pattern=r"^[0-9]+$")]
Size = Annotated[str, Field(pattern=r"^-?[0-9]+$")]

Reason: TypeAlias = Literal[
    "unreadable_record",
    "unreadable_batch",
    "not_utf8",
    "not_json",
    "not_an_object",
    "nested_too_deeply",
    "lone_surrogate",
    "unknown_frame",
    "invalid_cloudevent",
    "null_value",
    "no_text",
    "text_not_a_string",
    "empty_text",
    "text_too_large",
    "tokenising_failed",
    "inference_failed",
    "non_finite_scores",
    "output_too_large",
    "output_refused",
]


class _Event(BaseModel):
    """Base of events to which other programs add members. No repr or error shows these: texts are private."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return ((name, value) for name, value in super().__repr_args__() if name in type(self).model_fields)


class TextEvent(_Event):
    """A text to be classified. Other members are welcome and go through; other shapes too, by JSON Pointers."""

    id: EventId = Field(None, description="the event's own id, which a verdict repeats")
    text: str = Field(min_length=1, repr=False, description="what is classified; it has a visible character")
    occurred_at: AwareDatetime | None = Field(None, description="when it happened, RFC 3339")
    source: str | None = Field(None, description="where it comes from: a shop, a channel, a form")
    language: str | None = Field(None, description="language tag, BCP 47")
    attributes: dict[str, JsonValue] = Field(
        default_factory=dict, repr=False, description="whatever else belongs to the text"
    )


class Model(BaseModel):
    """The model that gave a verdict."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="'bundled', a folder or a hub name")
    revision: str = Field(description="identifies the weights and how they are read")


class SentimentVerdict(BaseModel):
    """The classifier's verdict on one text."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(
        description="deterministic: {topic}-{partition}-{offset}-{first 12 of the revision}; repeats repeat it"
    )
    label: str = Field(description="the model's own label")
    score: float = Field(description="score of the label: a probability in 0..1, or a regression head's value")
    scores: dict[str, float] = Field(description="score of each of the model's labels, in the model's order")
    sentiment: Literal["negative", "neutral", "positive"] = Field(description="what the label means")
    polarity: float = Field(ge=-1, le=1, description="-1 (negative) to 1 (positive)")
    model: Model
    tokens: Count = Field(description="tokens that the model saw, special tokens included")
    truncated: bool = Field(description="the text was longer than the model reads, and its end was not seen")
    processed_at: AwareDatetime = Field(description="when the verdict was made, UTC; the same for a whole batch")


class EnrichedEvent(_Event):
    """An input as it came, and the verdict on its text (output_mode=enrich)."""

    sentiment: SentimentVerdict


class VerdictEvent(BaseModel):
    """The verdict and where its event is, without the event (output_mode=verdict)."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="the same as sentiment.id")
    event_id: EventId = Field(description="the event's own id, as it was written there; null if it has none")
    topic: str = Field(description="topic of the event")
    partition: Count = Field(description="partition of the event")
    offset: Count = Field(description="offset of the event")
    sentiment: SentimentVerdict


class DeadLetterHeaders(_Event):
    """The headers that a dead letter adds after those of the event; key and value are the event's own.

    Whatever the topic refuses is left out, and the last headers say what.
    """

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    topic: str = Field(alias="__dlq.errors.topic", description="topic of the event")
    partition: Digits = Field(alias="__dlq.errors.partition", description="partition of the event")
    offset: Digits = Field(alias="__dlq.errors.offset", description="offset of the event")
    timestamp: str = Field(
        alias="__dlq.errors.timestamp", pattern=r"^-?[0-9]+$", description="timestamp of the event, ms since the epoch"
    )
    group: str = Field(alias="__dlq.errors.group", description="consumer group of the worker")
    stage: Literal["receive", "decode", "tokenise", "classify", "publish"] = Field(
        alias="__dlq.errors.stage", description="the stage that rejected the event"
    )
    reason: Reason = Field(alias="__dlq.errors.reason", description="why the event was rejected")
    exception: str = Field(alias="__dlq.errors.exception", description="class of the error; empty where there was none")
    message: str = Field(alias="__dlq.errors.message", description="one sentence, which never quotes the event")
    attempts: Digits = Field(alias="__dlq.errors.attempts", description="how often the stage tried")
    value_left_out: Size | None = Field(
        None,
        alias="__dlq.errors.value_left_out",
        description="bytes of the event's value, which is empty here; -1 if it is null",
    )
    value_sha256: str | None = Field(
        None,
        alias="__dlq.errors.value_sha256",
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the value that is left out",
    )
    headers_left_out: Digits | None = Field(
        None, alias="__dlq.errors.headers_left_out", description="number of the event's headers, of which none is here"
    )
    key_left_out: Size | None = Field(
        None,
        alias="__dlq.errors.key_left_out",
        description="bytes of the event's key, in whose place {topic}-{partition}@{offset} stands; -1 if it has none",
    )
    timestamp_left_out: Literal["1"] | None = Field(
        None, alias="__dlq.errors.timestamp_left_out", description="the dead letter has no timestamp"
    )
