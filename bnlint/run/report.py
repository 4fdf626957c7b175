"""What a run comes to: the report of what was found, and what mending made of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..findings import Failure, Finding, Severity

if TYPE_CHECKING:
    from rich.text import Text

    from ..graph.picture import Scene
    from ..reporters.sources import Sources


class FindingsError(AssertionError):
    """What `Report.raise_for` raises: the report as text, and the `report` itself."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return str(self.report)


@dataclass(slots=True, repr=False)
class Report:
    """What one run found. Iterates over its findings; printed, it is what the command line shows.

    checked: how many files were looked at, those without a batch normalization included; skipped: how many were passed
    over unread (excluded, over `max-size`). notes: remarks for --verbose. coverage: how many BN calls there are, and of
    how many the input is known. scenes: the models to be drawn, where they were asked for. rules: the names of those
    that ran; folders: where those stand that are not bnlint's own. texts: what was checked and is in no file, by its
    name. unit: what was checked: "file", or "model" for one in memory.
    """

    findings: list[Finding] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    checked: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    coverage: tuple[int, int] = (0, 0)
    scenes: list[Scene] = field(default_factory=list)
    rules: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    unit: str = "file"

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def worst(self) -> Severity | None:
        """The highest severity among the findings, None where there are none."""
        return max((f.severity for f in self.findings), default=None)

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
        from ..reporters import render

        return render("json", self)

    def to_sarif(self) -> str:
        """What `--format sarif` writes. Raises ValueError where a folder of rules is no longer there."""
        from pathlib import Path

        from ..reporters import render
        from ..rulebook.folders import open_book

        book = open_book(*map(Path, self.folders))
        return render("sarif", self, [book[name] for name in self.rules], sources=self._sources())

    def __str__(self) -> str:
        from ..reporters import render

        return render("text", self, sources=self._sources()).rstrip("\n")

    def __repr__(self) -> str:
        from ..reporters.text import summary

        return f"<Report: {summary(self)}>"

    def __rich__(self) -> Text:
        from rich.text import Text

        from ..reporters import render

        return Text.from_ansi(render("text", self, color=True, sources=self._sources()).rstrip("\n"))

    def _repr_html_(self) -> str:
        from ..reporters.cell import render

        return render(self, self._sources())

    def _sources(self) -> Sources:
        from ..reporters.sources import Sources

        return Sources(self.texts)


@dataclass(slots=True)
class Mended:
    """What became of one file.

    old and new: its bytes. rounds: the findings that were mended together, as they stood then, with the bytes that this
    gave. refused: those whose fix would have left them there, or brought others. failure: why nothing can be put into
    the file, None where it can.
    """

    path: str
    old: bytes
    new: bytes
    rounds: list[tuple[list[Finding], bytes]] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)
    failure: Failure | None = None

    @property
    def count(self) -> int:
        """How many findings were mended."""
        return sum(len(findings) for findings, _ in self.rounds)
