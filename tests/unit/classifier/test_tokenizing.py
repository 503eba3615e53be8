"""Every backend gives exactly what Hugging Face's ``tokenizers`` gives, or is not used."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, pre_tokenizers
from unit.classifier.small_models import BERT_SPECIALS, ROBERTA_SPECIALS, TEXTS, byte_bpe, unigram, wordpiece

from worker.classifier.tokenizing import Encoding, choice, choose_tokenizer
from worker.classifier.tokenizing.choice import FAST_BACKENDS, same_tokens
from worker.classifier.tokenizing.wordpiece import WordPieceTokenizer
from worker.tokens import Tokens

LIMIT = 12


def trained_once(train: Callable[[], Tokenizer]) -> Callable[[], Tokenizer]:
    """Copies of one tokenizer: trained again, ties between merges may fall otherwise."""
    written = cache(lambda: train().to_str())
    return lambda: Tokenizer.from_str(written())


TOKENIZERS: dict[str, tuple[str, Callable[[], Tokenizer]]] = {
    "uncased WordPiece": ("nanotoken", trained_once(wordpiece)),
    "cased WordPiece": ("nanotoken", trained_once(lambda: wordpiece(lowercase=False))),
    "RoBERTa's byte-level BPE": ("gigatoken", trained_once(byte_bpe)),
    "GPT-2's byte-level BPE": (
        "gigatoken",
        trained_once(lambda: byte_bpe(special_tokens=["<|endoftext|>"], around=False)),
    ),
}
each_fast_one = pytest.mark.parametrize(("backend", "make"), TOKENIZERS.values(), ids=TOKENIZERS)
each_side = pytest.mark.parametrize("side", ["right", "left"])

pieces = st.one_of(
    st.text(max_size=6),
    st.sampled_from([*BERT_SPECIALS, *ROBERTA_SPECIALS, " <mask>", "<|endoftext|>"]),
    st.sampled_from(
        ["the film", "wonderful", " didn't", "café", "e\u0301", "这", "👍🏽", "\u200b", "\x00", "\n", "  "]
    ),
)
Side = Literal["left", "right"]
Wanted = Literal["auto", "huggingface"]

texts = st.lists(st.lists(pieces, max_size=12).map("".join), max_size=8)


@each_fast_one
def test_the_fast_backend_is_chosen(backend: str, make: Callable[[], Tokenizer]) -> None:
    assert choose_tokenizer(make(), Encoding(512), "auto").name == backend


def test_the_registry_of_fast_backends_is_covered() -> None:
    assert {name for name, _ in TOKENIZERS.values()} == {backend.name for backend in FAST_BACKENDS.values()}  # type: ignore[attr-defined]


@each_fast_one
@each_side
def test_the_fast_backend_gives_the_reference_tokens(backend: str, make: Callable[[], Tokenizer], side: Side) -> None:
    fast = choose_tokenizer(make(), Encoding(LIMIT, side), "auto")
    reference = choose_tokenizer(make(), Encoding(LIMIT, side), "huggingface")
    assert (fast.name, reference.name) == (backend, "huggingface")

    @given(texts)
    def agree(generated: list[str]) -> None:
        assert same_tokens(fast.encode(generated), reference.encode(generated))

    agree()


@pytest.mark.parametrize(
    "make", [make for _, make in TOKENIZERS.values()] + [trained_once(unigram)], ids=[*TOKENIZERS, "Unigram"]
)
@pytest.mark.parametrize("wanted", ["auto", "huggingface"])
@each_side
def test_exactly_the_texts_beyond_the_limit_are_truncated(
    make: Callable[[], Tokenizer], wanted: Wanted, side: Side
) -> None:
    whole = choose_tokenizer(make(), Encoding(10_000, side), wanted).encode([" a" * n for n in range(1, 30)])
    cut = choose_tokenizer(make(), Encoding(LIMIT, side), wanted).encode([" a" * n for n in range(1, 30)])

    assert cut.truncated.tolist() == (whole.lengths > LIMIT).tolist()
    assert cut.lengths.tolist() == np.minimum(whole.lengths, LIMIT).tolist()
    assert LIMIT in whole.lengths[~cut.truncated]
    assert not whole.truncated.any()


@each_fast_one
@pytest.mark.parametrize("wanted", ["auto", "huggingface"])
def test_columns_are_what_the_protocol_says(backend: str, make: Callable[[], Tokenizer], wanted: Wanted) -> None:
    tokens = choose_tokenizer(make(), Encoding(LIMIT), wanted).encode(list(TEXTS))

    columns = (tokens.ids, tokens.lengths, tokens.offsets, tokens.truncated)
    assert [column.dtype.name for column in columns] == ["int32", "int32", "int64", "bool"]
    assert tokens.offsets.tolist() == [0, *np.cumsum(tokens.lengths)[:-1].tolist()]
    assert tokens.ids.size == tokens.lengths.sum()


@each_fast_one
@pytest.mark.parametrize("wanted", ["auto", "huggingface"])
def test_no_texts_give_no_tokens(backend: str, make: Callable[[], Tokenizer], wanted: Wanted) -> None:
    tokens = choose_tokenizer(make(), Encoding(LIMIT), wanted).encode([])

    assert [len(tokens), tokens.ids.size, tokens.offsets.size, tokens.truncated.size] == [0, 0, 0, 0]


@each_fast_one
@pytest.mark.parametrize("wanted", ["auto", "huggingface"])
def test_a_lone_surrogate_is_a_clear_error_without_the_text(
    backend: str, make: Callable[[], Tokenizer], wanted: Wanted
) -> None:
    tokenizer = choose_tokenizer(make(), Encoding(LIMIT), wanted)

    with pytest.raises(ValueError, match="lone surrogate") as raised:
        tokenizer.encode(["fine", "secret \ud800"])

    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__
    assert len(tokenizer.encode(["fine"])) == 1


def test_a_kind_that_no_fast_backend_knows_goes_to_huggingface() -> None:
    assert choose_tokenizer(unigram(), Encoding(LIMIT), "auto").name == "huggingface"


def test_a_part_that_the_fast_backend_does_not_know_goes_to_huggingface() -> None:
    odd = wordpiece()
    odd.pre_tokenizer = pre_tokenizers.UnicodeScripts()

    assert choose_tokenizer(odd, Encoding(LIMIT), "auto").name == "huggingface"


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda tokens: Tokens(tokens.ids + 1, tokens.lengths, tokens.offsets, tokens.truncated), id="ids"),
        pytest.param(
            lambda tokens: Tokens(tokens.ids, tokens.lengths, tokens.offsets, ~tokens.truncated), id="truncation"
        ),
    ],
)
def test_a_backend_that_differs_on_the_probes_is_not_used(
    trouble: Callable[[Tokens], Tokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(WordPieceTokenizer):
        def encode(self, texts: Sequence[str]) -> Tokens:
            return trouble(super().encode(texts))

    monkeypatch.setitem(choice.FAST_BACKENDS, "WordPiece", Wrong)

    assert choose_tokenizer(wordpiece(), Encoding(LIMIT), "auto").name == "huggingface"


def test_a_backend_that_panics_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        """As Rust's panics arrive: not an Exception."""

    def build(tokenizer_json: str, encoding: Encoding) -> None:
        raise Panic

    monkeypatch.setitem(choice.FAST_BACKENDS, "WordPiece", build)

    assert choose_tokenizer(wordpiece(), Encoding(LIMIT), "auto").name == "huggingface"


def test_the_cache_of_words_is_bounded() -> None:
    import nanotoken

    choose_tokenizer(wordpiece(), Encoding(LIMIT), "auto")

    assert nanotoken.get_cache_entries() == 65_536


def test_tokens_print_no_text() -> None:
    tokens = choose_tokenizer(wordpiece(), Encoding(LIMIT), "auto").encode(["secret words"])

    assert repr(tokens) == "Tokens()"
