"""No value of the worker shows an event's content when it is printed, by a log line or a traceback say."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

import worker

SECRET = "a kettle of plums"
CONTENT = {
    *("text", "texts", "value", "values", "key", "keys", "headers"),
    *("records", "data", "kept", "cells", "row", "rows"),
}
"""Names of fields that hold what an event, a row or a record consists of, whatever their types are."""
NUMBERS = {"int", "<class 'int'>"}
"""How many there are of what the field is named after."""
NO_CONTENT = {
    ("worker.codec.selection", "Condition", "value"): "the user's setting classify_if",
    ("worker.datasets.columns", "Columns", "text"): "the name of a column",
    ("worker.datasets.examples", "Examples", "texts"): "it has words of its own, which its tests look at",
    ("worker.datasets.columns", "Chosen", "text"): "the name of a column",
    ("worker.cli.shared.inputs", "Inputs", "records"): "an iterator, which shows nothing of what it gives",
    ("worker.delivery.produce_client", "Refusal", "records"): "positions in a batch",
    ("worker.delivery.requests", "BatchResponse", "records"): "positions in a batch",
    ("worker.evaluation.report.sections", "Subject", "data"): "the name of a file",
    ("worker.evaluation.report.sections", "Section", "text"): "words of the report, which is made to be read",
    ("worker.reading.places", "Place", "text"): "a place in a topic, as the user writes it",
}


class Secret:
    """Stands for any content."""

    def __repr__(self) -> str:
        return SECRET


def values() -> Iterator[type[Any]]:
    """Yield every dataclass and named tuple of the worker."""
    for module in pkgutil.walk_packages(worker.__path__, "worker."):
        if module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(kind) and kind.__module__ == module.name and (is_dataclass(kind) or is_tuple(kind)):
                yield kind


def is_tuple(kind: type[Any]) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def columns(kind: type[Any]) -> dict[str, str]:
    """Return the types of its fields, in words."""
    if is_dataclass(kind):
        return {field.name: str(field.type) for field in fields(kind)}
    return {name: str(kind.__annotations__.get(name)) for name in kind._fields}


def content_of(kind: type[Any]) -> set[str]:
    """Return the fields that may hold content."""
    return {
        name
        for name, shape in columns(kind).items()
        if ((name in CONTENT and shape not in NUMBERS) or "bytes" in shape or "memoryview" in shape)
        and (kind.__module__, kind.__qualname__, name) not in NO_CONTENT
    }


def filled(kind: type[Any]) -> Any:
    """Return a value of this kind whose content is secret."""
    content = {name: Secret() if name in content_of(kind) else None for name in columns(kind)}
    if is_tuple(kind):
        return kind._make(content.values())
    value = object.__new__(kind)
    for name, field in content.items():
        object.__setattr__(value, name, field)
    return value


@pytest.mark.parametrize("kind", [kind for kind in values() if content_of(kind)], ids=lambda kind: kind.__qualname__)
def test_nothing_prints_a_text(kind: type[Any]) -> None:
    value = filled(kind)
    assert SECRET not in repr(value)
    assert SECRET not in str(value)


def test_the_values_that_hold_events_are_among_them() -> None:
    names = {kind.__qualname__ for kind in values() if content_of(kind)}
    assert {"Fetch", "Decoded", "OutputSlice", "DeadLetter", "InputRecord", "UnreadableRecord", "Labelled"} <= names


def test_every_exception_is_one_that_looks_for_its_class() -> None:
    known = {(kind.__module__, kind.__qualname__, name) for kind in values() for name in columns(kind)}
    assert NO_CONTENT.keys() - known == set()
