"""Flags made from the settings: name, type, default and help of each flag are those of its setting."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from rich.markup import escape

from worker.settings import Settings

Flags = dict[str, Any]


CONNECTION = (
    "bootstrap_servers",
    "security_protocol",
    "sasl_mechanism",
    "sasl_username",
    "sasl_password",
    "ssl_cafile",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_key_password",
)
TOPICS = ("input_topics", "output_topic", "dead_letter_topic")
CLASSIFIER = (
    "model",
    "model_revision",
    "device",
    "precision",
    "tokenizer",
    "label_polarity",
    "max_batch_size",
    "max_batch_tokens",
)

_PANELS = {
    "bootstrap_servers": "Kafka",
    "input_topics": "Topics",
    "input_format": "Events",
    "max_batch_size": "Batching",
    "model": "Classifier",
    "drain_timeout": "Guards",
    "web_port": "Web and logging",
}
"""The setting that opens each panel of the help."""


def with_flags(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command a flag for each named setting (all of them, if none is named).

    The command takes ``flags: Flags``, those that were given, for ``load_settings``: a flag that was not given leaves
    its setting to the environment, the file and the default.
    """
    fields = {name: field for name, field in Settings.model_fields.items() if not names or name in names}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def flagged(*args: Any, **given: Any) -> None:
            flags = {name: given.pop(name) for name in fields}
            command(*args, flags={name: value for name, value in flags.items() if value is not None}, **given)

        signature = inspect.signature(command, eval_str=True)
        own = [parameter for name, parameter in signature.parameters.items() if name != "flags"]
        flagged.__signature__ = signature.replace(parameters=[*own, *_parameters(fields)])  # type: ignore[attr-defined]
        flagged.__name__ = command.__name__
        flagged.__doc__ = command.__doc__
        return flagged

    return decorate


def flag(setting: str) -> str:
    """Return the flag of a setting: ``--max-batch-size`` for ``max_batch_size``."""
    return "--" + setting.replace("_", "-")


def _parameters(fields: dict[str, FieldInfo]) -> list[inspect.Parameter]:
    parameters = []
    panel = ""
    for name, field in Settings.model_fields.items():
        panel = _PANELS.get(name, panel)
        if name not in fields:
            continue
        path = Path in get_args(field.annotation)
        option = typer.Option(
            flag(name),
            help=_help(field),
            show_default=False,
            rich_help_panel=panel,
            metavar="PATH" if path else None,
        )
        annotation = Annotated[_flag_type(field.annotation), option]  # type: ignore[valid-type]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=None))
    return parameters


def _help(field: FieldInfo) -> str:
    """Return the setting's description and its default, escaped: help is printed as rich markup."""
    default = field.get_default(call_default_factory=True)
    text = escape(field.description or "")
    if default is None or default == {}:
        return text
    return f"{text} [dim]{escape(f'[default: {shown(default)}]')}[/dim]"


def shown(value: Any) -> str:
    """Return a setting's value as a user would write it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _flag_type(annotation: Any) -> Any:
    """Return the type for the command line to check: choices, numbers. The rest is text for the settings."""
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (choice for choice in get_args(annotation) if choice is not NoneType)
    if get_origin(annotation) is Literal or annotation in (int, float):
        return annotation | None
    return str | None


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting is never shown."""
    return SecretStr in (field.annotation, *get_args(field.annotation))
