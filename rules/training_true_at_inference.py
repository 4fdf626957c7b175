"""Batch statistics in inference: `training=True` where a prediction is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import (
    Call,
    Layer,
    Model,
    by_origin,
    holds_batchnorm,
    is_frozen,
    label,
    samples_per_step,
    training_batch,
)
from bnlint.graph.freezing import Reached, reached
from bnlint.reference.modes import Level, Situation, mode
from bnlint.reference.situations import level_of, situation_in, situation_of, with_flag
from bnlint.rulebook.change import Change, Forward, Modes, RemoveArgument, SetArgument

category = "mode"
severity = Severity.ERROR


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Every `training=True` that reaches a batch normalization while the model predicts."""
    for call, *_ in by_origin(call for call in program.calls if _asks_for_training(call)):
        found = _judge(program, call)
        if found is None:
            continue
        where, grade = found
        said = f"{label(call.layer)} gets training=True {where}"
        origin = call.training.origin or call.origin
        grade = grade if call.training.certain else Severity.ADVICE
        yield Problem(origin, said, grade, change=_change(program, call) if call.training.certain else None)


def _asks_for_training(call: Call) -> bool:
    layer = call.layer
    return call.training.value is True and not layer.op and holds_batchnorm(layer) is True and not is_frozen(layer)


def _judge(program: Program, call: Call) -> tuple[str, Severity] | None:
    """Where the flag does harm, as the end of a sentence, and how bad it is."""
    context = call.context
    if context.kind == "call":
        # In a branch of `if training:` the flag is right; where the caller passed it, it is the caller's.
        if call.optional or not call.training.certain or _forwarded(call):
            return None
        return "whenever the model runs: predictions depend on the batch, and move the statistics.", Severity.ERROR
    if context.kind == "eager" or any(given.data for given in call.inputs):
        if context.purpose != "inference":
            return None
        where = context.because or "in inference code"
        if _normalizes_instances(call.layer):
            return (
                f"{where}, as in training, on batches of one: right as long as these are of one too.",
                Severity.ADVICE,
            )
        return f"{where}: the output depends on the batch, and the call moves the statistics.", Severity.ERROR
    if context.kind == "build":
        return _judge_graph(program, call)
    return None


def _normalizes_instances(layer: Layer) -> bool:
    """Whether a model is only trained on batches of one, for which batch statistics are those of an instance."""
    events = layer.events if isinstance(layer, Model) else []
    batches = [training_batch(event) for event in events if event.kind in ("fit", "train_on_batch", "tape")]
    return bool(batches) and all(batch is not None and samples_per_step(batch) == 1 for batch in batches)


def _judge_graph(program: Program, call: Call) -> tuple[str, Severity] | None:
    """A flag written into a functional graph: Keras 2 obeys it for ever, Keras 3 where the caller gives none."""
    holders = [model for model in program.models if any(call in (node, node.parent) for node in model.nodes)]
    # One that is built, or called, in both modes is meant so: a model to train, and its twin to predict with.
    twins = (*call.layer.calls, *program.calls_at(call.origin))
    if not holders or any(other.training.value is False for other in twins):
        return None
    if mode(situation_in(program, Level("functional", flag=True), "predict")).training:
        return "in the model's graph: predict uses batch statistics too, and moves the moving ones.", Severity.ERROR
    if any(_called_openly(model) for model in holders):
        return "in a graph that is called without a flag: that call uses and moves batch statistics.", Severity.ERROR
    return "in the model's graph: fit and predict override it, a direct call without a flag obeys.", Severity.ADVICE


def _called_openly(model: Model) -> bool:
    return any(event.kind == "call" and event.call and not event.call.training.given for event in model.events)


def _forwarded(call: Call) -> bool:
    parent = call.parent
    while parent is not None and parent.training.value is not True:
        parent = parent.parent
    return parent is not None


def _change(program: Program, call: Call) -> Change | None:
    """In `call`, the flag of that; in a graph, none; else False. None where one line serves both modes."""
    origin, kind = call.training.origin or call.origin, call.context.kind
    if any(other.training.value is not True for other in program.calls_at(call.origin)):
        return None
    if kind == "call":
        before = _inside(program, call)
        return Change("Leave the mode to the caller", (Forward(origin),), Modes(before, with_flag(before, "forwarded")))
    if kind == "build" and not any(given.data for given in call.inputs):
        before = _inside(program, call)
        step = RemoveArgument(origin, "training", 1)
        return Change("Leave the mode to the caller", (step,), Modes(before, with_flag(before, None)))
    if _normalizes_instances(call.layer):
        return None
    before = _outside(program, call)
    steps = (SetArgument(origin, "training", False, _position(call.layer)),)
    return Change("Predict in inference mode", steps, Modes(before, before._replace(flag=False)))


def _inside(program: Program, call: Call) -> Situation:
    """The situation of a batch normalization that this flag decides about, in a known model, if there is one."""
    found = [one for model in program.models for one in reached(model) if one.giver is call]
    if found:
        return situation_of(program, found[0], "predict")
    style: Literal["layer", "functional"] = "layer" if call.context.kind == "call" else "functional"
    return situation_in(program, Level(style, flag=True), "predict")


def _outside(program: Program, call: Call) -> Situation:
    """The situation of a batch normalization in a layer or model that is called with this flag."""
    layer = call.layer
    found = next(reached(layer), None) if isinstance(layer, Model) else Reached(layer, ())
    if found is None:
        return situation_in(program, level_of(layer), "call", True)
    return situation_of(program, found, "call", True)


def _position(layer: Layer) -> int | None:
    """Where the flag may stand without its name."""
    if not isinstance(layer, Model) or layer.style != "subclass":
        return 1
    return layer.signature.index("training") if "training" in layer.signature else None
