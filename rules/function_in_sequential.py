"""A Sequential holds layers only: a function, a class or a tensor among them raises."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Entry, by_origin

category = "construction"
severity = Severity.ERROR

WHAT = {
    "function": "is a function",
    "class": "is a class, not an instance of it",
    "tensor": "is a tensor, the result of calling a layer",
}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Every element of a Sequential that is known not to be a layer."""
    error = "ValueError" if program.keras >= 3 else "TypeError"
    wrong = (entry for model in program.models for entry in model.entries if entry.problem)
    for entry, *_ in by_origin(wrong):
        yield Problem(entry.origin, f"{_subject(entry)}; a Sequential takes layers only and raises {error}.")


def _subject(entry: Entry) -> str:
    assert entry.problem is not None
    return f"{f'`{entry.name}`' if entry.name else 'This'} {WHAT[entry.problem]}"
