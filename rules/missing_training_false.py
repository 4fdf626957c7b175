"""Inference code that calls a model should say `training=False`."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Model, by_origin, holds_batchnorm, is_frozen, label
from bnlint.graph.freezing import reached
from bnlint.reference.modes import mode
from bnlint.reference.situations import level_of, situation_in, situation_of
from bnlint.rulebook.change import Change, Modes, SetArgument

category = "mode"
severity = Severity.ADVICE
source_only = "calls of a model are not part of it"


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Every direct call of a batch-normalized model in inference code that leaves the mode to the circumstances."""
    direct = (event.call for event in program.events if event.kind == "call" and event.call is not None)
    inside_call = {call.origin.key for call in program.calls if call.context.kind == "call"}
    for call, *_ in by_origin(call for call in direct if _leaves_it_open(call)):
        said = f"{label(call.layer)} is called without `training=False`{_where(call)}"
        if _defaults_to_training(call.layer):
            said += "; its `call` defaults to training=True, so this uses batch statistics and moves the moving ones."
            yield Problem(call.origin, said, Severity.WARNING, change=_change(program, call))
        elif call.origin.key in inside_call:
            said += "; a `call` gets here too, and in training this line normalizes with batch statistics."
            yield Problem(call.origin, said, Severity.WARNING)
        else:
            said += ": its batch normalization then runs in the caller's mode."
            yield Problem(call.origin, said, change=_change(program, call))


def _change(program: Program, call: Call) -> Change | None:
    """The flag, which tells a call from the outside what it does anyway, unless a default or a graph says otherwise.

    None where a `call` has no such parameter, or a default that is not known.
    """
    called = [one.layer for one in program.calls_at(call.origin)]
    models = [model for model in called if isinstance(model, Model) and _takes_flag(model)]
    if len(models) < len(called):
        return None
    before = [situation_of(program, found, "call") for model in models for found in reached(model)]
    before = before or [situation_in(program, level_of(call.layer), "call")]
    pairs = [(one, one._replace(flag=False)) for one in before]
    pair = next((pair for pair in pairs if mode(pair[0]) != mode(pair[1])), pairs[0])
    return Change("Say that it is inference", (SetArgument(call.origin, "training", False),), Modes(*pair))


def _takes_flag(model: Model) -> bool:
    named = model.style != "subclass" or model.call_origin is None or "training" in model.signature
    return named and (model.call_default is None or model.call_default.known)


def _where(call: Call) -> str:
    because = call.context.because
    return f" {because}" if because.startswith(("in ", "after ")) else f", and {because}" if because else ""


def _leaves_it_open(call: Call) -> bool:
    return (
        call.context.purpose == "inference"
        and call.context.tape is None
        and not call.context.testing
        and not call.training.given
        and call.training.value is None
        and holds_batchnorm(call.layer) is True
        and not is_frozen(call.layer)
    )


def _defaults_to_training(model: object) -> bool:
    return isinstance(model, Model) and model.call_default is not None and model.call_default.value is True
