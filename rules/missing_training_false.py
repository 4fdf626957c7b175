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
    inside_call = {call.origin.key for call in program.calls if call.context.kind == "call"}
    for call, *_ in by_origin(call for call in direct if _leaves_it_open(call)):
        said = f"{label(call.layer)} is called without `training=False`{_where(call)}"
        if _defaults_to_training(call.layer):
            said += "; its `call` defaults to training=True, so this uses batch statistics and moves the moving ones."
            yield Problem(call.origin, said, Severity.WARNING)
        elif call.origin.key in inside_call:
            said += "; a `call` gets here too, and in training this line normalizes with batch statistics."
            yield Problem(call.origin, said, Severity.WARNING)
        else:
            yield Problem(call.origin, f"{said}: its batch normalization then runs in the caller's mode.")


def _where(call: Call) -> str:
    because = call.context.because
    return f" {because}" if because.startswith(("in ", "after ")) else f", and {because}" if because else ""


def _leaves_it_open(call: Call) -> bool:
    return (
        call.context.purpose == "inference"
        and not call.context.testing
        and not call.training.given
        and call.training.value is None
        and holds_batchnorm(call.layer) is True
        and not is_frozen(call.layer)
    )


def _defaults_to_training(model: object) -> bool:
    return isinstance(model, Model) and model.call_default is not None and model.call_default.value is True
