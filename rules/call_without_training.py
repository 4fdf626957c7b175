"""A model whose `call` has no `training` parameter is never put into training mode by Keras 3's fit."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Model
from bnlint.graph.freezing import TRAINING_EVENTS, Reached, reached, trainable_at

category = "mode"
severity = Severity.ERROR

_OWN_TRAINING = frozenset({"train_step", "fit", "train_on_batch", "make_train_function", "train_function", "__call__"})


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each outermost model whose `call` cannot be told to train, and each that trains unless it is told not to."""
    said: set[object] = set()
    for model in program.models:
        if model.style != "subclass" or model.call_origin is None or model.call_origin.key in said:
            continue
        problem = _deaf(program, model) if "training" not in model.signature else _always_on(model)
        if problem is not None:
            said.add(model.call_origin.key)
            yield problem


def _deaf(program: Program, model: Model) -> Problem | None:
    """The finding for a `call` without the parameter; None where nothing is lost."""
    lost = [found for found in reached(model) if not found.flag.given and _learns(found)]
    if program.keras < 3 or not lost or model.call_origin is None or model.methods & _OWN_TRAINING:
        return None
    said = f"`call` of {model.cls} has no parameter named `training`: "
    fits = [event for event in model.events if event.kind in TRAINING_EVENTS]
    related = ((lost[0].layer.origin, "this batch normalization never sees training mode"),)
    if fits:
        said += "fit never puts it into training mode, so its batch normalization keeps its initial statistics."
        return Problem(model.call_origin, said, Severity.ERROR, (*related, (fits[0].origin, "trained here")))
    # Called by another model, it is told by that one; under a tape, by the flag of that call.
    if any(call.context.kind != "eager" or call.context.tape or call.training.given for call in model.calls):
        return None
    said += "were it trained with fit, its batch normalization would keep its initial statistics."
    return Problem(model.call_origin, said, Severity.ADVICE, related)


def _learns(found: Reached) -> bool:
    """Whether the batch normalization is there to be trained: not frozen, and not pretrained."""
    pretrained = any(isinstance(layer, Model) and layer.pretrained for layer in (*found.within[1:], found.layer))
    return not pretrained and trainable_at(found.layer, found.within) is True


def _always_on(model: Model) -> Problem | None:
    """The finding for `training=True` as a default, which a direct call without a flag obeys."""
    default = model.call_default
    if default is None or default.value is not True or model.call_origin is None:
        return None
    # Inside another model the outer mode wins.
    inner = model.calls and all(call.context.kind != "eager" for call in model.calls)
    if inner or not any(_follows(found) for found in reached(model)):
        return None
    said = f"`call` of {model.cls} defaults to training=True: a direct call without a flag uses batch statistics and moves the moving ones."
    return Problem(model.call_origin, said, Severity.WARNING)


def _follows(found: Reached) -> bool:
    return not found.flag.given and trainable_at(found.layer, found.within) is True
