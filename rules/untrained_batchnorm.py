"""A custom training step that runs batch normalization in inference mode never trains its statistics."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Event, Layer, Model, by_origin, is_batchnorm, label
from bnlint.graph.freezing import TRAINING_EVENTS, flag_of, reached, trainable_at
from bnlint.reference.modes import Level, mode
from bnlint.reference.situations import level_of, situation_in, situation_of, with_flag, with_level
from bnlint.rulebook.change import Change, Forward, Modes, RemoveArgument, SetArgument, Step, take_flag

category = "mode"
severity = Severity.ERROR


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each call of a training step, and each literal `training=False`, that keeps statistics from being learned."""
    said: set[object] = set()
    for model in program.models:
        steps = [event.call for event in model.events if event.call is not None and _trains(event)]
        if (
            steps
            and all(_leaves_off(program, model, call) for call in steps)
            and not _fitted(model)
            and _learnable(model)
        ):
            change = _switched_on(program, model, [group[0] for group in by_origin(steps)])
            for call, *_ in by_origin(steps):
                if call.origin.key not in said:
                    said.add(call.origin.key)
                    yield Problem(call.origin, _message(call), change=change)
    inside = {call for model in program.models for call in model.nodes}
    taught = [call for call in program.taught if call not in inside]
    for layer in dict.fromkeys(call.layer for call in taught):
        calls = [call for call in taught if call.layer is layer]
        if _never_learns(program, layer, calls):
            yield from (Problem(call.origin, _message(call)) for call, *_ in by_origin(calls))
    for group in by_origin(call for call in program.calls if is_batchnorm(call.layer)):
        if all(_switched_off(program, call) for call in group):
            call = group[0]
            text = f"{label(call.layer)} is called with training=False on its only way through training: "
            text += "its statistics keep their initial values."
            yield Problem(call.training.origin or call.origin, text, change=_left_to_the_caller(program, call))


def _trains(event: Event) -> bool:
    """Whether the call is recorded by a tape that trains the model, or stands in its own train_step."""
    if event.kind == "tape":
        return True
    own_step = "train_step" in event.model.methods and "train_step" in event.context.functions
    return event.kind == "call" and event.context.tape is not None and own_step


def _never_learns(program: Program, layer: Layer, steps: list[Call]) -> bool:
    """Whether a layer has a batch normalization that waits for the flag of its caller, which no step gives."""
    others = (call for call in layer.calls if call not in steps)
    if any(call.training.value not in (None, False) for call in layer.calls) or any(
        _is_in_training(program, call) for call in others
    ):
        return False
    inside = [call for call in program.calls if is_batchnorm(call.layer) and _outermost(call) in steps]
    return any(trainable_at(call.layer, (layer,)) is True and _obeys(call) for call in inside)


def _obeys(call: Call) -> bool:
    """Whether the batch normalization runs as the outermost call says: with no other flag, or with the same."""
    flag, giver = flag_of(call)
    return giver in (None, _outermost(call)) or flag.value is False is _outermost(call).training.value


def _outermost(call: Call) -> Call:
    while call.parent is not None:
        call = call.parent
    return call


def _is_in_training(program: Program, call: Call) -> bool:
    """Whether the call may stand in a model that is trained with the flag of its caller."""
    holders = [model for model in program.models if call in model.nodes]
    return call.optional or any(_fitted(model) or "tape" in model.event_kinds() for model in holders)


def _leaves_off(program: Program, model: Model, call: Call) -> bool:
    """Whether the call runs the model in inference mode: no flag, or False."""
    flag, default = call.training.value, model.call_default
    if not (flag is None or isinstance(flag, bool)) or (default is not None and not default.known):
        return False
    return not mode(situation_in(program, level_of(model), "tape", flag)).training


def _switched_on(program: Program, model: Model, calls: list[Call]) -> Change | None:
    """`training=True` in every call of the step; a `call` of this file that cannot take it gets the parameter."""
    steps: list[Step] = [
        SetArgument(call.training.origin, "training", True, _position(model))
        if call.training.origin is not None
        else SetArgument(call.origin, "training", True)
        for call in calls
        if call.training.value is not True
    ]
    own_step = "train_step" in model.methods and "train_step" in calls[0].context.functions
    flag = True if calls[0].training.value is True else None
    before = situation_in(program, level_of(model), "train_step" if own_step else "tape", flag)
    after = before._replace(flag=True)
    if not before.path[0].parameter and model.call_origin is not None and model.call_origin.path == program.path:
        told = take_flag(model)
        steps += told
        after = with_level(after, 0, parameter=True, flag="forwarded" if len(told) > 1 else None)
    if not steps or mode(before) == mode(after):
        return None
    return Change("Run the training step in training mode", tuple(steps), Modes(before, after))


def _position(model: Model) -> int | None:
    """Where the flag may stand without its name."""
    if model.style != "subclass":
        return 1
    return model.signature.index("training") if "training" in model.signature else None


def _left_to_the_caller(program: Program, call: Call) -> Change:
    """The flag of the `call` around; none in a functional graph."""
    within = [found for model in program.models for found in reached(model) if found.giver is call]
    before = situation_of(program, within[0], "fit")
    origin = call.training.origin or call.origin
    step: Step = Forward(origin) if call.context.kind == "call" else RemoveArgument(origin, "training", 1)
    after = with_flag(before, "forwarded" if call.context.kind == "call" else None)
    return Change("Leave the mode to the caller", (step,), Modes(before, after))


def _fitted(model: Model) -> bool:
    """Whether Keras's own train step trains the model too."""
    return "train_step" not in model.methods and any(event.kind in TRAINING_EVENTS for event in model.events)


def _learnable(model: Model) -> bool:
    """Whether the model has a batch normalization that only waits for its caller's flag."""
    return any(
        not found.flag.given
        and trainable_at(found.layer, found.within) is True
        and not any(isinstance(layer, Model) and layer.pretrained for layer in (*found.within, found.layer))
        for found in reached(model)
    )


def _message(call: Call) -> str:
    how = "with training=False" if call.training.value is False else "without training=True"
    if call.training.value is True:
        how = "with a flag that Keras before 3.10 drops, as its `call` has no parameter named `training`"
    return (
        f"{label(call.layer)} is trained by this tape but called {how}: its batch normalization runs in "
        "inference mode, and its statistics keep their initial values."
    )


def _switched_off(program: Program, call: Call) -> bool:
    """Whether a literal False keeps a batch normalization of a trained model in inference mode, on every path."""
    flag, giver = flag_of(call)
    if giver is not call or flag.value is not False or not flag.certain or call.optional or len(call.layer.calls) > 1:
        return False
    # Where fit overrides a flag in a functional graph, training-flag-ignored speaks.
    inside = Level("subclass" if call.context.kind == "call" else "functional", flag=False)
    if call.context.kind not in ("call", "build") or mode(situation_in(program, inside, "fit")).training:
        return False
    holders = [model for model in program.models if call in model.nodes]
    trained = any(event.kind in (*TRAINING_EVENTS, "tape") for model in holders for event in model.events)
    frozen = trainable_at(call.layer, tuple(holders)) is not True
    return trained and not frozen and not any(model.pretrained for model in holders)
