"""What a run says: findings at places, what would fix them, and failures to read."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["unreadable", "syntax", "limit", "bnlint"]

ROUNDING = 1e-9
"""Up to where a difference between two float64 computations of numbers around 1 counts as rounding."""


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
class Edit:
    """A text to be put in the place of another: from `start` to `end`, each a line and a column, from 1.

    Columns are in code points, the end is exclusive; with start == end the text is inserted. `cell` counts a notebook's
    code cells from 1, and lines are then those of the cell; it is None in other files.
    """

    path: str
    cell: int | None
    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known of a fix because it was tried out, on the reference runtime or in the table of modes.

    claim: the outcome, in a sentence.
    same: whether the code after computes what the code before does, in training and in inference; None where the code
    before computes nothing, because it raises.
    training, inference: the largest difference of an output, over several updates and after them, None where nothing
    was computed. Inputs and weights were drawn with a standard deviation of 1.
    weights: how the variables before become those after; "" where they stay what they are.
    modes: for each way of running the model, its mode before and after.
    effects: what changes otherwise, in numbers, a sentence each.
    assumed: what was not known and is assumed, such as the input's shape; "" for nothing.
    safe: whether all that makes a fix safe was found.
    """

    claim: str
    same: bool | None
    safe: bool
    training: float | None = None
    inference: float | None = None
    weights: str = ""
    modes: tuple[tuple[str, str, str], ...] = ()
    effects: tuple[str, ...] = ()
    assumed: str = ""

    def lines(self) -> Iterator[str]:
        """The certificate as text, a line for each thing it says; differences of rounding are shown as 0."""
        yield f"{'safe' if self.safe else 'unsafe'}: {self.claim}"
        if self.training is not None and self.inference is not None:
            yield f"max |Δ| in training {_rounded(self.training)}, in inference {_rounded(self.inference)}"
        if self.weights:
            yield f"weights: {self.weights}"
        if self.modes:
            changed = (f"{phase} {before} → {after}" for phase, before, after in self.modes)
            yield f"modes: {', '.join(changed)}"
        yield from self.effects
        if self.assumed:
            yield f"assumed: {self.assumed}"


def _rounded(difference: float) -> str:
    return "0" if difference < ROUNDING else f"{difference:.2g}"


@dataclass(frozen=True, slots=True)
class Fix:
    """What would fix a finding. `safe`: the certificate says that nothing else changes."""

    title: str
    edits: tuple[Edit, ...]
    certificate: Certificate

    @property
    def safe(self) -> bool:
        """Whether `--fix` alone applies it."""
        return self.certificate.safe


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem at one place. `why` is the rule's reason in one line, taken from its card.

    `fixable` is what the rule would do about it, in a few words, "" where it knows nothing; `fix` is how, where fixes
    were asked for and this one can be made; `withheld` is why it cannot.
    """

    rule: str
    category: str
    severity: Severity
    place: Place
    message: str
    why: str = ""
    related: tuple[Related, ...] = ()
    fixable: str = ""
    fix: Fix | None = None
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, or a part of one, that was not checked, and why.

    kind: "unreadable" (it cannot be opened, or is not what its name says), "syntax" (it is no Python that bnlint
    reads), "limit" (it is too large or too deeply nested), or "bnlint": the file is fine, bnlint itself failed on it,
    and the rest of it was checked.
    """

    path: str
    message: str
    cell: int | None = None
    line: int | None = None
    kind: Kind = "unreadable"

    @property
    def state(self) -> str:
        """What became of the file, in two or three words."""
        return "checked in part" if self.kind == "bnlint" else "not checked"
