"""The outputs of a classifier: the same numbers as transformers, with the shapes that are promised."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from worker.classifier import Classifier, embed, open_classifier, outputs_of, save_classifier
from worker.classifier.outputs import torch_backend
from worker.tokens import PaddedBatch

TEXTS = ["ok", "The film was wonderful, and the actors were brilliant.", "Terrible service!"]

Load = Callable[..., Classifier]
Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def name() -> str:
    from unit.classifier.small_models import MODELS

    return next(name for name in MODELS if "bert" in name.lower())


def reference(folder: Path, text: str) -> Any:
    """transformers' own outputs on a text alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        encoded = {"input_ids": tokenizer(text, return_tensors="pt")["input_ids"]}
        return model(**encoded, output_hidden_states=True, output_attentions=True)


def states_of(output: Any) -> Any:
    return output.encoder_hidden_states if "encoder_hidden_states" in output else output.hidden_states


def attentions_of(output: Any) -> Any:
    return output.encoder_attentions if "encoder_attentions" in output else output.attentions


@pytest.mark.parametrize("name", ["DistilBERT with NEGATIVE and POSITIVE", "BART"])
def test_everything_of_a_padded_text_is_what_transformers_gives_for_it_alone(
    load: Load, model_folder: Folder, name: str
) -> None:
    given = outputs_of(load(name), TEXTS, hidden_states=True, attentions=True)

    assert given.hidden_states is not None
    assert given.attentions is not None
    for row, text in enumerate(TEXTS):
        alone = reference(model_folder(name), text)
        length = int(given.lengths[row])
        np.testing.assert_allclose(given.logits[row], alone.logits[0], atol=1e-4)
        for ours, theirs in zip(given.hidden_states, states_of(alone), strict=True):
            np.testing.assert_allclose(ours[row, :length], theirs[0], atol=1e-4)
            assert not ours[row, length:].any()
        for ours, theirs in zip(given.attentions, attentions_of(alone), strict=True):
            np.testing.assert_allclose(ours[row, :, :length, :length], theirs[0], atol=1e-4)
            assert not ours[row, :, length:].any()
            assert not ours[row, :, :, length:].any()


@pytest.mark.parametrize("name", ["DistilBERT with NEGATIVE and POSITIVE", "BART"])
def test_an_embedding_is_the_mean_of_the_last_hidden_states(load: Load, model_folder: Folder, name: str) -> None:
    vectors = embed(load(name, max_batch_size=2), TEXTS)

    for vector, text in zip(vectors, TEXTS, strict=True):
        np.testing.assert_allclose(vector, states_of(reference(model_folder(name), text))[-1][0].mean(dim=0), atol=1e-4)


@pytest.mark.parametrize("texts", [3, 4, 5])
def test_a_batch_of_embeddings_keeps_to_both_limits(load: Load, name: str, texts: int) -> None:
    classifier = load(name, max_batch_size=4, max_batch_tokens=1_100)
    sizes = []
    backend = torch_backend(classifier)
    forward = backend.forward

    def watched(batch: PaddedBatch, **wanted: bool) -> Any:
        sizes.append(batch.ids.shape)
        return forward(batch, **wanted)

    backend.forward = watched  # type: ignore[method-assign]
    embed(classifier, ["so long a text " * 200] * texts)

    assert {width for _, width in sizes} == {512}
    assert [rows for rows, _ in sizes] == [2] * (texts // 2) + [1] * (texts % 2)


def test_attentions_leave_the_attention_of_the_worker_as_it_was(load: Load, name: str) -> None:
    classifier = load(name)
    config = torch_backend(classifier).model.config
    usual = config._attn_implementation
    outputs_of(classifier, TEXTS, attentions=True)

    assert usual != "eager"
    assert config._attn_implementation == usual


def test_nothing_costly_is_computed_unasked(load: Load, name: str) -> None:
    given = outputs_of(load(name), TEXTS)

    assert (given.loss, given.hidden_states, given.attentions) == (None, None, None)


def test_a_model_that_padding_disturbs_gets_texts_of_equal_length_only(load: Load, name: str) -> None:
    classifier = replace(load(name), pads=False)
    widths = []
    backend = torch_backend(classifier)
    forward = backend.forward

    def watched(batch: PaddedBatch, **wanted: bool) -> Any:
        widths.append((batch.lengths == batch.ids.shape[1]).all())
        return forward(batch, **wanted)

    backend.forward = watched  # type: ignore[method-assign]
    given = outputs_of(classifier, TEXTS)

    assert all(widths)
    assert len(widths) > 1
    np.testing.assert_allclose(given.logits, outputs_of(load(name), TEXTS).logits, atol=1e-4)


def test_the_loss_is_the_cross_entropy_by_name_number_or_probability(load: Load, name: str) -> None:
    classifier = load(name)
    labels = classifier.card.labels
    numbers = [0, len(labels) - 1, 0]
    given = outputs_of(classifier, TEXTS, labels=numbers)
    expected = -np.mean([np.log(given.scores[row, number]) for row, number in enumerate(numbers)])

    assert given.loss == pytest.approx(expected, abs=1e-4)
    assert outputs_of(classifier, TEXTS, labels=[labels[n] for n in numbers]).loss == pytest.approx(given.loss)
    assert outputs_of(classifier, TEXTS, labels=np.eye(len(labels))[numbers]).loss == pytest.approx(given.loss)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        pytest.param(["none such"] * 3, "not have none such among", id="a name that the model does not have"),
        pytest.param([0, 99, 0], "from 0 to", id="a number beyond the labels"),
        pytest.param([0, -1, 0], "from 0 to", id="a negative number"),
        pytest.param([0.0, 1.0, 0.0], "an integer from 0 to", id="numbers that are not whole by type"),
        pytest.param([0, True, 0], "an integer from 0 to", id="a truth"),
        pytest.param([0], "1 label for 3 texts", id="fewer labels than texts"),
        pytest.param([0, 1, 0, 1], "4 labels for 3 texts", id="more labels than texts"),
        pytest.param("POSITIVE", "give a list of labels", id="a name, not a list"),
        pytest.param(1, "give a list of labels", id="a number, not a list"),
        pytest.param(np.array(1), "give a list of labels", id="an array of no dimension"),
        pytest.param(["POSITIVE", 1, 0], "all names or all numbers", id="names and numbers"),
        pytest.param([0, 1, None], "a list of numbers", id="no label"),
        pytest.param([[0, 1], [1], [0, 1]], "a list of numbers", id="rows of different lengths"),
        pytest.param(np.zeros((3, 17)), "have the shape", id="probabilities of another model"),
        pytest.param(
            [[0, 1], [float("nan"), 1], [0, 1]], r"labels\[1\] is not a row of probabilities", id="not a number"
        ),
        pytest.param([[0, 1], [0, 1], [3, 1]], r"labels\[2\] is not a row of probabilities", id="votes"),
        pytest.param([[-0.5, 1.5], [0, 1], [0, 1]], r"labels\[0\] is not a row of prob", id="less than none"),
        pytest.param(
            [[0, 1], [0, 0], [0, 1]], r"labels\[1\] is not a row of probabilities", id="probabilities of nothing"
        ),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_words(load: Load, name: str, labels: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        outputs_of(load(name), TEXTS, labels=labels)


@pytest.mark.parametrize(
    ("head", "labels", "words"),
    [
        pytest.param(
            "a multi-label head", [[0, 1, 0], [0, 2, 0]], r"labels\[1\] is not a row of numbers", id="above 1"
        ),
        pytest.param("a multi-label head", [[0, -1, 0], [0, 1, 0]], r"labels\[0\] is not a row of num", id="below 0"),
        pytest.param("a multi-label head", [[0, 1, 0], [0, np.nan, 0]], r"labels\[1\] is not a row", id="not a number"),
        pytest.param("a multi-label head", ["toxic", "insult"], "a list of numbers", id="one name of several"),
        pytest.param("a regression head", [1.0, np.inf], r"labels\[1\] is not a row of finite", id="infinite"),
        pytest.param(
            "a regression head", [[1.0, 2.0], [1.0, 2.0]], "have the shape", id="two values where one is given"
        ),
        pytest.param("a regression head", ["LABEL_0", "LABEL_0"], "a list of numbers", id="the name of a value"),
    ],
)
def test_labels_that_another_head_has_no_loss_for_are_refused_in_words(
    load: Load, head: str, labels: list[object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        outputs_of(load(head), TEXTS[:2], labels=labels)  # type: ignore[arg-type]


def test_the_loss_of_other_heads_is_what_their_training_would_see(load: Load) -> None:
    several, value = load("a multi-label head"), load("a regression head")
    wanted = np.array([[1, 0, 0.25], [0, 1, 1], [0, 0, 0]])
    given = outputs_of(several, TEXTS, labels=wanted)
    chances = given.scores.astype(np.float64)
    expected = -(wanted * np.log(chances) + (1 - wanted) * np.log(1 - chances)).mean()
    assert given.loss == pytest.approx(expected, rel=1e-3)
    assert outputs_of(several, TEXTS, labels=wanted > 0.5).loss is not None

    one = outputs_of(value, TEXTS, labels=[1.0, 2.0, 3.0])
    assert one.loss == pytest.approx(((one.logits[:, 0] - [1, 2, 3]) ** 2).mean(), rel=1e-4)
    assert outputs_of(value, TEXTS, labels=[[1], [2], [3]]).loss == pytest.approx(one.loss)


def test_scores_at_16_bits_are_probabilities_too(load: Load, name: str) -> None:
    given = outputs_of(load(name), TEXTS)

    assert outputs_of(load(name), TEXTS, labels=given.scores.astype(np.float16)).loss is not None


@pytest.mark.parametrize("texts", [pytest.param([], id="no texts"), pytest.param("a", id="a text, not a list")])
def test_texts_are_a_list_of_at_least_one(load: Load, name: str, texts: Any) -> None:
    for function in (outputs_of, embed):
        with pytest.raises(ValueError, match="list of one or more"):
            function(load(name), texts)


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        pytest.param(None, TypeError, r"texts\[1\] is not a string: its type is NoneType", id="nothing"),
        pytest.param(3, TypeError, r"texts\[1\] is not a string: its type is int", id="a number"),
        pytest.param(b"secret", TypeError, r"texts\[1\] is not a string: its type is bytes", id="bytes"),
        pytest.param(["secret"], TypeError, r"texts\[1\] is not a string: its type is list", id="a list"),
        pytest.param("secret \ud800", ValueError, r"texts\[1\] holds a lone surrogate", id="half a character"),
    ],
)
def test_a_text_that_cannot_be_read_is_named_by_its_place_and_not_quoted(
    load: Load, name: str, bad: object, error: type[Exception], words: str
) -> None:
    for function in (outputs_of, embed):
        with pytest.raises(error, match=words) as raised:
            function(load(name), ["fine", bad])  # type: ignore[list-item]
        assert "secret" not in str(raised.value)


def test_a_text_without_tokens_is_named_by_its_place(load: Load) -> None:
    for function in (outputs_of, embed):
        with pytest.raises(ValueError, match=r"texts\[1\] has no tokens"):
            function(load("GPT-2 without a pad token"), ["fine", ""])


def test_no_output_shows_in_a_repr(load: Load, name: str) -> None:
    assert repr(outputs_of(load(name), TEXTS, hidden_states=True)) == "Outputs(loss=None)"


def test_a_saved_classifier_gives_the_same_scores(load: Load, name: str, tmp_path: Path) -> None:
    classifier = load(name)
    save_classifier(classifier, tmp_path / "copy")
    copy = open_classifier(tmp_path / "copy", device="cpu", precision="fp32")

    assert copy.card.labels == classifier.card.labels
    # Not to the bit: how sums are cut into vectors depends on where the weights lie in memory.
    np.testing.assert_allclose(outputs_of(copy, TEXTS).logits, outputs_of(classifier, TEXTS).logits, atol=1e-5)
    weights = torch_backend(classifier).model.state_dict()
    assert all(torch.equal(value, weights[key]) for key, value in torch_backend(copy).model.state_dict().items())
    np.testing.assert_array_equal(copy.tokenizer.encode(TEXTS).ids, classifier.tokenizer.encode(TEXTS).ids)
