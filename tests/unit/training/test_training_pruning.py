"""A pruned model: what is cut is what matters least, and what is left is in the right place."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import MPNetConfig, MPNetForSequenceClassification

from worker.training.pruning import HiddenStates, choose_layers, neuron_importance, prune
from worker.training.scoring import Batch

LAYERS = 4


@pytest.fixture
def model() -> Any:
    torch.manual_seed(0)
    config = MPNetConfig(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=20,
        num_labels=3,
        initializer_range=0.5,
    )
    return MPNetForSequenceClassification(config).eval()


@pytest.fixture
def batches() -> list[Batch]:
    rng = torch.Generator().manual_seed(1)
    whole = torch.randint(2, 40, (6, 9), generator=rng)
    padded = torch.randint(2, 40, (5, 7), generator=rng)
    mask = torch.ones_like(padded)
    padded[3, 4:], mask[3, 4:] = 1, 0
    return [(whole, None), (padded, mask)]


def logits(model: Any, batch: Batch) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=batch[0], attention_mask=batch[1]).logits
    return found


def silence(layer: Any) -> None:
    """Make a layer give on what it is given, but for its two layer norms."""
    with torch.no_grad():
        for part in (layer.attention.attn.o, layer.output.dense):
            part.weight.zero_()
            part.bias.zero_()


def test_layers_that_do_nothing_go_first(model: Any, batches: list[Batch]) -> None:
    for index in (1, 2):
        silence(model.base_model.encoder.layer[index])
    before = [logits(model, batch) for batch in batches]
    assert choose_layers(model, batches, 2) == [0, 3]
    for batch, expected in zip(batches, before, strict=True):
        torch.testing.assert_close(logits(model, batch), expected)


def test_neurons_without_effect_are_the_least_important(model: Any, batches: list[Batch]) -> None:
    dead = [3, 7, 20]
    for layer in model.base_model.encoder.layer:
        with torch.no_grad():
            layer.output.dense.weight[:, dead] = 0
    importance = neuron_importance(model, batches)
    assert [values.shape for values in importance] == [(24,)] * LAYERS
    for values in importance:
        assert sorted(values.topk(3, largest=False).indices.tolist()) == dead
    assert all(parameter.grad is None for parameter in model.parameters())


def test_cutting_what_has_no_effect_changes_no_answer(model: Any, batches: list[Batch]) -> None:
    silence(model.base_model.encoder.layer[2])
    dead = list(range(0, 24, 2))
    for layer in model.base_model.encoder.layer:
        with torch.no_grad():
            layer.output.dense.weight[:, dead] = 0
    small = prune(model, [0, 1, 3], neuron_importance(model, batches), 12)
    assert small.config.num_hidden_layers == 3
    assert small.config.intermediate_size == 12
    for batch in batches:
        torch.testing.assert_close(logits(small, batch), logits(model, batch), atol=1e-4, rtol=1e-4)


def test_a_pruned_model_is_saved_and_loaded_as_any(model: Any, batches: list[Batch], tmp_path: Any) -> None:
    small = prune(model, [0, 2], neuron_importance(model, batches), 8)
    small.save_pretrained(tmp_path)
    again = MPNetForSequenceClassification.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(logits(again, batches[1]), logits(small, batches[1]))


def test_hidden_states_are_compared_with_those_before_the_next_layer_that_stayed(
    model: Any, batches: list[Batch]
) -> None:
    ids, mask = batches[1]
    with torch.inference_mode():
        hidden = model.base_model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    guide = HiddenStates(model, [0, 2])
    assert float(guide(ids, mask, [hidden[0], hidden[2], hidden[4]])) == 0.0
    assert float(guide(ids, mask, [hidden[0], hidden[1], hidden[4]])) > 0.0
    # What stands at padding says nothing.
    noisy = hidden[4].clone()
    noisy[3, 4:] += 5.0
    assert float(guide(ids, mask, [hidden[0], hidden[2], noisy])) == 0.0
