"""A worker whose model takes an hour to load."""

import time
from typing import Any

from integration.apps.ending import run_to_the_end

from worker.run import run
from worker.settings import load_settings


def load(_: Any) -> Any:
    print("the load has begun", flush=True)  # noqa: T201
    time.sleep(3600)


if __name__ == "__main__":
    run_to_the_end(lambda: run(load_settings(), load=load))
