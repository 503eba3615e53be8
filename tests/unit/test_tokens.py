"""Texts of like length together, for those who have them all at hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worker.tokens import Tokens


def tokens_of(lengths: list[int]) -> Tokens:
    counts = np.array(lengths, np.int32)
    starts = np.cumsum(counts, dtype=np.int64) - counts
    return Tokens(np.zeros(int(counts.sum()), np.int32), counts, starts, np.zeros(len(counts), np.bool_))


@given(
    st.lists(st.integers(1, 40), max_size=60),
    st.integers(1, 9),
    st.none() | st.integers(1, 200),
    st.booleans(),
)
def test_each_text_comes_once_and_no_batch_is_beyond_its_limits(
    lengths: list[int], size: int, token_limit: int | None, equal: bool
) -> None:
    batches = [batch.tolist() for batch in tokens_of(lengths).by_length(size, token_limit, equal=equal)]

    assert sorted(text for batch in batches for text in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[text] for text in batch)
        assert len(batch) <= size
        assert token_limit is None or len(batch) == 1 or len(batch) * longest <= token_limit
        assert not equal or {lengths[text] for text in batch} == {longest}
    assert [lengths[text] for batch in batches for text in batch] == sorted(lengths, reverse=True)


def test_a_batch_is_as_full_as_its_limits_allow() -> None:
    batches = tokens_of([9, 3, 5, 5, 3, 2]).by_length(3, 10)

    assert [batch.tolist() for batch in batches] == [[0], [2, 3], [1, 4, 5]]
