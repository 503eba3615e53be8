"""The ``sentiment`` object as JSON."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.codec.events import PROCESSED_AT, TOPIC, unhurried

from worker.codec.rendering import SentimentRenderer, id_template
from worker.verdict import ModelCard, Sentiment, Verdicts

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
NAMES = st.text(max_size=12) | st.sampled_from(["100 %", "%d", "%(x)s", 'say "no"', "back\\slash", "1 étoile", "\0\n"])


def rendered(card: ModelCard, row: list[float], **columns: Any) -> bytes:
    of_one: dict[str, Any] = {
        "label": [card.labels[0]],
        "score": [row[0]],
        "scores": [row],
        "sentiment": [Sentiment.NEUTRAL],
        "polarity": [0.0],
        "tokens": [3],
        "truncated": [True],
    }
    verdicts = Verdicts(**of_one | columns)
    [sentiment] = SentimentRenderer(card).render(TOPIC, 0, [5], verdicts, PROCESSED_AT)
    return sentiment


@unhurried
@given(labels=st.lists(NAMES, min_size=1, max_size=6, unique=True), name=NAMES, revision=NAMES, data=st.data())
def test_any_labels_and_names_give_valid_json_that_says_them(
    labels: list[str], name: str, revision: str, data: st.DataObject
) -> None:
    row = data.draw(st.lists(FLOATS, min_size=len(labels), max_size=len(labels)))
    sentiment = json.loads(rendered(ModelCard(name, revision, tuple(labels)), row))
    assert list(sentiment["scores"]) == labels
    assert sentiment["label"] == labels[0]
    assert sentiment["model"] == {"name": name, "revision": revision}
    assert sentiment["id"] == f"{TOPIC}-0-5-{revision[:12]}"


@unhurried
@given(score=FLOATS)
def test_a_score_is_short_and_faithful(score: float) -> None:
    text = json.loads(rendered(ModelCard("m", "r", ("a",)), [score]), parse_float=str, parse_int=str)["score"]
    assert float(text) == pytest.approx(score, rel=1e-5)
    assert len(text) <= len("-1.23456e-38")


@pytest.mark.parametrize(
    ("score", "text"), [(0.5, "0.5"), (1.0, "1"), (0.0, "0"), (1e-7, "1e-07"), (0.9731584787368774, "0.973158")]
)
def test_a_score_is_written_like_this(score: float, text: str) -> None:
    assert f'"score":{text},'.encode() in rendered(ModelCard("m", "r", ("a",)), [score])


def test_scores_of_numpy_are_written_like_pythons() -> None:
    numpy = pytest.importorskip("numpy")
    card = ModelCard("m", "r", ("a", "b"))
    row = [0.25, 0.75]
    columns = {"scores": numpy.array([row], dtype=numpy.float32), "polarity": numpy.zeros(1, numpy.float32)}
    columns |= {"tokens": numpy.array([3], dtype=numpy.int32), "truncated": numpy.array([True])}
    assert rendered(card, row, **columns) == rendered(card, row)


def test_a_score_survives_as_a_half_precision_number() -> None:
    halves = [struct.unpack("<e", struct.pack("<H", bits))[0] for bits in range(0x3C00)]  # all of 0..1
    assert all(struct.pack("<e", float(f"{half:.6g}")) == struct.pack("<e", half) for half in halves)


def test_a_folder_name_that_is_no_utf8_is_shown_as_far_as_it_goes() -> None:
    sentiment = json.loads(rendered(ModelCard("mod\udcff", "r", ("a",)), [1.0]))
    assert sentiment["model"]["name"] == "mod?"


@pytest.mark.parametrize("truncated", [True, False])
def test_a_cut_text_is_told_from_a_whole_one(truncated: bool) -> None:
    sentiment = json.loads(rendered(ModelCard("m", "r", ("a",)), [1.0], truncated=[truncated]))
    assert sentiment["truncated"] is truncated


def test_a_row_too_few_is_an_error_and_not_a_shorter_answer() -> None:
    with pytest.raises(ValueError, match="zip"):
        rendered(ModelCard("m", "r", ("a",)), [1.0], tokens=[])


def test_the_id_tells_topic_partition_offset_and_revision_apart() -> None:
    card = ModelCard("m", "0123456789abcdef", ("a",))
    assert id_template("text-events", 7, card) % 12 == '"text-events-7-12-0123456789ab"'
