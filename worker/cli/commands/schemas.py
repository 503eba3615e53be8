"""``schemas``: what crosses the topics, as JSON Schema and AsyncAPI."""

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.shared.flags import TOPICS, Flags, with_flags
from worker.errors import Code, SettingError
from worker.settings import load_settings


@with_flags(*TOPICS, "group_id")
def schemas(
    flags: Flags,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="the schema to print; without it: their names")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="write all of them into this folder")
    ] = None,
) -> None:
    """Print or write the JSON Schemas of the events and the AsyncAPI document of the topics.

    `sentiment-worker schemas asyncapi.json`, or `sentiment-worker schemas --output schemas`
    """
    from schemas.generate import documents, write

    settings = load_settings(**flags)
    available = documents(settings)
    if output is not None:
        try:
            for file in write(output, settings):
                typer.echo(file)
        except OSError as error:
            raise SettingError(Code.FILE_NOT_WRITABLE, f"{output} cannot be written: {error.strerror}") from error
    elif name is None:
        typer.echo("\n".join(available))
    elif (document := name if name in available else f"{name}.schema.json") in available:
        typer.echo(available[document], nl=False)
    else:
        raise SettingError(Code.UNKNOWN_SCHEMA, f"there is no schema {name!r} but {', '.join(available)}")
