"""One symbolic run of a live layer's or model's `call`, with each layer it calls written down.

The run is on symbolic tensors, in a scope or graph of its own that is thrown away: no variable changes.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .objects import is_keras, leaves

MISSING = object()


@dataclass(slots=True)
class Traced:
    """A call that was made: of which layer, on which tensors; `training` as passed, or MISSING."""

    layer: Any
    inputs: list[Any]
    training: object = MISSING
    outputs: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Trace:
    """A run: its inputs and outputs, and each call's beginning (True) and end (False) in order."""

    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    steps: list[tuple[bool, Traced]] = field(default_factory=list)

    def events(self) -> list[Traced]:
        """The calls in the order they began."""
        return [event for begins, event in self.steps if begins]


class Tracer:
    """Runs layers of one Keras symbolically. `root` is its package, as imported."""

    def __init__(self, root: str, major: int) -> None:
        self._root, self._major = root, major
        tensorflow = sys.modules.get("tensorflow")
        self._plainly: Callable[[Any], Any] = (
            tensorflow.autograph.experimental.do_not_convert if tensorflow is not None else lambda function: function
        )

    def run(self, layer: Any, specs: Any, keywords: dict[str, Any]) -> Trace:
        """Call a layer on symbolic tensors like `specs`, a list of its positional arguments."""
        trace = Trace()
        with unmarked(layer), self._recorded(layer, trace):
            if self._major >= 3:
                self._run_keras_3(layer, specs, keywords, trace)
            else:
                self._run_keras_2(layer, specs, keywords, trace)
        return trace

    def _run_keras_3(self, layer: Any, specs: Any, keywords: dict[str, Any], trace: Trace) -> None:
        backend = sys.modules[f"{self._root}.src.backend"]

        def function(*args: Any) -> Any:
            trace.steps.clear()  # Some backends run it more than once.
            trace.inputs = list(leaves(args))
            result = layer(*args, **keywords)
            trace.outputs = list(leaves(result))
            return result

        backend.compute_output_spec(function, *specs)

    def _run_keras_2(self, layer: Any, specs: Any, keywords: dict[str, Any], trace: Trace) -> None:
        tensorflow = sys.modules["tensorflow"]
        with tensorflow.__internal__.FuncGraph("bnlint").as_default():
            args = tensorflow.nest.map_structure(
                lambda spec: tensorflow.compat.v1.placeholder(spec.dtype, spec.shape), list(specs)
            )
            trace.inputs = list(leaves(args))
            trace.outputs = list(leaves(layer(*args, **keywords)))

    @contextmanager
    def _recorded(self, root: Any, trace: Trace) -> Iterator[None]:
        """While this lasts, each call of a layer under `root` is noted, but for those inside Keras's own layers."""
        base = next(cls for cls in reversed(type(root).__mro__) if cls.__name__ == "Layer" and "__call__" in vars(cls))
        original = base.__call__
        within: list[bool] = []

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if layer is root or (within and within[-1]):
                return original(layer, *args, **kwargs)
            event = Traced(layer, _tensors(args, kwargs), _training(layer, args, kwargs))
            trace.steps.append((True, event))
            within.append(is_keras(type(layer)) or is_model(layer))
            try:
                result = original(layer, *args, **kwargs)
            finally:
                within.pop()
            event.outputs = list(leaves(result))
            trace.steps.append((False, event))
            return result

        base.__call__ = self._plainly(call)  # type: ignore[method-assign]
        try:
            yield
        finally:
            base.__call__ = original  # type: ignore[method-assign]


_MARKS = ("_called", "_saved_model_inputs_spec", "_saved_model_arg_spec", "_build_input_shape")

_LOSSES = ("_losses", "_eager_losses", "_loss_ids")


@contextmanager
def unmarked(root: Any) -> Iterator[None]:
    """Whatever Keras notes on layers when they are called, and the losses they keep, is put back after this."""
    layers = list(root._flatten_layers())
    marks = [(each, name, vars(each)[name]) for each in layers for name in _MARKS if name in vars(each)]
    owners = [*layers, *(each._thread_local for each in layers if hasattr(each, "_thread_local"))]
    kept = [(each, name, vars(each)[name]) for each in owners for name in _LOSSES if name in vars(each)]
    before: list[Any] = [list(holder) for _, _, holder in kept]
    try:
        yield
    finally:
        for (each, name, holder), values in zip(kept, before, strict=True):
            holder.clear()
            (holder.update if isinstance(holder, set) else holder.extend)(values)
            vars(each)[name] = holder
        for each, name, value in marks:
            vars(each)[name] = value


def held_layers(layer: Any) -> list[Any]:
    """The layers that a layer or model holds as attributes, in order, those inside them left out."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def is_model(layer: Any) -> bool:
    """Whether a live layer is a model."""
    return any(cls.__name__ == "Model" and is_keras(cls) for cls in type(layer).__mro__)


def takes_training(layer: Any) -> bool:
    """Whether a layer's `call` names a parameter `training`."""
    return "training" in parameters_of(layer)


def parameters_of(layer: Any) -> dict[str, inspect.Parameter]:
    """The parameters of a layer's `call`, without `self`."""
    try:
        return dict(inspect.signature(layer.call).parameters)
    except (TypeError, ValueError):
        return {}


def _tensors(args: Any, kwargs: dict[str, Any]) -> list[Any]:
    given = [*leaves(args), *leaves({key: kwargs[key] for key in kwargs if key not in ("training", "mask")})]
    return [value for value in given if hasattr(value, "shape") and hasattr(value, "dtype")]


def _training(layer: Any, args: Any, kwargs: dict[str, Any]) -> object:
    if "training" in kwargs:
        return kwargs["training"]
    names = list(parameters_of(layer)) if len(args) > 1 else []
    if "training" in names and names.index("training") < len(args):
        return args[names.index("training")]
    return MISSING
