"""Extracting a BERT encoder's weights from an ONNX file that onnxruntime's optimizer has fused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper


def bert_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the state of transformers' ``BertModel`` without a pooler, in float32, from a fused graph.

    The optimizer keeps embeddings, norms and biases under the module's names. Matrices lose theirs and are found by the
    nodes that use them, whose outputs are named by the module; query, key and value are side by side in one.

    Weights that are not found are missing in the state, which is noticed when a model loads it.

    Raises:
        ValueError: the graph has no fused attention, so it does not have this form.
    """
    graph: Any = onnx.load(path).graph
    stored = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).astype("float32")) for tensor in graph.initializer
    }
    state = {name: weight for name, weight in stored.items() if name.startswith(("embeddings.", "encoder."))}
    attentions = [node for node in graph.node if node.op_type == "Attention"]
    if not attentions:
        raise ValueError(f"{path.name}: no fused Attention in the graph")
    for node in attentions:
        # ONNX multiplies from the other side than torch's Linear does.
        parts = zip(stored[node.input[1]].T.chunk(3), stored[node.input[2]].chunk(3), strict=True)
        for name, (weight, bias) in zip(("query", "key", "value"), parts, strict=True):
            state[f"{_module(node)}.{name}.weight"], state[f"{_module(node)}.{name}.bias"] = weight, bias
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in stored:
            state[f"{_module(node)}.weight"] = stored[node.input[1]].T
    return {name: weight.contiguous() for name, weight in state.items()}


def _module(node: Any) -> str:
    """Return ``encoder.layer.0.output.dense`` for the output ``/encoder/layer.0/output/dense/MatMul_output_0``."""
    return ".".join(node.output[0].strip("/").split("/")[:-1])
