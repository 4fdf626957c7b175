"""The last batch of every epoch has one sample: for a batch normalization of vectors, nothing to normalize."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Batch, training_batch
from bnlint.graph.batches import alone_in
from bnlint.rulebook.change import Change, SetArgument

category = "batch"
severity = Severity.WARNING


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each training on a known number of samples, of which one is left for the last batch."""
    for event in program.events:
        batch = training_batch(event)
        size = batch.size.value if batch is not None else None
        if batch is None or batch.drop_remainder or batch.steps is not None or not isinstance(size, int):
            continue
        if batch.samples is None or not 1 < size < batch.samples or batch.samples % size != 1:
            continue
        alone = alone_in(event.model, event.time, everywhere=True)
        if alone is not None:
            said = f"{batch.samples} samples in batches of {size} leave one for the last batch of every epoch: "
            said += "BatchNormalization sees one value a channel there, and its moving variance is pulled towards 0."
            level = None if batch.size.certain else Severity.ADVICE
            related = ((alone.layer.origin, "this batch normalization"),)
            yield Problem(batch.size.origin or event.origin, said, level, related, _change(batch))


def _change(batch: Batch) -> Change | None:
    """Leave that sample out, where a data set is cut into batches; fit has no argument for it."""
    if batch.cut is None:
        return None
    effect = f"each epoch leaves one of the {batch.samples} samples out: with shuffle, another one every time"
    step = SetArgument(batch.cut, "drop_remainder", True, position=1)
    return Change("Drop the batch of one", (step,), effect=effect)
