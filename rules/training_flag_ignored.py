"""`training=False` in a functional graph does not survive fit in Keras 3."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Event, Layer, Origin, is_batchnorm, label
from bnlint.graph.freezing import (
    Reached,
    judged_at,
    reached,
    thawed_at,
    trainable_ends,
    training_events,
    writes_to,
)
from bnlint.reference.modes import Level, mode
from bnlint.reference.situations import situation_in, situation_of
from bnlint.rulebook.change import Change, Modes, SetArgument, Step, freeze

category = "mode"
severity = Severity.ERROR


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each `training=False` in the graph of a fitted model whose batch normalization is not frozen when fit runs."""
    flagged = situation_in(program, Level("functional", flag=False), "fit")
    if not mode(flagged).training:
        return
    said: set[object] = set()
    for event in training_events(program):
        for found in reached(event.model):
            call = found.giver
            if call is None or call.origin.key in said or not _written_into_a_graph(call):
                continue
            if True in trainable_ends(found.layer, found.within, judged_at(event, program)):
                said.add(call.origin.key)
                flag = call.training
                grade = Severity.ERROR if flag.certain else Severity.ADVICE
                related = tuple(_related(event, found))
                change = _change(program, event, found) if flag.certain else None
                yield Problem(flag.origin or call.origin, _message(call.layer), grade, related, change)


def _written_into_a_graph(call: Call) -> bool:
    """A flag given while a functional graph was built; one inside `call` is obeyed."""
    return call.training.value is False and call.context.kind == "build" and call.parent is None


def _message(layer: Layer) -> str:
    return (
        f"fit overrides training=False: the batch normalization of {label(layer)} is trained all the same. "
        "Only `trainable = False` on its batch normalization layers keeps the statistics."
    )


def _related(event: Event, found: Reached) -> Iterator[tuple[Origin, str]]:
    thawed = [write for write in writes_to(found.layer, found.within, event.time) if write.value.value is not False]
    if thawed and thawed[-1].value.origin is not None:
        yield thawed[-1].value.origin, "it is made trainable here"
    yield event.origin, "fit overrides the flag here"


def _change(program: Program, event: Event, found: Reached) -> Change | None:
    """What keeps the statistics: a batch normalization that is never trainable, or a loop that freezes those inside."""
    call = found.giver
    assert call is not None
    before = situation_of(program, found, "fit")
    at = judged_at(event, program)
    if not is_batchnorm(call.layer):
        step: Step = freeze(program, *thawed_at(call.layer, found, at))
    elif writes_to(found.layer, found.within, at):
        return None
    else:
        step = SetArgument(call.layer.origin, "trainable", False)
    return Change("Freeze its batch normalization", (step,), Modes(before, before._replace(trainable=False)))
