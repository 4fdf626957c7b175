"""What `fit` was called with, as a callback can see it: the batches, the steps, the strategy.

Keras tells a callback the epochs and the steps, but not the batch size. That stands in the variables of `fit`, which is
among the callers of the callback. They are read and nothing else: no batch is drawn from the data.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..doors.live.objects import leaves
from ..doors.live.training import Training

DEFAULT_BATCH = 32

_SAME_BATCHES = frozenset(
    f"{name}Dataset" for name in "Cache Filter Map Options ParallelMap Prefetch Repeat Shard Shuffle Skip Take".split()
)
_SAME_NUMBER = frozenset(f"{name}Dataset" for name in "Cache Map Options ParallelMap Prefetch Shuffle".split())


def training_of(model: Any, params: Mapping[str, Any]) -> Training:
    """How the running `fit` of this model trains it; `params` are what Keras tells its callbacks."""
    given = _variables_of_fit(model)
    epochs = _integer(params.get("epochs"))
    first = _integer(given.get("initial_epoch")) or 0
    size, steps = _integer(given.get("batch_size")), _integer(given.get("steps_per_epoch"))
    size, samples, cut = _batches(given.get("x"), size, steps)
    strategy = getattr(model, "distribute_strategy", None)
    name = type(strategy).__name__
    return Training(
        batch_size=size,
        samples=samples,
        drop_remainder=cut,
        steps=_integer(params.get("steps")),
        epochs=None if epochs is None else max(0, epochs - first),
        strategy="" if strategy is None or "Default" in name else name,
        replicas=_integer(getattr(strategy, "num_replicas_in_sync", 1)) or 1,
    )


def _variables_of_fit(model: Any) -> Mapping[str, Any]:
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == "fit" and frame.f_locals.get("self") is model:
            return dict(frame.f_locals)
    return {}


def _batches(x: Any, size: int | None, steps: int | None) -> tuple[int | None, int | None, bool]:
    """The size of a batch, the number of samples, and whether a rest is dropped; Keras cuts arrays by either number."""
    if hasattr(x, "element_spec"):
        return _of_dataset(x)
    first = next(iter(leaves(x)), None)
    shape = getattr(first, "shape", None)
    if shape is not None and len(shape):
        samples = _integer(shape[0])
        return size or (-(-samples // steps) if samples and steps else DEFAULT_BATCH), samples, False
    return _integer(getattr(x, "batch_size", None)), None, False


def _of_dataset(dataset: Any) -> tuple[int | None, int | None, bool]:
    """The last `batch` of a tf.data pipeline, looked for from its end."""
    whole = True
    while True:
        size = _integer(getattr(dataset, "_batch_size", None))
        inputs = dataset._inputs() if hasattr(dataset, "_inputs") else []
        if size is not None and len(inputs) == 1:
            samples = _integer(inputs[0].cardinality()) if whole else None
            return size, samples, bool(getattr(dataset, "_drop_remainder", False))
        kind = type(dataset).__name__.lstrip("_")
        if len(inputs) != 1 or kind not in _SAME_BATCHES:
            shape = getattr(next(iter(leaves(dataset.element_spec)), None), "shape", None)
            return (_integer(shape[0]) if shape is not None and shape.rank else None), None, True
        whole &= kind in _SAME_NUMBER
        dataset = inputs[0]


def _integer(value: Any) -> int | None:
    """The value as an int, None for what is none: what TensorFlow does not know, or has no end of, is below 0."""
    try:
        return int(value) if int(value) >= 0 else None
    except (TypeError, ValueError):
        return None
