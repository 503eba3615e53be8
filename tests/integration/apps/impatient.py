"""A worker whose requests have two seconds each, and which says how long it has written in vain.

``tried in vain for N request timeouts`` comes once an attempt, N whole ones after the first that failed.
"""

import time
from typing import Any

from integration.apps.ending import run_to_the_end

from worker.delivery import produce_client
from worker.run import run
from worker.settings import load_settings

REQUEST_TIMEOUT_MS = 2_000


def main() -> None:
    produce = produce_client.ProduceClient.produce
    failing_since: list[float] = []

    async def told(*args: Any) -> Any:
        try:
            refusal = await produce(*args)
        except Exception:
            now = time.monotonic()
            failing_since.append(now)
            timeouts = int((now - failing_since[0]) * 1000 / REQUEST_TIMEOUT_MS)
            print(f"tried in vain for {timeouts} request timeouts", flush=True)  # noqa: T201
            raise
        failing_since.clear()
        return refusal

    produce_client.REQUEST_TIMEOUT_MS = REQUEST_TIMEOUT_MS
    produce_client.ProduceClient.produce = told  # type: ignore[method-assign, assignment]
    run(load_settings())


if __name__ == "__main__":
    run_to_the_end(main)
