"""Each refusal of ``train`` is a sentence that names the way out."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import Run
from unit.cli.train.runs import QUICK, assert_refused_at_once, edit_weights, half

from worker.errors import Code
from worker.training import finetune
from worker.training.errors import smaller_batches


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("texts.jsonl", "--out", "taken"), Code.OUTPUT_IS_TAKEN, id="a folder that is taken"),
        pytest.param(("texts.jsonl", "--out", "o", "--labels", "a"), Code.INVALID_FLAG, id="one label"),
        pytest.param(("texts.jsonl", "--out", "o", "--labels", "a,,b"), Code.INVALID_FLAG, id="a comma too many"),
        pytest.param(("texts.jsonl", "--out", "o", "--labels", "a,b, "), Code.INVALID_FLAG, id="a comma at the end"),
        pytest.param(
            ("texts.jsonl", "--out", "o", "--labels", "a,b", "--num-labels", "3"),
            Code.CONFLICTING_FLAGS,
            id="two counts",
        ),
        pytest.param(("none.jsonl", "--out", "o"), Code.FILE_UNREADABLE, id="no such file"),
        pytest.param(("texts.jsonl", "--out", "o", "--base", "./none"), Code.MODEL_NOT_FOUND, id="no such base"),
        pytest.param(("texts.jsonl", "--out", "texts.jsonl/o"), Code.FILE_NOT_WRITABLE, id="no such place"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, tiny_base: Path, labelled_file: Path, arguments: tuple[str, ...], code: Code
) -> None:
    Path("taken").mkdir()
    Path("taken/config.json").write_text("{}")
    base = () if "--base" in arguments else ("--base", tiny_base)
    ran = run("train", *arguments, *base, *QUICK)

    assert (ran.code, ran.error) == (2, code)
    assert_refused_at_once(ran.err)


def with_nine_words(base: Path) -> None:
    """Leave a model fewer words than its tokenizer has."""
    edit_weights(
        base,
        lambda named: {name: value[:9] if "word_embeddings" in name else value for name, value in named.items()},
    )
    config = base / "config.json"
    config.write_text(config.read_text().replace('"vocab_size": 28', '"vocab_size": 9'))


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        pytest.param(
            lambda base: [file.unlink() for file in base.glob("tokenizer*")],
            Code.TOKENIZER_UNUSABLE,
            id="no tokenizer",
        ),
        pytest.param(
            lambda base: (base / "tokenizer.json").write_text("{"), Code.TOKENIZER_UNUSABLE, id="a broken one"
        ),
        pytest.param(
            with_nine_words,
            Code.TOKENIZER_OF_ANOTHER_MODEL,
            id="the tokenizer of a larger model",
        ),
        pytest.param(lambda base: half(base / "model.safetensors"), Code.MODEL_DAMAGED, id="half of the weights"),
        pytest.param(
            lambda base: (base / "model.safetensors").rename(base / "tf_model.h5"),
            Code.MODEL_FORMAT_UNSUPPORTED,
            id="TensorFlow",
        ),
        pytest.param(lambda base: (base / "config.json").write_text("{"), Code.MODEL_UNREADABLE, id="a broken config"),
        pytest.param(lambda base: (base / "config.json").unlink(), Code.MODEL_INCOMPLETE, id="no config"),
    ],
)
def test_a_base_that_the_worker_could_not_run_is_refused_at_once_in_the_same_words(
    run: Run, tiny_base: Path, labelled_file: Path, break_it: Callable[[Path], object], code: Code
) -> None:
    base = Path(shutil.copytree(tiny_base, "b6"))
    break_it(base)
    ran = run("train", labelled_file, "--out", "mine", "--base", "./b6", *QUICK)

    assert (ran.code, ran.error) == (2, code)
    assert_refused_at_once(ran.err)
    assert (
        ran.err.splitlines()[-1] == run("classify", "--model", "./b6", "--device", "cpu", "Fine.").err.splitlines()[-1]
    )
    assert not Path("mine").exists()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda named: {name: value for name, value in named.items() if "layer.1.output" not in name}, id="missing"
        ),
        pytest.param(
            lambda named: {name: value[:9] if "layer.1.output" in name else value for name, value in named.items()},
            id="of another size",
        ),
        pytest.param(lambda named: {f"other.{name}": value for name, value in named.items()}, id="of another model"),
    ],
)
def test_a_base_whose_weights_would_be_made_up_below_the_head_is_refused_at_once(
    run: Run, tiny_base: Path, labelled_file: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
) -> None:
    edit_weights(Path(shutil.copytree(tiny_base, "b6")), change)
    ran = run("train", labelled_file, "--out", "mine", "--base", "./b6", *QUICK)

    assert (ran.code, ran.error) == (2, Code.MODEL_INCOMPLETE)
    assert "bert." in ran.err
    assert_refused_at_once(ran.err)


@pytest.mark.parametrize(
    ("flags", "way_out"),
    [
        pytest.param((), "use --batch-size 8 --accumulate 2,", id="smaller batches"),
        pytest.param(("--batch-size", "1"), "use a smaller --max-tokens or another --base,", id="none is smaller"),
    ],
)
def test_too_little_memory_is_one_sentence_that_names_flags_for_the_same_steps(
    run: Run,
    tiny_base: Path,
    labelled_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    way_out: str,
) -> None:
    def full(*_: object, **__: object) -> None:
        torch.empty(1 << 60)

    monkeypatch.setattr(finetune, "fit", full)
    ran = run("train", labelled_file, "--out", "mine", "--base", tiny_base, *QUICK, *flags)

    assert (ran.code, ran.error) == (2, Code.OUT_OF_MEMORY)
    assert way_out in ran.err


def test_smaller_batches_make_steps_of_as_many_texts() -> None:
    for batch_size in (2, 7, 9, 30, 32):
        smaller, accumulate = smaller_batches(batch_size, 3)
        assert smaller < batch_size
        assert smaller * accumulate == batch_size * 3
    assert smaller_batches(1, 3) == (1, 3)
