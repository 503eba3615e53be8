"""Conformance checks of the protocol ``Backend``: import them to check a backend of your own.

    from worker.classifier.backends.conformance import CHECKS, Subject

    @pytest.mark.parametrize("check", CHECKS)
    def test_my_backend(check):
        check(Subject(MyBackend(...), ...))

or all of them at once, without pytest: ``check_backend(make)``, which creates a subject for each check. A check that
fails raises ``ConformanceError``. The model should be small, with scores that differ between the texts.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import numpy as np

from worker.classifier.backends import Backend
from worker.classifier.labels import Floats
from worker.tokens import PaddedBatch

_LONG = 512
"""Tokens of a long text for a model that has no limit."""


class ConformanceError(AssertionError):
    """A backend does not conform to ``Backend``."""


@contextmanager
def little_address_space(spare_bytes: int = 64 * 2**20) -> Iterator[None]:
    """Limit the memory that this process can still allocate, so that a backend on the CPU runs out. Linux only."""
    import resource

    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + spare_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@dataclass(frozen=True, slots=True)
class Subject:
    """A backend to check, and what the checks need to know about its model."""

    backend: Backend
    labels: int
    texts: Sequence[Sequence[int]] = field(repr=False)
    """Token ids of three texts or more, with different lengths and different scores."""
    not_finite: Sequence[int] = field(repr=False)
    """Token ids of a text for which the model's logits are not all finite."""
    little_memory: Callable[[], AbstractContextManager[None]] = little_address_space
    """A context in which the device does not have enough memory for ``large`` of the longest texts at once."""
    large: int = 4_096
    tolerance: float = 1e-4
    """How much the scores of a text may differ between two batches."""

    @property
    def longest(self) -> int:
        """Tokens of the longest text that the model reads."""
        return self.backend.info.max_tokens or _LONG

    def text_of(self, tokens: int) -> list[int]:
        """Return the ids of a text with this many tokens."""
        return [self.texts[0][i % len(self.texts[0])] for i in range(tokens)]

    def scores(self, texts: Sequence[Sequence[int]], width: int = 0) -> Floats:
        """Return the scores of texts that are padded to the longest of them, or to ``width``.

        Raises:
            ConformanceError: they do not have the promised type and shape.
        """
        scores = self.backend.scores(self.batch(texts, width))
        _check(isinstance(scores, np.ndarray), f"scores are {type(scores).__name__}, not a numpy array")
        _check(scores.dtype == np.float32, f"scores are {scores.dtype}, not float32")
        shape = (len(texts), self.labels)
        _check(scores.shape == shape, f"scores have the shape {scores.shape}, not [texts, labels] = {shape}")
        return scores.copy()  # in case the backend overwrites them, which is for ``check_ownership`` to report

    def batch(self, texts: Sequence[Sequence[int]], width: int = 0) -> PaddedBatch:
        """Return texts as a batch, padded to the longest of them, or to ``width``."""
        lengths = np.array([len(text) for text in texts], np.int32)
        ids = np.full((len(texts), max([width, *lengths.tolist()])), self.backend.info.pad_id, np.int64)
        for row, text in zip(ids, texts, strict=True):
            row[: len(text)] = text
        return PaddedBatch(ids, lengths)

    def check_same(self, scores: Floats, expected: Floats, what: str) -> None:
        """Raise ConformanceError, with ``what`` in its message, if scores differ by more than the tolerance."""
        difference = float(np.abs(scores - expected).max())
        _check(difference <= self.tolerance, f"{what}: by up to {difference:.3g}, more than {self.tolerance:.3g}")


def check_type_and_shape(subject: Subject) -> None:
    """Check that scores are float32, with a row for each text and a column for each label."""
    for texts in (subject.texts[:1], subject.texts):
        _check(bool(np.isfinite(subject.scores(texts)).all()), "scores of ordinary texts are not finite")


def check_order(subject: Subject) -> None:
    """Check that row i of the scores belongs to row i of the batch. All texts have one length: nothing is padded."""
    shortest = min(map(len, subject.texts))
    texts = [text[:shortest] for text in subject.texts]
    alone = _alone(subject, texts)
    distances = np.abs(alone[:, None] - alone[None]).max(axis=2)[np.triu_indices(len(texts), 1)]
    if distances.min() <= 2 * subject.tolerance:
        raise ValueError("the texts of the subject must have different scores, else they cannot show an order")
    subject.check_same(subject.scores(texts), alone, "scores in a batch are not those of the texts in its order")


def check_padding(subject: Subject) -> None:
    """Check that a text has the same scores alone, next to a longer one, and in a batch wider than all its texts."""
    alone = _alone(subject, subject.texts)
    subject.check_same(subject.scores(subject.texts), alone, "padding changes scores")
    wider = min(max(map(len, subject.texts)) + 7, subject.longest)
    subject.check_same(subject.scores(subject.texts, wider), alone, "padding of all texts changes scores")
    for text, expected in zip(subject.texts, alone, strict=True):
        subject.check_same(subject.scores([text], wider)[0], expected, "padding of a text alone changes its scores")


def check_not_finite(subject: Subject) -> None:
    """Check that a row whose logits are not all finite is NaN throughout, and does not affect its neighbours."""
    neighbours = [subject.texts[0], subject.texts[1]]
    scores = subject.scores([neighbours[0], subject.not_finite, neighbours[1]])
    _check(bool(np.isnan(scores[1]).all()), "a row whose logits are not all finite is not NaN throughout")
    subject.check_same(scores[[0, 2]], _alone(subject, neighbours), "a row that is not finite changes its neighbours")


def check_no_rows(subject: Subject) -> None:
    """Check that a batch without rows has no scores, whatever its width."""
    for width in (0, 5):
        try:
            subject.scores([], width)
        except ConformanceError:
            raise
        except Exception as error:
            raise ConformanceError(f"a batch without rows raises {type(error).__name__}") from error


def check_longest(subject: Subject) -> None:
    """Check that the longest text that the model accepts has scores, alone and next to a short one."""
    text = subject.text_of(subject.longest)
    try:
        scores = subject.scores([text, subject.texts[1]])
    except ConformanceError:
        raise
    except Exception as error:
        raise ConformanceError(f"the longest text, of {len(text)} tokens, raises {type(error).__name__}") from error
    _check(bool(np.isfinite(scores).all()), f"the longest text, of {len(text)} tokens, has no finite scores")
    subject.check_same(scores, _alone(subject, [text, subject.texts[1]]), "the longest text changes scores")


def check_over_the_limit(subject: Subject) -> None:
    """Check that a text longer than the model's limit is a ValueError, and does not affect the next batch."""
    if subject.backend.info.max_tokens is None:
        return
    before = subject.scores(subject.texts)
    text = subject.text_of(subject.longest + 1)
    try:
        subject.scores([text, subject.texts[1]])
    except ValueError:
        pass
    except Exception as error:
        raise ConformanceError(f"a text over the limit raises {type(error).__name__}, not ValueError") from error
    else:
        raise ConformanceError(f"a text of {len(text)} tokens, more than the model's limit, has scores")
    _check_goes_on(subject, before, "a text over the limit")


def check_out_of_memory(subject: Subject) -> None:
    """Check that running out of memory is a MemoryError; once there is enough again, batches are scored as before."""
    before = subject.scores(subject.texts)
    large = subject.batch([subject.text_of(subject.longest)] * subject.large)
    outcome = "nothing: little_memory must leave too little for a large batch"
    try:
        with subject.little_memory():
            subject.backend.scores(large)
    except MemoryError:
        outcome = ""
    except Exception as error:
        outcome = type(error).__name__
    _check(not outcome, f"too little memory raises {outcome}, not MemoryError")
    # After the exception, which keeps the memory of the failed pass alive.
    subject.backend.release_memory()
    _check_goes_on(subject, before, "running out of memory")


def check_ownership(subject: Subject) -> None:
    """Check that a call changes neither the scores that an earlier call returned nor the batch."""
    batch = subject.batch(subject.texts)
    ids, lengths = batch.ids.copy(), batch.lengths.copy()
    first = subject.backend.scores(batch)
    kept = first.copy()
    subject.scores(list(reversed(subject.texts)))
    _check(np.array_equal(first, kept), "a call changes the scores that the previous one returned")
    same = np.array_equal(batch.ids, ids) and np.array_equal(batch.lengths, lengths)
    _check(same, "a call changes the batch that it was given")


def check_another_thread(subject: Subject) -> None:
    """Check that a thread that did not load the model gets the same scores."""
    expected = subject.scores(subject.texts)
    outcome: list[Floats | BaseException] = []

    def score() -> None:
        try:
            outcome.append(subject.scores(subject.texts))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=score)
    thread.start()
    thread.join()
    (scores,) = outcome
    if isinstance(scores, BaseException):
        raise ConformanceError(f"a thread that did not load the model gets {type(scores).__name__}") from scores
    subject.check_same(scores, expected, "a thread that did not load the model gets other scores")


CHECKS: tuple[Callable[[Subject], None], ...] = (
    check_type_and_shape,
    check_order,
    check_padding,
    check_not_finite,
    check_no_rows,
    check_longest,
    check_over_the_limit,
    check_out_of_memory,
    check_ownership,
    check_another_thread,
)


def check_backend(make: Callable[[], Subject]) -> None:
    """Run all checks, each on a subject of its own.

    Raises:
        ConformanceError: the backend breaks a promise; the message says which.
        ValueError: the subject's texts are not suited to the checks.
    """
    for check in CHECKS:
        check(make())


def _alone(subject: Subject, texts: Sequence[Sequence[int]]) -> Floats:
    return np.concatenate([subject.scores([text]) for text in texts])


def _check_goes_on(subject: Subject, before: Floats, after: str) -> None:
    try:
        scores = subject.scores(subject.texts)
    except ConformanceError:
        raise
    except Exception as error:
        raise ConformanceError(f"after {after} a batch raises {type(error).__name__}") from error
    subject.check_same(scores, before, f"after {after} the scores of a batch differ")


def _check(kept: bool, otherwise: str) -> None:
    if not kept:
        raise ConformanceError(otherwise)
