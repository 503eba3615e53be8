"""Tokenising that isolates bad texts: a text that fails alone is rejected, the others get their tokens."""

from collections.abc import Sequence

from worker.errors import Code, DeviceError, Reason, Rejection, Stage
from worker.tokens import TextTokenizer, Tokens

STAND_IN = "a"
"""Replaces a text that has no tokens, so that rows and texts keep the same indexes."""


def tokenise(tokenizer: TextTokenizer, texts: Sequence[str]) -> tuple[Tokens, dict[int, Rejection]]:
    """Return the tokens of n texts, and a rejection, by index, for each text on which the tokenizer fails alone.

    The row of a rejected text holds the tokens of a stand-in. With k bad texts among n the tokenizer runs at most
    ``3 + k * (2 * log2(n) + 1)`` times, log2 rounded up; once where all is well.

    Raises:
        DeviceError: it also fails on the stand-in, so it is not the text's fault.
    """
    tokens = _encoded(tokenizer, texts)
    if isinstance(tokens, Tokens):
        return tokens, {}
    rejected: dict[int, Rejection] = {}
    pending = [(0, len(texts))]
    while pending:
        start, stop = pending.pop()
        outcome = _encoded(tokenizer, texts[start:stop])
        if isinstance(outcome, Tokens):
            continue
        if stop - start > 1:
            middle = (start + stop) // 2
            pending += [(start, middle), (middle, stop)]
        else:
            rejected[start] = Rejection(
                Reason.TOKENISING_FAILED,
                Stage.TOKENISE,
                "the tokenizer fails on this text, even alone, and works on others",
                outcome,
            )
    tokens = _encoded(tokenizer, [STAND_IN if i in rejected else text for i, text in enumerate(texts)])
    if isinstance(tokens, Tokens):
        return tokens, rejected
    raise DeviceError(
        Code.TOKENIZER_FAILED,
        f"the tokenizer no longer works ({tokens}), not even on a text that it has tokenised before: "
        "restart the worker, with tokenizer=huggingface if it happens again",
    )


def _encoded(tokenizer: TextTokenizer, texts: Sequence[str]) -> Tokens | str:
    """Return tokens, or the name of the exception, whose message may quote the text."""
    try:
        return tokenizer.encode(texts)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in Rust is not an Exception
        return type(error).__name__
