"""A worker whose model takes an hour to load."""

import sys
import time
from typing import Any

from worker import app
from worker.errors import WorkerError
from worker.process import end
from worker.settings import load_settings


def load(_: Any) -> Any:
    print("the load has begun", flush=True)  # noqa: T201
    time.sleep(3600)


if __name__ == "__main__":
    try:
        app.run(load_settings(), load=load)
    except WorkerError as error:
        print(error, file=sys.stderr)  # noqa: T201
        end(1)
    end(0)
