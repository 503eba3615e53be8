"""The checks for backends: one that keeps its promises passes all of them, and each broken promise is found out."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from unit.classifier.plain_backend import BROKEN, PlainBackend, subject_of

from worker.classifier.backends.conformance import (
    CHECKS,
    ConformanceError,
    Subject,
    check_backend,
    check_order,
    check_over_the_limit,
)
from worker.tokens import PaddedBatch


def test_a_backend_that_keeps_its_promises_passes() -> None:
    check_backend(lambda: subject_of(PlainBackend()))


@pytest.mark.parametrize(
    ("check", "backend"),
    [
        pytest.param(check, backend, id=f"{check.__name__} {backend.__name__}")
        for check in CHECKS
        for backend in BROKEN[check.__name__]
    ],
)
def test_a_broken_promise_is_found_out_by_its_check(
    check: Callable[[Subject], None], backend: type[PlainBackend]
) -> None:
    with pytest.raises(ConformanceError):
        check(subject_of(backend()))
    with pytest.raises(ConformanceError):
        check_backend(lambda: subject_of(backend()))


def test_texts_that_score_alike_show_no_order() -> None:
    subject = subject_of(PlainBackend())
    with pytest.raises(ValueError, match="must have different scores"):
        check_order(replace(subject, texts=[[1, 2, 3], [1, 2, 3, 4], [4, 5, 6]]))


def test_a_model_without_a_limit_has_no_text_over_it() -> None:
    backend = PlainBackend()
    backend.info = replace(backend.info, max_tokens=None)
    check_over_the_limit(subject_of(backend))


def test_scores_that_are_not_a_number_are_no_agreement() -> None:
    class Silent(PlainBackend):
        def scores(self, batch: PaddedBatch) -> NDArray[np.float32]:
            return np.full((len(batch), 3), np.nan, np.float32)

    subject = subject_of(Silent())
    with pytest.raises(ConformanceError, match="not finite"):
        check_backend(lambda: subject)
