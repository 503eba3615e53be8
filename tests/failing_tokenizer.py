"""A tokenizer that fails on some texts, as a Rust extension does."""

from collections.abc import Sequence

from worker.tokens import TextTokenizer, Tokens


class Panic(BaseException):
    """As a Rust extension panics: no Exception. Its words quote the text, as a panic's may."""


class Failing:
    """The tokenizer of a classifier, which fails on each list of texts with a certain word in it."""

    name = "failing"

    def __init__(self, tokenizer: TextTokenizer, word: str) -> None:
        self.tokenizer, self.word = tokenizer, word

    def encode(self, texts: Sequence[str]) -> Tokens:
        for text in texts:
            if self.word in text:
                raise Panic(text)
        return self.tokenizer.encode(texts)
