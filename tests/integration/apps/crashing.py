"""A worker one stage of which breaks, some calls after a file is there.

``python -m integration.apps.crashing STAGE FILE``.
"""

import itertools
import sys
from pathlib import Path
from typing import Any

from integration.apps.ending import run_to_the_end

from worker.classifier import Device, load_classifier
from worker.codec import Codec
from worker.delivery.publisher import Publisher
from worker.run import run
from worker.settings import load_settings

AFTER = {"decode": 1, "tokenise": 1, "device": 5, "publish": 5}


def break_after(calls: int, owner: Any, name: str, stage: str, file: Path) -> None:
    original, count = getattr(owner, name), itertools.count(1)

    def broken(*args: Any, **kwargs: Any) -> Any:
        if file.exists() and next(count) > calls:
            raise RuntimeError(f"{stage} broke on purpose")
        return original(*args, **kwargs)

    setattr(owner, name, broken)


def main(stage: str, file: Path) -> None:
    if stage == "tokenise":

        def loaded(settings: Any) -> Any:
            classifier = load_classifier(settings)
            break_after(AFTER[stage], classifier.tokenizer, "encode", stage, file)
            return classifier

        run(load_settings(), load=loaded)
    else:
        owner, name = {
            "decode": (Codec, "decode_in_steps"),
            "device": (Device, "classify"),
            "publish": (Publisher, "publish"),
        }[stage]
        break_after(AFTER[stage], owner, name, stage, file)
        run(load_settings())


if __name__ == "__main__":
    run_to_the_end(lambda: main(sys.argv[1], Path(sys.argv[2])), RuntimeError)
