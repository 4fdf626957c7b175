"""Data in any of the ways that Keras's `fit` takes it, as the inputs of one batch after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np


class Batches:
    """Iterates over batches of a model's inputs; targets and weights that come along are left out.

    data: an array, a mapping of arrays, a list of them for a model with several inputs, or a tuple (x, y) or (x, y,
    weights) of such: these are cut into batches of `batch_size`. Or batches: a tf.data dataset, a Keras Sequence or
    PyDataset, any iterable, or a function without parameters that returns one.
    steps: at most how many batches, None for all.

    once: the batches come only once. total: how many there are, None where that is not known.

    Raises TypeError for what is none of these, ValueError for a dataset without end and no `steps`.
    """

    def __init__(self, model: Any, data: Any, batch_size: int = 32, steps: int | None = None) -> None:
        if batch_size < 1 or (steps is not None and steps < 1):
            raise ValueError("batch_size and steps are at least 1")
        self._shapes = _input_shapes(model)
        self._steps, self._size = steps, batch_size
        self.once, self.total = False, None
        self._open = self._source(data)
        if steps is not None:
            self.total = steps if self.total is None else min(steps, self.total)

    def __iter__(self) -> Iterator[Any]:
        for inputs in islice(self._open(), self._steps):
            self._check(inputs)
            yield inputs

    def _source(self, data: Any) -> Callable[[], Iterator[Any]]:
        if isinstance(data, tuple) and data:
            data = self._inputs(data)
        if _is_array(data) or isinstance(data, Mapping) or self._is_all_inputs(data):
            return self._cut(data)
        if hasattr(data, "cardinality") and hasattr(data, "element_spec"):
            return self._dataset(data)
        if callable(data) and not hasattr(data, "__iter__") and not hasattr(data, "__getitem__"):
            return lambda: map(self._inputs, data())
        if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, (list, tuple)):
            self.total = len(data)
            return lambda: (self._inputs(data[number]) for number in range(len(data)))
        if not isinstance(data, Iterable) or isinstance(data, (str, bytes)):
            raise TypeError(f"no data: {type(data).__name__}. Give an array, a dataset, or an iterable of batches")
        if isinstance(data, (list, tuple)):
            self.total = len(data)
        self.once = iter(data) is data
        return lambda: map(self._inputs, data)

    def _dataset(self, data: Any) -> Callable[[], Iterator[Any]]:
        """A tf.data dataset."""
        number = int(data.cardinality())
        if number == sys.modules["tensorflow"].data.INFINITE_CARDINALITY and self._steps is None:
            raise ValueError("the dataset has no end: say with steps= how many batches to take")
        self.total = number if number >= 0 else None
        return lambda: map(self._inputs, data)

    def _cut(self, data: Any) -> Callable[[], Iterator[Any]]:
        """Arrays, cut into batches."""
        arrays = list(data.values()) if isinstance(data, Mapping) else data if isinstance(data, list) else [data]
        sizes = {len(each) for each in arrays}
        if len(sizes) != 1:
            raise ValueError(f"the inputs have different numbers of samples: {', '.join(map(str, sorted(sizes)))}")
        (samples,), size = sizes, self._size
        self.total = -(-samples // size)
        return lambda: (_part(data, slice(start, start + size)) for start in range(0, samples, size))

    def _inputs(self, given: Any) -> Any:
        """The inputs of (inputs,), (inputs, targets) or (inputs, targets, weights); what is no tuple is inputs."""
        if isinstance(given, (tuple, list)) and given and not self._is_all_inputs(given):
            return given[0]
        return list(given) if isinstance(given, tuple) else given

    def _is_all_inputs(self, given: Any) -> bool:
        """Whether these are the arrays of a model with several inputs, one for each."""
        several = isinstance(given, (tuple, list)) and len(given) == len(self._shapes) > 1
        return several and all(_is_array(each) for each in given)

    def _check(self, inputs: Any) -> None:
        """Raise where a batch looks like a single sample."""
        if len(self._shapes) != 1 or not _is_array(inputs):
            return
        wanted, shape = self._shapes[0] or (), tuple(inputs.shape)
        pairs = zip(wanted[1:], shape, strict=False)
        if len(shape) == len(wanted) - 1 > 0 and all(size in (None, given) for size, given in pairs):
            raise ValueError(f"a batch has the shape {shape} of one sample: group the samples (dataset.batch(32))")


def _input_shapes(model: Any) -> list[tuple[int | None, ...] | None]:
    """The shapes of a functional or Sequential model's inputs; none for others."""
    try:
        return [tuple(tensor.shape) for tensor in model.inputs or ()]
    except (AttributeError, TypeError, ValueError):
        return []


def _is_array(data: Any) -> bool:
    return hasattr(data, "shape") and hasattr(data, "__getitem__") and len(data.shape) > 0


def _part(data: Any, part: slice) -> Any:
    if isinstance(data, Mapping):
        return {name: _part(each, part) for name, each in data.items()}
    if isinstance(data, list):
        return [_part(each, part) for each in data]
    found = data[part]
    return found if hasattr(found, "dtype") else np.asarray(found)  # A table becomes an array.
