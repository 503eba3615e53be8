"""The folder that ships: three labels, 16 bits, the temperature folded in, and a tokenizer that cuts nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification, MPNetConfig, MPNetForSequenceClassification

from recipes.bundled.export import export


def small(kind: type, config: type, **more: Any) -> Any:
    torch.manual_seed(0)
    sizes = {"vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return kind(config(**sizes, intermediate_size=16, max_position_embeddings=40, num_labels=4, **more)).eval()


@pytest.fixture
def tokenizer_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "initial"
    folder.mkdir()
    content: dict[str, Any] = {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 128, "strategy": "LongestFirst", "stride": 0},
        "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None,
        "decoder": None, "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "name_or_path": "somewhere/else", "model_max_length": 512}', "utf-8"
    )
    return folder


@pytest.mark.parametrize(
    ("kind", "config"),
    [(BertForSequenceClassification, BertConfig), (MPNetForSequenceClassification, MPNetConfig)],
    ids=["BERT", "MPNet"],
)
def test_the_shipped_model_scores_like_the_trained_one_at_its_temperature(
    tmp_path: Path, tokenizer_folder: Path, kind: type, config: type
) -> None:
    model = small(kind, config)
    ids = torch.tensor([[3, 4, 5, 6], [7, 8, 9, 2]])
    before = model(input_ids=ids).logits.detach()
    export(model, tokenizer_folder, tmp_path / "out", temperature=2.0)
    shipped: Any = kind.from_pretrained(tmp_path / "out", dtype=torch.float32)  # type: ignore[attr-defined]
    after = shipped(input_ids=ids).logits
    torch.testing.assert_close(after, before[:, :3] / 2.0, atol=2e-3, rtol=1e-2)
    assert shipped.config.id2label == {0: "negative", 1: "neutral", 2: "positive"}
    assert model.config.num_labels == 4, "the trained model itself is left alone"


def test_weights_are_one_file_of_float16(tmp_path: Path, tokenizer_folder: Path) -> None:
    export(small(BertForSequenceClassification, BertConfig), tokenizer_folder, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").glob("*.safetensors")] == ["model.safetensors"]
    assert (tmp_path / "out" / "model.safetensors").stat().st_mode == (tmp_path / "out" / "config.json").stat().st_mode
    with safe_open(tmp_path / "out" / "model.safetensors", "pt") as tensors:
        kinds = {tensors.get_tensor(name).dtype for name in tensors.keys() if "position_ids" not in name}  # noqa: SIM118
    assert kinds == {torch.float16}


def test_the_shipped_tokenizer_neither_cuts_nor_pads_nor_names_a_machine(
    tmp_path: Path, tokenizer_folder: Path
) -> None:
    export(small(BertForSequenceClassification, BertConfig), tokenizer_folder, tmp_path / "out")
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert tokenizer.truncation is None
    assert tokenizer.padding is None
    config = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert config == {"tokenizer_class": "BertTokenizer", "model_max_length": 512}
    assert "_name_or_path" not in json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
