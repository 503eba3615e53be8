"""Large bodies are taken apart by arrays and mended in place; small ones say what is right."""

import json
from math import copysign, isinf
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unit.codec.events import a_codec, a_record, answer, events, exactly, unhurried

from worker.codec import structure
from worker.codec.document import parse
from worker.codec.mending import with_finite_numbers, without_surrogates
from worker.codec.structure import separators
from worker.errors import Reason


@unhurried
@given(event=events())
def test_a_large_container_has_its_commas_where_a_small_one_has_them(event: bytes) -> None:
    start = event.index(b"{")
    assert structure._computed(event, start) == structure._scanned(event, start)


@pytest.mark.parametrize(
    "spelled", [b"1e999", b"-1E+0400", b"1.5e400", b"1" * 400, b"9" * 400 + b".5", b"-" + b"7" * 500]
)
def test_a_number_beyond_a_double_becomes_another_of_the_same_length(spelled: bytes) -> None:
    body = b'{"text":"1e999 \\" 1e999","n":%b,"m":[%b,1e2,5]}' % (spelled, spelled)
    mended = with_finite_numbers(body)
    assert len(mended) == len(body)
    document = orjson.loads(mended)
    assert document["text"] == '1e999 " 1e999'
    assert document["m"][1:] == [100, 5]
    assert type(document["n"]) is float


ZEROS = st.integers(0, 700).map("0".__mul__)
DIGITS = st.text("0123456789", min_size=1, max_size=3) | st.builds(
    lambda first, digit, count, last: f"{first}{digit * count}{last}",
    st.integers(1, 9),
    st.sampled_from("0179"),
    st.integers(0, 700),
    st.text("0123456789", max_size=20),
)
EXPONENTS = st.builds(
    lambda e, sign, zeros, exponent: f"{e}{sign}{zeros}{exponent}",
    st.sampled_from("eE"),
    st.sampled_from(["", "+", "-"]),
    st.integers(0, 12).map("0".__mul__),
    st.integers(0, 20) | st.integers(280, 330) | st.integers(0, 1_000) | st.integers(0, 10**40),
)
NUMBERS = st.builds(
    lambda sign, whole, fraction, exponent: sign + whole + fraction + exponent,
    st.sampled_from(["", "-"]),
    st.just("0") | DIGITS,
    st.just("") | st.builds(".{}{}".format, ZEROS, DIGITS),
    st.just("") | EXPONENTS,
)


@unhurried
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=4), spoilt=st.text("0123456789.eE+-", max_size=2))
@example(["1" + "0" * 250 + "e99"], "")
@example(["1" + "0" * 400 + "e-5", "1" + "0" * 700 + "e-500"], "")
@example(["0." + "0" * 400 + "1e900", "1e0000308", "17976931348623158e292", "17976931348623159e292"], "")
@example(["1" * 308 + "e1", "1" * 299 + "e10", "1" * 300 + "e9"], "")
def test_every_number_of_json_is_taken_however_large_and_the_others_keep_their_values(
    numbers: list[str], spoilt: str
) -> None:
    value = json.dumps({"text": "1e999 good", "n": "N"}).replace('"N"', f"[{','.join(numbers)},7{spoilt}]")
    try:
        expected = json.loads(value, parse_int=float, parse_float=float)["n"]
    except ValueError:
        expected = None
    assert (a_codec().decode([a_record(value.encode())]).indexes == [0]) == (expected is not None)
    if expected is not None:
        found = parse(value.encode())
        assert isinstance(found, dict)
        in_reach = [copysign(9e307, number) if isinf(number) else number for number in expected]
        assert [float(number) for number in found["n"]] == in_reach


@unhurried
@given(
    before=st.sampled_from(["", "1", "1.", "-", "0", "1e", "1e5", ".", "1e999", "a"]),
    number=st.sampled_from(["1e999", "1" * 400, "-1e0999", "0" * 400, "1" * 400 + "e1", "1e" + "9" * 400]),
    after=st.sampled_from(["", ".", "e", "e5", ".5", "e999", "e+", "-1", "1", "x"]),
)
def test_what_is_no_number_is_none_after_mending(before: str, number: str, after: str) -> None:
    value = f'{{"text":"good","n":{before}{number}{after}}}'
    try:
        json.loads(value, parse_int=float)
        valid = True
    except ValueError:
        valid = False
    decoded = a_codec().decode([a_record(value.encode())])
    assert (decoded.indexes == [0]) == valid


@pytest.mark.parametrize("where", ["text", "other"])
def test_half_a_pair_is_told_from_json_that_breaks_behind_it(where: str) -> None:
    half = rb'{"%b":"\ud83d","n":1e999' % where.encode()
    [whole, broken] = [a_codec().decode([a_record(half + end)]).rejected[0] for end in (b"}", b",}")]
    assert whole.reason == Reason.LONE_SURROGATE
    assert (broken.reason, broken.message.split()[-1]) == (Reason.NOT_JSON, str(len(half)))


def test_an_escaped_backslash_before_a_u_is_no_escape_of_a_surrogate() -> None:
    body = rb'["\\ud83d"]'
    assert without_surrogates(body).count(b"ud83d") == 1


def large(*members: bytes) -> bytes:
    return b'{"text":"good",' + b",".join(members) + b"}"


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(large(*[b'"sentiment":1'] * 40_000), id="the same member again and again"),
        pytest.param(large(*[b'"a":[{}],"sentim\\u0065nt":"}{"'] * 20_000), id="between others, escaped"),
        pytest.param(large(b'"n":[' + b",".join([b"1e999"] * 90_000) + b"]"), id="exponents"),
        pytest.param(large(b'"n":[' + b",".join([b'"]"'] * 90_000) + b"]", b'"sentiment":0'), id="strings of brackets"),
    ],
)
@pytest.mark.parametrize("output_mode", ["enrich", "verdict"])
def test_a_large_event_made_on_purpose_is_answered_like_any_other(event: bytes, output_mode: str) -> None:
    value, _ = answer(a_codec(output_mode=output_mode, id_path="/n/80000"), a_record(event))
    if output_mode == "enrich":
        members = [member for member in exactly(event) if member[0] != "sentiment"]
        assert exactly(value)[:-1] == members
    elif b"1e999" in event:
        found: Any = dict(exactly(value))["event_id"]
        assert found == "1e999"


def test_no_token_of_a_large_container_is_looked_at_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "_TOKEN", None)
    assert len(separators(b"[" + b",".join([b"[]"] * 100_000) + b"]", 0)) == 100_000
