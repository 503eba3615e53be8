"""Rendering verdicts as JSON: one precomputed template for a model, one ``%`` for an event."""

from collections.abc import Iterable

import orjson

from worker.verdict import ModelCard, Verdicts

REVISION_CHARACTERS = 12
"""Characters of the model's revision in an id."""


def quoted(text: str) -> str:
    """Return ``text`` as a JSON string."""
    # The name of a folder may contain bytes that are not UTF-8, which Python represents as surrogates.
    return orjson.dumps(text.encode(errors="replace").decode()).decode()


def literal(text: str) -> str:
    """Escape ``text`` for a ``%`` template."""
    return text.replace("%", "%%")


def id_template(topic: str, partition: int, card: ModelCard) -> str:
    """Return a template of the id of verdicts, as JSON, with ``%d`` for the offset.

    The id is the same for every repeat of an event's verdict by the same model, and for nothing else.
    """
    revision = card.revision[:REVISION_CHARACTERS]
    return f"{literal(quoted(f'{topic}-{partition}-'))[:-1]}%d{literal(quoted(f'-{revision}'))[1:]}"


class SentimentRenderer:
    """Writes the ``sentiment`` object of each verdict of one model."""

    def __init__(self, card: ModelCard) -> None:
        # Six significant digits are as precise as a 16-bit or 32-bit score; ``%g`` of a finite number is valid JSON.
        scores = ",".join(f"{literal(quoted(label))}:%.6g" for label in card.labels)
        self._labels = {label: quoted(label) for label in card.labels}
        self._card = card
        self._middle = (
            f',"label":%s,"score":%.6g,"scores":{{{scores}}},"sentiment":"%s","polarity":%.6g'
            f',"model":{{"name":{literal(quoted(card.name))},"revision":{literal(quoted(card.revision))}}}'
            ',"tokens":%d,"truncated":%s'
        )

    def render(
        self, topic: str, partition: int, offsets: Iterable[int], verdicts: Verdicts, processed_at: str
    ) -> list[bytes]:
        """Return a JSON object for each verdict; ``offsets`` and ``verdicts`` have the same length."""
        id_ = id_template(topic, partition, self._card)
        template = f'{{"id":{id_}{self._middle},"processed_at":{literal(quoted(processed_at))}}}'
        labels = self._labels
        return [
            (
                template
                % (offset, labels[label], score, *scores, sentiment, polarity, tokens, "true" if truncated else "false")
            ).encode()
            for offset, label, score, scores, sentiment, polarity, tokens, truncated in zip(
                offsets,
                verdicts.label,
                verdicts.score,
                verdicts.scores,
                verdicts.sentiment,
                verdicts.polarity,
                verdicts.tokens,
                verdicts.truncated,
                strict=True,
            )
        ]
