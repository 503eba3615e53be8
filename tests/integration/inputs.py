"""Generated inputs: valid ones, and every kind of broken one with the reason that its dead letter must give."""

import json
import random
from collections.abc import Iterator

from integration.client import Message
from integration.models import POISON

PRIVATE = "zanzibar"
"""A word of every text here; no log may have it."""

BROKEN: dict[str, bytes] = {
    "not_utf8": b'{"text": "zanzibar caf\xe9"}',
    "not_json": b'{"text": "zanzibar without end"',
    "not_an_object": b'["zanzibar", "list"]',
    "nested_too_deeply": b'{"text": "zanzibar, deep", "a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "lone_surrogate": b'{"text": "zanzibar, half \\ud83d of it"}',
    "unknown_frame": b"\x00\x00\x00\x00\x07\x02\x10zanzibar",
    "no_text": b'{"message": "zanzibar"}',
    "text_not_a_string": b'{"text": 17}',
    "empty_text": b'{"text": "  \\u200b "}',
    "text_too_large": b'{"text": "zanzibar ' + b"x" * 70_000 + b'"}',
    "non_finite_scores": json.dumps({"text": f"{PRIVATE}, a word of {POISON}"}).encode(),
}
"""Reason -> an input that is rejected for it, with the default settings and the tiny model."""

WORDS = ("the", "film", "was", "good", "bad", "slow", "bright", "and", "little", "too", "long", "for", "my", "taste")


def valid(number: int) -> bytes:
    """A valid input; ``number`` is its id."""
    chosen = random.Random(number)
    text = " ".join([PRIVATE, *chosen.choices(WORDS, k=chosen.randint(1, 25))])
    return json.dumps({"id": number, "text": text, "seen": chosen.random()}).encode()


def keyed(numbers: range, keys: int = 16) -> Iterator[Message]:
    """Valid inputs with one of ``keys`` keys each; ids ascend, so they ascend within a key, too."""
    for number in numbers:
        yield Message(valid(number), key=f"key-{number % keys}".encode())


def mixed(numbers: range) -> Iterator[Message]:
    """Valid inputs, one in ten of them broken in one way or the other."""
    broken = [*BROKEN.values()]
    for number in numbers:
        if number % 10 == 3:
            yield Message(broken[number // 10 % len(broken)], key=f"key-{number % 16}".encode())
        else:
            yield Message(valid(number), key=f"key-{number % 16}".encode())
