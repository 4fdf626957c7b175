"""A momentum by PyTorch's convention, which is one minus Keras's."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import settings

category = "batch"
severity = Severity.WARNING

_HIGHEST = 0.5


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each momentum with which the newest batch weighs as much as everything before it, or more."""
    for origin, arg, uses in settings(program, "momentum"):
        value = arg.value
        if not isinstance(value, float) or not 0 < value <= _HIGHEST:
            continue
        said = f"momentum={value:g} takes {1 - value:.0%} of the moving average from the newest batch{uses}"
        if value < _HIGHEST:
            said += f"; PyTorch's momentum of {value:g} is {1 - value:.4g} in Keras"
        yield Problem(origin, f"{said}.", None if arg.certain else Severity.ADVICE)
