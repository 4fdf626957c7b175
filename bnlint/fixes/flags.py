"""A change of flags, in the table of modes: the same before and after in every row, or where not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

from ..change import AddParameter, Change, Code, Forward, Freeze, Modes, RemoveArgument, Replace, SetArgument
from ..graph import Program
from ..reference.modes import CONDUCTS, STOCK, Mode, Phase, Since, Situation, mode

_PHASES: tuple[Phase, ...] = get_args(Phase)
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
    """Which flag the steps set other than the claim says; "" where they agree."""
    for step in change.steps:
        if isinstance(step, SetArgument) and step.name in ("training", "trainable"):
            name, value = step.name, step.value
        elif isinstance(step, AddParameter) and step.name == "training":
            name, value = step.name, Code(step.default)
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
    if not isinstance(value, Code):
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


def differing(proof: Modes, program: Program) -> dict[Phase, tuple[Mode, Mode]]:
    """The phases in which a row of the table differs before and after, with its first such row."""
    found: dict[Phase, tuple[Mode, Mode]] = {}
    for before, after in _rows(proof, program):
        modes = mode(before), mode(after)
        if modes[0] != modes[1]:
            found.setdefault(before.phase, modes)
    return {phase: found[phase] for phase in _PHASES if phase in found}


def _rows(proof: Modes, program: Program) -> Iterator[tuple[Situation, Situation]]:
    """Every phase and version, and every value of what the change leaves as it was."""
    free = [name for name in _VALUES if getattr(proof.before, name) == getattr(proof.after, name)]
    versions = [(program.keras, program.keras_minor)]
    if program.keras_minor is None:
        versions = [one.since for one in CONDUCTS if one.since[0] == program.keras]
    for phase, (keras, minor) in product(_PHASES, versions):
        for values in product(*(_VALUES[name] for name in free)):
            common: dict[str, Any] = dict(zip(free, values, strict=True))
            if not (phase in STOCK and common.get("flag") is not None):
                common |= {"phase": phase, "keras": keras, "minor": minor}
                yield proof.before._replace(**common), proof.after._replace(**common)


def shown(proof: Modes, program: Program, other: dict[Phase, tuple[Mode, Mode]]) -> Iterator[tuple[str, str, str]]:
    """The modes in fit, in predict, in a direct call, and in each phase in which they differ."""
    for phase in _PHASES:
        if phase in other or phase in _SHOWN:
            keras, minor = program.keras, program.keras_minor
            own = [mode(one._replace(phase=phase, keras=keras, minor=minor)) for one in (proof.before, proof.after)]
            before, after = own if own[0] != own[1] or phase not in other else other[phase]
            learning = before.name == after.name and before != after
            yield phase.replace("_", " "), _said(before, learning), _said(after, learning)


def _said(one: Mode, learning: bool) -> str:
    if one.raises:
        return f"raises {one.raises}"
    return f"{one.name}{' and learns' if one.learns else ', without learning'}" if learning else one.name
