"""A Sequential holds layers only: a function, a class or a tensor among them raises."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.catalog import kind_of, kinds, parameters
from bnlint.graph import Entry, by_origin
from bnlint.graph.kinds import MERGES
from bnlint.rulebook.change import Change, Raises, Unfold

category = "construction"
severity = Severity.ERROR
source_only = "Keras raises, and there is no model"

WHAT = {
    "function": "is a function",
    "class": "is a class, not an instance of it",
    "tensor": "is a tensor, the result of calling a layer",
}

_OF_ONE_TENSOR = kinds("batch-normalization", "normalization", "activation", "pass-through") - MERGES


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Every element of a Sequential that is known not to be a layer."""
    error = "ValueError" if program.keras >= 3 else "TypeError"
    wrong = (entry for model in program.models for entry in model.entries if entry.problem)
    for entry, *_ in by_origin(wrong):
        said = f"{_subject(entry)}; a Sequential takes layers only and raises {error}."
        yield Problem(entry.origin, said, change=_change(entry, error, program.keras))


def _change(entry: Entry, error: str, keras: int) -> Change | None:
    """Layers in the place of what is none; a class whose constructor asks for arguments is left alone."""
    if entry.problem == "class" and not _makes_do(kind_of(entry.name), keras):
        return None
    if entry.problem == "function" and entry.function is None:
        return None
    title = "Make an instance of the class" if entry.problem == "class" else "Write the layers in its place"
    return Change(title, (Unfold(entry.origin, entry.function),), Raises(error))


def _makes_do(kind: str, keras: int) -> bool:
    """Whether a layer is as good as any other without arguments."""
    names, defaults = parameters(kind, keras)
    return kind in _OF_ONE_TENSOR and defaults.keys() >= {*names}


def _subject(entry: Entry) -> str:
    assert entry.problem is not None
    return f"{f'`{entry.name}`' if entry.name else 'This'} {WHAT[entry.problem]}"
