"""A smaller WordPiece vocabulary: which entries a small classifier keeps, and a tokenizer and word vectors with them.

Half of a small BERT are its word vectors. An entry that goes is not lost to the model: WordPiece spells the word with
shorter pieces that stay. What must stay is every piece that would otherwise become ``[UNK]``: single characters.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

#: Weight of general English, against that of the training texts, in what a piece counts.
GENERAL_SHARE = 0.3

#: What an occurrence of a piece without any mood counts, next to one of polarity 1.
NO_MOOD = 0.3

#: Scripts whose single letters are kept: those of names and loan words in English text, and of its neighbours.
_KEPT_SCRIPTS = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "HIRAGANA", "KATAKANA", "HANGUL"})
_LETTER_CATEGORIES = frozenset({"Ll", "Lu", "Lt", "Lo", "Lm", "Mn", "Mc"})


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen entries in their new order.

    ``sources[i]`` are the ids of the old entries whose vectors' mean is the new entry's: one for a kept entry,
    several for an entry that is new, such as an emoji that starts as the meaning of its name.
    """

    pieces: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]


def is_isolated(character: str) -> bool:
    """Whether BERT's pre-tokenizer sets this character apart as a word of its own, so that its ``##`` form is dead."""
    code = ord(character)
    ascii_symbol = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    ideograph = 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0xF900 <= code <= 0xFAFF
    return ascii_symbol or ideograph or unicodedata.category(character).startswith("P")


def keeps_single(piece: str) -> bool:
    """Whether a one-character piece (``x`` or ``##x``) stays whatever its frequency."""
    inner = piece[2:] if piece.startswith("##") and len(piece) > 2 else piece
    if len(inner) != 1:
        return False
    if inner is not piece and is_isolated(inner):
        return False
    if unicodedata.category(inner) not in _LETTER_CATEGORIES:
        return True
    if is_isolated(inner):
        return True
    return unicodedata.name(inner, "?").split()[0] in _KEPT_SCRIPTS


def special_pieces(tokenizer_json: str) -> tuple[str, ...]:
    """The pieces that a tokenizer needs for itself: its added tokens, and the one for what it cannot spell."""
    content: dict[str, Any] = json.loads(tokenizer_json)
    added = [str(token["content"]) for token in content.get("added_tokens", [])]
    return tuple(dict.fromkeys([*added, str(content["model"]["unk_token"])]))


def select(
    vocabulary: Mapping[str, int],
    counts: Mapping[int, int],
    size: int,
    special: Sequence[str],
    added: Sequence[tuple[str, tuple[int, ...]]] = (),
    polarity: Mapping[int, float] | None = None,
    general_share: float = GENERAL_SHARE,
) -> Selection:
    """Choose ``size`` entries: ``special``, single characters, ``added``, then by what each is worth.

    ``counts`` are the pieces' occurrences in the training texts. General English is the order of the vocabulary,
    which is by falling frequency: a piece at rank r is expected total / (r ln n) times (Zipf 1949). ``polarity`` is
    how strongly a piece speaks for a mood, from 0 up: "tepid" earns its vector at a frequency at which a name does
    not, since a name that is spelt in pieces changes no verdict.
    """
    ordered = sorted(vocabulary.items(), key=lambda item: item[1])
    total = sum(counts.values())
    log_size = max(1.0, float(torch.log(torch.tensor(float(len(ordered)))).item()))
    must = [(piece, old) for piece, old in ordered if piece in special or keeps_single(piece)]
    kept = {piece for piece, _ in must} | {piece for piece, _ in added}
    mood = polarity or {}
    general = general_share * total / log_size
    free = [
        ((counts.get(old, 0) + general / (rank + 1)) * (NO_MOOD + mood.get(old, 0.0)), piece, old)
        for rank, (piece, old) in enumerate(ordered)
        if piece not in kept and not _is_single(piece) and not _is_reserved(piece)
    ]
    room = size - len(must) - len(added)
    if room < 0:
        raise ValueError(f"a vocabulary of {size} has no room for the {len(kept)} entries that must stay")
    chosen = sorted(free, key=lambda item: (-item[0], item[2]))[:room]
    entries = must + [(piece, old) for _, piece, old in chosen]
    # Old order: the padding token keeps its id, and a diff of two vocabularies stays readable.
    entries.sort(key=lambda item: item[1])
    pieces = [piece for piece, _ in entries] + [piece for piece, _ in added]
    sources = [(old,) for _, old in entries] + [ids for _, ids in added]
    return Selection(tuple(pieces), tuple(sources))


def _is_single(piece: str) -> bool:
    return len(piece) == 1 or (piece.startswith("##") and len(piece) == 3)


def _is_reserved(piece: str) -> bool:
    """Whether no text can spell it: ``[unused7]``, ``<mask>`` and the like."""
    return piece[0] + piece[-1] in ("[]", "<>") and len(piece) > 1


def pruned_tokenizer(tokenizer_json: str, selection: Selection) -> str:
    """The text of a tokenizer.json with the selected vocabulary, without truncation and padding."""
    content: dict[str, Any] = json.loads(tokenizer_json)
    ids = {piece: i for i, piece in enumerate(selection.pieces)}
    content["model"]["vocab"] = ids
    content["truncation"] = content["padding"] = None
    for token in content.get("added_tokens", []):
        token["id"] = ids[token["content"]]
    processor: dict[str, Any] = content.get("post_processor") or {}
    for token in processor.get("special_tokens", {}).values():
        token["ids"] = [ids[piece] for piece in token["tokens"]]
    # RobertaProcessing and BertProcessing name theirs as (piece, id).
    for name in ("cls", "sep"):
        if name in processor:
            processor[name][1] = ids[processor[name][0]]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def pruned_vectors(vectors: torch.Tensor, sources: Sequence[Sequence[int]]) -> torch.Tensor:
    """Word vectors (new size, width) from those of the whole vocabulary (old size, width); see `Selection.sources`."""
    return torch.stack([vectors[list(ids)].mean(dim=0) for ids in sources])


def train_polarity(rows: Sequence[Sequence[int]], ratings: Sequence[float]) -> dict[int, float]:
    """How far from zero the mean rating of the texts with a piece is, shrunk towards 0 for pieces seldom seen.

    ``rows`` are the texts' token ids, ``ratings`` their ratings; the result is in rating points.
    """
    sums: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    for row, rating in zip(rows, ratings, strict=True):
        for piece in set(row):
            sums[piece] += rating  # type: ignore[assignment]
            seen[piece] += 1
    return {piece: abs(sums[piece]) / (count + 3.0) for piece, count in seen.items()}


def count_pieces(rows: Iterable[Sequence[int]]) -> Counter[int]:
    """How often each id occurs in rows of token ids."""
    counts: Counter[int] = Counter()
    for row in rows:
        counts.update(row)
    return counts
