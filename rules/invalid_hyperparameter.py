"""A momentum, an epsilon or an axis outside the range in which batch normalization works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Origin, settings
from bnlint.rulebook.change import Change, Raises, SetArgument

category = "batch"
severity = Severity.ERROR


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each hyperparameter that Keras takes and that makes no moving average, no normalization or no layer."""
    for name, judge in (("momentum", _momentum), ("epsilon", _epsilon), ("axis", _axis)):
        for origin, arg, uses in settings(program, name):
            found = judge(arg.value)
            if found is not None and (arg.certain or arg.value is not None):  # None by default: the caller says.
                said, level = found
                change = _change(origin) if arg.value is None and arg.certain and not uses else None
                yield Problem(origin, f"{said}{uses}.", level if arg.certain else Severity.ADVICE, change=change)


def _change(origin: Origin) -> Change:
    """The last axis, as by default; which number was meant elsewhere nobody knows."""
    step = SetArgument(origin, "axis", -1, position=0)
    return Change("Normalize over the last axis, as by default", (step,), Raises("TypeError"))


def _momentum(value: object) -> tuple[str, Severity] | None:
    if not _is_number(value):
        return None
    said = f"momentum={value:g}"
    if value == 0:
        return f"{said}: the moving statistics are those of the last batch alone", Severity.WARNING
    if value == 1:
        return f"{said}: the moving statistics stay at their initial 0 and 1 for ever", Severity.ERROR
    if value < 0 or value > 1:
        return f"{said}: the moving statistics are no average of the batches, but weigh some negatively", Severity.ERROR
    return None


def _epsilon(value: object) -> tuple[str, Severity] | None:
    if not _is_number(value) or value > 0:
        return None
    return f"epsilon={value:g}: a channel that is constant in a batch becomes NaN", Severity.ERROR


def _axis(value: object) -> tuple[str, Severity] | None:
    return None if value is not None else ("axis=None: BatchNormalization raises TypeError", Severity.ERROR)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
