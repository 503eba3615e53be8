"""The small classifier before training: ten layers of a sentence encoder, with emoji added to its vocabulary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from recipes.bundled.emoji import EMOJI, SKIN_TONES
from worker.datasets.examples import LABELS
from worker.training.base import lost_weights

#: The lowest of the base's twelve. The highest ones of a pretrained encoder are those that a new task misses least
#: (Sajjad et al. 2020, arXiv:2004.03844); without two of them the classifier stays below 60 MB and well above half of
#: the speed of six layers.
LAYERS = 10


def emoji_entries(tokenizer: Tokenizer) -> list[tuple[str, list[int]]]:
    """Return pieces (word start and continuation) of emoji that the vocabulary lacks, and ids to initialise from."""
    vocabulary = tokenizer.get_vocab()
    entries: list[tuple[str, list[int]]] = []
    for sign, (words, _) in EMOJI.items():
        ids = tokenizer.encode(words, add_special_tokens=False).ids
        entries.extend((piece, ids) for piece in (sign, f"##{sign}") if piece not in vocabulary)
    # A skin tone follows its hand without a space; it starts as the plural ending, which says as little.
    entries.extend((f"##{tone}", [vocabulary["##s"]]) for tone in SKIN_TONES)
    return entries


def with_emoji(tokenizer_json: str) -> tuple[str, list[list[int]]]:
    """Return a BERT tokenizer.json with emoji, and without BERT's unused entries (``[unused0]`` ...).

    Also returns, for each id of its vocabulary, the former ids whose mean vector initialises it: its own one, or those
    of an emoji's words.
    """
    tokenizer = Tokenizer.from_str(tokenizer_json)
    content: dict[str, Any] = json.loads(tokenizer_json)
    content["truncation"] = content["padding"] = None
    former = sorted(content["model"]["vocab"].items(), key=lambda item: item[1])
    entries = [(piece, [place]) for piece, place in former if not piece.startswith("[unused")]
    entries += emoji_entries(tokenizer)
    places = {piece: place for place, (piece, _) in enumerate(entries)}
    content["model"]["vocab"] = places
    for token in content["added_tokens"]:
        token["id"] = places[token["content"]]
    fresh = Tokenizer.from_str(json.dumps(content, ensure_ascii=False))
    fresh.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, places[token]) for token in ("[CLS]", "[SEP]")],
    )
    return fresh.to_str(), [ids for _, ids in entries]


def make_student(base: Path, folder: Path, seed: int) -> None:
    """Write ``base`` to ``folder`` as a classifier of three labels, with one output more for the rating, and emoji.

    Of its layers the lowest ``LAYERS`` stay, or all, where it has fewer. ``seed`` is of the new outputs' weights.

    Raises:
        ValueError: the base lacks weights of its encoder.
    """
    tokenizer_json, sources = with_emoji((base / "tokenizer.json").read_text(encoding="utf-8"))
    config: Any = AutoConfig.from_pretrained(base, local_files_only=True)
    config.num_labels = len(LABELS) + 1
    config.num_hidden_layers = min(LAYERS, config.num_hidden_layers)
    torch.manual_seed(seed)
    model: Any
    model, loading = AutoModelForSequenceClassification.from_pretrained(
        base, config=config, local_files_only=True, output_loading_info=True
    )
    if lost := lost_weights(model, loading):
        raise ValueError(f"{base} lacks weights of the encoder: {', '.join(lost[:3])} and so on")
    words = model.get_input_embeddings()
    words.weight = torch.nn.Parameter(torch.stack([words.weight.detach()[ids].mean(dim=0) for ids in sources]))
    words.num_embeddings = model.config.vocab_size = len(sources)
    model.config.attention_probs_dropout_prob = 0.0
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    settings = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings.pop("added_tokens_decoder", None)  # their former ids; tokenizer.json has the new ones
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[Any, Any]:
    """Load (model, tokenizer) of a classifier folder, offline and in float32."""
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return model, tokenizer
