"""A model whose `call` has no `training` parameter is never put into training mode by Keras 3's fit."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Model
from bnlint.graph.freezing import TRAINING_EVENTS, Reached, reached, trainable_at
from bnlint.reference.modes import mode
from bnlint.reference.situations import situation_of, with_level
from bnlint.rulebook.change import AddParameter, Change, Modes, take_flag

category = "mode"
severity = Severity.ERROR

_OWN_TRAINING = frozenset({"train_step", "fit", "train_on_batch", "make_train_function", "train_function", "__call__"})


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each outermost model whose `call` cannot be told to train, and each that trains unless it is told not to."""
    if program.tensorflow_1:
        return  # A session runs graphs, in which the one flag that was given stands.
    classes: dict[object, list[Model]] = {}
    for model in program.models:
        if model.style == "subclass" and model.call_origin is not None:
            classes.setdefault(model.call_origin.key, []).append(model)
    for models in classes.values():
        judge = _deaf if "training" not in models[0].signature else _always_on
        problem = judge(program, models)
        if problem is not None:
            yield problem


def _deaf(program: Program, models: list[Model]) -> Problem | None:
    """The finding for a class whose `call` lacks the parameter; None where nothing is lost."""
    lost = [(model, found) for model in models for found in reached(model) if _is_lost(program, found)]
    origin = models[0].call_origin
    if not lost or origin is None or models[0].methods & _OWN_TRAINING:
        return None
    said = f"`call` of {models[0].cls} has no parameter named `training`: "
    related = ((lost[0][1].layer.origin, "this batch normalization never sees training mode"),)
    change = _told(program, *lost[0])
    fits = [event for model, _ in lost for event in model.events if event.kind in TRAINING_EVENTS]
    if fits:
        said += "fit never puts it into training mode, so its batch normalization keeps its initial statistics."
        return Problem(origin, said, Severity.ERROR, (*related, (fits[0].origin, "trained here")), change)
    if all(model.context.testing for model, _ in lost) or any(_is_told(model) for model in models):
        return None
    said += "Keras 3's fit would never train its batch normalization's statistics."
    return Problem(origin, said, Severity.ADVICE, related, change)


def _told(program: Program, model: Model, found: Reached) -> Change:
    """The parameter, and what it is handed on to, written in `call`."""
    steps = take_flag(model)
    before = situation_of(program, found, "fit")
    after = with_level(before, 0, parameter=True, flag="forwarded" if len(steps) > 1 else None)
    return Change("Let `call` take the `training` flag", steps, Modes(before, after))


def _is_lost(program: Program, found: Reached) -> bool:
    """Whether fit leaves a batch normalization in inference mode that is there to be trained."""
    return not found.flag.given and _learns(found) and not mode(situation_of(program, found, "fit")).training


def _learns(found: Reached) -> bool:
    """Whether the batch normalization is there to be trained: not frozen, and not pretrained."""
    pretrained = any(isinstance(layer, Model) and layer.pretrained for layer in (*found.within[1:], found.layer))
    return not pretrained and trainable_at(found.layer, found.within) is True


def _is_told(model: Model) -> bool:
    """Whether the mode may come from elsewhere: another model calls this one, or a tape's call decides."""
    return any(call.context.kind != "eager" or call.context.tape or call.training.given for call in model.calls)


def _always_on(program: Program, models: list[Model]) -> Problem | None:
    """The finding for `training=True` as a default, which a direct call without a flag obeys."""
    default, origin = models[0].call_default, models[0].call_origin
    # Inside another model the outer mode wins.
    inner = any(call.context.kind != "eager" for model in models for call in model.calls)
    if default is None or default.value is not True or origin is None or inner:
        return None
    found = [found for model in models for found in reached(model) if not found.flag.given and _learns(found)]
    wrong = [one for each in found if mode(one := situation_of(program, each, "call")).training]
    if not wrong:
        return None
    said = f"`call` of {models[0].cls} defaults to training=True: "
    said += "a call without a flag normalizes with batch statistics and moves the moving ones."
    steps = (AddParameter(origin, "training", "None"),)
    proof = Modes(wrong[0], with_level(wrong[0], 0, default=None))
    return Problem(origin, said, Severity.WARNING, change=Change("Leave the mode to the caller", steps, proof))
