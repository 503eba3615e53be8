"""The kinds of metrics: counters and histograms that are filled, and gauges, which can be asked for at each scrape.

prometheus_client renders them. Its own kinds would not do: its histogram takes one observation at a time and not a
count, what they hold can be read by rendering it only, and each has a second series that says when it was made.
"""

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from threading import Lock
from typing import ClassVar

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

NAMESPACE = "sentiment_worker"

Labels = tuple[str, ...]
"""Values of a metric's labels, in their order."""


class Instrument(Collector):
    """A metric. Any thread may fill and read it.

    Args:
        name: without the namespace.
        help: the sentence that the page and docs/metrics.md show.
        unit: the last part of the name, ``_total`` aside, where that is a unit.
        labels: names of its labels, whose values must be few.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, help: str, *, unit: str = "", labels: Sequence[str] = ()) -> None:
        self.name = f"{NAMESPACE}_{name}"
        self.help = help
        self.unit = unit
        self.labels = tuple(labels)
        self._lock = Lock()

    def describe(self) -> Iterable[Metric]:
        """Return the metric without samples, as the registry asks for it to find names that are used twice."""
        return [Metric(self.name.removesuffix("_total"), self.help, self.kind, self.unit)]

    @abstractmethod
    def collect(self) -> Iterable[Metric]:
        """Return the metric with its samples, as they are now."""


class Counter(Instrument):
    """A number that only grows; one for each combination of label values.

    Args:
        known: values of the label that are shown as 0 before they are counted.
        options: those of every instrument.
    """

    kind = "counter"

    def __init__(self, name: str, help: str, *, known: Iterable[str] = (), unit: str = "", labels: Sequence[str] = ()):
        super().__init__(name, help, unit=unit, labels=labels)
        self._values: dict[Labels, float] = {(value,): 0 for value in known} if labels else {(): 0}
        self._read: Callable[[], float] | None = None

    def inc(self, amount: float = 1, *labels: str) -> None:
        """Add to the number with these label values."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + amount

    def ask(self, read: Callable[[], float]) -> None:
        """Show what ``read`` returns at each scrape: its owner counts, without labels. It must return at once."""
        self._read = read

    @property
    def total(self) -> float:
        """The sum over all label values."""
        return sum(self._now().values())

    def _now(self) -> dict[Labels, float]:
        if self._read is not None:
            return {(): self._read()}
        with self._lock:
            return dict(self._values)

    def by_label(self) -> dict[str, float]:
        """Return the number of each value of the only label, without those that were not counted yet."""
        return {labels[0]: value for labels, value in self._now().items() if value}

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self.name, self.help, labels=self.labels, unit=self.unit)
        for labels, value in self._now().items():
            family.add_metric(labels, value)
        return [family]


class Histogram(Instrument):
    """A distribution, as counts of what was observed below each bound.

    Args:
        buckets: the bounds that the page shows, ascending.
        finer: further bounds, which make ``quantile`` more exact.
        options: those of every instrument.
    """

    kind = "histogram"

    def __init__(
        self, name: str, help: str, *, buckets: Sequence[float], finer: Sequence[float] = (), unit: str = ""
    ) -> None:
        super().__init__(name, help, unit=unit)
        self._bounds = sorted({*buckets, *finer})
        self._shown = [(str(bound), self._bounds.index(bound)) for bound in buckets]
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum: float = 0

    def observe(self, value: float, count: int = 1) -> None:
        """Count a value, ``count`` times."""
        with self._lock:
            self._counts[bisect_left(self._bounds, value)] += count
            self._sum += value * count

    def observe_each(self, values: Sequence[float]) -> None:
        """Count each of these values; quick where they are alike."""
        if not values:
            return
        low, high = bisect_left(self._bounds, min(values)), bisect_left(self._bounds, max(values))
        with self._lock:
            if low == high:
                self._counts[low] += len(values)
            else:
                for value in values:
                    self._counts[bisect_left(self._bounds, value)] += 1
            self._sum += sum(values)

    @property
    def count(self) -> int:
        """The number of observations."""
        with self._lock:
            return sum(self._counts)

    @property
    def sum(self) -> float:
        """The sum of what was observed."""
        return self._sum

    def quantile(self, quantile: float) -> float | None:
        """Return the upper bound of the bucket that holds the quantile (0..1); None before any observation."""
        with self._lock:
            seen = [*accumulate(self._counts)]
        if seen[-1] == 0:
            return None
        return self._bounds[min(bisect_left(seen, quantile * seen[-1]), len(self._bounds) - 1)]

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            below, total = [*accumulate(self._counts)], self._sum
        buckets = [(bound, below[index]) for bound, index in self._shown]
        return [HistogramMetricFamily(self.name, self.help, [*buckets, ("+Inf", below[-1])], total, unit=self.unit)]


class Gauge(Instrument):
    """A number that goes up and down: set, or asked for at each scrape. It has no sample as long as it is not known."""

    kind = "gauge"

    def __init__(self, name: str, help: str, *, unit: str = "", labels: Sequence[str] = ()) -> None:
        super().__init__(name, help, unit=unit, labels=labels)
        self._read: Callable[[], Mapping[Labels, float]] = dict

    def set(self, value: float) -> None:
        """Show this value from now on."""
        self._read = lambda: {(): value}

    def ask(self, read: Callable[[], float | None]) -> None:
        """Show what ``read`` returns at each scrape; None: nothing. It must return at once."""

        def read_one() -> Mapping[Labels, float]:
            value = read()
            return {} if value is None else {(): value}

        self._read = read_one

    def ask_by_label(self, read: Callable[[], Mapping[Labels, float]]) -> None:
        """Show what ``read`` returns at each scrape, by label values. It must return at once."""
        self._read = read

    @property
    def value(self) -> float | None:
        """The number without labels, now."""
        return self._read().get(())

    def values(self) -> Mapping[Labels, float]:
        """Return the numbers by label values, now."""
        return self._read()

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self.name, self.help, labels=self.labels, unit=self.unit)
        for labels, value in self._read().items():
            family.add_metric(labels, value)
        return [family]
