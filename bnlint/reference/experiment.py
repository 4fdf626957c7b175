"""The table that an experiment fills: the cards' `python evidence` blocks make one each, under the name `table`.

    table = Table({"batch": "d", "error": ".2f"})
    for m in table.over([2, 4, 8]):
        table.row(m, measured(m))
    table.draw("batch", {"error": ["error"]}, log="xy")

`print(table)` gives it as Markdown, which is what stands on the card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

Value = str | float | Sequence[float]
"""A cell: a word, a number, or the numbers of several runs, which count as their mean and deviation."""

progress: ContextVar[Callable[[int, int], None] | None] = ContextVar("progress", default=None)
"""Called as (steps done, steps in all) while a table is filled."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Drawing:
    """How a table is drawn: against the column `x`, a panel for each label, with the columns that it shows.

    log: the axes with a logarithmic scale, "x", "y" or "xy". lines: the columns that are formulas, not measurements.
    marks: what to call out on the x axis.
    """

    x: str
    panels: Mapping[str, Sequence[str]]
    log: str = ""
    lines: Sequence[str] = ()
    marks: Mapping[float, str] = field(default_factory=dict)


class Table:
    """Rows of numbers under named columns, each column with its format (as of `format`; "" for words)."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.columns = dict(columns)
        self.rows: list[tuple[Value, ...]] = []
        self.drawing: Drawing | None = None

    def over(self, values: Iterable[_T]) -> Iterator[_T]:
        """These values, one after the other, with word of the progress after each."""
        given = list(values)
        report = progress.get()
        for done, value in enumerate(given, start=1):
            yield value
            if report:
                report(done, len(given))

    def row(self, *values: Value) -> None:
        """Add a row. Raises ValueError unless there is a value for each column."""
        if len(values) != len(self.columns):
            raise ValueError(f"{len(values)} values for {len(self.columns)} columns")
        self.rows.append(values)

    def draw(
        self,
        x: str,
        panels: Mapping[str, Sequence[str]],
        log: str = "",
        lines: Sequence[str] = (),
        marks: Mapping[float, str] | None = None,
    ) -> None:
        """Say how the table is drawn; see `Drawing`. Raises ValueError for a column that the table does not have."""
        for name in (x, *lines, *(name for names in panels.values() for name in names)):
            if name not in self.columns:
                raise ValueError(f"no column {name!r}: there are {', '.join(self.columns)}")
        self.drawing = Drawing(x, panels, log, lines, marks or {})

    def column(self, name: str) -> list[Value]:
        """What stands under this name."""
        at = list(self.columns).index(name)
        return [row[at] for row in self.rows]

    def text(self) -> list[list[str]]:
        """The rows as they are shown."""
        return [[_shown(v, form) for v, form in zip(row, self.columns.values(), strict=True)] for row in self.rows]

    def __str__(self) -> str:
        """The table in Markdown."""
        rule = ["---"] * len(self.columns)
        return "".join(f"| {' | '.join(cells)} |\n" for cells in ([*self.columns], rule, *self.text()))


def spread(value: float | Sequence[float]) -> tuple[float, float]:
    """The mean and the deviation of a cell's numbers; the deviation of one number is 0."""
    return float(np.mean(value)), float(np.std(value))


def _shown(value: Value, form: str) -> str:
    if isinstance(value, str):
        return value
    if np.ndim(value):
        return " ± ".join(_number(part, form) for part in spread(value))
    return _number(value, form)  # type: ignore[arg-type]


def _number(value: float, form: str) -> str:
    text = format(value, form)
    return text.removeprefix("-") if float(text.rstrip("%")) == 0 else text
