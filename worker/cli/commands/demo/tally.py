"""Counts of the events sent and answered, and the answers' agreement with the people who rated the sentences."""

import time
from collections import Counter
from dataclasses import dataclass, field

from worker.embedded import RatedSentence
from worker.verdict import Sentiment

NEUTRAL_RATING = 0.5
"""A mean rating (-4..4) nearer to zero than this is neutral."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A share of sentences on which classifier and raters agree."""

    agreed: int = 0
    total: int = 0

    @property
    def share(self) -> float:
        """0..1; 0 where there was nothing to agree on."""
        return self.agreed / self.total if self.total else 0.0

    def counted(self, agreed: bool) -> "Agreement":
        return Agreement(self.agreed + agreed, self.total + 1)


@dataclass(slots=True)
class Tally:
    """Events by key: each is sent once and is to be answered once, by an output or a dead letter."""

    sentences: dict[str, RatedSentence] = field(repr=False)
    sent: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    outputs: int = 0
    dead_letters: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    sentiments: Counter[Sentiment] = field(default_factory=Counter)
    two_way: Agreement = field(default_factory=Agreement)
    """Positive or negative, on sentences that people did not find neutral."""
    three_way: Agreement = field(default_factory=Agreement)
    latencies: list[float] = field(default_factory=list, repr=False)
    """Seconds from an event's timestamp, set when it was sent, until its answer was read back."""
    first_sent: float | None = None
    last_answer: float | None = None

    def note_sent(self, key: str) -> None:
        self.sent.add(key)
        if self.first_sent is None:
            self.first_sent = time.monotonic()

    def note_output(self, key: str, sentiment: Sentiment, polarity: float, latency: float) -> None:
        self._note_answer(key)
        self.outputs += 1
        self.latencies.append(latency)
        self.sentiments[sentiment] += 1
        rating = self.sentences[key].rating
        self.three_way = self.three_way.counted(sentiment is _rated(rating))
        if abs(rating) > NEUTRAL_RATING:
            self.two_way = self.two_way.counted(polarity * rating > 0)

    def note_dead_letter(self, key: str, reason: str) -> None:
        self._note_answer(key)
        self.dead_letters += 1
        self.reasons[reason] += 1

    def _note_answer(self, key: str) -> None:
        self.answers[key] += 1
        self.last_answer = time.monotonic()

    @property
    def waiting(self) -> int:
        """Events sent and not yet answered."""
        return len(self.sent - self.answers.keys())

    @property
    def repeated(self) -> int:
        """Answers beyond the first, over all events."""
        return self.answers.total() - len(self.answers)

    @property
    def adds_up(self) -> bool:
        """In = out + dead letters, event by event."""
        return self.answers.keys() == self.sent and self.repeated == 0

    @property
    def events_per_second(self) -> float:
        """From the first event sent to the newest answer."""
        if self.first_sent is None or self.last_answer is None or self.last_answer <= self.first_sent:
            return 0.0
        return self.answers.total() / (self.last_answer - self.first_sent)

    def latency(self, quantile: float) -> float:
        """Return a quantile (0..1) of the latencies in seconds; 0 before the first."""
        if not self.latencies:
            return 0.0
        ordered = sorted(self.latencies)
        return ordered[min(int(quantile * len(ordered)), len(ordered) - 1)]


def _rated(rating: float) -> Sentiment:
    if abs(rating) <= NEUTRAL_RATING:
        return Sentiment.NEUTRAL
    return Sentiment.POSITIVE if rating > 0 else Sentiment.NEGATIVE
