"""The optimizer of a training: AdamW with a learning rate that decreases layer by layer from head to embeddings."""

from __future__ import annotations

from typing import Any

import torch

from worker.training.loss import Loss
from worker.training.settings import LoopSettings


def make_optimizer(model: torch.nn.Module, criterion: Loss, settings: LoopSettings) -> torch.optim.AdamW:
    """Return AdamW over the groups of `parameter_groups`, and over the loss's own parameters."""
    groups = [*parameter_groups(model, settings), *criterion.parameter_groups()]
    return torch.optim.AdamW(groups, fused=True, betas=(0.9, 0.98))


def layers_of(model: torch.nn.Module) -> list[str]:
    """Return the name prefixes of the layers, from the embeddings to the head: the members of each list of blocks.

    Encoder and decoder follow one another; a list inside a block belongs to its block.
    """
    lists: list[str] = []
    layers: list[str] = []
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in lists)
        if isinstance(module, torch.nn.ModuleList) and len({type(block) for block in module}) == 1 and not inside:
            lists.append(name)
            layers += [f"{name}.{number}." for number in range(len(module))]
    return layers


def levels_of(model: torch.nn.Module) -> dict[str, int]:
    """Return each parameter's level by its name: 0 for embeddings, then the layers, above the last one the head."""
    layers = layers_of(model)
    # The relative position bias of MPNet, an embedding of the whole encoder, is also below all layers.
    embeddings = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Embedding)}

    def level_of(name: str) -> int:
        for number, layer in enumerate(layers, start=1):
            if name.startswith(layer):
                return number
        return 0 if name in embeddings or "embed" in name else len(layers) + 1

    return {name: level_of(name) for name, _ in model.named_parameters()}


def parameter_groups(model: torch.nn.Module, settings: LoopSettings) -> list[dict[str, Any]]:
    """Return optimizer groups: the learning rate decreases by ``layer_decay`` per layer from head to embeddings.

    Biases and layer norms have no weight decay. Parameters without gradients are in no group.
    """
    levels = levels_of(model)
    head = len(layers_of(model)) + 1
    groups: dict[tuple[int, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((levels[name], parameter.ndim >= 2), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings.learning_rate * settings.layer_decay ** (head - level),
            "weight_decay": settings.weight_decay if matrix else 0.0,
        }
        for (level, matrix), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]
