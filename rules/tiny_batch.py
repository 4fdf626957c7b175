"""Training batches too small for batch statistics to mean much."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import (
    Layer,
    Model,
    learning_batchnorms,
    positions_per_channel,
    samples_per_step,
    training_batch,
)
from bnlint.graph.batches import batches_of_one

category = "batch"
severity = Severity.WARNING
options = {"min-batch-size": 32}

_MEASURABLY_WORSE = 16
_LITTLE_ERROR = 0.001
"""With an error this small for independent positions, they may depend on each other a good deal."""


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each known batch size below the limit with which a model's batch normalization is trained."""
    limit = options["min-batch-size"]
    assert isinstance(limit, int)
    worse = {(batch.size.origin or event.origin).key for event, batch, _ in batches_of_one(program)}
    for event in program.events:
        batch = training_batch(event)
        if batch is None or batch.size.origin is None or batch.size.origin.key in worse:
            continue  # Keras's own 32, or batch-of-one's.
        learning = learning_batchnorms(event.model, event.time)
        layers = [layer for layer in learning if layer.arg("renorm").value is not True]
        size = samples_per_step(batch, all(layer.arg("synchronized").value is True for layer in layers))
        if layers and size is not None and size < limit:
            positions = _fewest_positions(layers)
            noisy = size == 1 or positions is None or _error(size * positions) >= _LITTLE_ERROR
            level = Severity.WARNING if size < _MEASURABLY_WORSE and batch.size.certain and noisy else Severity.ADVICE
            yield Problem(batch.size.origin, _message(size, positions), level)


def _message(size: int, positions: int | None) -> str:
    many = f", with {positions} or more positions a channel" if positions is not None and positions > 1 else ""
    if size == 1:
        return f"BatchNormalization trains on a batch of 1{many}: its statistics are those of one sample."
    said = f"BatchNormalization trains on batches of {size}{many}"
    off = f"{100 * _error(size):.0f} %"
    if not many or positions is None:
        return f"{said}: {size} samples give a variance to within {off} (sqrt(2/(m-1)))."
    least = f"{100 * _error(size * positions):.2g} %"
    independent = f"m = {size * positions} if the positions of a sample are independent, {size} if they are alike"
    return f"{said}: a variance is off by {least} to {off} (sqrt(2/(m-1)), {independent})."


def _error(values: int) -> float:
    """The relative error of a variance that is estimated from so many independent values."""
    return math.sqrt(2 / (values - 1))


def _fewest_positions(layers: list[Layer]) -> int | None:
    """The fewest positions that a channel has in a sample; None where one of the layers' is not known."""
    counts = [_positions(layer) for layer in layers]
    return None if None in counts else min((count for count in counts if count is not None), default=None)


def _positions(layer: Layer) -> int | None:
    """The fewest positions a channel has where the layer is applied; None where that is not known."""
    axis = layer.arg("axis").value
    if isinstance(layer, Model) or not isinstance(axis, int):
        return None
    counts = [positions_per_channel(call.inputs[0].shape, axis) for call in layer.calls if call.inputs]
    return None if None in counts else min((count for count in counts if count is not None), default=None)
