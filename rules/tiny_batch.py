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

category = "batch"
severity = Severity.WARNING
options = {"min-batch-size": 32}

_MEASURABLY_WORSE = 16


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each known batch size below the limit with which a model's batch normalization is trained."""
    limit = options["min-batch-size"]
    assert isinstance(limit, int)
    for event in program.events:
        batch = training_batch(event)
        if batch is None or batch.size.origin is None:
            continue  # Keras's own 32.
        learning = learning_batchnorms(event.model, event.time)
        layers = [layer for layer in learning if layer.arg("renorm").value is not True]
        size = samples_per_step(batch, all(layer.arg("synchronized").value is True for layer in layers))
        if layers and size is not None and size < limit:
            level = Severity.WARNING if size < _MEASURABLY_WORSE and batch.size.certain else Severity.ADVICE
            yield Problem(batch.size.origin, _message(size, layers), level)


def _message(size: int, layers: list[Layer]) -> str:
    if size == 1:
        said = "BatchNormalization trains on a batch of 1: its statistics are those of one sample"
    else:
        error = round(100 * math.sqrt(2 / (size - 1)))
        said = f"BatchNormalization trains on batches of {size}"
        said += f": {size} samples give a variance to within {error} % (sqrt(2/(m-1)))"
    positions = [_positions(layer) for layer in layers]
    known = [count for count in positions if count is not None]
    if known and len(known) == len(positions) and min(known) > 1:
        return f"{said}; the {min(known)} or more positions a channel has in each sample do not vary independently."
    return f"{said}."


def _positions(layer: Layer) -> int | None:
    """The fewest positions a channel has where the layer is applied; None where that is not known."""
    axis = layer.arg("axis").value
    if isinstance(layer, Model) or not isinstance(axis, int):
        return None
    counts = [positions_per_channel(call.inputs[0].shape, axis) for call in layer.calls if call.inputs]
    return None if None in counts else min((count for count in counts if count is not None), default=None)
