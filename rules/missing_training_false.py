"""Inference code that calls a model should say `training=False`."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Model, by_origin, holds_batchnorm, is_frozen, label

category = "mode"
severity = Severity.ADVICE


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Every direct call of a batch-normalized model in inference code that leaves the mode to the circumstances."""
    direct = (event.call for event in program.events if event.kind == "call" and event.call is not None)
    for call, *_ in by_origin(call for call in direct if _leaves_it_open(call)):
        model = call.layer
        where = f" {call.context.because}" if call.context.because else ""
        said = f"{label(model)} holds a batch normalization and is called without `training=False`{where}"
        if _defaults_to_training(model):
            said += "; its `call` defaults to training=True, so this uses batch statistics and moves the moving ones."
            yield Problem(call.origin, said, Severity.WARNING)
        elif call.context.kind == "call":
            yield Problem(call.origin, f"{said}, inside a `call` that may run in training mode.", Severity.WARNING)
        else:
            yield Problem(call.origin, f"{said}; the mode then depends on who calls.")


def _leaves_it_open(call: Call) -> bool:
    return (
        call.context.purpose == "inference"
        and not call.training.given
        and call.training.value is None
        and holds_batchnorm(call.layer) is True
        and not is_frozen(call.layer)
    )


def _defaults_to_training(model: object) -> bool:
    return isinstance(model, Model) and model.call_default is not None and model.call_default.value is True
