"""A change of flags, in the table of modes: the same before and after in every row, or where not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

from ...graph import Program
from ...reference.modes import CONDUCTS, STOCK, Mode, Phase, Since, Situation, conduct, mode
from ...rulebook.change import (
    AddParameter,
    Change,
    Forward,
    Freeze,
    Modes,
    RemoveArgument,
    Replace,
    SetArgument,
    Snippet,
)

_PHASES: tuple[Phase, ...] = get_args(Phase)
_LIKE: dict[Phase, Phase] = {
    "train_on_batch": "fit",
    "evaluate": "predict",
    "test_on_batch": "predict",
    "predict_on_batch": "predict",
    "train_step": "tape",
}
"""Phases that go the way of another one, as a rule."""
_SHOWN: tuple[Phase, ...] = ("fit", "predict", "call")
_VALUES: dict[str, tuple[object, ...]] = {
    "flag": (None, True, False),
    "traced": (True, False),
    "trainable": (True, False),
    "since": get_args(Since),
    "held": (False, True),
}
"""What else differs between rows, beside the phase and the version."""


def contradiction(change: Change, after: Situation) -> str:
    """Which flag the steps set other than the claim says; "" where they agree.

    A step of a kind that is not named here is taken to set none.
    """
    for step in change.steps:
        if isinstance(step, SetArgument) and step.name in ("training", "trainable"):
            name, value = step.name, step.value
        elif isinstance(step, AddParameter) and step.name == "training":
            name, value = step.name, Snippet(step.default)
        elif isinstance(step, RemoveArgument) and step.name == "training":
            name, value = step.name, None
        elif isinstance(step, Forward):
            name, value = "training", "forwarded"
        elif isinstance(step, Freeze):
            name, value = "trainable", False
        elif isinstance(step, Replace) and isinstance(step.by, bool):
            name, value = "training or trainable", step.by
        else:
            continue
        value = _literal(value)
        if value not in _set(after, name):
            return f"{name} becomes {value}, which is not what the claim is of"
    return ""


def _literal(value: object) -> object:
    """A value as written; what is no literal hands on the flag of the code around."""
    if not isinstance(value, Snippet):
        return value
    try:
        return ast.literal_eval(value.text)
    except (ValueError, SyntaxError):
        return "forwarded"


def _set(situation: Situation, name: str) -> list[object]:
    """The values that this flag has, wherever it is set on the way to the layer."""
    found: list[object] = [situation.trainable] if "trainable" in name else []
    if name.startswith("training"):
        found.append(situation.flag)
        found += [value for level in situation.path for value in (level.flag, level.default)]
    return found


def differing(proof: Modes, program: Program) -> dict[str, tuple[Mode, Mode]]:
    """The phases in which the modes differ before and after: as the claim has it, else in any row of the table.

    Of phases that go the same way one is named; rows that the claim is not of, by their flag and version.
    """
    own = {phase: _modes(*_own(proof, program, phase)) for phase in _PHASES}
    found = {}
    for phase, pair in own.items():
        if pair[0] != pair[1] and (phase not in _LIKE or own[_LIKE[phase]] != pair):
            found[_name(*_own(proof, program, phase))] = pair
    if not found:
        for before, after in _rows(proof, program):
            if mode(before) != mode(after):
                other = conduct(before.keras, before.minor) != conduct(program.keras, program.keras_minor)
                version = f" in Keras {before.keras}.{before.minor}" if other else ""
                found.setdefault(f"{_name(before, after)}{version}", _modes(before, after))
    return found


def _modes(before: Situation, after: Situation) -> tuple[Mode, Mode]:
    return mode(before), mode(after)


def _own(proof: Modes, program: Program, phase: Phase) -> tuple[Situation, Situation]:
    """The situations of the claim in a phase. A flag that is given from the outside is that of one call only."""
    known: dict[str, Any] = {"phase": phase, "keras": program.keras, "minor": program.keras_minor}
    if phase != proof.before.phase:
        known["flag"] = None
    return proof.before._replace(**known), proof.after._replace(**known)


def _rows(proof: Modes, program: Program) -> Iterator[tuple[Situation, Situation]]:
    """Every phase and version, the newest first, and every value of what the change leaves as it was."""
    free = [name for name in _VALUES if getattr(proof.before, name) == getattr(proof.after, name)]
    versions = [(program.keras, program.keras_minor)]
    if program.keras_minor is None:
        versions = [one.since for one in reversed(CONDUCTS) if one.since[0] == program.keras]
    for (keras, minor), phase in product(versions, _PHASES):
        for values in product(*(_VALUES[name] for name in free)):
            common: dict[str, Any] = dict(zip(free, values, strict=True))
            if not (phase in STOCK and common.get("flag") is not None):
                common |= {"phase": phase, "keras": keras, "minor": minor}
                yield proof.before._replace(**common), proof.after._replace(**common)


def _name(before: Situation, after: Situation) -> str:
    """A phase by its name, with the flag that the call has there, unless the change is about that."""
    flag = f" with training={before.flag}" if before.flag is not None and before.flag == after.flag else ""
    return f"{before.phase.replace('_', ' ')}{flag}"


def shown(proof: Modes, program: Program, other: dict[str, tuple[Mode, Mode]]) -> Iterator[tuple[str, str, str]]:
    """The modes in fit, in predict, in a direct call, and wherever they differ."""
    own_step = proof.before.phase == "train_step"  # Which is what fit runs, then.
    pairs = (_own(proof, program, phase) for phase in _SHOWN if not (own_step and phase == "fit"))
    same = {_name(*pair): _modes(*pair) for pair in pairs}
    for name, (before, after) in {**same, **other}.items():
        learning = before.name == after.name and before != after
        yield name, _said(before, learning), _said(after, learning)


def _said(one: Mode, learning: bool) -> str:
    if one.raises:
        return f"raises {one.raises}"
    return f"{one.name}{' and learns' if one.learns else ', without learning'}" if learning else one.name
