"""Every output is what the published schemas say."""

import json

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from unit.codec.events import SENTIMENT, WRAPPINGS, Wrapping, a_codec, answer, events, unhurried

from schemas import EnrichedEvent, SentimentVerdict, VerdictEvent
from schemas.json_schema import json_schema

every_wrapping = pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
every_id = pytest.mark.parametrize("id_", ["7", '"a"', "null", "1.50", "12345678901234567890123", "[1]"])


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(name), format_checker=Draft202012Validator.FORMAT_CHECKER)


@every_wrapping
@unhurried
@given(event=events())
def test_an_enriched_event_fits_its_schema(wrapping: Wrapping, event: bytes) -> None:
    spliced = wrapping.unwrap(answer(a_codec(), wrapping.wrap(event))[0])
    validator("enriched-event").validate(json.loads(spliced))
    assert EnrichedEvent.model_validate_json(spliced).sentiment.label == "positive"


@every_wrapping
@every_id
def test_a_verdict_event_fits_its_schema_and_has_no_other_members(wrapping: Wrapping, id_: str) -> None:
    record = wrapping.wrap(f'{{"id":{id_},"text":"lovely"}}'.encode())
    parsed = json.loads(answer(a_codec(output_mode="verdict"), record)[0])
    verdict = parsed.get("data", parsed)
    validator("verdict-event").validate(verdict)
    assert list(verdict) == list(VerdictEvent.model_fields)
    assert list(verdict["sentiment"]) == list(SentimentVerdict.model_fields)


def test_a_verdict_that_the_schema_does_not_know_is_noticed() -> None:
    for name in SENTIMENT:
        assert not validator("sentiment").is_valid({key: value for key, value in SENTIMENT.items() if key != name})
    assert not validator("sentiment").is_valid(SENTIMENT | {"polarity": 1.5})
    assert not validator("sentiment").is_valid(SENTIMENT | {"sentiment": "mixed"})
