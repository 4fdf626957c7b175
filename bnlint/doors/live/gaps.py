"""How far a live model's batch normalizations are apart in their two modes, on sample data.

The model is called twice. In the first call every batch normalization runs in inference mode; in the second it is the
reference runtime that normalizes, with the statistics of the data. No variable of the model moves in either.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from ...graph import Gap, Layer
from ...reference.arrays import Array
from ...reference.arrays import array as float64
from ...reference.batchnorm import BatchNorm
from .objects import array, arrays_of
from .tracing import parameters_of, unmarked

ROWS = 512
"""How many positions of each layer's output are kept from the first call for comparison with the second."""


def measure(model: Any, data: Any, layers: Mapping[Any, Layer], major: int) -> None:
    """Give the state of each of these layers its gap on the data, a batch of inputs as the model takes them."""
    found = {
        live: _Compared(live, major) for live, layer in layers.items() if layer.state is not None and live.trainable
    }
    with unmarked(model), _stateless(major):
        for phase in ("infer", "train"):
            with _normalizing(found, phase):
                _call(model, data)
    for live, compared in found.items():
        layer = layers[live]
        gap = compared.gap()
        if gap is not None and layer.state is not None:
            layer.state = replace(layer.state, gap=gap)


def _call(model: Any, data: Any) -> None:
    parameters = parameters_of(model)
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    model(data, **({"training": False} if "training" in parameters or open_ended else {}))


def _stateless(major: int) -> Any:
    """Keras 3 writes what is assigned to a variable in this scope nowhere else."""
    return sys.modules["keras"].StatelessScope() if major >= 3 else nullcontext()


@contextmanager
def _normalizing(found: Mapping[Any, _Compared], phase: str) -> Iterator[None]:
    """While this lasts, calls of these layers go through their `_Compared`."""
    lives = {id(live): compared for live, compared in found.items()}
    bases = {_base(live) for live in found}
    originals = {base: base.__call__ for base in bases}
    for base, original in originals.items():
        base.__call__ = _patched(original, lives, phase)
    try:
        yield
    finally:
        for base, original in originals.items():
            base.__call__ = original


def _base(live: Any) -> Any:
    return next(cls for cls in reversed(type(live).__mro__) if cls.__name__ == "Layer" and "__call__" in vars(cls))


def _patched(original: Callable[..., Any], lives: Mapping[int, _Compared], phase: str) -> Callable[..., Any]:
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        compared = lives.get(id(layer))
        if compared is None:
            return original(layer, *args, **kwargs)
        mask = kwargs.get("mask", getattr(args[0] if args else None, "_keras_mask", None))
        output = original(layer, *args[:1], **{**kwargs, "training": False})
        if phase == "infer":
            compared.infer(args[0], output, mask)
            return output
        return compared.train(args[0], output, mask)

    return call


class _Compared:
    """One layer: what its first call gave in inference mode, and how far training mode was off."""

    def __init__(self, live: Any, major: int) -> None:
        axis = live.axis if isinstance(live.axis, int) else list(live.axis)
        self._reference = BatchNorm(axis, epsilon=float(live.epsilon), keras=3 if major >= 3 else 2, dtype="float64")
        arrays = arrays_of(live)
        self._scale, self._offset = arrays.get("gamma"), arrays.get("beta")
        self._kept: Array | None = None
        self._own: tuple[float, int, int] | None = None
        self._total: float | None = None

    def infer(self, given: Any, output: Any, mask: Any) -> None:
        """The call in inference mode: compare it with what training mode gives on the same input."""
        if self._own is not None:
            return
        shown = float64(array(output))
        trained = self._trained(float64(array(given)), mask)
        each = self._columns((trained - shown) ** 2).mean(0)
        spread = self._columns(trained).var(0)
        size = float(np.sqrt(spread.mean())) or 1.0
        relative = np.sqrt(each) / np.where(spread > 0, np.sqrt(spread), size)
        rows = self._columns(trained).shape[0]
        self._own = float(np.sqrt(each.mean())) / size, int(relative.argmax()), rows
        self._kept = self._rows(shown)

    def train(self, given: Any, output: Any, mask: Any) -> Any:
        """The call in training mode, in place of the layer's own `output`."""
        trained = self._trained(float64(array(given)), mask)
        if self._total is None and self._kept is not None:
            rows = self._rows(trained)
            spread = float(np.sqrt(self._columns(trained).var(0).mean())) or 1.0
            self._total = float(np.sqrt(((rows - self._kept) ** 2).mean())) / spread
        return _like(trained, output)

    def gap(self) -> Gap | None:
        """What was found; None where the layer was not called."""
        if self._own is None or self._total is None:
            return None
        own, channel, samples = self._own
        return Gap(own, self._total, channel, samples)

    def _trained(self, given: Array, mask: Any) -> Array:
        self._reference.build(given.shape)
        for name, value in (("gamma", self._scale), ("beta", self._offset)):
            if value is not None:
                setattr(self._reference, name, float64(value).reshape(getattr(self._reference, name).shape))
        return self._reference(given, training=True, mask=None if mask is None else array(mask))

    def _columns(self, values: Array) -> Array:
        """The values with a column for each channel."""
        axes = self._reference.channel_axes(values.ndim)
        moved = np.moveaxis(values, axes, range(-len(axes), 0))
        width = int(np.prod(moved.shape[values.ndim - len(axes) :]))
        return moved.reshape(-1, width)

    def _rows(self, values: Array) -> Array:
        columns = self._columns(values)
        return columns[:: max(1, len(columns) // ROWS)].copy()


def _like(values: Array, output: Any) -> Any:
    """The values as a tensor of the kind, dtype and mask of a layer's output."""
    module = type(output).__module__.split(".")[0]
    if module == "torch":
        made = sys.modules["torch"].as_tensor(values, dtype=output.dtype, device=output.device)
    elif module in ("jaxlib", "jax"):
        made = sys.modules["jax"].numpy.asarray(values, dtype=output.dtype)
    else:
        made = sys.modules["tensorflow"].cast(values, output.dtype)
    mask = getattr(output, "_keras_mask", None)
    if mask is not None:
        made._keras_mask = mask
    return made
