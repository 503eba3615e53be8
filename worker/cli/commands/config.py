"""``config``: the effective settings and where each of them came from."""

import json
import os
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from worker.cli.shared.console import stdout
from worker.cli.shared.flags import Flags, flag, is_secret, shown, with_flags
from worker.settings import ENV_PREFIX, Settings, load_settings
from worker.settings_file import config_file

HIDDEN = "(hidden)"


class ConfigFormat(StrEnum):
    """How the settings are shown."""

    TABLE = "table"
    TOML = "toml"


@with_flags()
def config(
    flags: Flags,
    form: Annotated[
        ConfigFormat, typer.Option("--format", help="toml: what a settings file with these settings looks like")
    ] = ConfigFormat.TABLE,
) -> None:
    """Show the effective settings, and whether a flag, the environment, the file or the default set them.

    `sentiment-worker config --format toml > sentiment-worker.toml` starts a settings file. Secrets are never shown.
    """
    settings = load_settings(**flags)
    origins = {name: _origin(name, flags) for name in Settings.model_fields}
    if form is ConfigFormat.TOML:
        typer.echo(_toml(settings, origins))
        return
    table = Table("setting", "value", "set by", box=None, pad_edge=False)
    for name, origin in origins.items():
        style = "dim" if origin == "default" else "bold"
        table.add_row(name, _shown(name, getattr(settings, name)), origin, style=style)
    stdout().print(table)


def _origin(name: str, flags: Flags) -> str:
    if name in flags:
        return flag(name)
    variable = ENV_PREFIX + name.upper()
    if any(key.upper() == variable for key in os.environ):
        return variable
    file = config_file()
    if file is not None and name in tomllib.loads(file.read_text(encoding="utf-8")):
        return file.name
    return "default"


def _shown(name: str, value: Any) -> str:
    if value is None or value == {}:
        return "-"
    if is_secret(Settings.model_fields[name]):
        return HIDDEN
    return shown(value)


def _toml(settings: Settings, origins: dict[str, str]) -> str:
    """Return a settings file, in which what is left at its default is a comment."""
    lines = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        lines.append(f"# {field.description}")
        if is_secret(field):
            lines.append(f"# {name}: better kept in the environment, as {ENV_PREFIX}{name.upper()}")
        elif value is None or value == {}:
            lines.append(f"# {name} =")
        else:
            mark = "# " if origins[name] == "default" else ""
            lines.append(f"{mark}{name} = {_toml_value(value)}")
        lines.append("")
    return "\n".join(lines[:-1])


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    # JSON's strings and numbers are TOML's, as long as no character is escaped as a surrogate pair.
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
