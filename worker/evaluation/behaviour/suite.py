"""The behaviour suite as data: reading `suite.toml` and expanding its templates."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from worker.datasets.examples import LABELS

Kind = Literal["label", "same", "direction"]

_SLOT = re.compile(r"\{(\w+)\}")

_CHANGES: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "bare": lambda text: re.sub(r"[.!?,]", "", text.lower()),
}


@dataclass(frozen=True, slots=True)
class Test:
    """One test, expanded.

    ``groups`` are the texts: one each for kind ``label``; for ``same`` the first text and those that must get its
    label; for ``direction`` the text before and the one after the change. ``expect`` holds labels, ``up`` or ``down``.
    ``least``, for ``direction``, is how far polarity (-1 .. 1) must move, unless it starts closer than that to its end.
    """

    __test__ = False  # not a pytest test case

    name: str
    capability: str
    kind: Kind
    expect: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    least: float | None = None

    @property
    def cases(self) -> int:
        """The number of texts that can fail: every text of kind ``label``, every changed text of the other kinds."""
        return sum(len(group) if self.kind == "label" else len(group) - 1 for group in self.groups)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(text for group in self.groups for text in group)


def expand(templates: Sequence[str], words: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Fill related templates with the same words: return one tuple for each combination of their slots' words."""
    slots = sorted({slot for template in templates for slot in _SLOT.findall(template)})
    if missing := [slot for slot in slots if slot not in words]:
        raise ValueError(f"there are no words for {{{missing[0]}}}")
    fillings = (dict(zip(slots, values, strict=True)) for values in itertools.product(*(words[slot] for slot in slots)))
    return [tuple(template.format_map(filling) for template in templates) for filling in fillings]


def read_suite(path: Path | None = None) -> tuple[Test, ...]:
    """Read every test of our suite, or of another file in the same format, in its order.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not valid TOML, or a test does not follow the description at the top of ``suite.toml``.
    """
    source = path or Path(__file__).with_name("suite.toml")
    content: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    entries = content.get("test", [])
    if not entries:
        raise ValueError("there is no [[test]] in it")
    tests: list[Test] = []
    for number, entry in enumerate(entries, start=1):
        try:
            test = _read_test(entry, content.get("words", {}))
            _check(test)
        except KeyError as error:
            raise ValueError(f"{_named(entry, number)} lacks {error}") from None
        except (AttributeError, TypeError) as error:
            raise ValueError(f"{_named(entry, number)} has another form: {error}") from None
        except ValueError as error:
            raise ValueError(f"{_named(entry, number)}: {error}") from None
        if test.name in {former.name for former in tests}:
            raise ValueError(f"{_named(entry, number)} exists twice: give each test a name of its own")
        tests.append(test)
    return tuple(tests)


def _named(entry: Any, number: int) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"test {name!r}" if name else f"the test in place {number}"


#: What ``expect`` may hold, by kind.
_EXPECTED: dict[str, frozenset[tuple[str, ...]]] = {
    "label": frozenset(some for size in (1, 2) for some in itertools.permutations(LABELS, size)),
    "same": frozenset({()}),
    "direction": frozenset({("up",), ("down",)}),
}


def _check(test: Test) -> None:
    if test.kind not in _EXPECTED:
        raise ValueError(f"`kind` must be one of {', '.join(_EXPECTED)}")
    if test.expect not in _EXPECTED[test.kind]:
        raise ValueError(f"`expect` has a value that kind {test.kind!r} does not allow")
    sizes = {"label": {1}, "direction": {2}}.get(test.kind)
    if any(len(group) not in sizes if sizes else len(group) < 2 for group in test.groups):
        raise ValueError(f"a group has more or fewer texts than kind {test.kind!r} allows")
    if test.cases == 0:
        raise ValueError("it has no cases")


def _read_test(entry: Mapping[str, Any], shared: Mapping[str, Sequence[str]]) -> Test:
    words = {**shared, **({"long": [entry["long"]]} if "long" in entry else {})}
    kind = cast(Kind, entry["kind"])
    templates: list[list[str]] = [[text] for text in entry.get("texts", [])] + list(entry.get("groups", []))
    groups: list[tuple[str, ...]] = []
    for group in templates:
        if over := entry.get("over"):
            kept = expand(group, {**words, over: [f"{{{over}}}"]})
            groups.extend(tuple(text for (text,) in expand(rest, words)) for rest in kept)
        else:
            groups.extend(expand(group, words))
    if change := entry.get("change"):
        if change not in _CHANGES:
            raise ValueError(f"change must be one of {', '.join(_CHANGES)}")
        groups = [(text, _CHANGES[change](text)) for (text,) in groups]
    unique = tuple(dict.fromkeys(groups))
    return Test(entry["name"], entry["capability"], kind, tuple(entry.get("expect", ())), unique, _least(entry))


def _least(entry: Mapping[str, Any]) -> float | None:
    if "least" not in entry:
        return None
    if entry["kind"] != "direction":
        raise ValueError(f"it is of kind {entry['kind']!r}, but `least` is for directions only")
    least = entry["least"]
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 < least <= 2:
        raise ValueError("`least` must be a number above 0 and up to 2, the length of the scale")
    return float(least)
