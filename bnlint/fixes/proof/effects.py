"""What else a change does, in numbers: to the noise of a batch's statistics, and to the memory of the moving ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from ...graph import (
    Event,
    Layer,
    Program,
    is_batchnorm,
    learning_batchnorms,
    positions_per_channel,
    samples_per_step,
    training_batch,
)
from ...rulebook.change import Change, Function, SetArgument
from .trials import Trial

_STEPS = 10
"""For how many steps a momentum's memory is told, where it is not known how many there are."""


def effects_of(change: Change, program: Program, found: Iterable[Trial]) -> Iterator[str]:
    """A sentence for each, some more than once."""
    calls = change.proof.calls if isinstance(change.proof, Function) else ()
    layers = [call.layer for call in calls if is_batchnorm(call.layer)]
    for trial in found:
        if trial.outcome.variance is not None:
            before, after = (f"{ratio:.2g}" for ratio in trial.outcome.variance)
            said = "the variance that enters the batch normalization in training is"
            if before != after:
                yield f"{said} {before} times that in inference before, {after} times after"
        for old, new in trial.changed():
            momenta = [dict(spec.args).get("momentum") for spec in (old, new)]
            if momenta[0] != momenta[1] and all(isinstance(one, float) for one in momenta):
                yield _memory(momenta, layers, program)
            if old.kind == "BatchNormalization" != new.kind:
                batches = _batches(layers, program)
                yield from (f"{_noise(values)}; {new.kind} does not depend on it" for values in batches)


def noise_of(change: Change) -> Iterator[str]:
    """The noise that a batch size leaves, where the change sets one."""
    for step in change.steps:
        if isinstance(step, SetArgument) and step.name == "batch_size" and isinstance(step.value, int):
            yield f"{_noise(step.value)}, or more with several positions a sample"


def _memory(momenta: list[object], layers: list[Layer], program: Program) -> str:
    steps = next((count for layer in layers if (count := _steps(layer, program))), 0)
    when = f"after the {steps} steps of training" if steps else f"after {_STEPS} steps"
    before, after = (_percent(float(str(one)) ** (steps or _STEPS)) for one in momenta)
    return f"{when}, {before} of the initial moving statistics are left before, {after} after"


def _steps(layer: Layer, program: Program) -> int:
    """How many steps the program trains a batch normalization for; 0 where that is not known."""
    counts = [_steps_of(event) for event in program.events if _trains(event, layer)]
    return sum(counts) if counts and all(counts) else 0


def _trains(event: Event, layer: Layer) -> bool:
    training = event.kind in ("fit", "train_on_batch", "tape")
    return training and any(one is layer for one in learning_batchnorms(event.model, event.time))


def _steps_of(event: Event) -> int:
    batch = event.batch
    epochs = event.args["epochs"].value if "epochs" in event.args else 1
    if batch is None or event.kind != "fit" or event.repeated or not isinstance(epochs, int):
        return 0
    size, steps = batch.size.value, batch.steps.value if batch.steps is not None else None
    if isinstance(steps, int):
        return epochs * steps
    return epochs * -(-batch.samples // size) if batch.samples and isinstance(size, int) and size > 0 else 0


def _batches(layers: list[Layer], program: Program) -> Iterator[int]:
    """How many values a channel's statistics come from in a known training batch, each number once."""
    found: dict[int, None] = {}
    for layer in layers:
        axis = layer.arg("axis").value
        shapes = [call.inputs[0].shape for call in layer.calls if call.inputs]
        for event in program.events:
            batch = training_batch(event) if _trains(event, layer) else None
            size = samples_per_step(batch, layer.arg("synchronized").value is True) if batch is not None else None
            positions = [positions_per_channel(shape, axis) for shape in shapes if isinstance(axis, int)]
            found |= {size * count: None for count in positions if size is not None and count is not None}
    return iter(found)


def _noise(values: int) -> str:
    if values < 2:
        return "a batch gives a channel one value, which has no variance"
    error = _percent(math.sqrt(2 / (values - 1)))
    return f"a batch gives a channel {values} values, and its variance to within {error} (√(2/(m−1)))"


def _percent(share: float) -> str:
    if share < 1e-4:
        return "under 0.01 %"
    return f"{100 * share:.0f} %" if share > 0.1 else f"{100 * share:.2g} %"
