"""How the sample stream is chosen and packed."""

from collections import Counter
from importlib.resources import files

import pytest

from recipes.bundled.select_sample import PER_DOMAIN, pack, select
from worker.embedded import rated_sentences
from worker.embedded.sample import SAMPLE


def test_the_sample_that_ships_has_as_many_sentences_of_each_domain() -> None:
    assert set(Counter(sentence.domain for sentence in rated_sentences()).values()) == {PER_DOMAIN}


def test_packing_the_sample_again_gives_the_file_that_ships() -> None:
    assert pack(rated_sentences()) == files("worker.embedded").joinpath(SAMPLE).read_bytes()


def _rows(*counts: tuple[str, int]) -> list[dict[str, object]]:
    return [
        {"id": f"{domain}/{number}", "domain": domain, "text": f"text {number}", "rating": 0.5, "positive": 1.0}
        for domain, count in counts
        for number in range(count)
    ]


def test_a_selection_takes_as_many_of_each_domain_and_spreads_over_all_of_it() -> None:
    chosen = select(_rows(("a", 100), ("b", 10)), per_domain=10)
    assert Counter(sentence.domain for sentence in chosen) == {"a": 10, "b": 10}
    assert sorted(int(s.id.partition("/")[2]) for s in chosen if s.domain == "a") == list(range(0, 100, 10))


def test_a_selection_is_the_same_every_time() -> None:
    rows = _rows(("a", 50), ("b", 40))
    assert select(rows, 20) == select(rows, 20)


def test_too_few_sentences_of_a_domain_are_refused() -> None:
    with pytest.raises(ValueError, match="b has 9 sentences"):
        select(_rows(("a", 20), ("b", 9)), per_domain=10)
