"""Events with a sequence per key, and every kind of bad one with the reason that its dead letter must give.

Every record carries what it is in a header, which worker and dead letter leave as it is: ``key:sequence:expected``.
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.device import NAN, OUT_OF_MEMORY, RAISES

IDENTITY = "chaos"
"""The header's name."""
OUTPUT, TOMBSTONE = "output", "tombstone"
"""The expected outcomes of an event besides a dead letter's reason."""
OLD_MS = 1_000
"""A timestamp that the output topic refuses."""
OUTPUT_LIMIT = 100_000
"""max.message.bytes of the output topic."""
BAD_SHARE = 0.02
KEYS = 25
"""In each partition."""

WORDS = ("the", "film", "was", "good", "bad", "slow", "bright", "and", "little", "too", "long", "for", "my", "taste")


@dataclass(frozen=True, slots=True)
class Event:
    """A record to produce."""

    partition: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    identity: bytes
    timestamp_ms: int | None = None


def _with_text(text: str, **more: object) -> bytes:
    return json.dumps({"text": text, **more}).encode()


#: Reason -> a value that is rejected for it.
BAD_VALUES: dict[str, tuple[str, Callable[[str], bytes | None]]] = {
    "not_utf8": ("not_utf8", lambda text: b'{"text": "caf\xe9"}'),
    "not_json": ("not_json", lambda text: b'{"text": "without end"'),
    "not_an_object": ("not_an_object", lambda text: b'["a list"]'),
    "nested": ("nested_too_deeply", lambda text: b'{"text": "deep", "a": ' + b"[" * 1_100 + b"]" * 1_100 + b"}"),
    "surrogate": ("lone_surrogate", lambda text: b'{"text": "half \\ud83d of it"}'),
    "frame": ("unknown_frame", lambda text: b"\x00\x00\x00\x00\x07\x02\x10avro"),
    "no_text": ("no_text", lambda text: b'{"message": "elsewhere"}'),
    "number": ("text_not_a_string", lambda text: b'{"text": 17}'),
    "empty": ("empty_text", lambda text: b'{"text": "  \\u200b "}'),
    "long": ("text_too_large", lambda text: _with_text("x" * 66_000)),
    "raises": ("inference_failed", lambda text: _with_text(f"{RAISES} {text}")),
    "nan": ("non_finite_scores", lambda text: _with_text(f"{NAN} {text}")),
    "oom": ("inference_failed", lambda text: _with_text(f"{OUT_OF_MEMORY} {text}")),
    "large": ("output_too_large", lambda text: _with_text(text, pad="x" * (OUTPUT_LIMIT - 250))),
    "old": ("output_refused", _with_text),
    "keyless": ("output_refused", _with_text),
    "null": ("null_value", lambda text: None),
    "tombstone": (TOMBSTONE, lambda text: None),
}
KEYLESS = ("keyless", "null")


class Source:
    """Makes the events of one epoch, seeded.

    ``generation`` is part of every key: what was said before a topic was made anew has other keys than what came after.
    """

    def __init__(self, seed: int, partitions: int) -> None:
        self._chosen = random.Random(seed)
        self._sequences: defaultdict[str, int] = defaultdict(int)
        self.partitions = partitions
        self.generation = 0

    def next(self) -> Event:
        """Return the next event: a good one, or now and then a bad one."""
        kind = self._chosen.choice([*BAD_VALUES]) if self._chosen.random() < BAD_SHARE else OUTPUT
        return self.make(kind, self._chosen.randrange(self.partitions))

    def make(self, kind: str, partition: int) -> Event:
        """Return an event of a kind: ``output`` for a good one, or a key of ``BAD_VALUES``."""
        key = f"g{self.generation}-p{partition}-k{self._chosen.randrange(KEYS)}"
        if kind in KEYLESS:
            key = f"g{self.generation}-p{partition}-none"
        self._sequences[key] += 1
        text = f"{key} {self._sequences[key]} {' '.join(self._chosen.choices(WORDS, k=self._chosen.randint(1, 25)))}"
        expected, value_of = BAD_VALUES[kind] if kind != OUTPUT else (OUTPUT, None)
        value = value_of(text) if value_of else _with_text(text, id=self._sequences[key])
        return Event(
            partition,
            None if kind in KEYLESS else key.encode(),
            value,
            f"{key}:{self._sequences[key]}:{expected}".encode(),
            OLD_MS if kind == "old" else None,
        )
