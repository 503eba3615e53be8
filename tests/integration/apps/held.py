"""A worker that decodes a large fetch only once a file is there: ``python -m integration.apps.held FILE``."""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from integration.apps.ending import run_to_the_end

from worker.codec import Codec, Decoded
from worker.fetch import Record
from worker.run import run
from worker.settings import load_settings

LARGE = 600_000
"""Bytes of the values in a large fetch."""


def main(file: Path) -> None:
    decode_in_steps = Codec.decode_in_steps

    def held(self: Codec, records: Sequence[Record]) -> Iterator[Decoded]:
        if sum(len(record.value or b"") for record in records) > LARGE and not file.exists():
            print("a large fetch is held", flush=True)  # noqa: T201
            while not file.exists():
                time.sleep(0.05)
        return decode_in_steps(self, records)

    Codec.decode_in_steps = held  # type: ignore[method-assign]
    run(load_settings())


if __name__ == "__main__":
    run_to_the_end(lambda: main(Path(sys.argv[1])))
