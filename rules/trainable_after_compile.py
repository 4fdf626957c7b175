"""`trainable` is assigned when nobody reads it any more, or where Keras 3 reads it and Keras 2 did not."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Event, Layer, Model, Write, holds_batchnorm, label
from bnlint.graph.freezing import (
    TRAINING_EVENTS,
    judged_at,
    last_compile,
    reached,
    trainable_at,
    training_events,
    writes_to,
)
from bnlint.reference.modes import conduct

category = "mode"
severity = Severity.WARNING
source_only = "Keras keeps no record of when `trainable` was set"


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each assignment to `trainable` that training does not follow, or follows in Keras 3 only and to its harm."""
    said: set[object] = set()
    for event in training_events(program):
        for problem in (*_adversarial(program, event), *_stale(program, event)):
            if problem.origin.key not in said:
                said.add(problem.origin.key)
                yield problem


def _stale(program: Program, event: Event) -> Iterator[Problem]:
    """Assignments between the moment Keras read `trainable` and a later training that goes by what it read."""
    at = judged_at(event, program)
    for found in reached(event.model):
        before = trainable_at(found.layer, found.within, at)
        now = trainable_at(found.layer, found.within, event.time)
        written = writes_to(found.layer, found.within, event.time)
        if before is None or now is None or before == now or written[-1].time < at:
            continue
        write = written[-1]
        if write.value.origin is None or _meant_for_another(program, event.model, write):
            continue
        read = "compiled" if _compile_decides(program) else "first trained"
        said = (
            f"`trainable` is set to {now} after {label(event.model)} was {read}, and nothing compiles it again: "
            f"its batch normalization is still {'trained' if before else 'frozen'}."
        )
        yield Problem(write.value.origin, said, related=((event.origin, "trained here as it was before"),))


def _compile_decides(program: Program) -> bool:
    return conduct(program.keras, program.keras_minor).compile_decides


def _meant_for_another(program: Program, model: Model, write: Write) -> bool:
    """Whether another model that shares what is assigned is compiled or trained afterwards."""
    layers = [layer for layer in program.layers if write in layer.writes]
    return any(
        event.time > write.time and event.kind in (*TRAINING_EVENTS, "compile")
        for other in program.models
        if other is not model and any(_holds(other, layer) for layer in layers)
        for event in other.events
    )


def _holds(model: Layer, layer: Layer, depth: int = 0) -> bool:
    if model is layer:
        return True
    inner = {call.layer for call in model.nodes if not call.layer.op} if isinstance(model, Model) else ()
    return depth < 6 and any(_holds(one, layer, depth + 1) for one in inner)


def _adversarial(program: Program, event: Event) -> Iterator[Problem]:
    """The order of adversarial training under Keras 2, run by Keras 3."""
    compiled = last_compile(event)
    if compiled is None or _compile_decides(program):
        return
    at = judged_at(event, program)
    model = event.model
    for whole in program.models:
        if whole is not model and "compile" in whole.event_kinds() and _holds(whole, model):
            yield from _asleep(model, whole, compiled.time, at)
    for part in {call.layer for call in model.nodes if isinstance(call.layer, Model)}:
        yield from _awake(part, model, compiled.time, at)


def _asleep(part: Model, whole: Model, compiled: int, at: int) -> Iterator[Problem]:
    """A discriminator frozen for the combined model, and still frozen when its own step first runs."""
    write = _flipped(part, False, compiled, at)
    later = write and any(event.kind == "compile" and event.time > write.time for event in whole.events)
    if write is None or write.value.origin is None or not later or not _normalized(part, whole):
        return
    said = (
        f"Keras 3 reads `trainable` when {label(part)} is first trained, not when it is compiled: frozen here for the "
        "combined model, it learns nothing in its own step either."
    )
    yield Problem(write.value.origin, said, Severity.ERROR, ((whole.origin, "the combined model"),))


def _awake(part: Model, whole: Model, compiled: int, at: int) -> Iterator[Problem]:
    """A discriminator thawed for its own step, and still thawed when the combined step first runs."""
    write = _flipped(part, True, compiled, at)
    trained = any(event.kind in TRAINING_EVENTS for event in part.events)
    if write is None or write.value.origin is None or not trained or not _normalized(part, whole):
        return
    said = (
        f"Keras 3 reads `trainable` when {label(whole)} is first trained, not when it is compiled: {label(part)}, "
        "frozen at the compile and trainable again since this line, is trained by the combined step too."
    )
    yield Problem(write.value.origin, said, Severity.ERROR, ((whole.origin, "the combined model"),))


def _flipped(part: Model, value: bool, compiled: int, at: int) -> Write | None:
    """The assignment that turned a model's `trainable` to this value between its compile and its first training."""
    if trainable_at(part, (), compiled) is not (not value) or trainable_at(part, (), at) is not value:
        return None
    return writes_to(part, (), at)[-1]


def _normalized(part: Model, whole: Model) -> bool:
    return holds_batchnorm(part) is True or holds_batchnorm(whole) is True
