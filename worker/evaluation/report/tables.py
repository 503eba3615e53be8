"""The figures of a report as rows of strings, the same for every format."""

from __future__ import annotations

from collections.abc import Sequence

from worker.evaluation.measure import Evaluation

Table = tuple[list[str], list[list[str]]]
"""(header, rows)."""


def summary(evaluations: Sequence[Evaluation]) -> Table:
    """Return a row per model: agreement, calibration and speed, without columns that no model has."""
    rated = any(e.two_way is not None for e in evaluations)
    behaved = any(e.behaviour for e in evaluations)
    header = ["model", "accuracy (95 % interval)", "macro F1", *(["two-way"] if rated else []), "ECE", "loss"]
    header += [*(["behaviour failures"] if behaved else []), "texts/s", "load"]
    rows = []
    for e in evaluations:
        row = [e.model, f"{e.accuracy:.3f} ({interval(e.accuracy_interval)})", f"{e.macro_f1:.3f}"]
        row += [number(e.two_way)] if rated else []
        row += [
            number(e.calibration.ece if e.calibration else None),
            number(e.calibration.loss if e.calibration else None),
        ]
        row += [percent(e.behaviour.mean if e.behaviour else None)] if behaved else []
        row += [f"{e.texts_per_second:,.0f}", f"{e.load_seconds:.1f} s" if e.load_seconds else "-"]
        rows.append(row)
    return header, rows


def by_domain(evaluations: Sequence[Evaluation]) -> Table:
    """Return a row per domain and model."""
    header = ["domain", "texts", "model", "accuracy", "macro F1", "two-way"]
    rows = []
    for place, domain in enumerate(evaluations[0].domains):
        for e in evaluations:
            d = e.domains[place]
            rows.append(
                [domain.domain, f"{d.texts:,}", e.model, f"{d.accuracy:.3f}", f"{d.macro_f1:.3f}", number(d.two_way)]
            )
    return header, rows


def by_class(evaluations: Sequence[Evaluation]) -> Table:
    """Return a row per label and model."""
    header = ["label", "texts", "model", "precision", "recall", "F1"]
    rows = []
    for place, label in enumerate(evaluations[0].labels):
        for e in evaluations:
            c = e.classes[place]
            rows.append([label, f"{c.support:,}", e.model, *(number(value) for value in (c.precision, c.recall, c.f1))])
    return header, rows


def by_capability(evaluations: Sequence[Evaluation]) -> Table:
    """Return a row per capability and a column per model: failure rates in the behaviour suite, and their mean."""
    shown = [(e.model, e.behaviour) for e in evaluations if e.behaviour is not None]
    names = shown[0][1].capabilities
    rows = [[name, *(percent(b.capabilities[name]) for _, b in shown)] for name in names]
    rows.append(["mean of all tests", *(percent(b.mean) for _, b in shown)])
    return ["capability", *(model for model, _ in shown)], rows


def number(value: float | None) -> str:
    """Return three decimals, or a dash."""
    return "-" if value is None else f"{value:.3f}"


def interval(bounds: tuple[float, float]) -> str:
    """``0.833-0.994``."""
    return "-".join(f"{bound:.3f}" for bound in bounds)


def percent(value: float | None) -> str:
    """Return one decimal, or a dash."""
    return "-" if value is None else f"{value:.1%}"
