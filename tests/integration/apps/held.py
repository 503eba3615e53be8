"""A worker that decodes a large fetch only once a file is there: ``python -m integration.apps.held FILE``."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from worker import app
from worker.codec import Codec, Decoded
from worker.errors import WorkerError
from worker.process import end
from worker.settings import load_settings

LARGE = 600_000
"""Bytes of the values in a large fetch."""


def main(file: Path) -> None:
    decode_in_steps = Codec.decode_in_steps

    def held(codec: Codec, records: Any) -> Iterator[Decoded]:
        if sum(len(record.value or b"") for record in records) > LARGE and not file.exists():
            print("a large fetch is held", flush=True)  # noqa: T201
            while not file.exists():
                time.sleep(0.05)
        return decode_in_steps(codec, records)

    Codec.decode_in_steps = held  # type: ignore[method-assign]
    app.run(load_settings())


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except WorkerError as error:
        print(error, file=sys.stderr)  # noqa: T201
        end(1)
    end(0)
