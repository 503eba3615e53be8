"""``doctor``: is everything there that a worker needs, and what to do if not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from worker.cli.shared.console import stderr, stdout
from worker.cli.shared.flags import CLASSIFIER, CONNECTION, TOPICS, Flags, with_flags
from worker.connection import principal
from worker.diagnosis import connected
from worker.errors import WorkerError
from worker.permissions import (
    NO_SUCH_TOPIC,
    TOPIC_REFUSED,
    Permission,
    missing_permissions,
    refusal,
    topic_codes,
)
from worker.process import run_async
from worker.settings import Settings, load_settings
from worker.tokens import PaddedBatch

if TYPE_CHECKING:
    from worker.classifier import Classifier

TEST_TEXT = "This works remarkably well."


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check."""

    check: str
    passed: bool
    words: str
    """A description of what is there; or of what is not, and what to do about it."""


@with_flags(*CONNECTION, *TOPICS, "group_id", *CLASSIFIER, "missing_topics")
def doctor(flags: Flags) -> None:
    """Check settings, broker, permissions, topics, model and device, and say what to do about what is missing.

    Exit code 1 if a check fails.
    """
    settings = load_settings(**flags)
    console = stdout()
    failed = False
    for finding in _examine(settings):
        _show(console, finding)
        failed = failed or not finding.passed
    if failed:
        raise typer.Exit(1)


def _examine(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", True, "valid; `sentiment-worker config` shows them and where they come from")
    with _doing("asking the broker"):
        try:
            codes, refused = run_async(_look(settings))
        except WorkerError as error:
            yield Finding("broker", False, error.with_code)
            yield Finding("topics", False, "not looked for, since no broker answers")
        else:
            yield Finding("broker", True, f"answers at {','.join(settings.bootstrap_servers)}")
            yield from _permissions(settings, refused)
            yield _topics(settings, codes)
    with _doing("loading the model"):
        try:
            classifier = _load(settings)
        except WorkerError as error:
            yield Finding("model", False, error.with_code)
            return
    yield Finding(
        "model",
        True,
        f"{classifier.card.name} ({classifier.card.revision[:12]}), labels {', '.join(classifier.card.labels)}; "
        f"loaded and warm in {classifier.load_seconds:.1f} s, tokenised by {classifier.tokenizer.name}",
    )
    yield Finding(
        "device",
        True,
        f"{classifier.device} at {classifier.precision}; batches of up to {classifier.batch_size} texts "
        f"and {classifier.batch_tokens} padded tokens",
    )
    yield _try_out(classifier)


async def _look(settings: Settings) -> tuple[dict[str, int], list[Permission]]:
    """Kafka's error code of each topic, and the permissions that we lack, tried one by one."""
    async with connected(settings) as broker:
        return await topic_codes(broker, settings.topics), await missing_permissions(settings, broker)


def _permissions(settings: Settings, refused: list[Permission]) -> Iterator[Finding]:
    for permission in refused:
        yield Finding("permission", False, refusal(settings, [permission]).with_code)
    if not refused:
        yield Finding(
            "permission", True, f"{principal(settings)} may read the inputs and the group, and write the outputs"
        )


def _topics(settings: Settings, codes: dict[str, int]) -> Finding:
    wanted = settings.topics
    if unseen := [topic for topic in wanted if codes.get(topic) == TOPIC_REFUSED]:
        return Finding("topics", False, f"without permission it is not to be seen whether there is {', '.join(unseen)}")
    missing = [topic for topic in wanted if codes.get(topic) == NO_SUCH_TOPIC]
    if not missing:
        return Finding("topics", True, ", ".join(wanted))
    if settings.missing_topics == "create":
        return Finding("topics", True, f"{', '.join(missing)} will be made by `run` (missing_topics=create)")
    return Finding("topics", False, f"missing: {', '.join(missing)}; `sentiment-worker topics create` makes them")


def _load(settings: Settings) -> "Classifier":
    from worker.classifier import load_classifier

    return load_classifier(settings)


def _try_out(classifier: "Classifier") -> Finding:
    tokens = classifier.tokenizer.encode([TEST_TEXT])
    batch = PaddedBatch(tokens.ids.astype(np.int64)[None], tokens.lengths)
    scores = classifier.scores(batch)
    if not np.isfinite(scores).all():
        return Finding("test text", False, "its scores are not finite: try --precision fp32, or another model")
    verdicts = classifier.verdicts(scores, tokens.lengths, tokens.truncated)
    return Finding(
        "test text",
        True,
        f"“{TEST_TEXT}” is {verdicts.sentiment[0]} ({verdicts.label[0]} {verdicts.score[0]:.2f})",
    )


def _show(console: Console, finding: Finding) -> None:
    mark, style = ("ok  ", "green") if finding.passed else ("FAIL", "bold red")
    console.print(
        Text.assemble((f"{mark}  ", style), (f"{finding.check:<10} ", "bold"), finding.words),
        soft_wrap=not console.is_terminal,
    )


@contextmanager
def _doing(what: str) -> Iterator[None]:
    """Show on stderr, in a terminal, that something is under way."""
    console = stderr()
    if not console.is_terminal:
        yield
        return
    with console.status(f"{what} ..."):
        yield
