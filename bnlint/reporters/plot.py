"""An experiment's table as a picture, for which matplotlib is needed.

Made for a width of 1,200 pixels and still to be read at 400: few words, large type. Lines differ in style and marker,
so that nothing is lost in black and white, and are named where they end.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..reference.experiment import Drawing, Table, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, DPI = 12.0, 7.0, 100
TYPE = 23
STYLES: Sequence[tuple[str, Any, str]] = (
    ("#000000", "-", "o"),
    ("#0060a8", "--", "s"),
    ("#c04a00", "-.", "^"),
    ("#007a5a", (0, (5, 1, 1, 1, 1, 1)), "D"),
    ("#9a4f86", ":", "v"),
)
HATCHES = ("", "///", "xxx", "...", "---")
SETTINGS: dict[Any, Any] = {
    "font.size": TYPE,
    "axes.linewidth": 1.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "lines.linewidth": 3.2,
    "lines.markersize": 10,
    "hatch.linewidth": 1.5,
    "svg.hashsalt": "bnlint",
}


def draw(titled: Sequence[tuple[str, Table]], path: str) -> None:
    """Draw the tables that say how, one below the other, into a .png or .svg file; the same bytes for the same tables.

    Raises ImportError without matplotlib, ValueError where no table is to be drawn, OSError.
    """
    import matplotlib
    from matplotlib.figure import Figure

    tables = [(title, table, table.drawing) for title, table in titled if table.drawing]
    if not tables:
        raise ValueError("the experiment is not made to be drawn")
    with matplotlib.rc_context(SETTINGS):
        heights = [_height(table, drawing) for _, table, drawing in tables]
        figure = Figure(figsize=(WIDTH, sum(heights)), dpi=DPI, layout="constrained", facecolor="white")
        rows = figure.subfigures(len(tables), 1, squeeze=False, height_ratios=heights)[:, 0]
        for row, (title, table, drawing) in zip(rows, tables, strict=True):
            row.suptitle(textwrap.fill(title, 62), fontsize=TYPE, weight="bold")
            panels = row.subplots(1, len(drawing.panels), squeeze=False)[0]
            for axes, (label, names) in zip(panels, drawing.panels.items(), strict=True):
                show = _bars if isinstance(table.column(drawing.x)[0], str) else _curves
                show(axes, table, drawing, label, names)
        dates = {"Date": None} if path.endswith(".svg") else {"Software": None}
        figure.savefig(path, metadata=dates)


def _height(table: Table, drawing: Drawing) -> float:
    """In inches; bars need as much as there are of them."""
    words = isinstance(table.column(drawing.x)[0], str)
    each = max(map(len, drawing.panels.values()))
    return max(HEIGHT / 2, 2.3 + len(table.rows) * (0.25 + 0.4 * each)) if words else HEIGHT


def _curves(axes: Axes, table: Table, drawing: Drawing, label: str, names: Sequence[str]) -> None:
    """Lines against a number, each with its name at its end."""
    at: list[Any] = table.column(drawing.x)
    ends: list[tuple[float, str, dict[str, Any]]] = []
    for number, name in enumerate(names):
        color, line, marker = STYLES[number % len(STYLES)]
        known = [(x, *spread(y)) for x, y in zip(at, table.column(name), strict=True) if not isinstance(y, str)]
        xs, ys, errors = zip(*known, strict=True)
        if name in drawing.lines:
            color, line, marker = "#777777", (0, (1, 1)), ""
        style = {"color": color, "linestyle": line, "marker": marker}
        axes.errorbar(xs, ys, errors if any(errors) else None, capsize=6, elinewidth=1.6, zorder=3, **style)
        ends.append((ys[-1], _short(name, label), style))
    axes.set_xlabel(drawing.x)
    axes.set_ylabel(label)
    _scales(axes, drawing, at)
    if len(ends) > 1:
        _name(axes, ends, 13 if len(drawing.panels) == 1 else 9)
    for x, text in drawing.marks.items():
        axes.axvline(x, color="#777777", linewidth=1.6)
        place = axes.get_xaxis_transform()
        axes.annotate(text, (x, 1), (8, -4), xycoords=place, textcoords="offset points", va="top", size=TYPE - 3)


def _scales(axes: Axes, drawing: Drawing, at: Sequence[Any]) -> None:
    """Logarithmic where asked for, with the measured values as ticks where they are few; else few ticks."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    plain = FuncFormatter(lambda value, _: f"{value:g}")
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if name not in drawing.log:
            axis.set_major_locator(MaxNLocator(5))
            continue
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
        axis.set_major_formatter(plain)
        axis.set_minor_formatter(NullFormatter())
        if name == "x" and len(at) < 9:
            axis.set_major_locator(FixedLocator(list(at)[:: len(drawing.panels)]))
            axis.set_minor_locator(NullLocator())
        else:
            axis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0), numticks=9))


def _name(axes: Axes, ends: Sequence[tuple[float, str, dict[str, Any]]], width: int) -> None:
    """Names to the right of the lines' ends, moved apart where they would meet; of many, with a piece of line."""
    axes.autoscale_view()
    texts = [textwrap.fill(name, width, break_long_words=False, break_on_hyphens=False) for _, name, _ in ends]
    places = [float(axes.transAxes.inverted().transform(axes.transData.transform((1, y)))[1]) for y, _, _ in ends]
    heights = [0.068 * (text.count("\n") + 1) + 0.02 for text in texts]
    order = sorted(range(len(ends)), key=places.__getitem__)
    low, high = 0.0, 1.0
    for number in order:
        places[number] = max(places[number], low + heights[number] / 2)
        low = places[number] + heights[number] / 2
    for number in reversed(order):
        places[number] = min(places[number], high - heights[number] / 2)
        high = places[number] - heights[number] / 2
    many = len(ends) > 2
    for (_, _, style), text, place in zip(ends, texts, places, strict=True):
        at: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
        if many:
            axes.plot([1.02, 1.06, 1.1], [place] * 3, **style, **at, markevery=[1])
        axes.text(1.12 if many else 1.02, place, text, va="center", color=style["color"], size=TYPE - 3, **at)


def _bars(axes: Axes, table: Table, drawing: Drawing, label: str, names: Sequence[str]) -> None:
    """Bars beside words, each with its number."""
    words = [textwrap.fill(str(word), 24) for word in table.column(drawing.x)]
    shown = table.text()
    thick = 0.8 / len(names)
    for number, name in enumerate(names):
        column = list(table.columns).index(name)
        known = [(row, *spread(v)) for row, v in enumerate(table.column(name)) if not isinstance(v, str)]
        ys = [row + (number - (len(names) - 1) / 2) * thick for row, _, _ in known]
        color = STYLES[number % len(STYLES)][0]
        bars = axes.barh(
            ys, [v for _, v, _ in known], thick * 0.85, color="white", edgecolor=color, hatch=HATCHES[number] or None
        )
        if not number:
            for bar in bars:
                bar.set_facecolor("#bbbbbb")
        bars.set_label(_short(name, label))
        axes.bar_label(bars, [shown[row][column] for row, _, _ in known], padding=6, size=TYPE - 3)
    axes.set_yticks(range(len(words)), words)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_xlabel(label)
    axes.margins(x=0.2)
    if "y" in drawing.log:
        axes.set_xscale("log")
    if len(names) > 1:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(names), frameon=False, fontsize=TYPE - 3)


def _short(name: str, label: str) -> str:
    """A column's name without what the axis says already."""
    return re.sub(r"^[,:]? *", "", name.removeprefix(label)) or name
