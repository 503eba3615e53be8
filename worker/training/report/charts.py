"""The pictures of a report, each an SVG: evaluations in, the file's content out."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from worker.training.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

INK, FAINT, GRID = "#1d2733", "#66717d", "#e6e9ee"

#: One colour a model, told apart with every kind of colour vision (after Okabe & Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9", "#7f7f7f")

WIDTH = 9.4
"""Inches of a whole-width picture."""

SMALL = 3.0
"""Inches of one of several small pictures."""

#: For dots, which the axes would cut in half at 0 and 100 %.
_WHOLE: dict[str, Any] = {"clip_on": False}

_STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a label or a domain may hold dollar signs
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": GRID,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": FAINT,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "svg.hashsalt": "sentiment-worker",  # the same evaluations give the same file
}


def colour(place: int) -> str:
    """The colour of the model at this place."""
    return COLOURS[place % len(COLOURS)]


def agreement(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Every model's accuracy with its 95 % interval, and the two-way agreement beside it where the data has ratings."""
    panels: list[tuple[str, list[float | None], list[tuple[float, float]]]] = [
        ("All classes", [e.accuracy for e in evaluations], [e.accuracy_interval for e in evaluations])
    ]
    if any(e.two_way is not None for e in evaluations):
        panels.append(("Positive against negative", [e.two_way for e in evaluations], []))

    def draw(axes: list[Axes]) -> None:
        names = [e.model for e in evaluations]
        # One scale for both, so that what is further right is better, whichever panel it is in.
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
                ax.plot(value, y, "o", color=tint, markersize=9, markeredgecolor="white", markeredgewidth=1.2, **_WHOLE)
                ax.text(value, y + 0.22, f"{value:.1%}", color=tint, weight="bold", ha="center", va="bottom", size=10)
            ax.set(title=title, xlim=(low, 1.0), ylim=(-0.6, len(names) - 0.3))
            ax.set_yticks(range(len(names)), names[::-1] if ax is axes[0] else [""] * len(names))
            _percent(ax)

    return _svg(draw, WIDTH, 0.9 + 0.62 * len(evaluations), 1, len(panels), outlines)


def confusions(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """A matrix a model: how the texts of each label are answered, in per cent of the label's texts."""
    columns, rows = _grid(len(evaluations))
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
                tint = "white" if share > 0.55 else INK
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
            ax.set(title=_heading(evaluation.model), xlabel="answered")
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

    return _svg(draw, columns * SMALL + 0.5, rows * (SMALL + (1.1 if crowded else 0.5)), rows, columns, outlines)


def reliability(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Confidence against accuracy: on the diagonal a score means what it says. Below, how many texts have it."""
    known = [(place, e, e.calibration) for place, e in enumerate(evaluations) if e.calibration is not None]
    columns, rows = _grid(len(known))

    def draw(axes: list[Axes]) -> None:
        for ax, (place, evaluation, calibration) in zip(axes, known, strict=False):
            sure, right, count = (np.array(column) for column in zip(*calibration.bins, strict=True))
            ax.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 4)))
            ax.bar(sure, count / count.max() * 0.22, width=0.045, color=colour(place), alpha=0.2)
            ax.fill_between(sure, sure, right, color=colour(place), alpha=0.15, linewidth=0)
            ax.plot(sure, right, color=colour(place), linewidth=1.5)
            sizes = 18 + 90 * count / count.max()
            ax.scatter(sure, right, s=sizes, color=colour(place), edgecolor="white", zorder=3, **_WHOLE)
            # Above the axes, since curves go everywhere in them.
            ax.annotate(
                f"ECE {calibration.ece:.3f}",
                (0, 1),
                (0, 8),
                xycoords="axes fraction",
                textcoords="offset points",
                weight="bold",
                color=colour(place),
            )
            ax.set_title(_heading(evaluation.model), pad=26)
            low = 1 / len(evaluation.labels)
            ax.set(xlabel="confidence", xlim=(min(low, sure.min()) - 0.04, 1.02), ylim=(0, 1.02))
            ax.grid(True)
            _percent(ax)
            ax.set_xticks(np.arange(0.4, 1.01, 0.2) if low > 0.2 else np.arange(0.0, 1.01, 0.2))
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            ax.tick_params(axis="y", colors=FAINT)
        axes[0].set_ylabel("accuracy")
        for ax in axes[len(known) :]:
            ax.axis("off")

    return _svg(draw, columns * SMALL, rows * SMALL * 0.92, rows, columns, outlines)


def domains(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Agreement in each domain, one dot a model."""
    names = [d.domain for d in evaluations[0].domains]
    sizes = [f"{d.domain.replace('_', ' ')}  ({d.texts:,})" for d in evaluations[0].domains]
    panels = [("All classes", [[d.accuracy for d in e.domains] for e in evaluations])]
    if any(d.two_way is not None for e in evaluations for d in e.domains):
        two_way = [[np.nan if d.two_way is None else d.two_way for d in e.domains] for e in evaluations]
        panels.append(("Positive against negative", two_way))
    return _dots(evaluations, sizes, panels, 0.9 + 0.5 * len(names), outlines)


def behaviour(evaluations: Sequence[Evaluation], *, outlines: bool) -> str:
    """Failure rates: a row a capability, worst first, a column a model."""
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
            tint = "white" if rate > 0.55 else INK
            ax.text(column, row, f"{rate:.0%}", color=tint, ha="center", va="center", weight="bold", size=10)
        ax.set_xticks(range(len(shown)), [_heading(model) for model, _ in shown])
        ax.xaxis.tick_top()
        ax.tick_params(axis="x", colors=INK)
        ax.set_yticks(range(len(names)), names)
        ax.set_xticks(np.arange(len(shown) - 1) + 0.5, minor=True)
        ax.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
        ax.grid(which="minor", color="white", linewidth=3)
        ax.tick_params(which="minor", length=0)
        ax.spines[:].set_visible(False)

    width = min(WIDTH, 2.6 + 1.6 * len(shown))
    return _svg(draw, width, 0.7 + 0.36 * len(names), 1, 1, outlines)


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
                    column, y, "o", color=colour(place), markersize=10, markeredgecolor="white", alpha=0.95, **_WHOLE
                )
            ax.set(title=title, xlim=(low, 1.0), ylim=(-0.6, len(rows) - 0.4))
            ax.set_yticks(range(len(rows)), rows[::-1] if ax is axes[0] else [""] * len(rows))
            _percent(ax)
        handles = [axes[0].plot([], [], "o", color=colour(i), markersize=9)[0] for i in range(len(evaluations))]
        axes[0].figure.legend(
            handles,
            [e.model for e in evaluations],
            loc="outside upper left",
            ncols=min(len(evaluations), 4),
            frameon=False,
            handletextpad=0.2,
        )

    return _svg(draw, WIDTH, height + 0.4, 1, len(panels), outlines)


def _heading(model: str) -> str:
    """As much of a model's name as fits above a small picture."""
    return model if len(model) <= 24 else f"{model[:23]}…"


def _percent(ax: Axes) -> None:
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.xaxis.set_major_locator(_tenths())
    ax.grid(True, axis="x")


def _tenths() -> Locator:
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(0.1)


def _grid(count: int) -> tuple[int, int]:
    """(columns, rows) of small pictures: up to three in a row, and four as two by two."""
    columns = 2 if count == 4 else min(count, 3)
    return columns, -(-count // columns)


def _svg(
    draw: Callable[[list[Axes]], None], width: float, height: float, rows: int, columns: int, outlines: bool
) -> str:
    """Draw on a grid of axes. ``outlines`` turns text into paths, for where the reader's fonts are not ours to name."""
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = _STYLE | {"svg.fonttype": "path" if outlines else "none"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        engine: Any = figure.get_layout_engine()
        engine.set(w_pad=0.12, h_pad=0.06)
        axes = figure.subplots(rows, columns, squeeze=False)
        draw(list(axes.flat))
        content = io.StringIO()
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = content.getvalue()
    return svg[svg.index("<svg") :]
