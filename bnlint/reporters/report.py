"""The report of a run: what it found, and how that looks in a terminal, a notebook, and the formats of a report."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ..findings import Severity
from ..run.result import Result

if TYPE_CHECKING:
    from rich.text import Text

    from .sources import Sources


class FindingsError(AssertionError):
    """What `Report.raise_for` raises: the report as text, and the `report` itself."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return str(self.report)


@dataclass(slots=True, repr=False)
class Report(Result):
    """A Result that can be shown; printed, it is what the command line shows."""

    @classmethod
    def of(cls, result: Result) -> Report:
        """The report of a run."""
        return cls(**{one.name: getattr(result, one.name) for one in fields(result)})

    def raise_for(self, severity: Severity | str = Severity.ERROR) -> None:
        """Raise FindingsError, an AssertionError, for findings at or above a severity, and for what was not checked.

        severity: "error", "warning" or "advice"; ValueError for another word.
        """
        __tracebackhide__ = True
        least = Severity.parse(severity) if isinstance(severity, str) else severity
        worst = self.worst()
        if self.failures or (worst is not None and worst >= least):
            raise FindingsError(self)

    def to_json(self) -> str:
        """What `--format json` writes, less the fixes unless they were asked for."""
        from . import render

        return render("json", self)

    def to_sarif(self) -> str:
        """What `--format sarif` writes. Raises ValueError where a folder of rules is no longer there."""
        from pathlib import Path

        from ..rulebook.folders import open_book
        from . import render

        book = open_book(*map(Path, self.folders))
        return render("sarif", self, [book[name] for name in self.rules], sources=self._sources())

    def __str__(self) -> str:
        from . import render

        return render("text", self, sources=self._sources()).rstrip("\n")

    def __repr__(self) -> str:
        from .text import summary

        return f"<Report: {summary(self)}>"

    def __rich__(self) -> Text:
        from rich.text import Text

        from . import render

        return Text.from_ansi(render("text", self, color=True, sources=self._sources()).rstrip("\n"))

    def _repr_html_(self) -> str:
        from .cell import render

        return render(self, self._sources())

    def _sources(self) -> Sources:
        from .sources import Sources

        return Sources(self.texts)
