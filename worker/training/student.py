"""The small classifier before training: six layers of a sentence encoder with a vocabulary cut to what texts use."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from worker.training.data import LABELS, RatedText
from worker.training.emoji import EMOJI, SKIN_TONES
from worker.training.vocabulary import count_pieces, pruned_tokenizer, pruned_vectors, select, train_polarity

#: Entries of the bundled vocabulary: what 30 MB leave for word vectors of 384 numbers of 16 bits.
VOCABULARY_SIZE = 10_150


def emoji_entries(tokenizer: Tokenizer) -> list[tuple[str, tuple[int, ...]]]:
    """Pieces (word start and continuation) of emoji that the vocabulary lacks, and the ids of what they start as."""
    vocabulary = tokenizer.get_vocab()
    entries: list[tuple[str, tuple[int, ...]]] = []
    for sign, (words, _) in EMOJI.items():
        ids = tuple(tokenizer.encode(words, add_special_tokens=False).ids)
        entries.extend((piece, ids) for piece in (sign, f"##{sign}") if piece not in vocabulary)
    # A skin tone follows its hand without a space; it starts as the plural ending, which says as little.
    entries.extend((f"##{tone}", (vocabulary["##s"],)) for tone in SKIN_TONES)
    return entries


def small_tokenizer(
    base: Path, rows: Sequence[RatedText], size: int = VOCABULARY_SIZE, polarity: Mapping[int, float] | None = None
) -> tuple[str, tuple[tuple[int, ...], ...]]:
    """tokenizer.json with ``size`` entries and, for each, the ids of the base's entries that its vector is made of.

    ``polarity`` (base id to strength) goes before what the ratings of ``rows`` say of the same piece.
    """
    raw = (base / "tokenizer.json").read_text(encoding="utf-8")
    tokenizer = Tokenizer.from_str(raw)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoded = [e.ids for e in tokenizer.encode_batch([row.text for row in rows], add_special_tokens=False)]
    strength = {**train_polarity(encoded, [row.rating for row in rows]), **(polarity or {})}
    selection = select(tokenizer.get_vocab(), count_pieces(encoded), size, emoji_entries(tokenizer), strength)
    return pruned_tokenizer(raw, selection), selection.sources


def make_student(
    base: Path,
    folder: Path,
    rows: Sequence[RatedText],
    size: int = VOCABULARY_SIZE,
    polarity: Mapping[int, float] | None = None,
    start: Path | None = None,
) -> None:
    """Write the student to ``folder``: three labels and one output more for the rating.

    It begins as the base does or, with ``start``, as another student that has been trained: all weights are taken
    over, and the vectors of the pieces that both vocabularies have.
    """
    tokenizer_json, sources = small_tokenizer(base, rows, size, polarity)
    outputs = len(LABELS) + 1
    model: Any = AutoModelForSequenceClassification.from_pretrained(base, num_labels=outputs, local_files_only=True)
    vectors = pruned_vectors(model.get_input_embeddings().weight.detach(), sources)
    if start is not None:
        model, known = load(start)
        vectors = _take_over(vectors, Tokenizer.from_str(tokenizer_json).get_vocab(), model, known.get_vocab())
    model.resize_token_embeddings(len(sources))
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(vectors)
    model.config.attention_probs_dropout_prob = 0.0
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    shutil.copy(base / "tokenizer_config.json", folder / "tokenizer_config.json")


def _take_over(vectors: torch.Tensor, pieces: Mapping[str, int], model: Any, known: Mapping[str, int]) -> torch.Tensor:
    """``vectors`` (new size, width) with the rows of the pieces that ``model`` knows replaced by its own."""
    trained = model.get_input_embeddings().weight.detach()
    result = vectors.clone()
    for piece, row in pieces.items():
        if piece in known:
            result[row] = trained[known[piece]]
    return result


def load(folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer) of a classifier folder, offline and in float32."""
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return model, tokenizer
