"""Any model as people have it: right scores, or one clear sentence that says what to do."""

import io
import logging
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from unit.classifier.model_folders import GPT2, SST2, STARS, edit, load_folder
from unit.classifier.small_models import TEXTS, padded, scores_of

from worker.classifier import Classifier, Device, load_classifier
from worker.classifier.outputs import torch_backend
from worker.classifier.warmup import NEIGHBOUR_BOUND, self_check
from worker.errors import Code, SettingError
from worker.settings import load_settings
from worker.verdict import Sentiment

Load = Callable[..., Classifier]


def test_the_bundled_model_tells_good_from_bad() -> None:
    classifier = load_classifier(load_settings(device="cpu"))
    scores = scores_of(classifier, ["I love it, truly wonderful!", "Awful. I hate it, a waste of money."])
    answer = classifier.verdicts(scores, np.array([9, 9]), np.zeros(2, np.bool_))

    assert answer.sentiment == [Sentiment.POSITIVE, Sentiment.NEGATIVE]
    assert classifier.card.name == "bundled"


@pytest.mark.parametrize("name", [STARS, SST2, "RoBERTa", GPT2])
def test_a_texts_scores_do_not_depend_on_its_neighbours(name: str, load: Load) -> None:
    classifier = load(name)

    alone, together = scores_of(classifier, TEXTS, batch=1), scores_of(classifier, TEXTS, batch=len(TEXTS))

    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-5)


def test_a_model_that_padding_disturbs_keeps_lengths_apart(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    classifier = load(STARS)
    expected = scores_of(classifier, TEXTS, batch=1)
    model = torch_backend(classifier).model
    forward = model.forward
    model.forward = lambda input_ids, attention_mask: forward(input_ids)  # blind to the mask

    classifier = self_check(classifier)

    assert not classifier.pads
    assert "padding changes the scores" in caplog.text
    np.testing.assert_allclose(scores_of(classifier, TEXTS), expected, rtol=0, atol=1e-5)


def test_a_model_without_a_pad_token_reads_its_end_of_text_as_text(load: Load) -> None:
    classifier = load(GPT2)
    texts = ["good<|endoftext|>", "a longer one, to be padded to", "good"]

    scores = scores_of(classifier, texts)

    np.testing.assert_allclose(scores, scores_of(classifier, texts, batch=1), rtol=0, atol=1e-5)
    assert np.abs(scores[0] - scores[2]).max() > 1e-3
    assert classifier.pad_id not in classifier.tokenizer.encode(texts).ids


@pytest.mark.parametrize("name", ["RoBERTa", STARS, GPT2])
def test_the_longest_text_is_read_and_says_that_it_was_cut(name: str, load: Load) -> None:
    classifier = load(name)
    tokens = classifier.tokenizer.encode(TEXTS)

    assert tokens.truncated.tolist() == [False] * (len(TEXTS) - 1) + [True]
    assert tokens.lengths[-1] == classifier.max_tokens == 512


def test_a_tokenizer_without_a_stated_limit_takes_the_models(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of(STARS)
    edit(folder / "tokenizer_config.json", model_max_length=10**30)

    assert load_folder(folder).max_tokens == 512


def test_infinite_and_missing_logits_are_not_a_number_in_their_row_alone(load: Load) -> None:
    classifier = load("a multi-label head")
    model = torch_backend(classifier).model
    forward = model.forward

    def spoil(**inputs: Any) -> Any:
        output = forward(**inputs)
        output.logits[1, 0] = torch.inf  # a sigmoid makes a fine 1.0 of it
        return output

    model.forward = spoil
    scores = classifier.scores(padded(classifier.tokenizer.encode(TEXTS[:3]), range(3), classifier.pad_id))

    assert np.isfinite(scores).all(axis=1).tolist() == [True, False, True]


def test_a_poisonous_text_is_found_in_a_real_model(load: Load) -> None:
    classifier = load(STARS)
    batch = padded(classifier.tokenizer.encode(TEXTS[:8]), range(8), classifier.pad_id)
    batch.ids[5, 1] = 10**6  # no such token
    device = Device(classifier)

    result = device.submit(batch).result(60)

    assert list(result.rejected) == [5]
    assert device.close(10)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_precision_changes_scores_within_its_bound(precision: str, load: Load) -> None:
    try:
        classifier = load(STARS, precision=precision)
    except SettingError as error:
        assert error.code is Code.PRECISION_UNSUPPORTED  # noqa: PT017
        pytest.skip("this CPU has no bf16")
    assert classifier.precision == precision
    assert classifier.scores(classifier.probe).dtype == np.float32
    difference = np.abs(classifier.scores(classifier.probe) - load(STARS).scores(classifier.probe)).max()
    assert difference <= NEIGHBOUR_BOUND[precision] * 4


def test_a_snapshot_of_the_hub_is_used_without_network_under_its_commit(
    model_folder: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "714eb0fa89d2f80546fda750413ed43d93601a13"
    repository = tmp_path / "models--owner--model"
    shutil.copytree(model_folder(SST2), repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(tmp_path))

    card = load_classifier(load_settings(model="owner/model", device="cpu")).card

    assert (card.name, card.revision, card.labels) == ("owner/model", commit, ("NEGATIVE", "POSITIVE"))


def test_the_revision_of_a_folder_follows_what_its_verdicts_depend_on(copy_of: Callable[[str], Path]) -> None:
    folder = copy_of(SST2)
    revision = load_folder(folder).card.revision
    (folder / "README.md").write_text("of no weight")

    assert load_folder(folder, precision="auto").card.revision == revision
    assert load_folder(folder, label_polarity={"NEGATIVE": -0.5}).card.revision != revision
    edit(folder / "config.json", id2label={"0": "POSITIVE", "1": "NEGATIVE"}, label2id=None)
    assert load_folder(folder).card.revision != revision


def test_labels_of_unknown_polarity_are_named_in_a_warning(
    copy_of: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    folder = copy_of(SST2)
    edit(folder / "config.json", id2label={"0": "sports", "1": "positive"}, label2id=None)
    load_folder(folder)
    edit(folder / "config.json", id2label={"0": "sports", "1": "weather"}, label2id=None)
    load_folder(folder)

    assert "nothing is known of the label sports: its polarity is 0" in caplog.text
    assert "nothing is known of the labels sports, weather: their polarity is 0" in caplog.text


def test_loading_prints_nothing(load: Load, copy_of: Callable[[str], Path], caplog: pytest.LogCaptureFixture) -> None:
    copy_of("weights in shards")  # made before: saving prints
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed), caplog.at_level(logging.INFO):
        load("weights in shards")

    assert printed.getvalue() == ""
    assert {record.name.split(".")[0] for record in caplog.records} == {"worker"}


def test_limits_come_from_the_settings_or_fit_the_device(load: Load) -> None:
    default, own = load(SST2), load(SST2, max_batch_size=3, max_batch_tokens=1000)

    assert (default.batch_size, default.batch_tokens) == (64, 8192)
    assert (own.batch_size, own.batch_tokens) == (3, 1000)
    assert default.load_seconds > 0
