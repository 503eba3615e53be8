"""A model or a setting that cannot be used is one sentence with what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from error_codes import raises_code
from safetensors.torch import load_file, save_file
from transformers import AutoModel
from unit.classifier.model_folders import SST2, STARS, edit, load_folder

from worker.classifier import Classifier
from worker.errors import Code, SettingError

Load = Callable[..., Classifier]


def drop_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: w for name, w in weights.items() if "classifier" not in name},
        folder / "model.safetensors", metadata={"format": "pt"},
    )  # fmt: skip


def only_encoder(folder: Path) -> None:
    AutoModel.from_pretrained(folder).save_pretrained(folder)


def without_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        pytest.param(lambda folder: (folder / "model.safetensors").unlink(), Code.MODEL_INCOMPLETE, id="no weights"),
        pytest.param(lambda folder: (folder / "config.json").unlink(), Code.MODEL_INCOMPLETE, id="no config"),
        pytest.param(
            lambda folder: (folder / "config.json").write_text("{"), Code.MODEL_UNREADABLE, id="broken config"
        ),
        pytest.param(
            lambda folder: (folder / "model.safetensors").write_bytes(b"xx"), Code.MODEL_DAMAGED, id="broken weights"
        ),
        pytest.param(drop_head, Code.MODEL_NOT_FINE_TUNED, id="no head"),
        pytest.param(only_encoder, Code.MODEL_NOT_FINE_TUNED, id="an encoder alone"),
        pytest.param(without_tokenizer, Code.TOKENIZER_UNUSABLE, id="no tokenizer"),
        pytest.param(
            lambda folder: edit(folder / "config.json", id2label={"0": "a", "1": "b"}, label2id=None),
            Code.MODEL_UNREADABLE,
            id="labels that do not match the head",
        ),
        pytest.param(
            lambda folder: edit(folder / "config.json", id2label=dict.fromkeys("01234", "same"), label2id=None),
            Code.MODEL_LABELS_AMBIGUOUS,
            id="a label twice",
        ),
        pytest.param(
            lambda folder: edit(folder / "config.json", model_type="t5"), Code.MODEL_NOT_FINE_TUNED, id="a lie"
        ),
        pytest.param(
            lambda folder: edit(folder / "config.json", model_type="own", auto_map={"AutoConfig": "own.Config"}),
            Code.MODEL_NEEDS_CODE,
            id="code of its own",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_says_why_in_one_sentence(
    break_it: Callable[[Path], None], code: Code, copy_of: Callable[[str], Path]
) -> None:
    folder = copy_of(STARS)
    break_it(folder)

    with raises_code(SettingError, code) as raised:
        load_folder(folder)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("file", "argument"),
    [
        pytest.param("tf_model.h5", "from_tf=True", id="TensorFlow"),
        pytest.param("pytorch_model.bin", "use_safetensors=False", id="pickled"),
        pytest.param("flax_model.msgpack", "from_flax=True", id="Flax"),
    ],
)
def test_weights_of_another_format_are_refused_with_the_command_that_converts_them(
    file: str, argument: str, copy_of: Callable[[str], Path]
) -> None:
    folder = copy_of(STARS)
    (folder / "model.safetensors").rename(folder / file)

    with raises_code(SettingError, Code.MODEL_FORMAT_UNSUPPORTED) as raised:
        load_folder(folder)

    assert argument in str(raised.value)
    assert "\n" not in str(raised.value)


def test_weights_that_would_be_made_up_are_named(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of(STARS)
    drop_head(folder)
    with pytest.raises(SettingError, match=r"classifier\.bias, classifier\.weight"):
        load_folder(folder)


@pytest.mark.parametrize(
    ("settings", "code", "names"),
    [
        pytest.param({"model": "./no/such/folder"}, Code.MODEL_NOT_FOUND, "./no/such/folder", id="missing folder"),
        pytest.param(
            {"model": "/no/such/folder"}, Code.MODEL_NOT_FOUND, "/no/such/folder", id="missing absolute folder"
        ),
        pytest.param({"model": "no/such/name"}, Code.MODEL_NOT_FOUND, "no/such/name", id="no name of the hub's"),
        pytest.param({"model": "owner/model"}, Code.HUB_UNREACHABLE, "owner/model", id="hub without network"),
        pytest.param({"device": "cuda:77"}, Code.DEVICE_NOT_FOUND, "cpu", id="missing device"),
        pytest.param({"device": "tpu"}, Code.DEVICE_NOT_FOUND, "device=tpu", id="unknown device"),
        pytest.param(
            {"device": "cpu", "precision": "fp16"}, Code.PRECISION_UNSUPPORTED, "precision=fp16", id="fp16 on CPU"
        ),
        pytest.param({"label_polarity": {"angry": -1}}, Code.UNKNOWN_LABEL, "'angry'", id="unknown label"),
    ],
)
def test_a_setting_that_cannot_be_used_says_so(
    settings: dict[str, Any], code: Code, names: str, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with raises_code(SettingError, code) as raised:
        load(SST2, **settings)
    assert names in str(raised.value)
