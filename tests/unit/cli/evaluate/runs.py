"""Models and texts for ``evaluate``."""

import json
from pathlib import Path

TRAINED = ("--epochs", "12", "--learning-rate", "5e-3", "--batch-size", "16", "--device", "cpu")
CPU = ("--device", "cpu", "--precision", "fp32")


def rated(folder: Path) -> Path:
    ratings = {"great lovely": 2.5, "awful broken": -3, "the table was blue": 0.1, "good": 0.4, "bad": -0.6}
    file = folder / "rated.jsonl"
    rows = [
        {"text": text, "rating": rating, "domain": "<b>" if rating < 0 else "a|b"} for text, rating in ratings.items()
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file
