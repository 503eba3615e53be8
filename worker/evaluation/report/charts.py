"""The pictures of a report: functions from evaluations to the content of an SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from worker.evaluation.measure import Evaluation
from worker.evaluation.metrics import BINS, wilson_interval
from worker.evaluation.report.canvas import (
    FAINT,
    GRID,
    INK,
    SMALL,
    WHOLE,
    WIDTH,
    colour,
    grid,
    heading,
    ink_on,
    percent,
    svg_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def agreement(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Draw every model's accuracy with its 95 % interval, next to the two-way agreement if the data has ratings."""
    panels: list[tuple[str, list[float | None], list[tuple[float, float]]]] = [
        ("All classes", [e.accuracy for e in evaluations], [e.accuracy_interval for e in evaluations])
    ]
    if any(e.two_way is not None for e in evaluations):
        panels.append(("Positive against negative", [e.two_way for e in evaluations], []))

    def draw(axes: list[Axes]) -> None:
        names = [e.model for e in evaluations]
        # One scale for both, so that further right is better in either panel.
        ends = [value for _, values, _ in panels for value in values if value is not None]
        ends += [start for _, _, intervals in panels for start, _ in intervals]
        low = max(0.0, np.floor(min(ends) * 10 - 0.5) / 10)
        for ax, (title, values, intervals) in zip(axes, panels, strict=True):
            for place, value in enumerate(values):
                if value is None:
                    continue
                y, tint = len(names) - 1 - place, colour(place)
                if intervals:
                    ax.plot(intervals[place], [y, y], color=tint, linewidth=2, solid_capstyle="round")
                ax.plot(value, y, "o", color=tint, markersize=9, markeredgecolor="white", markeredgewidth=1.2, **WHOLE)
                ax.text(value, y + 0.22, f"{value:.1%}", color=tint, weight="bold", ha="center", va="bottom", size=10)
            ax.set(title=title, xlim=(low, 1.0), ylim=(-0.6, len(names) - 0.3))
            ax.set_yticks(range(len(names)), names[::-1] if ax is axes[0] else [""] * len(names))
            percent(ax)

    return svg_of(draw, WIDTH, 0.9 + 0.62 * len(evaluations), 1, len(panels), outlines)


def confusions(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Draw a matrix per model: the answers to the texts of each label, as a percentage of the label's texts."""
    columns, rows = grid(len(evaluations))
    labels = evaluations[0].labels
    crowded = len(labels) > 3
    size = max(5.0, 36 / len(labels)) if crowded else 12.0

    def draw(axes: list[Axes]) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        for place, (ax, evaluation) in enumerate(zip(axes, evaluations, strict=False)):
            shades = LinearSegmentedColormap.from_list("", ["#f5f7fa", colour(place)])
            counts = np.array(evaluation.confusion)
            shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
            ax.imshow(shares, cmap=shades, vmin=0, vmax=1)
            for (row, column), share in np.ndenumerate(shares):
                tint = ink_on(shades(float(share)))
                ax.text(
                    column, row - 0.07, f"{share:.0%}", color=tint, ha="center", va="center", size=12, weight="bold"
                )
                ax.text(
                    column,
                    row + 0.24,
                    f"{counts[row, column]:,}",
                    color=tint,
                    ha="center",
                    va="center",
                    size=size * 0.66,
                )
            ax.set(title=heading(evaluation.model), xlabel="answered")
            ax.set_xticks(
                range(len(labels)), labels, rotation=40 if crowded else 0, ha="right" if crowded else "center"
            )
            ax.set_yticks(range(len(labels)), labels if place % columns == 0 else [""] * len(labels))
            if place % columns == 0:
                ax.set_ylabel("labelled")
            ax.spines[:].set_visible(False)
            ax.set_xticks(np.arange(len(labels) - 1) + 0.5, minor=True)
            ax.set_yticks(np.arange(len(labels) - 1) + 0.5, minor=True)
            ax.grid(which="minor", color="white", linewidth=3)
            ax.tick_params(which="minor", length=0)
        for ax in axes[len(evaluations) :]:
            ax.axis("off")

    return svg_of(draw, columns * SMALL + 0.5, rows * (SMALL + (1.1 if crowded else 0.5)), rows, columns, outlines)


def reliability(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Draw accuracy over confidence: on the diagonal a score means what it says. Below, the number of texts.

    The line at each dot is the 95 % interval of its accuracy, which is long if few texts have such a score.
    """
    known = [(place, e, e.calibration) for place, e in enumerate(evaluations) if e.calibration is not None]
    columns, rows = grid(len(known))

    def draw(axes: list[Axes]) -> None:
        for ax in axes:
            ax.axis("off")
        for number, (place, evaluation, calibration) in enumerate(known):
            # Two rows of axes for each row of models.
            first = number // columns * 2 * columns + number % columns
            ax, strip = axes[first], axes[first + columns]
            tint = colour(place)
            sure, right, count = (np.array(column) for column in zip(*calibration.bins, strict=True))
            ends = np.array([wilson_interval(round(r * n), n) for r, n in zip(right, count.tolist(), strict=True)])
            ax.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 4)))
            ax.vlines(sure, ends[:, 0], ends[:, 1], color=tint, alpha=0.45, linewidth=1.5)
            ax.plot(sure, right, color=tint, linewidth=1.5)
            ax.scatter(sure, right, s=34, color=tint, edgecolor="white", zorder=3, **WHOLE)
            # Above the axes, since curves may be anywhere in them.
            ax.annotate(
                f"ECE {calibration.ece:.3f}",
                (0, 1),
                (0, 8),
                xycoords="axes fraction",
                textcoords="offset points",
                weight="bold",
                color=tint,
            )
            ax.set_title(heading(evaluation.model), pad=26)
            # At the bins, unlike the dots, which are at the mean of a bin's scores.
            left = np.minimum(np.floor(sure * BINS), BINS - 1) / BINS
            strip.bar(left, count, width=0.92 / BINS, align="edge", color=tint, alpha=0.5)
            strip.set_xlabel("confidence")
            low = 1 / len(evaluation.labels)
            for part in (ax, strip):
                part.axis("on")
                percent(part)
                part.set(xlim=(min(low, sure.min()) - 0.04, 1.02))
                part.set_xticks(np.arange(0.4, 1.01, 0.2) if low > 0.2 else np.arange(0.0, 1.01, 0.2))
                part.grid(True)
                part.tick_params(axis="y", colors=FAINT)
            ax.set_ylim(0, 1.02)
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            ax.tick_params(axis="x", labelbottom=False)
            strip.set_yticks([int(count.max())], [f"{count.max():,}"])
            if number % columns == 0:
                ax.set_ylabel("accuracy")
                strip.set_ylabel("texts")

    return svg_of(draw, columns * SMALL, rows * SMALL * 1.1, 2 * rows, columns, outlines, heights=[4, 1] * rows)


def domains(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Draw the agreement in each domain, one dot per model."""
    names = [d.domain for d in evaluations[0].domains]
    sizes = [f"{d.domain.replace('_', ' ')}  ({d.texts:,})" for d in evaluations[0].domains]
    panels = [("All classes", [[d.accuracy for d in e.domains] for e in evaluations])]
    if any(d.two_way is not None for e in evaluations for d in e.domains):
        two_way = [[np.nan if d.two_way is None else d.two_way for d in e.domains] for e in evaluations]
        panels.append(("Positive against negative", two_way))
    return _dots(evaluations, sizes, panels, 0.9 + 0.5 * len(names), outlines)


def behaviour(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Draw failure rates: a row per capability, worst first, a column per model."""
    shown = [(e.model, e.behaviour) for e in evaluations if e.behaviour is not None]
    worst = {name: max(b.capabilities[name] for _, b in shown) for name in shown[0][1].capabilities}
    names = sorted(worst, key=lambda name: -worst[name])
    rates = np.array([[b.capabilities[name] for _, b in shown] for name in names])

    def draw(axes: list[Axes]) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        (ax,) = axes
        shades = LinearSegmentedColormap.from_list("", ["#f0f6f1", "#fbe3b5", "#e4884f", "#b3332b"])
        ax.imshow(rates, cmap=shades, vmin=0, vmax=1, aspect="auto")
        for (row, column), rate in np.ndenumerate(rates):
            tint = ink_on(shades(float(rate)))
            ax.text(column, row, f"{rate:.0%}", color=tint, ha="center", va="center", weight="bold", size=10)
        ax.set_xticks(range(len(shown)), [heading(model) for model, _ in shown])
        ax.xaxis.tick_top()
        ax.tick_params(axis="x", colors=INK)
        ax.set_yticks(range(len(names)), names)
        ax.set_xticks(np.arange(len(shown) - 1) + 0.5, minor=True)
        ax.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
        ax.grid(which="minor", color="white", linewidth=3)
        ax.tick_params(which="minor", length=0)
        ax.spines[:].set_visible(False)

    width = min(WIDTH, 2.6 + 1.6 * len(shown))
    return svg_of(draw, width, 0.7 + 0.36 * len(names), 1, 1, outlines)


def _dots(
    evaluations: Sequence[Evaluation],
    rows: list[str],
    panels: list[tuple[str, list[list[float]]]],
    height: float,
    outlines: bool,
) -> str:
    def draw(axes: list[Axes]) -> None:
        for ax, (title, series) in zip(axes, panels, strict=True):
            values = np.array(series)
            low = max(0.0, float(np.floor(np.nanmin(values) * 10 - 0.2) / 10))
            for row in range(len(rows)):
                ax.axhline(len(rows) - 1 - row, color=GRID, linewidth=1, zorder=0)
            for place, column in enumerate(values):
                y = np.arange(len(rows))[::-1]
                ax.plot(
                    column, y, "o", color=colour(place), markersize=10, markeredgecolor="white", alpha=0.95, **WHOLE
                )
            ax.set(title=title, xlim=(low, 1.0), ylim=(-0.6, len(rows) - 0.4))
            ax.set_yticks(range(len(rows)), rows[::-1] if ax is axes[0] else [""] * len(rows))
            percent(ax)
        handles = [axes[0].plot([], [], "o", color=colour(i), markersize=9)[0] for i in range(len(evaluations))]
        axes[0].figure.legend(
            handles,
            [e.model for e in evaluations],
            loc="outside upper left",
            ncols=min(len(evaluations), 4),
            frameon=False,
            handletextpad=0.2,
        )

    return svg_of(draw, WIDTH, height + 0.4, 1, len(panels), outlines)
