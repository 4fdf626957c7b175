"""What a run comes to, as plain data: what was found, and what fixing made of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..findings import Failure, Finding, Severity

if TYPE_CHECKING:
    from ..graph.picture import Scene


@dataclass(slots=True)
class Result:
    """What one run found. Iterates over its findings.

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


@dataclass(slots=True)
class FixedFile:
    """What became of one file.

    old and new: its bytes. rounds: the findings that were fixed together, as they stood then, with the bytes that this
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
        """How many findings were fixed."""
        return sum(len(findings) for findings, _ in self.rounds)
