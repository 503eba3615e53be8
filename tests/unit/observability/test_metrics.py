"""Each metric is declared once, filled, on the page, and in the document; names follow Prometheus' rules."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from worker.observability.instruments import NAMESPACE, Instrument
from worker.observability.metrics import Metrics

ROOT = Path(__file__).parents[3]
BASE_UNITS = {"seconds", "bytes", "ratio", "messages", "records", "texts", "batches", "tokens", "offsets", "partitions"}

Row = tuple[str, str, tuple[str, ...], str]
"""Name, kind, labels, help."""


@pytest.fixture(name="registry")
def _registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture(name="metrics")
def _metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


def declared(metrics: Metrics) -> list[Row]:
    return [(metric.name, metric.kind, metric.labels, metric.help) for metric in metrics]


def named(family: Metric) -> tuple[str, str, str]:
    return family.name + ("_total" if family.type == "counter" else ""), family.type, family.documentation


@pytest.mark.parametrize(
    ("encode", "parse"),
    [
        pytest.param(generate_latest, text_string_to_metric_families, id="text"),
        pytest.param(generate_openmetrics, openmetrics_families, id="OpenMetrics"),
    ],
)
def test_the_page_has_what_is_declared_and_nothing_else(
    metrics: Metrics,
    registry: CollectorRegistry,
    encode: Callable[[CollectorRegistry], bytes],
    parse: Callable[[str], list[Metric]],
) -> None:
    families = parse(encode(registry).decode())
    assert [named(family) for family in families] == [(name, kind, help) for name, kind, _, help in declared(metrics)]


def test_the_document_has_what_is_declared_and_nothing_else(metrics: Metrics) -> None:
    table = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| (.*) \|$", (ROOT / "docs/metrics.md").read_text(), re.M)
    rows = [
        (f"{NAMESPACE}_{name}", kind, tuple(re.findall(r"`(\w+)`", labels)), help.replace("`", ""))
        for name, kind, labels, help in table
    ]
    assert sorted(rows) == sorted(declared(metrics))


def test_each_metric_that_a_page_asks_for_exists(metrics: Metrics) -> None:
    series = {
        metric.name + suffix
        for metric in metrics
        for suffix in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
    }
    asked = {name for page in ROOT.glob("docs/*.md") for name in re.findall(rf"{NAMESPACE}_\w+[a-z]", page.read_text())}
    assert len(asked) > 10
    assert asked - series == set()


def test_each_metric_is_filled_somewhere(metrics: Metrics) -> None:
    sources = [path for path in (ROOT / "worker").rglob("*.py") if path.name not in ("metrics.py", "statistics.py")]
    filled = {
        name
        for source in sources
        for name in re.findall(
            r"metrics\.(\w+)\.(?:inc|observe|observe_each|set|ask|ask_by_label)\(", source.read_text()
        )
    }
    attributes = {name for name, value in vars(metrics).items() if isinstance(value, Instrument)}
    assert filled == attributes


def test_names_units_and_sentences_follow_the_conventions(metrics: Metrics) -> None:
    for metric in metrics:
        base = metric.name.removesuffix("_total")
        assert re.fullmatch(rf"{NAMESPACE}_[a-z][a-z_]*[a-z]", metric.name)
        assert (metric.kind == "counter") == (metric.name != base), metric.name
        assert not re.search(r"_(count|sum|bucket|created|info)$", base), f"{metric.name} ends as a series of its own"
        assert metric.unit == (base.rsplit("_", 1)[-1] if base.rsplit("_", 1)[-1] in BASE_UNITS else ""), metric.name
        assert re.fullmatch(r"[A-Z].*\.", metric.help), metric.name


def test_no_label_can_have_many_values(metrics: Metrics) -> None:
    assert {label for metric in metrics for label in metric.labels} <= {"reason", "topic", "partition"}
