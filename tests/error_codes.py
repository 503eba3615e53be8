"""Errors by their codes: sentences may be reworded."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from worker.errors import Code, WorkerError


@contextmanager
def raises_code(kind: type[WorkerError], code: Code) -> Iterator[pytest.ExceptionInfo[WorkerError]]:
    """Expect an error of exactly this kind with this code."""
    with pytest.raises(kind) as raised:
        yield raised
    assert (type(raised.value), raised.value.code) == (kind, code), str(raised.value)
