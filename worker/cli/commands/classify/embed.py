"""``classify --embed``: vectors of texts in the place of verdicts."""

from collections.abc import Callable
from itertools import islice

import orjson
import typer

from worker.cli.shared.inputs import Inputs
from worker.codec import Codec
from worker.settings import Settings

WINDOW = 1_024
"""Texts embedded at once; they are sorted into batches by length."""


def write_embeddings(settings: Settings, inputs: Inputs, report: Callable[[int, str], None]) -> int:
    """Print a JSON line for each text, in order; returns how many inputs had none.

    ``report`` is told the line's number and what is wrong with an input without a text.
    """
    from worker.classifier import embed, load_classifier

    classifier = load_classifier(settings)
    codec = Codec(settings, classifier.card)
    rejected = 0
    while records := list(islice(inputs.records, WINDOW)):
        decoded = codec.decode(records)
        for index, rejection in sorted(decoded.rejected.items()):
            report(records[index].offset, rejection.message)
        rejected += len(decoded.rejected)
        if not decoded.texts:
            continue
        vectors = embed(classifier, decoded.texts)
        for index, text, vector in zip(decoded.indexes, decoded.texts, vectors, strict=True):
            line = {"line": records[index].offset, "text": text, "embedding": vector}
            typer.echo(orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY))
    return rejected
