"""Batch normalization in the scope of a distribution strategy, each device with small statistics of its own."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Event, Layer, Model, PerReplica, by_origin, learning_batchnorms, training_batch
from bnlint.rulebook.change import Change, Function, Rename, SetArgument, Step

category = "batch"
severity = Severity.ADVICE
options = {"min-batch-size": 32}

_SYNCHRONOUS = ("MirroredStrategy", "TPUStrategy", "TPUStrategyV2", "CollectiveAllReduceStrategy")


def check(program: Program, options: Options) -> Iterator[Problem]:
    """The first batch normalization built in each scope whose devices train it on too few samples."""
    limit = options["min-batch-size"]
    assert isinstance(limit, int)
    reported: set[tuple[str, int | None]] = set()
    for event in program.events:
        for layer in sorted(learning_batchnorms(event.model, event.time), key=lambda layer: layer.time):
            scope = (layer.context.strategy, layer.context.replicas)
            if scope in reported or isinstance(layer, Model) or not _is_local(layer):
                continue
            said = _small(event, layer.context.replicas, limit)
            if said is not None:
                reported.add(scope)
                how = "use `synchronized=True`" if program.keras > 2 else "use `experimental.SyncBatchNormalization`"
                said += f" under {scope[0]}: {how} for statistics of the whole batch."
                yield Problem(layer.origin, said, change=_change(program, event, scope))


def _change(program: Program, event: Event, scope: tuple[str, int | None]) -> Change:
    """Synchronize all batch normalization that the model has in this scope. On one device nothing changes."""
    found = (one for one in learning_batchnorms(event.model, event.time) if not isinstance(one, Model))
    layers = [one for one in found if _is_local(one) and (one.context.strategy, one.context.replicas) == scope]
    steps: list[Step] = [
        SetArgument(layer.origin, "synchronized", True)
        if program.keras > 2
        else Rename(layer.origin, "experimental.SyncBatchNormalization")
        for layer, *_ in by_origin(layers)
    ]
    calls = [call for layer in layers for call in layer.calls][: program.keras > 2]
    effect = f"so on one device; on {scope[1] or 'several'}, each takes the statistics of all samples of a batch"
    return Change("Synchronize the statistics", tuple(steps), Function(tuple(calls)) if calls else None, effect)


def _is_local(layer: Layer) -> bool:
    """Whether each of several devices normalizes by itself."""
    if layer.context.replicas == 1 or not layer.context.strategy.endswith(_SYNCHRONOUS):
        return False
    return layer.cls != "SyncBatchNormalization" and layer.arg("synchronized").value is False


def _small(event: Event, replicas: int | None, limit: int) -> str | None:
    """What each device sees in a training step, where that is below the limit; of unknown devices, at least two."""
    batch = training_batch(event)
    size = None if batch is None else batch.size.value
    if isinstance(size, PerReplica) and size.samples < limit:
        return f"Each device normalizes its {size.samples} samples of a batch by itself"
    if batch is None or not isinstance(size, int) or isinstance(size, bool) or size < 1:
        return None
    if not batch.size.given and batch.steps is not None:
        return None  # Keras then divides the samples by the steps.
    size = min(size, batch.samples or size)
    share = max(1, size // (replicas or 2))
    if share >= limit:
        return None
    at_most = "" if replicas else "at most "
    return f"Each device normalizes {at_most}{share} of the {size} samples of a batch by itself"
