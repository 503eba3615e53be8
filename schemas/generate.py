"""Writing the schema files: ``python -m schemas.generate`` regenerates those next to this module."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.asyncapi import TopicNames, asyncapi
from schemas.json_schema import MODELS, json_schema


@dataclass(frozen=True, slots=True)
class DefaultTopics:
    """The topics of a worker whose settings name no others."""

    input_topics: tuple[str, ...] = ("text-events",)
    output_topic: str = "sentiment-events"
    dead_letter_topic: str = "text-events.dead-letters"
    group_id: str = "sentiment-worker"


def documents(names: TopicNames) -> dict[str, str]:
    """Return the content of every schema file by its name, for the topics in ``names``."""
    schemas = {f"{name}.schema.json": _pretty(json_schema(name)) for name in MODELS}
    return schemas | {"asyncapi.json": _pretty(asyncapi(names))}


def write(folder: Path, names: TopicNames) -> list[Path]:
    """Write every schema file into ``folder``, which is created if it is missing.

    Returns:
        The files, in the order in which they were written.
    Raises:
        OSError: the folder or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, content in documents(names).items():
        file = folder / name
        file.write_text(content, encoding="utf-8")
        files.append(file)
    return files


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent, DefaultTopics())
