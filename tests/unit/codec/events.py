"""Records, verdicts and JSON for the codec's tests."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka.structs import ConsumerRecord
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from worker.codec import Codec, Output
from worker.fetch import Fetch
from worker.settings import Settings
from worker.verdict import ModelCard, Sentiment, Verdicts

TOPIC = "text-events"
PARTITION = 3
OFFSET = 1041
PROCESSED_AT = "2026-01-31T08:00:00.250Z"
CARD = ModelCard("bundled", "9f86d081884c7d659a2feaa0c55ad015", ("negative", "neutral", "positive"))
ID = f"{TOPIC}-{PARTITION}-{OFFSET}-9f86d081884c"


def a_codec(**settings: Any) -> Codec:
    return Codec(Settings(**settings), CARD)


def a_record(
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]] = (),
    key: bytes | None = b"lamp",
    offset: int = OFFSET,
) -> ConsumerRecord:
    sizes = [-1 if part is None else len(part) for part in (key, value)]
    return ConsumerRecord(TOPIC, PARTITION, offset, 1769846400000, 0, key, value, None, *sizes, headers)


def a_fetch(records: Sequence[ConsumerRecord]) -> Fetch:
    return Fetch(TOPIC, PARTITION, records, OFFSET + len(records), 0.0)


def some_verdicts(count: int) -> Verdicts:
    return Verdicts(
        label=["positive"] * count,
        score=[0.9731584787368774] * count,
        scores=[[0.0047192, 0.022122321650385857, 0.9731584787368774]] * count,
        sentiment=[Sentiment.POSITIVE] * count,
        polarity=[0.9684392809867859] * count,
        tokens=[11] * count,
        truncated=[False] * count,
    )


def answer(codec: Codec, record: ConsumerRecord) -> Output:
    """Return the codec's output for one record that carries a text."""
    decoded = codec.decode([record])
    assert decoded.indexes == [0], decoded.rejected
    [output] = codec.encode(a_fetch([record]), decoded, decoded.indexes, some_verdicts(1), PROCESSED_AT)
    return output


SENTIMENT = {
    "id": ID,
    "label": "positive",
    "score": 0.973158,
    "scores": {"negative": 0.0047192, "neutral": 0.0221223, "positive": 0.973158},
    "sentiment": "positive",
    "polarity": 0.968439,
    "model": {"name": "bundled", "revision": "9f86d081884c7d659a2feaa0c55ad015"},
    "tokens": 11,
    "truncated": False,
    "processed_at": PROCESSED_AT,
}
"""The verdict of ``some_verdicts`` on the record at OFFSET."""
SENTIMENT_BYTES = json.dumps(SENTIMENT, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Wrapping:
    """How a producer puts a JSON object into a record of one input format, and a consumer takes an answer out."""

    format: str
    wrap: Callable[[bytes], ConsumerRecord]
    unwrap: Callable[[bytes], bytes]
    """The bytes of the object in an output's value, once the value was wrapped by ``wrap``."""


CE_HEADERS = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"7d1c"),
    ("ce_source", b"/shop/reviews"),
    ("ce_type", b"review.written"),
    ("content-type", b"application/json"),
)
CE_HEAD = b'{"specversion":"1.0", "id":"7d1c", "source":"/shop/reviews", "type":"review.written", "data" : '
CE_TAIL = b', "traceparent":"00-4bf92f35-01"}'
STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)

WRAPPINGS = {
    "plain JSON": Wrapping("json", a_record, lambda value: value),
    "Confluent-framed JSON": Wrapping("confluent", lambda body: a_record(b"\0\0\0\0\x2a" + body), lambda value: value),
    "binary CloudEvent": Wrapping("cloudevents", lambda body: a_record(body, CE_HEADERS), lambda value: value),
    "structured CloudEvent, data last": Wrapping(
        "cloudevents",
        lambda body: a_record(CE_HEAD + body + b"}", STRUCTURED),
        lambda value: value.removeprefix(CE_HEAD)[:-1],
    ),
    "structured CloudEvent, data before others": Wrapping(
        "cloudevents",
        lambda body: a_record(CE_HEAD + body + CE_TAIL, STRUCTURED),
        lambda value: value.removeprefix(CE_HEAD).removesuffix(CE_TAIL),
    ),
}


def exactly(body: bytes) -> Any:
    """JSON parsed without loss: numbers keep their spelling, members their order and their doubles."""
    return json.loads(body, parse_float=str, parse_int=str, object_pairs_hook=lambda pairs: pairs)


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A property is about bytes, not about how busy the machine is."""

SPACE = st.text(" \t\r\n", max_size=3)
NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True).filter(
    lambda number: not number.endswith("\n")
)
STRING = st.lists(
    st.one_of(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'),
        st.sampled_from([r"\"", r"\\", r"\/", r"\b", r"\n", r"\u0000", r"\u00E9", r"\ud83d\uDE00", "{", "}", ",", "["]),
    ),
    max_size=8,
).map(lambda pieces: '"' + "".join(pieces) + '"')
SENTIMENT_KEY = st.sampled_from(['"sentiment"', r'"sentim\u0065nt"', r'"\u0073entiment"'])


@st.composite
def members(draw: st.DrawFn, keys: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> str:
    """A member with white space wherever JSON allows it."""
    return f"{draw(SPACE)}{draw(keys)}{draw(SPACE)}:{draw(SPACE)}{draw(values)}{draw(SPACE)}"


def _containers(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    padded = st.builds("{}{}{}".format, SPACE, values, SPACE)
    array = st.lists(padded, min_size=1, max_size=4).map(lambda parts: "[" + ",".join(parts) + "]")
    object_ = st.lists(members(STRING, values), min_size=1, max_size=4).map(lambda parts: "{" + ",".join(parts) + "}")
    return array | object_ | st.sampled_from(["{}", "[ ]", "{\n}"])


VALUE = st.recursive(NUMBER | STRING | st.sampled_from(["true", "false", "null"]), _containers, max_leaves=12)
OTHER_MEMBER = members(STRING.filter(lambda key: orjson.loads(key) not in ("text", "sentiment")), VALUE)
TEXT_MEMBER = members(st.sampled_from(['"text"', r'"te\u0078t"']), st.just(r'"The lamp is lovely \u0000 \ud83d\ude00"'))
TEXT = "The lamp is lovely \0 😀"


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """A JSON object with a text, as bytes of every shape that JSON allows."""
    others = draw(st.lists(OTHER_MEMBER, max_size=5))
    others.insert(draw(st.integers(0, len(others))), draw(TEXT_MEMBER))
    return "".join((draw(SPACE), "{", ",".join(others), "}", draw(SPACE))).encode()
