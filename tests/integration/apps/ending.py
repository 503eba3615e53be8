"""The end of the tests' workers: an error is a sentence on stderr and exit code 1, as for ``sentiment-worker run``."""

import sys
from collections.abc import Callable
from typing import NoReturn

from worker.errors import WorkerError
from worker.process import end


def run_to_the_end(run: Callable[[], object], *others: type[Exception]) -> NoReturn:
    """Run a worker and end the process; errors of the ``others`` are treated like the worker's own."""
    try:
        run()
    except Exception as error:
        if not isinstance(error, (WorkerError, *others)):
            raise
        print(error, file=sys.stderr)  # noqa: T201
        end(1)
    end(0)
