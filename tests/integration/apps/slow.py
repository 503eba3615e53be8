"""A worker whose device takes its time for each batch: ``python -m integration.apps.slow SECONDS [FILE]``.

With a file, it does so once that is there.
"""

import sys
import time
from pathlib import Path

from integration.apps.ending import run_to_the_end

from worker.classifier import Device
from worker.classifier.device import Result
from worker.run import run
from worker.settings import load_settings
from worker.tokens import PaddedBatch


def main(seconds: float, file: Path | None = None) -> None:
    classify = Device.classify

    def slowly(self: Device, batch: PaddedBatch) -> Result:
        if file is None or file.exists():
            time.sleep(seconds)
        return classify(self, batch)

    Device.classify = slowly  # type: ignore[method-assign]
    run(load_settings())


if __name__ == "__main__":
    run_to_the_end(lambda: main(float(sys.argv[1]), *map(Path, sys.argv[2:])))
