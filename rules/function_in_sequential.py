"""A Sequential holds layers only: a function, a class or a tensor among them raises."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.change import Change, Raises, Unfold
from bnlint.graph import BATCH_NORMALIZATIONS, Entry, by_origin

category = "construction"
severity = Severity.ERROR
source_only = "Keras raises, and there is no model"

WHAT = {
    "function": "is a function",
    "class": "is a class, not an instance of it",
    "tensor": "is a tensor, the result of calling a layer",
}

_NO_ARGUMENTS = BATCH_NORMALIZATIONS | {
    *("Flatten", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "LayerNormalization", "GroupNormalization"),
    *(f"Global{pool}Pooling{rank}D" for pool in ("Max", "Average") for rank in (1, 2, 3)),
    *(f"{pool}Pooling{rank}D" for pool in ("Max", "Average") for rank in (1, 2, 3)),
}
"""Layers that are made without arguments as a rule."""


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Every element of a Sequential that is known not to be a layer."""
    error = "ValueError" if program.keras >= 3 else "TypeError"
    wrong = (entry for model in program.models for entry in model.entries if entry.problem)
    for entry, *_ in by_origin(wrong):
        said = f"{_subject(entry)}; a Sequential takes layers only and raises {error}."
        yield Problem(entry.origin, said, change=_change(entry, error))


def _change(entry: Entry, error: str) -> Change | None:
    """Layers in the place of what is none; a class whose constructor may ask for arguments is left alone."""
    if entry.problem == "class" and entry.name not in _NO_ARGUMENTS:
        return None
    if entry.problem == "function" and entry.function is None:
        return None
    title = "Make an instance of the class" if entry.problem == "class" else "Write the layers in its place"
    return Change(title, (Unfold(entry.origin, entry.function),), Raises(error))


def _subject(entry: Entry) -> str:
    assert entry.problem is not None
    return f"{f'`{entry.name}`' if entry.name else 'This'} {WHAT[entry.problem]}"
