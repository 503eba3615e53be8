"""The optimizer of a training: AdamW, whose learning rate falls layer by layer from the head to the embeddings."""

from __future__ import annotations

from typing import Any

import torch

from worker.training.features import LEARNING_RATE, FeatureLoss
from worker.training.settings import LoopSettings


def make_optimizer(model: torch.nn.Module, features: FeatureLoss | None, settings: LoopSettings) -> torch.optim.AdamW:
    """AdamW over the groups of `parameter_groups`, and one more for the maps of a feature loss."""
    groups = parameter_groups(model, settings)
    if features is not None:
        groups.append({"params": [*features.parameters()], "lr": LEARNING_RATE, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, fused=True, betas=(0.9, 0.98))


def layers_of(model: torch.nn.Module) -> list[str]:
    """Name prefixes of the layers, from the embeddings to the head: the members of each list of blocks of one kind.

    An encoder and a decoder are one after the other; a list inside a block belongs to its block.
    """
    lists: list[str] = []
    layers: list[str] = []
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in lists)
        if isinstance(module, torch.nn.ModuleList) and len({type(block) for block in module}) == 1 and not inside:
            lists.append(name)
            layers += [f"{name}.{number}." for number in range(len(module))]
    return layers


def parameter_groups(model: torch.nn.Module, settings: LoopSettings) -> list[dict[str, Any]]:
    """Optimizer groups: the learning rate falls by ``layer_decay`` a layer from the head down to the embeddings.

    Biases and layer norms are not decayed towards zero. Parameters of frozen layers get no gradient and no group.
    """
    layers = layers_of(model)
    # The relative position bias of MPNet, an embedding of the encoder as a whole, sits below all layers, too.
    embeddings = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Embedding)}

    def level_of(name: str) -> int:
        for number, layer in enumerate(layers, start=1):
            if name.startswith(layer):
                return number
        return 0 if name in embeddings or "embed" in name else len(layers) + 1

    groups: dict[tuple[int, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        level = level_of(name)
        if settings.frozen_layers is not None and level <= settings.frozen_layers:
            parameter.requires_grad_(False)
            continue
        groups.setdefault((level, parameter.ndim >= 2), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings.learning_rate * settings.layer_decay ** (len(layers) + 1 - level),
            "weight_decay": settings.weight_decay if matrix else 0.0,
        }
        for (level, matrix), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]
