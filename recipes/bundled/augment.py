"""Changed copies of texts for a teacher to label, from which a small classifier learns the judgement of the large one.

Every change is a pure function of a text and a random generator. None of them promises to keep the meaning: the
teacher labels the text as changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Change = Callable[[str, np.random.Generator], str]
Neighbours = Mapping[str, Sequence[str]]

_WORD = re.compile(r"[A-Za-z]+")
_CLAUSE = re.compile(r"\s*(?:[,;:]|--|\.\.\.|\bbut\b|\band\b|\bbecause\b|\balthough\b|\bwhich\b|\bwhile\b)\s*")

_AUXILIARY = re.compile(
    r"\b(is|are|was|were|has|have|had|do|does|did|will|would|could|should|can|it's|that's|i'm|he's|she's|they're)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?P<aux>is|are|was|were|has|have|had|do|does|did|wo|would|could|should|ca)n['’]?t\b|\b(?:not|never|hardly)\s",
    re.IGNORECASE,
)
_KEYS = {
    "a": "sqz", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "ko", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "xa",
}  # fmt: skip
_JOINTS = (". ", ". ", ", but ", ", and ", " - ", "; ", ". However, ", ", yet ", ". Still, ", " although ", "! ", " ")


def make_typos(text: str, rng: np.random.Generator, rate: float = 0.16) -> str:
    """Swap, drop, double or mistype one letter in about every sixth word, at least one, and never a first letter."""
    letters = list(text)
    wanted = max(1, round(len(text.split()) * rate))
    places = [i for i in range(1, len(letters) - 1) if letters[i].isalpha() and letters[i - 1].isalpha()]
    for place in rng.permutation(places)[:wanted].tolist():
        kind = int(rng.integers(4))
        if kind == 0 and letters[place + 1 : place + 2] and letters[place + 1].isalpha():
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        elif kind == 1:
            letters[place] = ""
        elif kind == 2:
            letters[place] *= 2
        elif keys := _KEYS.get(letters[place].lower()):
            letters[place] = keys[int(rng.integers(len(keys)))]
    return "".join(letters)


def toggle_negation(text: str, rng: np.random.Generator) -> str:
    """Remove one negation, or put a "not" after one auxiliary verb if there is none."""
    if found := list(_NEGATION.finditer(text)):
        hit = found[int(rng.integers(len(found)))]
        verb = {"wo": "will", "ca": "can"}.get((hit["aux"] or "").lower(), hit["aux"] or "")
        return text[: hit.start()] + verb + text[hit.end() :]
    if found := list(_AUXILIARY.finditer(text)):
        hit = found[int(rng.integers(len(found)))]
        word = ("not", "not", "never", "hardly", "not really", "not even")[int(rng.integers(6))]
        return f"{text[: hit.end()]} {word}{text[hit.end() :]}"
    return f"not {text[:1].lower()}{text[1:]}"


def take_fragment(text: str, rng: np.random.Generator) -> str:
    """Return one clause of the text, or three to twelve consecutive words if it has only one."""
    clauses = [part for part in _CLAUSE.split(text) if len(part.split()) >= 2]
    if len(clauses) > 1 and rng.random() < 0.6:
        return clauses[int(rng.integers(len(clauses)))]
    words = text.split()
    length = int(rng.integers(3, 13))
    start = int(rng.integers(max(1, len(words) - length + 1)))
    return " ".join(words[start : start + length])


def swap_words(text: str, rng: np.random.Generator, neighbours: Neighbours, rate: float = 0.35) -> str:
    """Replace about ``rate`` of the words that have neighbours with one of them (after Jiao et al. 2020, TinyBERT)."""

    def other(found: re.Match[str]) -> str:
        near = neighbours.get(found[0].lower())
        if not near or rng.random() >= rate:
            return found[0]
        word = near[int(rng.integers(len(near)))]
        return word.capitalize() if found[0][:1].isupper() else word

    return _WORD.sub(other, text)


def join_texts(first: str, second: str, rng: np.random.Generator) -> str:
    """Join two texts with a full stop or a conjunction."""
    joint = _JOINTS[int(rng.integers(len(_JOINTS)))]
    head = first.rstrip(" .!?;,") if joint[0] in ".,;!" else first.rstrip()
    tail = second if joint.startswith((". ", "!")) and not joint.endswith(", ") else second[:1].lower() + second[1:]
    return f"{head}{joint}{tail}"


def nearest_words(words: Sequence[str], vectors: NDArray[np.float32], count: int = 12) -> dict[str, tuple[str, ...]]:
    """Return up to ``count`` nearest other words of each word by cosine; ``vectors`` (n, width) are the words'."""
    count = min(count, len(words) - 1)
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    near: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(words), 1024):
        likeness = unit[start : start + 1024] @ unit.T
        likeness[np.arange(len(likeness)), np.arange(start, start + len(likeness))] = -1.0
        best = np.argpartition(-likeness, count, axis=1)[:, :count]
        for row, columns in enumerate(best):
            near[words[start + row]] = tuple(words[i] for i in columns.tolist())
    return near


def changed_copies(
    texts: Sequence[str], plan: Mapping[str, int], neighbours: Neighbours, seed: int
) -> dict[str, list[str]]:
    """Return ``plan[kind]`` changed texts of each kind, without texts that are unchanged, repeated or empty.

    Kinds: negation, fragment, swap, join. The result is the same for the same seed. Case is never changed: teacher and
    student read everything in lower case.
    """
    rng = np.random.default_rng(seed)
    single: dict[str, Change] = {
        "negation": toggle_negation,
        "fragment": take_fragment,
        "swap": lambda text, r: swap_words(text, r, neighbours),
    }
    unknown = set(plan) - set(single) - {"join"}
    if unknown:
        raise ValueError(f"unknown kinds of change: {sorted(unknown)}")
    seen = set(texts)
    copies: dict[str, list[str]] = {}
    for kind, count in plan.items():
        fresh = copies.setdefault(kind, [])
        order = rng.permutation(len(texts))
        for attempt in range(count * 3):
            if len(fresh) == count:
                break
            source = texts[order[attempt % len(texts)]]
            if kind == "join":
                text = join_texts(source, texts[int(rng.integers(len(texts)))], rng)
            else:
                text = single[kind](source, rng)
            if text.strip() and text not in seen:
                seen.add(text)
                fresh.append(text)
    return copies
