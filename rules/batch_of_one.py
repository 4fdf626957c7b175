"""A batch of one sample leaves a batch normalization nothing to normalize."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Model, learning_batchnorms, positions_per_channel, samples_per_step, training_batch

category = "batch"
severity = Severity.ERROR


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each known training batch of one that reaches a batch normalization with one value a channel."""
    for event in program.events:
        batch = training_batch(event)
        if batch is None or samples_per_step(batch) != 1:
            continue
        origin = batch.size.origin or event.origin
        alone = _alone(event.model, event.time, samples_per_step(batch, synchronized=True) == 1)
        if alone is not None:
            said = "A training batch of 1 reaches a BatchNormalization that sees one value a channel"
            said += ": its output is beta whatever comes in, and no gradient passes it."
            level = None if batch.size.certain else Severity.ADVICE
            yield Problem(origin, said, level, ((alone.layer.origin, "this batch normalization"),))


def _alone(model: Model, time: int, everywhere: bool) -> Call | None:
    """A learning BN call whose statistics come from a single value; `everywhere`: on all replicas together."""
    for layer in learning_batchnorms(model, time):
        axis = layer.arg("axis").value
        shared = layer.arg("synchronized").value is True and not everywhere
        if isinstance(layer, Model) or not isinstance(axis, int) or shared:
            continue
        for call in layer.calls:
            if call.inputs and positions_per_channel(call.inputs[0].shape, axis) == 1:
                return call
    return None
