"""Which batches of one leave a batch normalization a single value a channel."""

from __future__ import annotations

from collections.abc import Iterator

from .nodes import Call, Model
from .program import Batch, Event, Program
from .questions import learning_batchnorms, positions_per_channel, samples_per_step, training_batch


def batches_of_one(program: Program) -> Iterator[tuple[Event, Batch, Call]]:
    """Each training event with a known batch of one sample, and a BN call in it that sees one value a channel."""
    for event in program.events:
        batch = training_batch(event)
        if batch is None or samples_per_step(batch) != 1:
            continue
        alone = alone_in(event.model, event.time, samples_per_step(batch, synchronized=True) == 1)
        if alone is not None:
            yield event, batch, alone


def alone_in(model: Model, time: int, everywhere: bool) -> Call | None:
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
