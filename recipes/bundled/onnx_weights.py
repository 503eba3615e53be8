"""A BERT encoder's weights out of an ONNX file that onnxruntime's optimizer has fused: a base that comes as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper


def bert_weights(path: Path) -> dict[str, torch.Tensor]:
    """The state of transformers' ``BertModel`` without a pooler, in float32, of a fused graph with its names.

    The optimizer keeps embeddings, norms and biases under the module's names. Matrices lose theirs and are found by the
    nodes that use them, whose outputs are named by the module; query, key and value are side by side in one.

    What it does not find is not in the state: the model that it is loaded into tells.

    Raises:
        ValueError: the graph has no fused attention, so it is not of this form.
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
    """``encoder.layer.0.output.dense`` of a node whose output is ``/encoder/layer.0/output/dense/MatMul_output_0``."""
    return ".".join(node.output[0].strip("/").split("/")[:-1])
