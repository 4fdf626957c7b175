"""Accumulated gradients make the optimizer's batch larger, and leave batch normalization's as small as it was."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Arg, Event, Model, Object, learning_batchnorms, samples_per_step, training_batch

category = "batch"
severity = Severity.ADVICE
options = {"min-batch-size": 32}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each optimizer that accumulates gradients for a model that learns batch statistics.

    Not where the batches that the model sees are known to be large enough.
    """
    limit = options["min-batch-size"]
    assert isinstance(limit, int)
    for event in program.events:
        steps = _steps(event) if event.kind == "compile" and not event.context.testing else None
        if steps is None or next(learning_batchnorms(event.model), None) is None:
            continue
        sizes = list(_sizes(event.model, event.time))
        if any(size is None or size < limit for size in sizes) or not sizes:
            known = [size for size in sizes if size is not None and size < limit]
            yield Problem(steps.origin or event.origin, _message(steps, min(known, default=None)))


def _steps(event: Event) -> Arg | None:
    """How many gradients the compiled optimizer accumulates, where that is known and more than one."""
    optimizer = event.args.get("optimizer")
    if optimizer is None or not isinstance(optimizer.value, Object):
        return None
    found = optimizer.value.args.get("gradient_accumulation_steps")
    return found if found is not None and isinstance(found.value, int) and found.value > 1 else None


def _sizes(model: Model, since: int) -> Iterator[int | None]:
    """The batches that the model is trained on from then until it is compiled anew, None for unknown ones."""
    for event in model.events:
        if event.time > since and event.kind == "compile":
            return
        batch = training_batch(event) if event.time > since else None
        if batch is not None:
            yield samples_per_step(batch)


def _message(steps: Arg, size: int | None) -> str:
    seen = "the batch it is shown" if size is None else f"{size} samples"
    return (
        f"Accumulating {steps.value} gradients does not enlarge the batch of BatchNormalization: its statistics "
        f"are of {seen}, and its moving averages move {steps.value} times an update."
    )
