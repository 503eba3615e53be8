"""The meaning of labels: the table of docs/models.md, row by row."""

import numpy as np
import pytest
from error_codes import raises_code
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from worker.classifier.labels import Activation, VerdictTable, label_polarities
from worker.errors import Code, SettingError
from worker.verdict import Sentiment, Verdicts

SOFTMAX, SIGMOID, IDENTITY = Activation.SOFTMAX, Activation.SIGMOID, Activation.IDENTITY


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(["NEGATIVE", "POSITIVE"], [-1, 1], id="SST-2 in capitals"),
        pytest.param(["positive", "Neutral", "negative"], [1, 0, -1], id="three classes in any order and case"),
        pytest.param(["NEG", "NEU", "POS"], [-1, 0, 1], id="abbreviations"),
        pytest.param(
            ["Very Negative", "Negative", "Neutral", "Positive", "Very Positive"],
            [-1, -0.5, 0, 0.5, 1],
            id="five steps",
        ),
        pytest.param([f"{n} star{'s' * (n > 1)}" for n in range(1, 6)], [-1, -0.5, 0, 0.5, 1], id="stars"),
        pytest.param(["1", "2", "3", "4", "5"], [-1, -0.5, 0, 0.5, 1], id="bare numbers"),
        pytest.param(["5 stars", "1 star", "3 stars"], [1, -1, 0], id="stars out of order, some missing"),
        pytest.param(["LABEL_0", "LABEL_1"], [-1, 1], id="LABEL_n of two"),
        pytest.param(["LABEL_0", "LABEL_1", "LABEL_2"], [-1, 0, 1], id="LABEL_n of three"),
        pytest.param([f"LABEL_{n}" for n in range(5)], [-1, -0.5, 0, 0.5, 1], id="LABEL_n of five"),
        pytest.param([f"LABEL_{n}" for n in range(10)], np.linspace(-1, 1, 10), id="LABEL_n of ten"),
        pytest.param(["non-hate", "hate"], [0, -1], id="hate, and its absence, which is neutral"),
        pytest.param(
            ["neither", "offensive_language", "hate speech"], [0, -1, -1], id="blanks, dashes and underscores"
        ),
        pytest.param(["joy", "sadness", "surprise", "anger"], [1, -1, 0, -1], id="emotions"),
    ],
)
def test_known_labels_have_their_polarity(labels: list[str], expected: list[float]) -> None:
    polarities, unknown = label_polarities(labels, SOFTMAX, {})

    np.testing.assert_allclose(polarities, expected, atol=1e-6)
    assert unknown == ()


def test_unknown_labels_are_neutral_and_named() -> None:
    polarities, unknown = label_polarities(["sports", "positive", "politics"], SOFTMAX, {})

    assert polarities.tolist() == [0, 1, 0]
    assert unknown == ("sports", "politics")


@pytest.mark.parametrize(
    ("labels", "activation"),
    [
        pytest.param(["LABEL_0", "LABEL_1", "LABEL_2"], SIGMOID, id="labels that do not exclude one another"),
        pytest.param(["LABEL_0"], SIGMOID, id="one label of a multi-label head"),
        pytest.param(["LABEL_0", "other thing"], SOFTMAX, id="not all numbered"),
        pytest.param(["1 star", "1 stars"], SOFTMAX, id="a number twice"),
    ],
)
def test_numbers_that_are_no_scale_say_nothing(labels: list[str], activation: Activation) -> None:
    assert label_polarities(labels, activation, {})[1] == tuple(labels)


def test_a_regression_heads_value_is_taken_as_it_is() -> None:
    assert label_polarities(["LABEL_0"], IDENTITY, {})[0].tolist() == [1]


def test_overrides_count_before_the_table() -> None:
    polarities, unknown = label_polarities(["toxic", "fine", "LABEL_2"], SIGMOID, {"toxic": -0.5, "fine": 1})

    assert polarities.tolist() == [-0.5, 1, 0]
    assert unknown == ("LABEL_2",)


def test_an_override_of_a_label_that_is_not_there_lists_those_that_are() -> None:
    with raises_code(SettingError, Code.UNKNOWN_LABEL) as raised:
        label_polarities(["happy", "sad"], SOFTMAX, {"angry": -1})
    assert "'angry'" in str(raised.value)
    assert "happy, sad" in str(raised.value)


@pytest.mark.parametrize("polarity", [1.01, -2.0, float("nan"), float("inf")])
def test_an_override_outside_the_scale_is_refused(polarity: float) -> None:
    with raises_code(SettingError, Code.INVALID_SETTING):
        label_polarities(["happy"], SOFTMAX, {"happy": polarity})


def verdicts(labels: list[str], activation: Activation, *scores: list[float], **overrides: float) -> Verdicts:
    polarities, _ = label_polarities(labels, activation, overrides)
    rows = np.array(scores, np.float32)
    lengths, truncated = np.arange(len(rows), dtype=np.int32) + 3, np.arange(len(rows)) % 2 == 1
    return VerdictTable(labels, polarities, activation).verdicts(rows, lengths, truncated)


def test_softmax_polarity_is_the_expectation_and_sentiment_that_of_the_label() -> None:
    stars = [f"{n} stars" for n in range(1, 6)]

    answer = verdicts(stars, SOFTMAX, [0, 0.1, 0.2, 0.4, 0.3], [0.4, 0.1, 0.1, 0.1, 0.3], [0.1, 0.1, 0.6, 0.1, 0.1])

    assert answer.label == ["4 stars", "1 stars", "3 stars"]
    assert answer.score == pytest.approx([0.4, 0.4, 0.6])
    assert answer.polarity == pytest.approx([0.45, -0.1, 0.0], abs=1e-6)
    assert answer.sentiment == [Sentiment.POSITIVE, Sentiment.NEGATIVE, Sentiment.NEUTRAL]
    assert answer.tokens == [3, 4, 5]
    assert answer.truncated == [False, True, False]
    assert answer.scores[0] == pytest.approx([0, 0.1, 0.2, 0.4, 0.3])


def test_multi_label_polarity_is_the_strongest_contribution() -> None:
    answer = verdicts(
        ["toxic", "insult", "praise"], SIGMOID, [0.9, 0.8, 0.1], [0.02, 0.01, 0.01], [0.3, 0.1, 0.7], praise=1
    )

    assert answer.polarity == pytest.approx([-0.9, -0.02, 0.7])
    assert answer.sentiment == [Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE]
    assert answer.label == ["toxic", "toxic", "praise"]


def test_regression_polarity_is_the_value_within_the_scale() -> None:
    answer = verdicts(["LABEL_0"], IDENTITY, [-1.7], [0.2], [0.5], [3.0])

    assert answer.polarity == pytest.approx([-1, 0.2, 0.5, 1])
    assert answer.score == pytest.approx([-1.7, 0.2, 0.5, 3.0])
    assert answer.sentiment == [Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE, Sentiment.POSITIVE]


@given(
    logits=arrays(np.float32, st.tuples(st.integers(0, 6), st.just(5)), elements=st.floats(-30, 30, width=32)),
    polarities=arrays(np.float32, 5, elements=st.floats(-1, 1, width=32)),
)
def test_softmax_verdicts_stay_on_the_scale_and_agree_with_their_label(
    logits: np.ndarray, polarities: np.ndarray
) -> None:
    labels = [f"label {n}" for n in "abcde"]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-30))
    scores = exponentials / exponentials.sum(axis=1, keepdims=True)

    answer = VerdictTable(labels, polarities, SOFTMAX).verdicts(
        scores, np.ones(len(scores), np.int32), np.zeros(len(scores), np.bool_)
    )

    assert len(answer) == len(scores)
    for row, label in enumerate(answer.label):
        of_label = polarities[labels.index(label)]
        sign = {Sentiment.NEGATIVE: -1, Sentiment.NEUTRAL: 0, Sentiment.POSITIVE: 1}[answer.sentiment[row]]
        assert answer.score[row] == scores[row].max()
        assert sign == np.sign(of_label)
        assert polarities.min() - 1e-5 <= answer.polarity[row] <= polarities.max() + 1e-5
        assert -1 <= answer.polarity[row] <= 1
