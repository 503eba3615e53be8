"""The small classifier's vocabulary: cut to what texts use, with the emoji that its base lacks."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from worker.training.data import RatedText
from worker.training.emoji import EMOJI, SKIN_TONES
from worker.training.vocabulary import (
    count_pieces,
    pruned_tokenizer,
    pruned_vectors,
    select,
    special_pieces,
    train_polarity,
)


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
    base: Path, rows: Sequence[RatedText], size: int, polarity: Mapping[int, float] | None = None
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
    vocabulary, counts = tokenizer.get_vocab(), count_pieces(encoded)
    selection = select(vocabulary, counts, size, special_pieces(raw), emoji_entries(tokenizer), strength)
    return pruned_tokenizer(raw, selection), selection.sources


def cut_vocabulary(
    source: Path,
    folder: Path,
    rows: Sequence[RatedText],
    size: int,
    polarity: Mapping[int, float] | None = None,
) -> None:
    """Write the classifier in ``source`` to ``folder`` with a vocabulary of ``size`` entries; see `small_tokenizer`."""
    tokenizer_json, sources = small_tokenizer(source, rows, size, polarity)
    model, _ = load(source)
    vectors = pruned_vectors(model.get_input_embeddings().weight.detach(), sources)
    model.resize_token_embeddings(len(sources), mean_resizing=False)
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(vectors)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    shutil.copy(source / "tokenizer_config.json", folder / "tokenizer_config.json")


def load(folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer) of a classifier folder, offline and in float32."""
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return model, tokenizer
