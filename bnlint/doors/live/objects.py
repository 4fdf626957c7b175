"""What a live layer is, as far as the graph wants to know: its kind, its arguments, its state. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...catalog import is_layer, modules, operation, parameters
from ...graph import Arg, Function, Object, Unknown
from ...graph.kinds import BATCH_NORMALIZATIONS
from ..assembly import LayerSpot, number, thing

MODELS = frozenset({"Model", "Functional", "Sequential"})
_PLAIN = (bool, int, str, bytes, type(None))


def is_keras(cls: type) -> bool:
    """Whether a class is one of Keras's layers or models; those that its applications define for themselves are not."""
    module = cls.__module__
    own = module.split(".")[0] in modules.PACKAGES or module.startswith("tensorflow.python.keras")
    return own and (is_layer(cls.__name__) or cls.__name__ in MODELS)


def nearest_class(layer: Any) -> str:
    """The name of the nearest of Keras's classes that a layer is of."""
    names = [cls.__name__ for cls in type(layer).__mro__ if is_keras(cls)]
    return next((name for name in names), "Layer")


def is_operation(layer: Any) -> bool:
    """Whether it is an operation on tensors, as Keras 3 has them, or Keras 2's layer for one."""
    if type(layer).__name__ in ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"):
        return True
    return not hasattr(layer, "trainable_variables") and not hasattr(layer, "trainable_weights")


def operation_kind(layer: Any) -> str:
    """The kind of an operation."""
    name = type(layer).__name__
    if name in ("TFOpLambda", "SlicingOpLambda"):
        name = str(getattr(layer, "symbol", None) or getattr(layer.function, "__name__", name))
    return operation(name)


def values_of(layer: Any, kind: str, spot: LayerSpot) -> dict[str, object]:
    """The arguments of a layer's constructor, as its attributes hold them; without those that are not there."""
    names, _ = parameters(kind)
    found: dict[str, object] = {}
    for name in (*names, "name", "trainable", "dtype"):
        value = _attribute(layer, name)
        if name == "dtype":
            policy = _attribute(layer, "dtype_policy")
            value = getattr(policy, "name", None) or value
        if value is not _MISSING:
            found[name] = plain(value, spot, name)
    axis = found.get("axis")
    if kind in BATCH_NORMALIZATIONS and isinstance(axis, tuple) and len(axis) == 1:
        found["axis"] = axis[0]
    if kind == "Lambda":
        found["function"] = Function(getattr(_attribute(layer, "function"), "__name__", "<lambda>"), keras=False)
    return found


_MISSING = object()


def _attribute(layer: Any, name: str) -> Any:
    for spelling in (name, f"_{name}"):
        try:
            return getattr(layer, spelling)
        except Exception:
            continue
    return _MISSING


def plain(value: Any, spot: LayerSpot, name: str = "") -> object:
    """A live value as an argument's value."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        return number(float(value))
    if isinstance(value, (tuple, list)):
        return tuple(plain(item, spot) for item in value)
    if isinstance(value, type):
        return Unknown("a class")
    if callable(value) and hasattr(value, "__name__"):
        own = str(getattr(value, "__module__", "")).split(".")[0] in (*modules.PACKAGES, "tensorflow")
        if own and name.endswith("activation"):
            return str(value.__name__)
        return Function(str(value.__name__), keras=own)
    if hasattr(value, "get_config"):
        return _object(value, spot, name)
    return _number(value)


def _object(value: Any, spot: LayerSpot, name: str) -> object:
    """An initializer, regularizer, optimizer or the like."""
    try:
        config = value.get_config()
    except Exception:
        return Object(type(value).__name__, {}, spot)
    given = config if isinstance(config, Mapping) else {}
    return thing(type(value).__name__, {key: _setting(item, spot) for key, item in given.items()}, spot, name)


def _setting(value: Any, spot: LayerSpot) -> object:
    return Unknown("a nested configuration") if isinstance(value, Mapping) else plain(value, spot)


def _number(value: Any) -> object:
    """A NumPy scalar or a variable of one value as a number."""
    try:
        return number(float(value))
    except Exception:
        return Unknown(type(value).__name__)


def compile_settings(model: Any, spot: LayerSpot) -> dict[str, object]:
    """What a model is compiled with; nothing where it is not."""
    if not (getattr(model, "compiled", False) or getattr(model, "_is_compiled", False)):
        return {}
    found = {name: plain(getattr(model, name, None), spot) for name in ("optimizer", "loss")}
    optimizer = getattr(model, "optimizer", None)
    if any(
        getattr(optimizer, name, None) for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    ) or getattr(optimizer, "_exclude_from_weight_decay_names", None):
        made = found["optimizer"]
        if isinstance(made, Object):
            found["optimizer"] = Object(
                made.kind, {**made.args, "exclude_from_weight_decay": Arg(True, spot)}, made.origin
            )
    return found


def iterations_of(model: Any) -> int | None:
    """How many steps the model's optimizer has made."""
    try:
        return int(model.optimizer.iterations)
    except Exception:
        return None


def arrays_of(layer: Any) -> dict[str, Any]:
    """A batch normalization's arrays by name, copied; none where it is not built."""
    found = {}
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        variable = getattr(layer, name, None)
        if variable is None:
            continue
        found[name] = array(variable)
    return found if {"moving_mean", "moving_variance"} <= found.keys() else {}


def array(variable: Any) -> Any:
    """A variable or tensor of any backend as a NumPy array."""
    import numpy as np

    value = getattr(variable, "value", variable)
    if not callable(value):  # A variable of Keras 3; TensorFlow's have a method of this name.
        variable = value
    if hasattr(variable, "detach"):
        variable = variable.detach().cpu()
    return np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable)


def leaves(value: Any) -> Iterable[Any]:
    """The leaves of a structure of lists, tuples and mappings."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield value
