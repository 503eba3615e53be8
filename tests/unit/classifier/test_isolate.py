"""One text that a tokenizer fails on costs the others nothing."""

import math
from collections.abc import Sequence

import numpy as np
from error_codes import raises_code
from hypothesis import given
from hypothesis import strategies as st

from worker.classifier import tokenise
from worker.errors import Code, DeviceError, Reason, Stage
from worker.tokens import Tokens


class Panic(BaseException):
    """As a Rust extension panics: no Exception. Its words quote the text, as a panic's may."""


class Tokenizer:
    """One token a text, its length; fails on what is in ``bad``."""

    name = "lengths"

    def __init__(self, *bad: str) -> None:
        self.bad = bad
        self.calls = 0

    def encode(self, texts: Sequence[str]) -> Tokens:
        self.calls += 1
        for text in texts:
            if text in self.bad:
                raise Panic(text)
        count = len(texts)
        lengths = np.array([len(text) for text in texts], np.int32)
        return Tokens(lengths, np.ones(count, np.int32), np.arange(count, dtype=np.int64), np.zeros(count, np.bool_))


@given(st.integers(1, 60), st.data())
def test_exactly_the_bad_texts_are_rejected_and_the_others_tokenised(count: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    texts = [f"{number:03d}" + "x" * number for number in range(count)]
    tokenizer = Tokenizer(*(texts[number] for number in bad))
    tokens, rejected = tokenise(tokenizer, texts)
    assert set(rejected) == bad
    assert len(tokens) == count
    for number, text in enumerate(texts):
        if number not in bad:
            assert tokens.ids[number] == len(text)
    steps = math.ceil(math.log2(count)) if count > 1 else 0
    assert tokenizer.calls <= 3 + len(bad) * (2 * steps + 1)
    if not bad:
        assert tokenizer.calls == 1


def test_a_rejection_names_the_failure_and_quotes_nothing() -> None:
    _, rejected = tokenise(Tokenizer("secret"), ["fine", "secret"])
    rejection = rejected[1]
    assert (rejection.reason, rejection.stage) == (Reason.TOKENISING_FAILED, Stage.TOKENISE)
    assert rejection.exception == "Panic"
    assert "secret" not in repr(rejection)


def test_a_tokenizer_that_fails_on_everything_is_nobodys_fault() -> None:
    class Broken(Tokenizer):
        def encode(self, texts: Sequence[str]) -> Tokens:
            raise Panic

    with raises_code(DeviceError, Code.TOKENIZER_FAILED):
        tokenise(Broken(), ["a text", "another"])
