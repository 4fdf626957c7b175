"""A live model called in inference mode, each batch normalization with statistics that are handed to it.

No variable takes part: the layer's `call`, and its two statistics for as long as it runs, are replaced on the object.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from ..doors.live.objects import array, is_keras
from ..doors.live.tracing import held_layers, parameters_of
from ..graph.kinds import BATCH_NORMALIZATIONS
from ..reference.arrays import Array
from .moments import Moments

STATISTICS = ("moving_mean", "moving_variance")

Statistics = tuple[Array, Array]
"""A mean and a variance for each channel."""

Handler = Callable[["Seen"], "Statistics | None"]
"""Told of each call before it runs; gives the statistics to run it with, None for the layer's own."""


class Enough(BaseException):
    """Raised by a handler where the rest of the call is not wanted; no `except Exception` on the way stops it."""


class Seen:
    """A call of a batch normalization: the layer, what enters it, and whether its code asks for training mode."""

    def __init__(self, layer: Any, inputs: Any, mask: Any, training: bool) -> None:
        self.layer, self.training = layer, training
        self.inputs, self.mask = _concrete(inputs, layer), None if mask is None else _concrete(mask, layer)
        self.axes = channel_axes(layer, self.inputs.ndim)

    def moments(self) -> Moments:
        """Those of the unmasked inputs."""
        return Moments.of(self.inputs, self.axes, self.mask)

    def rows(self, most: int) -> Array:
        """Some positions, evenly spread, with a column for each channel."""
        moved = np.moveaxis(self.inputs, self.axes, range(-len(self.axes), 0))
        width = int(np.prod([self.inputs.shape[axis] for axis in self.axes]))
        columns = moved.reshape(-1, width)
        return np.asarray(columns[:: max(1, len(columns) // most)], dtype=np.float64)


def is_normalization(layer: Any) -> bool:
    """Whether a live layer is one of Keras's batch normalizations, or of a class made from one."""
    return any(cls.__name__ in BATCH_NORMALIZATIONS and is_keras(cls) for cls in type(layer).__mro__)


def layer_paths(model: Any) -> list[tuple[str, Any]]:
    """Every layer a model holds, itself first, by its path: "model/block/bn". One held twice is listed twice."""
    found: list[tuple[str, Any]] = []
    stack: list[tuple[str, Any, tuple[int, ...]]] = [(str(model.name), model, ())]
    while stack:
        path, layer, within = stack.pop()
        found.append((path, layer))
        inner = (child for child in held_layers(layer) if id(child) not in within)
        stack += [(f"{path}/{child.name}", child, (*within, id(layer))) for child in inner][::-1]
    return found


def normalizations(model: Any) -> dict[str, Any]:
    """A model's batch normalizations, each once, by path. Those not built yet are left out: nothing calls them."""
    found: dict[int, tuple[str, Any]] = {}
    for path, layer in layer_paths(model):
        if is_normalization(layer) and getattr(layer, "moving_mean", None) is not None:
            found.setdefault(id(layer), (path, layer))
    return dict(found.values())


def channel_axes(layer: Any, rank: int) -> tuple[int, ...]:
    """The axes that a layer keeps apart in inputs of this rank, counted from the front."""
    given = (layer.axis,) if isinstance(layer.axis, int) else tuple(layer.axis)
    if getattr(layer, "virtual_batch_size", None) is not None:
        given = tuple(axis - 1 for axis in given)  # They count the axis of the virtual batches.
    return tuple(sorted(axis % rank for axis in given))


@contextmanager
def watched(layers: Iterable[Any], handler: Handler) -> Iterator[None]:
    """While this lasts, the handler is told of the calls of these layers, and they run in inference mode."""
    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_attributes(layer, {"call": _telling(layer, handler)}))
        yield


def run(model: Any, inputs: Any) -> Any:
    """The model's outputs in inference mode. No random layer draws; what is compiled runs step by step."""
    parameters = parameters_of(model)
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    with _eagerly():
        return model(inputs, **({"training": False} if "training" in parameters or open_ended else {}))


@contextmanager
def kept(model: Any) -> Iterator[None]:
    """Variables of the model that nobody trains, such as a counter of calls, are put back after this."""
    before = [(variable, array(variable).copy()) for variable in model.non_trainable_variables]
    try:
        yield
    finally:
        for variable, value in before:
            if np.any(array(variable) != value):
                variable.assign(value)


def _telling(layer: Any, handler: Handler) -> Callable[..., Any]:
    original = layer.call
    signature = inspect.signature(original)

    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        asked = bool(given.get("training")) and bool(layer.trainable)
        statistics = handler(Seen(layer, next(iter(given.values())), given.get("mask"), asked))
        if "training" in signature.parameters:
            given["training"] = False
        with _attributes(layer, _as_variables(layer, statistics)):
            return original(*bound.args, **bound.kwargs)

    return call


def _as_variables(layer: Any, statistics: Statistics | None) -> dict[str, Any]:
    """What a layer is to find in the place of its two variables, with their shapes and dtypes."""
    if statistics is None:
        return {}
    return {name: shaped(layer, name, value) for name, value in zip(STATISTICS, statistics, strict=True)}


def shaped(layer: Any, name: str, value: Array) -> Any:
    """A value for each channel as an array of the shape and dtype of this variable."""
    like = array(getattr(layer, name))
    return value.reshape(like.shape).astype(like.dtype)


_ABSENT = object()


@contextmanager
def _attributes(layer: Any, values: dict[str, Any]) -> Iterator[None]:
    """An object's own attributes, past what Keras does where they are set, and back as they were."""
    own = vars(layer)
    before = {name: own.get(name, _ABSENT) for name in values}
    own.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _ABSENT:
                own.pop(name, None)
            else:
                own[name] = value


@contextmanager
def _eagerly() -> Iterator[None]:
    """While this lasts, TensorFlow's functions run as plain Python."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or tensorflow.config.functions_run_eagerly():
        yield
        return
    tensorflow.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tensorflow.config.run_functions_eagerly(False)


def _concrete(tensor: Any, layer: Any) -> Any:
    try:
        return array(tensor)
    except (NotImplementedError, AttributeError, TypeError, ValueError):
        said = f"{layer.name} is called where no values can be seen (inside a traced loop, or a compiled function)"
        raise ValueError(f"{said}: run it outside") from None
