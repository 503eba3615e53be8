"""The demo's arithmetic: in = out + dead letters, event by event, and who agrees with whom."""

import pytest

from worker.cli.commands.demo.screen import batches
from worker.cli.commands.demo.stream import BROKEN, events_of
from worker.cli.commands.demo.tally import Tally
from worker.embedded import RatedSentence, rated_sentences
from worker.verdict import Sentiment


def _tally(**ratings: float) -> Tally:
    return Tally({key: RatedSentence(key, "d", "text", rating) for key, rating in ratings.items()})


def test_it_adds_up_when_each_event_has_one_answer() -> None:
    tally = _tally(a=2.0)
    for key in ("a", "b"):
        tally.note_sent(key)
    tally.note_output("a", Sentiment.POSITIVE, 0.9, 0.1)
    assert not tally.adds_up
    assert tally.waiting == 1
    tally.note_dead_letter("b", "not_json")
    assert tally.adds_up


def test_a_repeat_does_not_make_up_for_an_answer_that_is_missing() -> None:
    tally = _tally(a=2.0)
    for key in ("a", "b"):
        tally.note_sent(key)
    tally.note_output("a", Sentiment.POSITIVE, 0.9, 0.1)
    tally.note_output("a", Sentiment.POSITIVE, 0.9, 0.1)
    assert tally.outputs == len(tally.sent)
    assert not tally.adds_up
    assert tally.repeated == 1


def test_a_repeat_does_not_add_up_even_if_nothing_is_missing() -> None:
    tally = _tally(a=2.0)
    tally.note_sent("a")
    tally.note_dead_letter("a", "not_json")
    tally.note_dead_letter("a", "not_json")
    assert not tally.adds_up


def test_an_answer_to_what_nobody_sent_does_not_add_up() -> None:
    tally = _tally(a=1.0)
    tally.note_dead_letter("a", "not_json")
    assert not tally.adds_up


@pytest.mark.parametrize(
    ("rating", "sentiment", "polarity", "two_way", "three_way"),
    [
        pytest.param(2.0, Sentiment.POSITIVE, 0.9, (1, 1), (1, 1), id="both-positive"),
        pytest.param(-2.0, Sentiment.POSITIVE, 0.9, (0, 1), (0, 1), id="opposite"),
        pytest.param(2.0, Sentiment.NEUTRAL, 0.1, (1, 1), (0, 1), id="leans-the-right-way"),
        pytest.param(0.5, Sentiment.NEUTRAL, 0.1, (0, 0), (1, 1), id="both-neutral"),
        pytest.param(-0.4, Sentiment.NEGATIVE, -0.9, (0, 0), (0, 1), id="people-found-it-neutral"),
    ],
)
def test_agreement_is_counted_as_stated(
    rating: float, sentiment: Sentiment, polarity: float, two_way: tuple[int, int], three_way: tuple[int, int]
) -> None:
    tally = _tally(a=rating)
    tally.note_output("a", sentiment, polarity, 0.1)
    assert (tally.two_way.agreed, tally.two_way.total) == two_way
    assert (tally.three_way.agreed, tally.three_way.total) == three_way


def test_latency_quantiles_are_those_of_the_answers() -> None:
    tally = _tally(a=1.0)
    assert tally.latency(0.95) == 0
    for hundredth in range(100, 0, -1):
        tally.note_output("a", Sentiment.POSITIVE, 1.0, hundredth / 100)
    assert tally.latency(0.5) == pytest.approx(0.51)
    assert tally.latency(0.95) == pytest.approx(0.96)


def test_every_event_has_a_key_of_its_own_and_none_carries_its_rating() -> None:
    sentences = rated_sentences()
    events = events_of(sentences)
    assert len({key for key, _ in events}) == len(events) == len(sentences) + len(BROKEN)
    assert not any(b'"rating"' in value for key, value in events if not key.startswith("broken"))


def test_broken_events_are_spread_over_the_stream() -> None:
    places = [place for place, (key, _) in enumerate(events_of(rated_sentences())) if key.startswith("broken")]
    assert len(places) == len(BROKEN)
    assert min(after - before for before, after in zip([0, *places], places, strict=False)) > 100


@pytest.mark.parametrize("statistics", [{}, {"batches": 0}], ids=["no-page", "no-batch"])
def test_the_screen_does_without_the_workers_counts(statistics: dict[str, int]) -> None:
    assert batches(statistics) == "no batch yet"


def test_mean_batch_size_and_padding_share_are_the_workers() -> None:
    counts = {
        "batches": 4,
        "batch_events": 100,
        "batch_tokens": 750,
        "batch_padded_tokens": 1000,
        "flushes": {"size": 4},
    }
    assert batches(counts) == "4 batches of 25 texts on average, 25.0% padding, sent because of: size 4"
