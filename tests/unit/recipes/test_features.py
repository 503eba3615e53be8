"""A teacher's sentence vectors as a loss: on one scale, only where it has read the text, and learnable."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recipes.bundled.features import FeatureLoss, sentence_vectors

WIDTH, TEACHERS_WIDTH = 4, 6


def teachers(count: int) -> np.ndarray:
    """Columns of very different sizes, as those of encoders are."""
    rng = np.random.default_rng(1)
    sizes = np.geomspace(0.01, 50.0, TEACHERS_WIDTH)
    return (3.0 * sizes + sizes * rng.normal(0, 1, (count, 2, TEACHERS_WIDTH))).astype(np.float16)


def hidden(count: int, tokens: int = 3) -> torch.Tensor:
    return torch.randn((count, tokens, WIDTH), generator=torch.Generator().manual_seed(2))


def test_sentence_vectors_are_the_first_token_and_the_mean_of_those_that_are_not_padding() -> None:
    layer = torch.tensor([[[1.0], [3.0], [100.0]], [[1.0], [2.0], [6.0]]])
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    assert sentence_vectors(layer, mask).tolist() == [[[1.0], [2.0]], [[1.0], [3.0]]]
    assert sentence_vectors(layer[1:], None).tolist() == [[[1.0], [3.0]]]


def test_guessing_the_mean_costs_1_whatever_the_size_of_the_columns() -> None:
    loss = FeatureLoss(teachers(4_000), WIDTH)
    for parameter in loss.parameters():
        torch.nn.init.zeros_(parameter)
    cost = loss(hidden(4_000), None, list(range(4_000))).mean()
    assert float(cost.detach()) == pytest.approx(1.0, rel=0.02)


def test_a_text_that_the_teacher_has_not_read_costs_nothing_and_moves_nothing() -> None:
    features = teachers(3)
    features[1] = np.nan
    loss = FeatureLoss(features, WIDTH)
    layer = hidden(3).requires_grad_()
    costs = loss(layer, None, [0, 1, 2])
    costs.sum().backward()
    assert (costs > 0).tolist() == [True, False, True]
    assert layer.grad is not None
    assert layer.grad.isfinite().all()
    assert layer.grad.abs().sum(dim=(1, 2)).gt(0).tolist() == [True, False, True]


def test_each_row_is_compared_with_its_own_vectors() -> None:
    layer = hidden(200)
    map_of = torch.randn((TEACHERS_WIDTH, WIDTH), generator=torch.Generator().manual_seed(3))
    features = (sentence_vectors(layer, None) @ map_of.T).numpy().astype(np.float16)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(4)).tolist()
    loss = FeatureLoss(features, WIDTH)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        cost = loss(layer[order], None, order).mean()
        cost.backward()
        optimizer.step()
    assert float(cost.detach()) < 0.01
