"""A worker whose device has little memory for its first passes, and none for a poisonous text.

``python -m integration.apps.short_of_memory PASSES TOKENS FILE``: for the first PASSES passes a batch of more than
TOKENS fails; the tokens of each pass are written to FILE, a line each.
"""

import sys
from pathlib import Path
from typing import Any

from integration.apps.ending import run_to_the_end
from integration.models import POISON, VOCABULARY

from worker.classifier import load_classifier
from worker.run import run
from worker.settings import load_settings


def main(passes: int, tokens: int, file: Path) -> None:
    def load(settings: Any) -> Any:
        classifier = load_classifier(settings)
        scores = classifier.backend.scores

        def short_of_memory(batch: Any) -> Any:
            with file.open("a") as log:
                log.write(f"{batch.ids.size}\n")
            with file.open() as log:
                short = sum(1 for _ in log) <= passes and batch.ids.size > tokens
            if short or (batch.ids == VOCABULARY.index(POISON)).any():
                raise MemoryError("the device was told that its memory is full")
            return scores(batch)

        classifier.backend.scores = short_of_memory  # type: ignore[method-assign]
        return classifier

    run(load_settings(), load=load)


if __name__ == "__main__":
    run_to_the_end(lambda: main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
