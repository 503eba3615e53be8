"""Tokenising that one bad text does not stop: what fails alone is named, the others get their tokens."""

from collections.abc import Sequence

from worker.errors import Code, DeviceError, Reason, Rejection, Stage
from worker.tokens import TextTokenizer, Tokens

STAND_IN = "a"
"""Takes the place of a text that has no tokens, so that rows and texts keep the same numbers."""


def tokenise(tokenizer: TextTokenizer, texts: Sequence[str]) -> tuple[Tokens, dict[int, Rejection]]:
    """The tokens of n texts, and a rejection for each text, by index, on which the tokenizer fails alone.

    The row of a rejected text holds the tokens of a stand-in. With k bad texts among n the tokenizer runs at most
    ``3 + k * (2 * log2(n) + 1)`` times, log2 rounded up; once where all is well.

    Raises:
        DeviceError: it fails on the stand-in, too: it is not the text's fault.
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
        f"the tokenizer does not work any more ({tokens}), not even on a text that it has tokenised before: "
        "start the worker again, with tokenizer=huggingface if that does not last",
    )


def _encoded(tokenizer: TextTokenizer, texts: Sequence[str]) -> Tokens | str:
    """Tokens, or the name of what was raised: its words may quote the text."""
    try:
        return tokenizer.encode(texts)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in Rust is no Exception
        return type(error).__name__
