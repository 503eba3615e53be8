"""The cases that the intake's measurement compares: workloads, and for each of them the raw loop and the worker."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.stubs import StubClassifier, bundled_tokenizer

STUB_SECONDS, STUB_BATCH = 0.05, 256


@dataclass(frozen=True)
class Measured:
    """The figures of one run of a case."""

    events: int
    wall: float
    cpu: float

    @property
    def per_second(self) -> float:
        return self.events / self.wall

    @property
    def per_cpu_second(self) -> float:
        return self.events / self.cpu


@dataclass(frozen=True)
class Workload:
    """The content of the topic and the way it is answered, by the raw loop and by the worker alike."""

    output_mode: str = "enrich"
    cloudevents: bool = False
    """In binary mode; else plain JSON without headers."""

    def topic(self, name: str) -> str:
        return f"{name}.cloudevents" if self.cloudevents else name


ENRICH, VERDICT, CLOUDEVENTS = Workload(), Workload(output_mode="verdict"), Workload(cloudevents=True)


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    workload: Workload
    stub: Callable[[], StubClassifier] | None = None
    """In the device's place; None for the raw loop."""
    bar: float = 0.0
    """The least share of the ceiling."""
    ceiling: float | None = None
    """Events a second by the clock; None: what the workload's raw loop does in a CPU second."""

    def figure(self, measured: Measured) -> float:
        """Return the figure that counts of a run."""
        return measured.per_cpu_second if self.ceiling is None else measured.per_second


CASES = {
    "raw loop": Case(ENRICH),
    "free device": Case(ENRICH, StubClassifier, 0.6),
    "free device, tokenised": Case(ENRICH, lambda: StubClassifier(tokenizer=bundled_tokenizer()), 0.4),
    "50 ms per 256": Case(
        ENRICH,
        lambda: StubClassifier(seconds=STUB_SECONDS, batch_size=STUB_BATCH),
        bar=0.97,
        ceiling=STUB_BATCH / STUB_SECONDS,
    ),
    "raw loop, verdict": Case(VERDICT),
    "free device, verdict": Case(VERDICT, StubClassifier, 0.6),
    "raw loop, CloudEvents": Case(CLOUDEVENTS),
    "free device, CloudEvents": Case(CLOUDEVENTS, StubClassifier, 0.6),
}
