"""The sample stream: enough sentences, balanced, rated, and always the same."""

from collections import Counter
from importlib.resources import files

import pytest

from worker.embedded import RatedSentence, rated_sentences
from worker.embedded.sample import SAMPLE
from worker.embedded.select_sample import PER_DOMAIN, pack, select


def test_the_sample_has_at_least_1200_sentences_balanced_over_four_domains():
    domains = Counter(sentence.domain for sentence in rated_sentences())
    assert domains.total() >= 1200
    assert set(domains.values()) == {PER_DOMAIN}
    assert len(domains) == 4


def test_ids_are_unique_and_every_sentence_has_words_and_a_rating():
    sentences = rated_sentences()
    assert len({sentence.id for sentence in sentences}) == len(sentences)
    assert all(sentence.text.strip() and -4 <= sentence.rating <= 4 for sentence in sentences)


def test_domains_are_mixed_from_the_first_sentence_on():
    assert len({sentence.domain for sentence in rated_sentences()[:40]}) == 4


def test_packing_the_sample_again_gives_the_file_that_ships():
    assert pack(rated_sentences()) == files("worker.embedded").joinpath(SAMPLE).read_bytes()


def test_a_rated_sentence_does_not_print_its_text():
    assert "secret" not in repr(RatedSentence("a/1", "a", "secret words", 1.0))


def test_the_notice_of_the_sentences_ships_beside_them():
    notice = files("worker.embedded").joinpath("NOTICE.md").read_text(encoding="utf-8")
    assert "The MIT License" in notice
    assert "Copyright (c) 2016 C.J. Hutto" in notice


def _rows(*counts: tuple[str, int]) -> list[dict[str, object]]:
    return [
        {"id": f"{domain}/{number}", "domain": domain, "text": f"text {number}", "rating": 0.5, "positive": 1.0}
        for domain, count in counts
        for number in range(count)
    ]


def test_a_selection_takes_as_many_of_each_domain_and_spreads_over_all_of_it():
    chosen = select(_rows(("a", 100), ("b", 10)), per_domain=10)
    assert Counter(sentence.domain for sentence in chosen) == {"a": 10, "b": 10}
    assert sorted(int(s.id.partition("/")[2]) for s in chosen if s.domain == "a") == list(range(0, 100, 10))


def test_a_selection_is_the_same_every_time():
    rows = _rows(("a", 50), ("b", 40))
    assert select(rows, 20) == select(rows, 20)


def test_too_few_sentences_of_a_domain_are_refused():
    with pytest.raises(ValueError, match="b has 9 sentences"):
        select(_rows(("a", 20), ("b", 9)), per_domain=10)
