"""What a run says: findings at places, failures to read, and the report that holds both."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field


class Severity(enum.IntEnum):
    """How much a finding matters; orders as advice < warning < error."""

    ADVICE = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Severity:
        """The severity called `text`; ValueError if there is none."""
        try:
            return cls[text.upper()]
        except KeyError:
            raise ValueError(f"unknown severity {text!r}: expected error, warning or advice") from None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A range in a file, a notebook cell, or a layer of a model.

    Lines and columns count from 1, in code points; the end is exclusive. `cell` counts a notebook's code cells
    from 1. What does not apply is None.
    """

    path: str
    cell: int | None = None
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    layer: str | None = None

    def __str__(self) -> str:
        parts = [self.path]
        if self.cell is not None:
            parts.append(f"cell {self.cell}")
        parts += [str(n) for n in (self.line, self.column) if n is not None]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that explains a finding: "this Dropout feeds it"."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem at one place. `why` is the rule's reason in one line, taken from its card."""

    rule: str
    category: str
    severity: Severity
    place: Place
    message: str
    why: str = ""
    related: tuple[Related, ...] = ()
    fix: None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, or a part of one, that could not be read, and why."""

    path: str
    message: str
    cell: int | None = None
    line: int | None = None


@dataclass(slots=True)
class Report:
    """What one run found. Iterates over its findings.

    `checked` counts every file looked at, those without a batch normalization included; `skipped` counts files passed
    over unread (excluded, over `max-size`). `notes` are remarks for --verbose, `coverage` counts BN calls (all, and
    those whose input is known).
    """

    findings: list[Finding] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    checked: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    coverage: tuple[int, int] = (0, 0)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def worst(self) -> Severity | None:
        """The highest severity among the findings, None where there are none."""
        return max((f.severity for f in self.findings), default=None)
