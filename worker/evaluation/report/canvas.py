"""The canvas of a report's pictures: colours, sizes, the style of axes, and SVG from matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

INK, FAINT, GRID = "#1d2733", "#66717d", "#e6e9ee"

#: One colour per model, distinguishable with every kind of colour vision (after Okabe & Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9", "#7f7f7f")

WIDTH = 9.4
"""Width of a full-width picture, in inches."""

SMALL = 3.0
"""Width of one of several small pictures, in inches."""

#: For dots, which the axes would clip at 0 and 100 %.
WHOLE: dict[str, Any] = {"clip_on": False}

_STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a label or a domain may contain dollar signs
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
    "svg.hashsalt": "sentiment-worker",  # the same evaluations produce the same file
}


def colour(place: int) -> str:
    """Return the colour of the model at this index."""
    return COLOURS[place % len(COLOURS)]


def ink_on(shade: Sequence[float]) -> str:
    """Return dark or white, whichever has more contrast with this colour (contrast ratio of WCAG 2.2)."""
    from matplotlib.colors import to_rgb

    def luminance(rgb: Sequence[float]) -> float:
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    ground = luminance(shade[:3])
    return "white" if 1.05 / (ground + 0.05) > (ground + 0.05) / (luminance(to_rgb(INK)) + 0.05) else INK


def heading(model: str) -> str:
    """Return as much of a model's name as fits above a small picture."""
    return model if len(model) <= 24 else f"{model[:23]}…"


def percent(ax: Axes) -> None:
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.xaxis.set_major_locator(_tenths())
    ax.grid(True, axis="x")


def _tenths() -> Locator:
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(0.1)


def grid(count: int) -> tuple[int, int]:
    """Return (columns, rows) of small pictures: up to three in a row, and four as two by two."""
    columns = 2 if count == 4 else min(count, 3)
    return columns, -(-count // columns)


def svg_of(
    draw: Callable[[list[Axes]], None],
    width: float,
    height: float,
    rows: int,
    columns: int,
    outlines: bool,
    heights: Sequence[int] | None = None,
) -> str:
    """Draw on a grid of axes. ``outlines`` turns text into paths, for readers whose fonts we cannot choose.

    ``heights`` are the relative heights of the rows; None makes them equal.
    """
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = _STYLE | {"svg.fonttype": "path" if outlines else "none"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        engine: Any = figure.get_layout_engine()
        engine.set(w_pad=0.12, h_pad=0.06)
        axes = figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
        draw(list(axes.flat))
        content = io.StringIO()
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = content.getvalue()
    return svg[svg.index("<svg") :]
