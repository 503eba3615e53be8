"""A smaller encoder out of a fine-tuned large one: fewer layers, narrower feed-forward parts, the same width.

What stays is chosen by what it does for the task: layers greedily by how little the teacher's answers change without
them, inner neurons by the first-order Taylor criterion (Molchanov et al. 2017, "Pruning Convolutional Neural Networks
for Resource Efficient Inference"). The loss that the cuts do is mended by learning the hidden states of the layers that
stayed, as the large model has them (Xia et al. 2022, "Structured Pruning Learns Compact and Accurate Models").
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import log_softmax, mse_loss

from worker.training.scoring import Batch, autocast


def choose_layers(model: Any, batches: Sequence[Batch], count: int) -> list[int]:
    """Indices of the ``count`` encoder layers to keep, in order.

    One after another, the layer goes without which the model's answers to ``batches`` differ least (Kullback-Leibler
    divergence, in nats) from what the whole model answers. ``model`` is left as it was.
    """
    encoder = model.base_model.encoder
    whole = encoder.layer
    wanted = [_log_scores(model, batch) for batch in batches]
    kept = list(range(len(whole)))

    def divergence(layers: Sequence[int]) -> float:
        encoder.layer = torch.nn.ModuleList(whole[i] for i in layers)
        found = [_log_scores(model, batch) for batch in batches]
        return sum(
            float((want.exp() * (want - have)).sum(dim=1).mean()) for want, have in zip(wanted, found, strict=True)
        )

    try:
        while len(kept) > count:
            kept = min(([i for i in kept if i != gone] for gone in kept), key=divergence)
    finally:
        encoder.layer = whole
    return kept


@torch.inference_mode()
def _log_scores(model: Any, batch: Batch) -> torch.Tensor:
    ids, mask = batch
    with autocast(ids.device):
        return log_softmax(model(input_ids=ids, attention_mask=mask).logits.float(), dim=1)


def neuron_importance(model: Any, batches: Sequence[Batch]) -> list[torch.Tensor]:
    """For every layer how much each inner neuron of its feed-forward part matters: (intermediate,), larger is more.

    |activation x gradient| of the likeliest output's cross-entropy, summed over the positions of ``batches``.
    """
    inner: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: torch.Tensor) -> None:
        inner.append(output)

    layers = model.base_model.encoder.layer
    hooks = [layer.intermediate.register_forward_hook(keep) for layer in layers]
    importance = [torch.zeros(layer.intermediate.dense.out_features) for layer in layers]
    try:
        for ids, mask in batches:
            inner.clear()
            logits = model(input_ids=ids, attention_mask=mask).logits
            loss = -log_softmax(logits, dim=1).amax(dim=1).sum()
            gradients = torch.autograd.grad(loss, inner)
            for sums, values, gradient in zip(importance, inner, gradients, strict=True):
                sums += (values * gradient).detach().abs().sum(dim=(0, 1)).cpu()
    finally:
        for hook in hooks:
            hook.remove()
    return importance


def prune(model: Any, layers: Sequence[int], importance: Sequence[torch.Tensor], intermediate: int) -> Any:
    """A copy of ``model`` with only ``layers`` and, in each, the ``intermediate`` most important inner neurons."""
    small = copy.deepcopy(model)
    encoder = small.base_model.encoder
    encoder.layer = torch.nn.ModuleList(encoder.layer[i] for i in layers)
    for layer, source in zip(encoder.layer, layers, strict=True):
        kept = importance[source].topk(intermediate).indices.sort().values
        widen, narrow = layer.intermediate.dense, layer.output.dense
        widen.weight = torch.nn.Parameter(widen.weight.detach()[kept].clone())
        widen.bias = torch.nn.Parameter(widen.bias.detach()[kept].clone())
        narrow.weight = torch.nn.Parameter(narrow.weight.detach()[:, kept].clone())
        widen.out_features = narrow.in_features = intermediate
    small.config.num_hidden_layers = len(layers)
    small.config.intermediate_size = intermediate
    return small


class HiddenStates:
    """A loss that keeps a pruned model's hidden states near those of the model it was cut from.

    ``layers`` are the layers that stayed. What a layer gives on is compared with what the next one that stayed used
    to be given: the last of the layers between them that went.
    """

    def __init__(self, teacher: Any, layers: Sequence[int], weight: float = 1.0) -> None:
        self._teacher = teacher.eval()
        # hidden_states[i] is what layer i is given; the last entry is what the last layer gives.
        self._sources = [0, *layers[1:], len(teacher.base_model.encoder.layer)]
        self._weight = weight

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor | None, hidden: Sequence[torch.Tensor]) -> torch.Tensor:
        """The mean squared difference over the real positions, averaged over the layers."""
        with torch.no_grad():
            wanted = self._teacher.base_model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        real = (torch.ones_like(ids) if mask is None else mask).bool()
        losses = [
            mse_loss(have[real].float(), wanted.hidden_states[source][real].float())
            for have, source in zip(hidden[1:], self._sources[1:], strict=True)
        ]
        return self._weight * torch.stack(losses).mean()
