"""Every setting: flags take precedence over ``SENTIMENT_*`` environment variables, and those over a TOML file."""

import os
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from worker.address import check_addresses
from worker.errors import Code, SettingError
from worker.pointer import Pointer
from worker.setting_errors import code_of, sentence_of
from worker.setting_values import (
    MAX_BATCH_SIZE,
    MAX_BATCH_TOKENS,
    MAX_PARTITIONS,
    MAX_REPLICAS,
    Bytes,
    Count,
    Names,
    Polarities,
    Seconds,
    check_topics,
    names,
    parsed_json,
    start_time_ms,
    unset_if_blank,
)
from worker.settings_file import CONFIG_FILE_VARIABLE, config_file

ENV_PREFIX = "SENTIMENT_"


class Settings(BaseSettings):
    """One frozen object that travels through the whole worker. Sizes and times carry their unit in the description."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False
    )

    # Kafka
    bootstrap_servers: Names = Field(("localhost:9092",), description="Kafka brokers, host:port, comma-separated")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how to talk to the brokers"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("PLAIN", description="SASL mechanism")
    sasl_username: str | None = Field(None, description="SASL user")
    sasl_password: SecretStr | None = Field(None, description="SASL password")
    ssl_cafile: Path | None = Field(None, description="CA certificates that signed the brokers' (PEM)")
    ssl_certfile: Path | None = Field(None, description="our certificate, for mutual TLS (PEM)")
    ssl_keyfile: Path | None = Field(None, description="the key of our certificate (PEM)")
    ssl_key_password: SecretStr | None = Field(None, description="the password of that key")

    input_topics: Names = Field(("text-events",), description="topics to read, comma-separated")
    output_topic: str = Field("sentiment-events", min_length=1, description="topic for enriched events")
    dead_letter_topic: str = Field(
        "text-events.dead-letters", min_length=1, description="topic for events that cannot be answered"
    )
    group_id: str = Field("sentiment-worker", min_length=1, description="consumer group")
    group_instance_id: str | None = Field(None, description="static group membership: a name unique to this worker")
    start_from: str = Field(
        "earliest", description="where a new group starts: earliest, latest, or a time such as 2026-01-31T08:00:00Z"
    )
    on_offset_reset: Literal["earliest", "latest", "fail"] = Field(
        "earliest",
        description="where to go on when an offset is not of its log any more (topic recreated, records lost or "
        "deleted by retention): earliest reads what is there, latest what comes, fail stops",
    )
    metadata_max_age: Seconds = Field(
        30.0, ge=0.1, description="seconds after which new partitions, and topics created again, are noticed"
    )
    isolation_level: Literal["read_committed", "read_uncommitted"] = Field(
        "read_committed", description="read_committed skips what a producer's transaction aborted"
    )
    missing_topics: Literal["create", "fail"] = Field(
        "create", description="what to do at the start when a topic is missing"
    )
    topic_partitions: int = Field(4, ge=1, le=MAX_PARTITIONS, description="partitions of a topic that is created")
    topic_replication: int = Field(
        -1, ge=-1, le=MAX_REPLICAS, description="replicas of a topic that is created; -1: the broker's default"
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field("none", description="codec of the outputs")
    commit_interval: Seconds = Field(1.0, ge=0.1, description="seconds between commits")
    session_timeout: Seconds = Field(
        45.0, ge=6, le=300, description="seconds without a heartbeat after which the group takes our partitions"
    )

    # Events
    input_format: Literal["auto", "json", "cloudevents", "confluent"] = Field(
        "auto", description="auto tells them apart record by record"
    )
    text_path: str = Field("/text", description="JSON Pointer to the text in an input")
    id_path: str = Field("/id", description="JSON Pointer to the id that a verdict repeats")
    output_mode: Literal["enrich", "verdict"] = Field(
        "enrich", description="enrich: the input and the verdict; verdict: ids and the verdict alone"
    )
    output_schema_id: int | None = Field(
        None, ge=0, lt=2**31, description="frame outputs for Confluent's registry with this schema id"
    )
    max_text_bytes: Bytes = Field(65_536, ge=1, description="a text with more UTF-8 bytes becomes a dead letter")
    tombstones: Literal["forward", "dead_letter"] = Field(
        "forward", description="a null value with a key: pass it on to the output topic, or reject it"
    )

    on_no_text: Literal["dead_letter", "forward", "skip"] = Field(
        "dead_letter",
        description="valid JSON with nothing, or null, at text_path: reject it, pass it on unchanged, or leave it out",
    )
    classify_if: str | None = Field(
        None,
        description="classify only events in which POINTER finds something, or VALUE: POINTER or POINTER=VALUE; "
        "others are passed on unchanged, or left out with on_no_text=skip",
    )

    # Batching
    max_batch_size: int | None = Field(
        None, ge=1, le=MAX_BATCH_SIZE, description="texts in a batch; default 64 on a CPU, 256 on an accelerator"
    )
    max_batch_tokens: int | None = Field(
        None,
        ge=1,
        le=MAX_BATCH_TOKENS,
        description="padded tokens in a batch (longest x count); default 8192 on a CPU, 32768 otherwise",
    )
    max_batch_time: Seconds = Field(
        0.05, ge=0, description="seconds after which the oldest text is sent to a busy device's queue"
    )
    max_in_flight_batches: int = Field(2, ge=1, le=8, description="batches at the device, the computing one included")
    max_pending_events: Count = Field(16_384, ge=1, description="events received and not yet published")
    max_pending_bytes: Bytes = Field(64 * 2**20, ge=1, description="bytes of those events, keys and headers too")

    # Classifier
    model: str = Field("bundled", min_length=1, description="'bundled', a local folder, or a hub name")
    model_revision: str | None = Field(None, description="hub revision: a commit, tag or branch")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field("auto", description="auto: what the hardware has")
    tokenizer: Literal["auto", "huggingface"] = Field(
        "auto", description="auto: the fastest that gives the ids of Hugging Face's tokenizers"
    )
    label_polarity: Polarities = Field(
        default_factory=dict, description='polarity of labels, -1..1, as JSON: {"toxic": -1, "fine": 1}'
    )

    # Guards
    drain_timeout: Seconds = Field(20.0, gt=0, description="seconds that a stop may take to finish what was started")
    max_invalid_ratio: float = Field(
        0.95, gt=0, le=1, description="invalid events among the newest 10,000; at more the worker stops"
    )
    max_consecutive_invalid: Count = Field(1_000, ge=1, description="invalid events in a row; at more the worker stops")

    stall_timeout: Seconds = Field(
        300.0, gt=0, description="seconds without progress, or without a word of the group, after which /livez says so"
    )

    # Web and logging
    web_port: int = Field(6066, ge=0, le=65_535, description="port of the health pages; 0: none")
    web_host: str = Field("127.0.0.1", description="address of the health pages")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="log level")

    @field_validator("bootstrap_servers", "input_topics", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return names(value)

    @field_validator("label_polarity", mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        return parsed_json(value, cls.model_fields["label_polarity"].description or "")

    @field_validator("*", mode="before")  # the last of them: it comes first
    @classmethod
    def _unset_if_blank(cls, value: Any, info: ValidationInfo) -> Any:
        return unset_if_blank(cls.model_fields[str(info.field_name)], value)

    @field_validator("bootstrap_servers")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        check_addresses(value)
        return value

    @field_validator("input_topics", "output_topic", "dead_letter_topic")
    @classmethod
    def _are_topics(cls, value: Any) -> Any:
        check_topics((value,) if isinstance(value, str) else value)
        return value

    @field_validator("topic_replication")
    @classmethod
    def _replicas(cls, value: int) -> int:
        if value == 0:
            raise ValueError("0 replicas keep nothing; -1 is the broker's default")
        return value

    @field_validator("text_path", "id_path")
    @classmethod
    def _is_pointer(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError(
                f"is a JSON Pointer (RFC 6901) and starts with '/': did you mean '/{value.replace('.', '/')}'?"
            )
        try:
            Pointer.parse(value)
        except SettingError as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("classify_if")
    @classmethod
    def _is_condition(cls, value: str | None) -> str | None:
        if value is not None:
            if not value.startswith("/"):
                raise ValueError("is POINTER or POINTER=VALUE, such as /after or /op=c, and starts with '/'")
            try:
                Pointer.parse(value.partition("=")[0])
            except SettingError as error:
                raise ValueError(str(error)) from error
        return value

    @field_validator("start_from")
    @classmethod
    def _is_start(cls, value: str) -> str:
        start_time_ms(value)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in ("output_topic", "dead_letter_topic"):
            topic = getattr(self, name)
            if topic in self.input_topics:
                raise ValueError(
                    f"{name} {topic!r} is also one of input_topics: the worker would read what it writes. "
                    f"Choose another {name}, or take it out of input_topics"
                )
        if self.output_topic == self.dead_letter_topic:
            raise ValueError(f"output_topic and dead_letter_topic are both {self.output_topic!r}: choose two topics")
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(f"security_protocol={self.security_protocol} needs sasl_username and sasl_password")
        return self

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic that the worker needs: inputs, output, dead letters."""
        return (*self.input_topics, self.output_topic, self.dead_letter_topic)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())


def load_settings(**overrides: Any) -> Settings:
    """Return the effective settings. ``overrides`` that are None count as not given.

    Raises:
        SettingError: a value is wrong, a name in the file is unknown, or the file cannot be read.
    """
    _refuse_misspelt(os.environ)
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        # Not chained: pydantic's own message quotes the input, which may contain a password.
        details = error.errors(include_input=False)
        raise SettingError(code_of(details[0]), "; ".join(map(sentence_of, details))) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingError(Code.SETTINGS_FILE_UNREADABLE, f"{config_file()} is not valid TOML: {error}") from error
    except (OSError, ValueError) as error:
        raise SettingError(Code.SETTINGS_FILE_UNREADABLE, f"the settings cannot be read: {error}") from error


def _refuse_misspelt(environment: Iterable[str]) -> None:
    """Refuse a variable whose name is nearly that of a setting; others are none of our concern."""
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields} | {CONFIG_FILE_VARIABLE}
    for name in environment:
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in known:
            near = get_close_matches(name.upper(), known, n=1, cutoff=0.9)
            if near:
                raise SettingError(Code.UNKNOWN_SETTING, f"there is no setting {name}; is {near[0]} meant?")
