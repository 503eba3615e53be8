"""The sample stream: sentences of four domains with the mean rating that ten to twenty people gave each of them.

They are a part of the sentences that ship with vaderSentiment (MIT, see NOTICE.md beside this file), chosen by
``recipes/bundled/select_sample.py``. The bundled classifier was not trained on them.
"""

import gzip
import json
from dataclasses import dataclass, field
from importlib.resources import files

SAMPLE = "rated_sentences.jsonl.gz"


@dataclass(frozen=True, slots=True)
class RatedSentence:
    """A sentence and what people thought of it."""

    id: str
    domain: str
    text: str = field(repr=False)
    rating: float
    """Mean of the raters, -4 (extremely negative) to 4 (extremely positive)."""


def rated_sentences() -> list[RatedSentence]:
    """Return the sample, with its domains mixed, always in the same order."""
    packed = files("worker.embedded").joinpath(SAMPLE).read_bytes()
    return [RatedSentence(**json.loads(line)) for line in gzip.decompress(packed).splitlines()]
