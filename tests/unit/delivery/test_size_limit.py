"""The size limit of a topic is learnt from refusals, and forgotten again."""

from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.size_limit import FORGET_SECONDS, SizeLimit


def test_nothing_is_known_before_a_refusal() -> None:
    assert (SizeLimit().batch_bytes(0.0), SizeLimit().alone_bytes(0.0)) == (None, None)


@given(st.integers(100, 1_000_000), st.lists(st.integers(1, 2_000_000), max_size=30))
def test_batches_are_never_made_smaller_than_half_of_what_the_topic_takes(limit: int, sizes: list[int]) -> None:
    learnt = SizeLimit()
    for size in sizes:
        if size > limit:
            learnt.batch_refused(size, 0.0)
    assert (learnt.batch_bytes(0.0) or limit) >= limit // 2


def test_of_refused_records_the_smallest_counts() -> None:
    learnt = SizeLimit()
    for size in (900, 700, 800):
        learnt.record_refused(size, 0.0)
    assert learnt.alone_bytes(0.0) == 700


def test_what_was_learnt_is_forgotten_in_time_however_many_refusals_follow() -> None:
    learnt = SizeLimit()
    for second in range(int(FORGET_SECONDS)):
        learnt.record_refused(700, float(second))
        learnt.batch_refused(700, float(second))
    assert (learnt.batch_bytes(FORGET_SECONDS), learnt.alone_bytes(FORGET_SECONDS)) == (None, None)
