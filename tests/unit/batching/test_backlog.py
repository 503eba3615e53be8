"""Texts that go into the backlog come out once, padded to a rectangle, with the way back to its fetch."""

from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worker.batching import Backlog
from worker.fetch import Fetch
from worker.tokens import Tokens

PAD = 0


def tokens_of(texts: list[list[int]]) -> Tokens:
    lengths = [len(text) for text in texts]
    starts = [0, *accumulate(lengths)][: len(lengths)]
    flat = [token for text in texts for token in text]
    return Tokens(
        np.array(flat, np.int32),
        np.array(lengths, np.int32),
        np.array(starts, np.int64),
        np.zeros(len(texts), np.bool_),
    )


def fetch_at(received_at: float) -> Fetch:
    return Fetch("texts", 0, [], 0, received_at)


TEXTS = st.lists(st.lists(st.integers(1, 999), min_size=1, max_size=9), max_size=8)


@given(st.lists(TEXTS, max_size=6), st.data())
def test_every_text_leaves_once_with_its_own_tokens_and_its_own_fetch(
    fetches: list[list[list[int]]], data: st.DataObject
) -> None:
    backlog: Backlog[Fetch] = Backlog(PAD)
    expected = {}
    for number, texts in enumerate(fetches):
        fetch = fetch_at(float(number))
        backlog.add(fetch, tokens_of(texts))
        expected.update({(fetch, position): text for position, text in enumerate(texts)})
    while len(backlog):
        chosen = data.draw(st.lists(st.sampled_from(range(len(backlog))), min_size=1, unique=True))
        before = len(backlog)
        batch = backlog.take(np.array(chosen))
        assert len(batch) == len(chosen) == before - len(backlog)
        assert batch.padded.ids.shape[1] == batch.padded.lengths.max()
        for fetch, rows, positions in batch.parts:
            for row, position in zip(rows.tolist(), positions.tolist(), strict=True):
                length = batch.padded.lengths[row]
                text = expected.pop((fetch, position))
                assert batch.padded.ids[row, :length].tolist() == text
                assert (batch.padded.ids[row, length:] == PAD).all()
    assert expected == {}


def test_the_backlog_keeps_the_order_of_arrival() -> None:
    backlog: Backlog[Fetch] = Backlog(PAD)
    backlog.add(fetch_at(1.0), tokens_of([[1], [1, 2]]))
    backlog.add(fetch_at(2.0), tokens_of([[1, 2, 3]]))
    assert backlog.oldest == 1.0
    backlog.take(np.array([0]))
    assert backlog.lengths.tolist() == [2, 3]
    assert backlog.oldest == 1.0
    backlog.take(np.array([0]))
    assert backlog.oldest == 2.0


def test_what_waits_of_a_dropped_fetch_is_forgotten_and_the_rest_stays() -> None:
    backlog: Backlog[Fetch] = Backlog(PAD)
    gone, kept = fetch_at(1.0), fetch_at(2.0)
    backlog.add(gone, tokens_of([[7], [7, 7]]))
    backlog.add(kept, tokens_of([[8, 8, 8]]))
    backlog.drop([gone])
    assert backlog.lengths.tolist() == [3]
    assert backlog.take(np.array([0])).parts[0][0] is kept
