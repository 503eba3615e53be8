"""Pictures and heads of a report, of figures that are known."""

import itertools
import re
from collections.abc import Callable

import numpy as np
import pytest

from worker.datasets.examples import LABELS
from worker.datasets.labelled import Labelled
from worker.evaluation.measure import Evaluation, measure
from worker.evaluation.report import Subject, charts
from worker.evaluation.report.canvas import INK, ink_on
from worker.evaluation.report.html import as_html
from worker.evaluation.report.markdown import as_markdown


def perfect(names: tuple[str, ...], texts: int) -> list[Evaluation]:
    """Models that are right of every text, each in a domain."""
    rows = np.arange(texts) % 3
    data = Labelled(
        "a.csv",
        LABELS,
        tuple("x" * texts),
        rows,
        np.eye(3, dtype=np.float32)[rows],
        "ratings",
        ratings=(rows - 1).astype(np.float32),
        domains=tuple("abc"[row] for row in rows),
    )
    return [measure(data.targets, data, model=name, revision="", seconds=1, can_give=LABELS) for name in names]


@pytest.mark.parametrize("draw", [charts.agreement, charts.domains, charts.reliability])
def test_dots_at_100_per_cent_are_whole(draw: Callable[..., str]) -> None:
    dots = draw(perfect(("mine",), 9), outlines=False).split('id="PathCollection')[-1]

    assert "<use" in dots
    assert not re.search(r'clip-path="[^"]*">\s*<use', dots)


def test_a_number_on_a_shade_stands_out() -> None:
    white, black = (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 1.0)
    assert (ink_on(white), ink_on(black)) == (INK, "white")
    # The green of a third model, on which white has a contrast of 3.4 and ink one of 4.4.
    assert ink_on((0.0, 0.62, 0.45, 1.0)) == INK


def test_the_bars_below_the_calibration_are_as_wide_as_its_bins_and_apart() -> None:
    scores = np.array([[0.41, 0.39, 0.2], [0.46, 0.34, 0.2], [0.47, 0.33, 0.2], [1.0, 0.0, 0.0]])
    data = Labelled(
        "a.csv", LABELS, ("a", "b", "c", "d"), np.zeros(4, np.int64), np.eye(3, dtype=np.float32)[[0] * 4], ""
    )
    svg = charts.reliability(
        [measure(scores, data, model="mine", revision="", seconds=1, can_give=LABELS)], outlines=False
    )
    bars = [
        [float(x) for x in re.findall(r"[ML] ([\d.]+) [\d.]+", path)]
        for path in re.findall(r'<path d="([^"]*)" clip-path="[^"]*" style="fill: #0072b2; opacity: 0.5"', svg)
    ]
    assert len(bars) == 3
    assert all(max(left) < min(right) for left, right in itertools.pairwise(bars))


def test_the_calibration_error_stands_above_the_curve() -> None:
    svg = charts.reliability(perfect(("mine",), 9), outlines=False)
    top = min(float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", svg.split('id="patch_2"')[1].split("</g>")[0]))
    said = re.search(r"<text[^>]* y=\"([\d.]+)\"[^>]*>ECE", svg)

    assert said is not None
    assert float(said[1]) < top


def test_long_names_do_not_run_into_one_another() -> None:
    name = "distilbert-base-uncased-finetuned-sst-2-english"
    evaluations = perfect((name, "bundled"), 9)

    for draw in (charts.confusions, charts.reliability):
        svg = draw(evaluations, outlines=False)
        assert name not in svg
        assert ">distilbert-base-uncased…<" in svg


def test_one_text_is_no_texts() -> None:
    subject = Subject("a.csv", 1, LABELS, ("mine",), "cpu", "1 May 2026")

    assert "1 text · " in as_html(subject, [])
    assert "1 text of " in as_markdown(subject, [], "pictures")
