"""``classify --embed``: vectors of texts in the place of verdicts."""

from collections.abc import Callable
from itertools import islice

import numpy as np
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
    from worker.classifier import embed_tokens, load_classifier, tokenise

    classifier = load_classifier(settings)
    codec = Codec(settings, classifier.card)
    rejected = 0
    while records := list(islice(inputs.records, WINDOW)):
        decoded = codec.decode(records)
        bad = {index: rejection.message for index, rejection in decoded.rejected.items()}
        embedded: list[int] = []
        if decoded.texts:
            tokens, unread = tokenise(classifier.tokenizer, decoded.texts)
            bad |= {decoded.indexes[text]: rejection.message for text, rejection in unread.items()}
            empty = [text for text in np.flatnonzero(tokens.lengths == 0).tolist() if text not in unread]
            bad |= {decoded.indexes[text]: "the text has no tokens" for text in empty}
            embedded = [text for text, index in enumerate(decoded.indexes) if index not in bad]
        for index, why in sorted(bad.items()):
            report(records[index].offset, why)
        rejected += len(bad)
        if not embedded:
            continue
        vectors = embed_tokens(classifier, tokens.chosen(np.array(embedded)))
        for text, vector in zip(embedded, vectors, strict=True):
            line = {
                "line": records[decoded.indexes[text]].offset,
                "text": decoded.texts[text],
                "embedding": vector,
            }
            typer.echo(orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY))
    return rejected
