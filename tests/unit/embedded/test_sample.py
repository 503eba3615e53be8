"""The sample stream: enough sentences, balanced, rated, and always the same."""

from collections import Counter
from importlib.resources import files

from worker.embedded import RatedSentence, rated_sentences


def test_the_sample_has_at_least_1200_sentences_balanced_over_four_domains() -> None:
    domains = Counter(sentence.domain for sentence in rated_sentences())
    assert domains.total() >= 1200
    assert len(set(domains.values())) == 1
    assert len(domains) == 4


def test_ids_are_unique_and_every_sentence_has_words_and_a_rating() -> None:
    sentences = rated_sentences()
    assert len({sentence.id for sentence in sentences}) == len(sentences)
    assert all(sentence.text.strip() and -4 <= sentence.rating <= 4 for sentence in sentences)


def test_domains_are_mixed_from_the_first_sentence_on() -> None:
    assert len({sentence.domain for sentence in rated_sentences()[:40]}) == 4


def test_a_rated_sentence_does_not_print_its_text() -> None:
    assert "secret" not in repr(RatedSentence("a/1", "a", "secret words", 1.0))


def test_the_notice_of_the_sentences_ships_beside_them() -> None:
    notice = files("worker.embedded").joinpath("NOTICE.md").read_text(encoding="utf-8")
    assert "The MIT License" in notice
    assert "Copyright (c) 2016 C.J. Hutto" in notice
