"""What the installed Keras says of the catalog's rows, as JSON: python live_catalog.py keras|tf_keras

Every public layer, activation, function of keras.ops, tf.nn and tf.math, application and optimizer: those without a
row, those whose parameters differ, those whose shape rule gives another shape than Keras does on generated arguments
and inputs, those that break a law which their row promises; and how many comparisons each had.
"""

from __future__ import annotations

import importlib
import inspect
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import tensorflow as tf

from bnlint.catalog import Row, Shape, is_layer, kind_of, operation, optimizer, parameters, row, rows
from bnlint.catalog import shapes as rules

LIBRARY = sys.argv[1]
MAJOR = 3 if LIBRARY == "keras" else 2
keras: Any = importlib.import_module(LIBRARY)

DRAWS = 25
CHANNELS = 6
NOT_FUNCTIONS = {"get", "serialize", "deserialize"}
NOT_ON_TENSORS = {"identity", "batch_normalization"}
"""`identity` makes a matrix of a number; `batch_normalization` takes statistics, and has the layer's row."""

FURTHER = {"cast": ["float32"], "saturate_cast": ["float32"], "clip": [0, 1], "roll": [1], "threshold": [0.5, 0]}
"""Arguments that functions need beside tensors."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "filters": (1, 4, 6),
    "units": (1, 5),
    "kernel_size": (1, 2, 3),
    "strides": (1, 2, 3),
    "padding": ("valid", "same"),
    "dilation_rate": (1, 2),
    "pool_size": (1, 2, 3),
    "data_format": (None, "channels_last", "channels_first"),
    "depth_multiplier": (1, 2),
    "keepdims": (False, True),
    "size": (1, 2, 3),
    "output_size": (1, 2, 4),
    "n": (1, 3),
    "input_dim": (10,),
    "output_dim": (1, 4),
    "return_sequences": (False, True),
    "merge_mode": ("concat", "sum", "mul", "ave"),
    "rate": (0.0, 0.5),
    "stddev": (0.1,),
    "height": (2, 5),
    "width": (3,),
    "scale": (0.5,),
    "factor": (0.1,),
    "height_factor": (0.1,),
    "width_factor": (0.1,),
    "groups": (1, 2),
    "activation": (None, "relu"),
}
REQUIRED = {"activation": ("relu", "softmax"), "axis": (-1, 1)}
OWN: dict[str, dict[str, tuple[Any, ...]]] = {
    "ZeroPadding1D": {"padding": (1, (0, 2))},
    "ZeroPadding2D": {"padding": (1, (1, 2), ((0, 1), (2, 3)))},
    "ZeroPadding3D": {"padding": (1, (1, 2, 1), ((0, 1), (2, 3), (1, 1)))},
    "Cropping1D": {"cropping": (1, (0, 2))},
    "Cropping2D": {"cropping": (1, (1, 2), ((0, 1), (2, 1)))},
    "Cropping3D": {"cropping": (1, (1, 2, 1), ((0, 1), (2, 1), (1, 1)))},
    "Reshape": {"target_shape": ((-1,), (6, -1), (-1, 2, 3), (2, -1))},
    "Permute": {"dims": ((2, 1), (1, 2), (3, 1, 2))},
    "Concatenate": {"axis": (-1, 1, 2)},
    "Conv1D": {"padding": ("valid", "same", "causal")},
    "GroupNormalization": {"groups": (1, 2, 3)},
    "Rescaling": {"scale": (0.5,)},
    "Softmax": {"axis": (-1, 1)},
    "Flatten": {},
}
OPTIONAL = 0.6
"""How often an argument that may be left out is given."""


class Asked:
    """A layer's arguments, as the rules ask for them."""

    def __init__(self, kind: str, given: dict[str, Any], wrapped: Asked | None) -> None:
        self.kind, self.wrapped = kind, wrapped
        self.values = {**parameters(kind, MAJOR)[1], **given}

    def value(self, name: str, default: object = None) -> Any:
        return self.values.get(name, default)

    def inner(self, shape: Shape) -> Shape | None:
        rule = row(self.wrapped.kind).shape if self.wrapped else None
        return rule(self.wrapped, [shape]) if rule and self.wrapped else None


def signature(function: Any, skip: int = 0) -> str:
    named = list(inspect.signature(function).parameters.values())[skip:]
    named = [one for one in named if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    return ", ".join(one.name if one.default is one.empty else f"{one.name}={one.default!r}" for one in named)


def ours(kind: str) -> str:
    names, defaults = parameters(kind, MAJOR)
    return ", ".join(f"{name}={defaults[name]!r}" if name in defaults else name for name in names)


def public_layers() -> dict[str, Any]:
    found = {name: one for name, one in vars(keras.layers).items() if inspect.isclass(one)}
    return {name: one for name, one in found.items() if issubclass(one, keras.layers.Layer)}


def public_functions() -> dict[str, Any]:
    spaces = [space for space in (getattr(keras, "ops", None), keras.activations) if space]
    found = {name: one for space in reversed(spaces) for name, one in vars(space).items() if callable(one)}
    return {name: one for name, one in found.items() if not name.startswith("_") and name not in NOT_FUNCTIONS}


def unnamed() -> Iterator[str]:
    """What has no name among those of the rows, as its class or function is called."""
    names = {name for one in rows() for name in (one.name, *one.aliases)}
    spaces = [keras.layers, getattr(keras, "ops", None), keras.activations, keras.applications, keras.optimizers]
    for space in (*spaces, tf.nn, tf.math):
        for name, one in vars(space).items() if space else ():
            kind = inspect.isclass(one) and issubclass(one, (keras.layers.Layer, keras.optimizers.Optimizer))
            function = callable(one) and not inspect.isclass(one) and (space is not keras.layers)
            if (kind or function) and not name.startswith("_") and name not in {*NOT_FUNCTIONS, *names}:
                yield name


def decays() -> Iterator[str]:
    """Optimizers whose default weight decay is another than their rows have."""
    for name, one in vars(keras.optimizers).items():
        if inspect.isclass(one) and issubclass(one, keras.optimizers.Optimizer):
            given = inspect.signature(one.__init__).parameters.get("weight_decay")
            if given is not None and (given.default or None) != optimizer(name).weight_decay:
                yield f"{name}: {given.default}"


def of_constructor(cls: Any) -> tuple[list[str], set[str]]:
    """A layer's parameters, and those of them that have no default."""
    found = [one for one in inspect.signature(cls.__init__).parameters.values() if one.name != "self"]
    named = [one for one in found if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    return [one.name for one in named], {one.name for one in named if one.default is one.empty}


def drawn(kind: str, names: list[str], required: set[str], rng: random.Random) -> dict[str, Any]:
    """Arguments for a layer."""
    given: dict[str, Any] = {}
    for name in names:
        choices = OWN.get(kind, {}).get(name) or (REQUIRED.get(name) if name in required else None) or CHOICES.get(name)
        if choices and (name in required or rng.random() < OPTIONAL):
            given[name] = rng.choice(choices)
    if not isinstance(given.get("strides", 1), int) or given.get("dilation_rate", 1) != 1:
        given.pop("strides", None)  # Keras takes only one of the two.
    if kind == "Conv3DTranspose" and MAJOR == 2:
        given.pop("dilation_rate", None)  # Keras 2 takes it and does nothing with it.
    return given


def input_shape(kind: str, given: dict[str, Any], rng: random.Random) -> Shape:
    """The shape of an input that a layer may take, batch first."""
    rank = next((rank for rank in (1, 2, 3) if f"{rank}D" in kind), None)
    if kind in ("LSTM", "GRU", "SimpleRNN", "Bidirectional", "Permute", "Reshape"):
        rank = 1 if len(given.get("dims", (1, 2))) == 2 else 2
    if kind == "RepeatVector":
        rank = 0
    if kind == "Embedding":
        return (None, rng.choice([None, 4]))
    if rank is None:
        rank = 2 if kind.startswith(("Random", "Center", "Resizing")) else rng.choice([0, 1, 2])
    sizes = [None, 9, 12] if MAJOR == 3 else [9, 12]  # TensorFlow's own inference loses axes beside one not known.
    spatial = [rng.choice(sizes) if kind != "Reshape" else 6 for _ in range(rank)]
    first = given.get("data_format") == "channels_first"
    return (None, CHANNELS, *spatial) if first else (None, *spatial, CHANNELS)


def shape_of(tensor: Any) -> Shape:
    return tuple(None if size is None else int(size) for size in tensor.shape)


def compare_layer(name: str, cls: Any, seed: int) -> tuple[Any, Any] | None:
    """Keras's shape and the rule's for one draw; None where Keras refuses it."""
    rng = random.Random(f"{name} {seed}")
    kind = kind_of(name)
    names, required = of_constructor(cls)
    given = drawn(kind, names, required, rng)
    wrapped = None
    built = dict(given)
    if names[:1] == ["layer"]:
        inner = "LSTM" if kind == "Bidirectional" else rng.choice(["Dense", "Conv1D"])
        arguments: dict[str, Any] = {"units": 3} if inner != "Conv1D" else {"filters": 4, "kernel_size": 2}
        if inner == "LSTM":
            arguments["return_sequences"] = rng.random() < 0.5
        wrapped = Asked(inner, arguments, None)
        built["layer"] = getattr(keras.layers, inner)(**arguments)
    shape = input_shape(kind, given, rng)
    if wrapped is not None and kind != "Bidirectional":
        shape = (None, *([7] if kind == "TimeDistributed" else []), 9, CHANNELS)
    inputs = [shape] * 2 if rules.broadcast is row(kind).shape or kind == "Concatenate" else [shape]
    try:
        layer = cls(**built)
        tensors = [keras.Input(one[1:]) for one in inputs]
        real = shape_of(layer(tensors if len(tensors) > 1 else tensors[0]))
    except Exception:
        return None
    rule = row(kind).shape
    assert rule is not None
    found = rule(Asked(kind, given, wrapped), inputs)
    return (real, found) if real != found else ((), ())


def compare_function(name: str, function: Callable[..., Any]) -> tuple[Any, Any] | None:
    """The same for a function on numbers, as floats, or integers, or booleans."""
    count = 1 if row(operation(name)).shape is rules.same else 2
    for kind in ("float32", "int32", "bool"):
        one = (np.linspace(0.1, 0.9, 24).reshape(2, 3, 4) * (1 if kind == "float32" else 9)).astype(kind)
        values = [tf.constant(value) for value in (one, one[:, :1])[:count]]
        try:
            real = tuple(np.asarray(function(*values, *FURTHER.get(name, ()))).shape)
        except Exception:
            continue
        rule = row(operation(name)).shape
        assert rule is not None
        found = rule(Asked(operation(name), {}, None), [tuple(value.shape) for value in values])
        return (real, found) if real != found else ((), ())
    return None


def laws(name: str, cls: Any) -> Iterator[str]:
    """What a layer's row promises and the layer does not keep."""
    kind = kind_of(name)
    found: Row = row(kind)
    facts = found.keeps_axes or found.transparent or found.multiplicative
    if not facts or found.role == "join" or kind == "Concatenate":
        return
    for seed in range(10):
        rng = random.Random(f"{name} {seed}")
        names, required = of_constructor(cls)
        given = drawn(kind, names, required, rng)
        given.pop("data_format", None), given.pop("axis", None)
        shape = [size or 7 for size in input_shape(kind, given, rng)]
        x = np.random.default_rng(seed).normal(size=shape).astype("float32")
        try:
            layer = cls(**given)
            y = np.asarray(layer(x))
        except Exception:
            continue
        order = np.random.default_rng(seed).permutation(CHANNELS)
        moved = np.asarray(layer(x[..., order]))
        if found.keeps_axes and kind != "GroupNormalization" and not np.allclose(moved, y[..., order], atol=1e-5):
            yield f"{name}: another order of channels gives another result"
        bias = np.arange(CHANNELS, dtype="float32")
        added = np.asarray(layer(x + bias)) - y
        channels = bias if kind != "Flatten" else np.tile(bias, y.shape[-1] // CHANNELS)
        some = np.random.default_rng(seed).integers(0, 3, size=shape).astype("float32")
        if found.multiplicative and not np.allclose(layer(some * x), np.asarray(layer(some)) * y, atol=1e-5):
            yield f"{name}: what multiplies its input does not multiply its output"
        if found.transparent and not np.allclose(added, channels, atol=1e-4):
            yield f"{name}: a bias does not come through"


def main() -> None:
    layers, functions = public_layers(), public_functions()
    missing = [name for name in layers if not is_layer(name)]
    missing += [name for name in functions if not row(operation(name)).name]
    missing += unnamed()
    differing = [name for name, cls in layers.items() if signature(cls.__init__, 1) != ours(kind_of(name))]
    if MAJOR == 3:
        own = {name for name in functions if operation(name) not in map(kind_of, layers)}
        differing += [name for name in own if signature(functions[name]) != ours(operation(name))]
    wrong, counts = {}, Counter[str]()
    for name, cls in layers.items():
        for seed in range(DRAWS if row(kind_of(name)).shape else 0):
            compared = compare_layer(name, cls, seed)
            counts[name] += compared is not None
            if compared and compared != ((), ()):
                wrong[name] = [compared, seed]
    for name, function in functions.items():
        if row(operation(name)).shape in (rules.same, rules.broadcast) and name not in NOT_ON_TENSORS:
            compared = compare_function(name, function)
            counts[f"{name}()"] += compared is not None
            if compared and compared != ((), ()):
                wrong[f"{name}()"] = [compared, 0]
    print(
        json.dumps(
            {
                "missing": missing,
                "parameters": sorted([*differing, *decays()]),
                "shapes": wrong,
                "laws": sorted({said for name, cls in layers.items() for said in laws(name, cls)}),
                "compared": counts,
                "without a rule": sorted(name for name in layers if not row(kind_of(name)).shape),
            }
        )
    )


if __name__ == "__main__":
    main()
