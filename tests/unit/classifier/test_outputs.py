"""What code gets from a classifier: the same numbers as transformers, with the shapes that are promised."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from worker.classifier import Classifier, embed, open_classifier, outputs_of, save_classifier

TEXTS = ["ok", "The film was wonderful, and the actors were brilliant.", "Terrible service!"]

Load = Callable[..., Classifier]
Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def name() -> str:
    from small_models import MODELS

    return next(name for name in MODELS if "bert" in name.lower())


def reference(folder: Path, text: str):  # type: ignore[no-untyped-def]
    """transformers' own outputs on a text alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        encoded = {"input_ids": tokenizer(text, return_tensors="pt")["input_ids"]}
        return model(**encoded, output_hidden_states=True, output_attentions=True)


def states_of(output):  # type: ignore[no-untyped-def]
    return output.encoder_hidden_states if "encoder_hidden_states" in output else output.hidden_states


def attentions_of(output):  # type: ignore[no-untyped-def]
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
    forward = classifier.forward

    def watched(batch, **wanted):  # type: ignore[no-untyped-def]
        sizes.append(batch.ids.shape)
        return forward(batch, **wanted)

    classifier.forward = watched  # type: ignore[method-assign]
    embed(classifier, ["so long a text " * 200] * texts)

    assert {width for _, width in sizes} == {512}
    assert [rows for rows, _ in sizes] == [2] * (texts // 2) + [1] * (texts % 2)


def test_attentions_leave_the_attention_of_the_worker_as_it_was(load: Load, name: str) -> None:
    classifier = load(name)
    usual = classifier.model.config._attn_implementation
    outputs_of(classifier, TEXTS, attentions=True)

    assert usual != "eager"
    assert classifier.model.config._attn_implementation == usual


def test_nothing_costly_is_computed_unasked(load: Load, name: str) -> None:
    given = outputs_of(load(name), TEXTS)

    assert (given.loss, given.hidden_states, given.attentions) == (None, None, None)


def test_a_model_that_padding_disturbs_gets_texts_of_equal_length_only(load: Load, name: str) -> None:
    classifier = load(name)
    classifier.pads = False
    widths = []
    forward = classifier.forward

    def watched(batch, **wanted):  # type: ignore[no-untyped-def]
        widths.append((batch.lengths == batch.ids.shape[1]).all())
        return forward(batch, **wanted)

    classifier.forward = watched  # type: ignore[method-assign]
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
        pytest.param(["none such"] * 3, "no labels none such", id="a name that the model does not have"),
        pytest.param([0, 99, 0], "from 0 to", id="a number beyond the labels"),
        pytest.param([0, -1, 0], "from 0 to", id="a negative number"),
        pytest.param([0], "1 labels for 3 texts", id="fewer labels than texts"),
        pytest.param(np.zeros((3, 17)), "of shape", id="probabilities of another model"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_words(load: Load, name: str, labels, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        outputs_of(load(name), TEXTS, labels=labels)


@pytest.mark.parametrize("texts", [pytest.param([], id="no texts"), pytest.param("a", id="a text, not a list")])
def test_texts_are_a_list_of_at_least_one(load: Load, name: str, texts) -> None:  # type: ignore[no-untyped-def]
    for function in (outputs_of, embed):
        with pytest.raises(ValueError, match="list of one or more"):
            function(load(name), texts)


def test_no_output_shows_in_a_repr(load: Load, name: str) -> None:
    assert repr(outputs_of(load(name), TEXTS, hidden_states=True)) == "Outputs(loss=None)"


def test_a_saved_classifier_gives_the_same_scores(load: Load, name: str, tmp_path: Path) -> None:
    classifier = load(name)
    save_classifier(classifier, tmp_path / "copy")
    copy = open_classifier(tmp_path / "copy", device="cpu", precision="fp32")

    assert copy.card.labels == classifier.card.labels
    np.testing.assert_array_equal(outputs_of(copy, TEXTS).logits, outputs_of(classifier, TEXTS).logits)
    np.testing.assert_array_equal(copy.tokenizer.encode(TEXTS).ids, classifier.tokenizer.encode(TEXTS).ids)
