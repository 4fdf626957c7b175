"""Which batch normalizations a model reaches, under which flag, and whether they are trainable at a moment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .nodes import NOT_GIVEN, Arg, Call, Layer, Model, Origin, Unknown, Write
from .program import Event, Program
from .questions import is_batchnorm
from .slices import End, begins_with, reaches

FORWARDED = Unknown("the training flag", "training")
"""The value of a `training` argument that hands on the flag of the `call` it stands in."""

TRAINING_EVENTS = frozenset({"fit", "train_on_batch"})
"""What trains a model with its compiled train step."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A batch normalization as a model reaches it; `layer` is the model where one is only known to hold some.

    within: the models and layers it stands in, outermost first. flag: the `training` argument that decides its mode,
    NOT_GIVEN where the model's caller does; giver: the call that passes it.
    """

    layer: Layer
    within: tuple[Layer, ...]
    flag: Arg = NOT_GIVEN
    giver: Call | None = None


def reached(model: Model) -> Iterator[Reached]:
    """Every batch normalization that a call of the model gets to, nested models included."""
    stack = [Reached(model, ())]
    seen: set[tuple[Layer, Call | None]] = set()
    while stack:
        here = stack.pop()
        layer = here.layer
        if (layer, here.giver) in seen:
            continue
        seen.add((layer, here.giver))
        if is_batchnorm(layer) or (isinstance(layer, Model) and layer.batchnorm):
            yield here
        elif isinstance(layer, Model):
            stack.extend(_inside(here, layer))
        elif layer.wrapped is not None:
            stack.append(Reached(layer.wrapped, (*here.within, layer), here.flag, here.giver))


def _inside(here: Reached, model: Model) -> Iterator[Reached]:
    # A subclass's nodes repeat those of the models it calls, without the flag these were called with.
    repeated = {inner for call in model.nodes if isinstance(call.layer, Model) for inner in call.layer.nodes}
    for call in model.nodes:
        if call.layer.op or call in repeated or call.layer in here.within:
            continue
        flag, giver = flag_of(call)
        if giver is None:
            flag, giver = here.flag, here.giver
        parents: list[Layer] = []
        parent = call.parent
        while parent is not None:
            parents.insert(0, parent.layer)
            parent = parent.parent
        yield Reached(call.layer, (*here.within, model, *parents), flag, giver)


def flag_of(call: Call) -> tuple[Arg, Call | None]:
    """The `training` argument that decides a call's mode, its own or an outer call's, and the call that gives it."""
    giver: Call | None = call
    while giver is not None:
        if giver.training.given and giver.training.value != FORWARDED:
            return giver.training, giver
        giver = giver.parent
    return NOT_GIVEN, None


def trainable_at(layer: Layer, within: tuple[Layer, ...] = (), time: float = math.inf) -> bool | None:
    """Whether a layer, or all batch normalization of a model, is trainable at a time; None where that is unknown."""
    states = trainable_ends(layer, within, time)
    return states[0] if states[0] is states[1] else None


def trainable_ends(
    layer: Layer, within: tuple[Layer, ...] = (), time: float = math.inf
) -> tuple[bool | None, bool | None]:
    """Whether the first and the last batch normalization of a model are trainable at a time, None where not known.

    They may differ where a slice of an application's layers was assigned to; else both are the same.
    """
    if isinstance(layer, Model) and layer.style == "application":
        return _trainable(layer, within, time, "first"), _trainable(layer, within, time, "last")
    state = _trainable(layer, within, time)
    return state, state


def _trainable(layer: Layer, within: tuple[Layer, ...], time: float, end: End | None = None) -> bool | None:
    state: bool | None = True
    for each in (*within, layer):
        given = each.args.get("trainable")
        if given is not None:
            state = bool(given.value) if given.known else None
    owners = {write: each for each in (*within, layer) for write in each.writes}
    for write in writes_to(layer, within, time):
        value = bool(write.value.value) if write.value.known else None
        hit: bool | None = None
        if end is not None and isinstance(layer, Model):
            hit = reaches(write, owners[write], layer, end)
        if write.only != "some" or hit:
            state = value
        elif hit is None and (state != value or value is None):
            state = None
    return state


def writes_to(layer: Layer, within: tuple[Layer, ...] = (), time: float = math.inf) -> list[Write]:
    """The assignments to `trainable` up to a time that reach a layer's batch normalization, in program order."""
    writes = {write.time: write for each in (*within, layer) for write in each.writes if write.only != "others"}
    return [writes[moment] for moment in sorted(writes) if moment <= time]


def thawed_at(base: Layer, found: Reached, time: float) -> tuple[Origin, Layer | None]:
    """Where a network's batch normalization became trainable by a time, as it last did; else where it was made.

    With that, the network itself, where something else was written to there that holds it.
    """
    outside = found.within[: found.within.index(base)] if base in found.within else found.within
    holding = {write for layer in outside for write in layer.writes if not begins_with(layer, base)}
    for write in reversed(writes_to(found.layer, found.within, time)):
        if write.value.value is True and write.value.origin is not None:
            return write.value.origin, base if write in holding else None
    return base.origin, None


def judged_at(event: Event, program: Program) -> int:
    """When Keras reads `trainable` for a training: at the compile before it, Keras 3 at the first training since."""
    compiled = last_compile(event)
    if program.keras < 3:
        return compiled.time if compiled is not None else event.time
    since = compiled.time if compiled is not None else 0
    return next(e.time for e in event.model.events if e.kind in TRAINING_EVENTS and e.time >= since)


def last_compile(event: Event) -> Event | None:
    """The compile that a training event goes by."""
    before = [e for e in event.model.events if e.kind == "compile" and e.time < event.time]
    return before[-1] if before else None


def training_events(program: Program) -> Iterator[Event]:
    """Every fit and train_on_batch."""
    return (event for event in program.events if event.kind in TRAINING_EVENTS)


def contents(layer: Layer) -> Iterator[Layer]:
    """A layer and all that is known to be inside it: wrapped, held as attributes, or called by a model."""
    stack, seen = [layer], {layer}
    while stack:
        current = stack.pop()
        yield current
        inner = [*current.children, *([current.wrapped] if current.wrapped else [])]
        if isinstance(current, Model):
            inner += [call.layer for call in current.nodes]
            inner += [entry.layer for entry in current.entries if entry.layer is not None]
        stack.extend({child: None for child in inner if child not in seen})
        seen.update(inner)


def ever_frozen(program: Program) -> set[Layer]:
    """The layers that are, or may be, frozen in the end: by themselves or with what they stand in."""
    found: set[Layer] = set()
    for layer in program.layers:
        touched = bool(layer.writes) or "trainable" in layer.args
        if touched and layer not in found and trainable_at(layer) is not True:
            found.update(contents(layer))
    return found


def may_learn(call: Call) -> bool:
    """Whether the call's own `training` lets it learn: none is given, or True, or the flag of the code around it.

    Another value that is not known may be False.
    """
    value = call.training.value
    handed_on = value == FORWARDED or (isinstance(value, Unknown) and value.name.endswith(("training", "train")))
    return not call.training.given or value is None or value is True or handed_on
