"""One bad text harms only itself, memory that runs out costs no text, and a broken device is no text's fault."""

import math
import threading

import numpy as np
import pytest
from error_codes import raises_code
from hypothesis import given
from hypothesis import strategies as st

from worker.classifier import Device, Result
from worker.errors import Code, DeviceError, Reason, Stage
from worker.tokens import PaddedBatch
from worker.verdict import ModelCard

POISON, NAN, PROBE = 666, 13, 1


class FakeClassifier:
    """Scores a row by its first id; fails on a batch with a poisonous row, or beyond its memory."""

    def __init__(self, memory: int = 10**9, batch_tokens: int = 10**6) -> None:
        self.card = ModelCard("fake", "0", ("low", "high"))
        self.batch_tokens = batch_tokens
        self.probe = batch_of([PROBE])
        self.memory = memory
        self.works = True
        self.calls: list[int] = []
        self.released = 0
        self.threads: set[int] = set()

    def scores(self, batch: PaddedBatch) -> np.ndarray:
        self.calls.append(len(batch))
        self.threads.add(threading.get_ident())
        if not self.works:
            raise RuntimeError("device-side assert")
        if batch.ids.size > self.memory:
            raise MemoryError("CUDA out of memory")
        first = batch.ids[:, 0]
        if (first == POISON).any():
            raise IndexError("index out of range in self")
        scores = expected_scores(first)
        scores[first == NAN] = np.nan
        return scores

    def release_memory(self) -> None:
        self.released += 1


def batch_of(firsts: list[int], width: int = 4) -> PaddedBatch:
    ids = np.full((len(firsts), width), 2, np.int64)
    ids[:, 0] = firsts
    return PaddedBatch(ids, np.full(len(firsts), width, np.int32))


def expected_scores(firsts: np.ndarray) -> np.ndarray:
    return np.stack([firsts, firsts + 0.5], axis=1).astype(np.float32)


def classify(classifier: FakeClassifier, batch: PaddedBatch) -> Result:
    device = Device(classifier)
    try:
        return device.submit(batch).result(10)
    finally:
        assert device.close(10)


@given(st.lists(st.sampled_from(["good", "good", "good", "poison", "not finite"]), min_size=1, max_size=70))
def test_exactly_the_bad_rows_are_rejected_and_all_others_scored(kinds: list[str]) -> None:
    firsts = [{"good": 1000 + row, "poison": POISON, "not finite": NAN}[kind] for row, kind in enumerate(kinds)]
    classifier = FakeClassifier()

    result = classify(classifier, batch_of(firsts))

    assert {row: rejection.reason for row, rejection in result.rejected.items()} == {
        row: Reason.INFERENCE_FAILED if kind == "poison" else Reason.NON_FINITE_SCORES
        for row, kind in enumerate(kinds)
        if kind != "good"
    }
    expected = expected_scores(np.array(firsts))
    expected[list(result.rejected)] = 0
    np.testing.assert_array_equal(result.scores, expected)
    assert result.scores.dtype == np.float32
    poisonous, levels = kinds.count("poison"), math.ceil(math.log2(len(kinds)))
    assert len(classifier.calls) <= 2 + poisonous * (2 * levels + 1)


def test_a_good_batch_takes_one_call() -> None:
    classifier = FakeClassifier()

    result = classify(classifier, batch_of([5, 6, 7]))

    assert classifier.calls == [3]
    assert (result.rejected, result.token_limit) == ({}, 10**6)
    assert result.seconds > 0


def test_a_rejection_names_the_exception_and_attempts_but_not_the_text() -> None:
    rejection = classify(FakeClassifier(), batch_of([5, 6, POISON, 7])).rejected[2]

    assert (rejection.stage, rejection.exception, rejection.attempts) == (Stage.CLASSIFY, "IndexError", 3)
    assert "index out of range" not in rejection.message


@given(st.integers(1, 60), st.integers(4, 300))
def test_no_text_is_lost_to_memory_that_runs_out(rows: int, memory: int) -> None:
    classifier = FakeClassifier(memory=memory)
    firsts = list(range(1000, 1000 + rows))

    result = classify(classifier, batch_of(firsts))

    assert result.rejected == {}
    np.testing.assert_array_equal(result.scores, expected_scores(np.array(firsts)))
    failures = classifier.released
    assert failures <= math.ceil(math.log2(rows)) + 2 if rows > 1 else failures == 0
    if failures:
        assert 4 <= result.token_limit <= memory


def test_the_size_that_fits_is_remembered() -> None:
    classifier = FakeClassifier(memory=20)
    device = Device(classifier)

    first = device.submit(batch_of(list(range(16)))).result(10)
    released = classifier.released
    second = device.submit(batch_of(list(range(16)))).result(10)

    assert first.token_limit == second.token_limit == 16
    assert classifier.released == released == 3, "16 rows, 8 rows, and 8 others to tell that no text is to blame"
    assert device.close(10)


def test_a_text_that_asks_for_too_much_memory_leaves_the_limit_alone() -> None:
    class Heavy(FakeClassifier):
        def scores(self, batch: PaddedBatch) -> np.ndarray:
            if (batch.ids[:, 0] == POISON).any():
                self.calls.append(len(batch))
                raise MemoryError("CUDA out of memory")
            return super().scores(batch)

    classifier = Heavy()
    device = Device(classifier)
    for _ in range(10):
        result = device.submit(batch_of([*range(1000, 1063), POISON])).result(10)
        assert (list(result.rejected), result.token_limit) == ([63], 10**6)
    assert len(classifier.calls) <= 10 * (2 * 6 + 2), "the batch, two halves on each level, and the probe"
    assert device.close(10)


def test_memory_that_comes_back_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    classifier = FakeClassifier(memory=16, batch_tokens=64)
    device = Device(classifier)
    for _ in range(3):
        assert device.submit(batch_of(list(range(16)))).result(10).token_limit == 16
    classifier.memory = 10**9

    limits = [device.submit(batch_of(list(range(16)))).result(10).token_limit for _ in range(30)]

    assert limits == sorted(limits)
    assert limits[-1] == 64
    assert [record.getMessage() for record in caplog.records] == [
        "the device ran out of memory: batches are limited to 16 tokens instead of 64 until there is more",
        "the device has the memory for batches of 64 tokens again",
    ]
    assert device.close(10)


def test_a_lasting_shortage_is_said_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    classifier = FakeClassifier(memory=32, batch_tokens=64)
    device = Device(classifier)

    def run(batches: int) -> list[str]:
        caplog.clear()
        for _ in range(batches):
            device.submit(batch_of(list(range(16)))).result(10)
        return [record.levelname for record in caplog.records]

    assert run(500) == ["WARNING"], "larger batches were tried again meanwhile"
    assert classifier.calls[-500:].count(16) > 1
    classifier.memory = 10**9
    assert run(100) == ["WARNING"], "whoever sees warnings alone sees the end, too"
    classifier.memory = 32
    assert run(100) == ["WARNING"]
    assert device.close(10)


def test_a_text_too_large_for_the_memory_even_alone_is_rejected() -> None:
    result = classify(FakeClassifier(memory=4), batch_of([7], width=8))

    assert result.rejected[0].reason is Reason.INFERENCE_FAILED
    assert "memory" in result.rejected[0].message


def test_a_rejection_for_memory_names_the_librarys_own_exception() -> None:
    class Full(FakeClassifier):
        def scores(self, batch: PaddedBatch) -> np.ndarray:
            if (batch.ids == POISON).any():
                raise MemoryError from RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
            return super().scores(batch)

    rejection = classify(Full(), batch_of([1, POISON])).rejected[1]

    assert rejection.exception == "RuntimeError"
    assert "memory" in rejection.message


def test_a_device_that_fails_on_the_probe_too_is_broken() -> None:
    classifier = FakeClassifier()
    classifier.works = False

    with raises_code(DeviceError, Code.DEVICE_FAILED) as raised:
        classify(classifier, batch_of(list(range(64))))
    assert "RuntimeError" in str(raised.value)

    assert len(classifier.calls) == 8, "the batch, six halves down to one text, and the probe"


def test_a_device_whose_scores_are_never_finite_is_broken() -> None:
    classifier = FakeClassifier()
    classifier.probe = batch_of([NAN])

    with raises_code(DeviceError, Code.DEVICE_FAILED) as raised:
        classify(classifier, batch_of([5, NAN]))
    assert "not finite" in str(raised.value)


def test_everything_runs_in_one_thread_that_ends_when_closed() -> None:
    classifier = FakeClassifier()
    device = Device(classifier)

    futures = [device.submit(batch_of([row, POISON])) for row in range(100, 120)]

    assert [future.result(10).scores[0, 0] for future in futures] == list(range(100, 120))
    assert len(classifier.threads) == 1
    assert threading.get_ident() not in classifier.threads
    assert device.close(10)


def test_a_cancelled_batch_is_never_run() -> None:
    classifier = FakeClassifier()
    entered, go_on = threading.Event(), threading.Event()
    run = classifier.scores

    def wait_and_run(batch: PaddedBatch) -> np.ndarray:
        entered.set()
        assert go_on.wait(10)
        return run(batch)

    classifier.scores = wait_and_run  # type: ignore[method-assign]
    device = Device(classifier)
    first, second = device.submit(batch_of([1])), device.submit(batch_of([1, 2]))
    assert entered.wait(10)
    assert second.cancel()
    go_on.set()

    assert len(first.result(10).scores) == 1
    assert device.close(10)
    assert classifier.calls == [1]
