"""The codec: decodes records to texts, and encodes verdicts as values and headers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from worker.codec import rejections
from worker.codec.confluent import frame
from worker.codec.formats import FORMATS, Format, recognised
from worker.codec.headers import NO_HEADERS, FormatHeaders, format_headers
from worker.codec.modes import Enrich, Mode, Output, VerdictOnly
from worker.codec.rendering import SentimentRenderer
from worker.codec.selection import Condition
from worker.codec.text import find_text, is_blank
from worker.errors import Reason, Rejection
from worker.fetch import Fetch, Record
from worker.pointer import MISSING, Pointer
from worker.settings import Settings
from worker.verdict import ModelCard, Verdicts

STEP = 256
"""Number of records that are decoded without a pause."""

_OPENING_BRACE, _CLOSING_BRACE = b"{}"
_is_cloudevent = FORMATS["cloudevents"].recognises


def processed_now() -> str:
    """Return the current time for an answer's ``processed_at``: RFC 3339, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The records of a fetch: each is at one of ``indexes``, ``rejected``, ``forwarded`` or ``skipped``."""

    texts: list[str] = field(default_factory=list, repr=False)
    """Texts to classify, in the order of ``indexes``."""
    indexes: list[int] = field(default_factory=list)
    rejected: dict[int, Rejection] = field(default_factory=dict)
    forwarded: list[int] = field(default_factory=list)
    """Indexes of records that are forwarded unchanged, ascending: tombstones, and events that are not classified."""
    skipped: list[int] = field(default_factory=list)
    """Indexes of records that get no answer, ascending."""
    kept: list[Any] = field(default_factory=list, repr=False)
    """Data needed to answer the event at each index of the fetch; None for an index that is not in ``indexes``."""

    def reject(self, rejections: Mapping[int, Rejection]) -> None:
        """Reject the records at these indexes, whatever decoding made of them."""
        kept = [(text, index) for text, index in zip(self.texts, self.indexes, strict=True) if index not in rejections]
        self.texts[:] = [text for text, _ in kept]
        self.indexes[:] = [index for _, index in kept]
        for others in (self.forwarded, self.skipped):
            others[:] = [index for index in others if index not in rejections]
        self.rejected.update(rejections)


class Codec:
    """Decodes events as the settings describe them, and encodes the verdicts of one model."""

    def __init__(self, settings: Settings, card: ModelCard) -> None:
        """Read the settings; raise SettingError if a pointer is not valid by RFC 6901."""
        self._text_pointer = Pointer.parse(settings.text_path)
        self._max_text_bytes = settings.max_text_bytes
        self._forwards_tombstones = settings.tombstones == "forward"
        self._condition = None if settings.classify_if is None else Condition.parse(settings.classify_if)
        self._on_no_text = settings.on_no_text
        self._format: Format | None = None if settings.input_format == "auto" else FORMATS[settings.input_format]
        self._reads_headers = settings.input_format in ("auto", "cloudevents")
        id_pointer = Pointer.parse(settings.id_path)
        before = b"" if settings.output_schema_id is None else frame(settings.output_schema_id)
        enriches = settings.output_mode == "enrich"
        self._mode: Mode = Enrich(before) if enriches else VerdictOnly(card, id_pointer, before)
        self._renderer = SentimentRenderer(card)
        # Most events are a plain JSON object with its text under one key: ``_decode_step`` reads these itself.
        bare = settings.input_format in ("auto", "json")
        self._bare_key = self._text_pointer.only_key if bare else None

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Decode a fetch's records. Never raises, whatever their bytes are."""
        *_, decoded = self.decode_in_steps(records)
        return decoded

    def decode_in_steps(self, records: Sequence[Record]) -> Iterator[Decoded]:
        """Decode with a pause after each ``STEP`` records; yields the same object each time, at least once."""
        decoded = Decoded(kept=[None] * len(records))
        for start in range(0, max(len(records), 1), STEP):
            self._decode_step(records[start : start + STEP], start, decoded)
            yield decoded

    def _decode_step(self, records: Sequence[Record], start: int, decoded: Decoded) -> None:
        texts, indexes, kept = decoded.texts, decoded.indexes, decoded.kept
        key, limit, reads_headers = self._bare_key, self._max_text_bytes, self._reads_headers
        fast_context, condition = self._mode.fast_context, self._condition
        for index, record in enumerate(records, start):
            value = record.value
            headers = format_headers(record.headers) if reads_headers and record.headers else NO_HEADERS
            if (
                key is not None
                and value
                and value[0] == _OPENING_BRACE
                and value[-1] == _CLOSING_BRACE
                and len(value) <= limit
                and not (headers and _is_cloudevent(value, headers))
            ):
                try:
                    document = orjson.loads(value)
                except orjson.JSONDecodeError:
                    document = {}
                text = document.get(key)
                if (
                    type(text) is str
                    and not is_blank(text)
                    and (condition is None or condition.holds(document))
                    and (bare := fast_context(document)) is not None
                ):
                    texts.append(text)
                    indexes.append(index)
                    kept[index] = bare
                    continue
            self._decode_any(index, record, headers, decoded)

    def _decode_any(self, index: int, record: Record, headers: FormatHeaders, decoded: Decoded) -> None:
        """Decode a record of any kind; for those that ``_decode_step`` reads itself, the result is the same."""
        value = record.value
        if value is None:
            if self._forwards_tombstones and record.key is not None:
                decoded.forwarded.append(index)
            else:
                decoded.rejected[index] = rejections.NULL_VALUE
            return
        parsed = (self._format or recognised(value, headers)).parse(value, headers)
        if isinstance(parsed, Rejection):
            no_data = parsed.reason is Reason.NO_TEXT
            if no_data and self._leaves_out(None):
                self._leave_out(index, decoded)
            else:
                self._reject(index, parsed, decoded, no_text=no_data)
            return
        document = parsed[0]
        if self._leaves_out(document):
            self._leave_out(index, decoded)
            return
        text = find_text(document, self._text_pointer, self._max_text_bytes)
        if isinstance(text, Rejection):
            self._reject(index, text, decoded, no_text=self._text_pointer.find(document) in (MISSING, None))
            return
        decoded.texts.append(text)
        decoded.indexes.append(index)
        decoded.kept[index] = self._mode.context_of(parsed)

    def _leaves_out(self, document: Any) -> bool:
        """Return whether ``classify_if`` excludes this event; ``document`` is None for an event without data."""
        return self._condition is not None and not self._condition.holds(document)

    def _leave_out(self, index: int, decoded: Decoded) -> None:
        """Forward or skip an event that is not meant to be classified; it is valid, and never a dead letter."""
        (decoded.skipped if self._on_no_text == "skip" else decoded.forwarded).append(index)

    def _reject(self, index: int, rejection: Rejection, decoded: Decoded, *, no_text: bool) -> None:
        """Forward, skip or reject an event that has no text (``no_text``) or none that can be classified."""
        if no_text and self._on_no_text == "forward":
            decoded.forwarded.append(index)
        elif no_text and self._on_no_text == "skip":
            decoded.skipped.append(index)
        else:
            decoded.rejected[index] = rejection

    def encode(
        self, fetch: Fetch, decoded: Decoded, indexes: Sequence[int], verdicts: Verdicts, processed_at: str
    ) -> list[Output]:
        """Return the values and headers of the answers to the events at ``indexes``, a subset of ``decoded.indexes``.

        Args:
            verdicts: one row for each of ``indexes``, in the same order.
            processed_at: an RFC 3339 time in UTC, the same for the whole batch.
        """
        offsets = [fetch.records[index].offset for index in indexes]
        sentiments = self._renderer.render(fetch.topic, fetch.partition, offsets, verdicts, processed_at)
        return self._mode.write(fetch, indexes, decoded.kept, sentiments, processed_at)
