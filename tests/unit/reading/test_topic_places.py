"""Places in a topic, as users name them."""

import pytest

from worker.reading.places import EARLIEST, LATEST, parse_place

NOW = 1_800_000_000_000


@pytest.mark.parametrize(("text", "place"), [("earliest", EARLIEST), ("latest", LATEST), ("now", LATEST)])
def test_an_end_has_neither_offset_nor_time(text: str, place: object) -> None:
    assert parse_place(text, NOW) == place


def test_a_number_is_an_offset() -> None:
    assert parse_place("1200", NOW).offset == 1200


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("30s", NOW - 30_000),
        ("90m", NOW - 90 * 60_000),
        ("24h", NOW - 86_400_000),
        ("7d", NOW - 7 * 86_400_000),
        ("999999d", 0),
        ("2026-01-31T08:00:00Z", 1_769_846_400_000),
        ("2026-01-31T09:00:00+01:00", 1_769_846_400_000),
    ],
)
def test_a_time_is_given_or_told_by_how_long_ago_it_was(text: str, time_ms: int) -> None:
    place = parse_place(text, NOW)
    assert (place.time_ms, place.offset, str(place)) == (time_ms, None, text)


@pytest.mark.parametrize("text", ["", "yesterday", "-5", "5w", "1.5h", "2026-01-31T08:00:00"])
def test_anything_else_names_no_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"time zone|not a place"):
        parse_place(text, NOW)
