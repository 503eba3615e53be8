"""A worker whose device takes its time: ``python -m integration.apps.slow SECONDS`` for each batch."""

import sys
import time

from integration.apps.ending import run_to_the_end

from worker.classifier import Device
from worker.classifier.device import Result
from worker.run import run
from worker.settings import load_settings
from worker.tokens import PaddedBatch


def main(seconds: float) -> None:
    classify = Device.classify

    def slowly(self: Device, batch: PaddedBatch) -> Result:
        time.sleep(seconds)
        return classify(self, batch)

    Device.classify = slowly  # type: ignore[method-assign]
    run(load_settings())


if __name__ == "__main__":
    run_to_the_end(lambda: main(float(sys.argv[1])))
