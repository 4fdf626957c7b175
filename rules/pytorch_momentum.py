"""A momentum by PyTorch's convention, which is one minus Keras's."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Origin, is_batchnorm, settings
from bnlint.rulebook.change import Change, Function, SetArgument

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
        change = _change(program, origin, value) if arg.certain and not uses and value < _HIGHEST else None
        yield Problem(origin, f"{said}.", None if arg.certain else Severity.ADVICE, change=change)


def _change(program: Program, origin: Origin, value: float) -> Change:
    """One minus the momentum, without the noise of the subtraction."""
    step = SetArgument(origin, "momentum", round(1 - value, 12), position=1, of="1 - {}")
    given = ((layer, layer.args.get("momentum")) for layer in program.layers if is_batchnorm(layer))
    layers = [layer for layer, arg in given if arg is not None and arg.origin and arg.origin.key == origin.key]
    calls = [call for layer in layers for call in layer.calls][:1]
    effect = f"the newest batch weighs {value:.0%} in the moving statistics, and not {1 - value:.0%}"
    return Change("Keras's momentum, one minus PyTorch's", (step,), Function(tuple(calls)) if calls else None, effect)
