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
from collections.abc import Callable, Iterator, Sequence
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
    "output_padding": (None, 0, 1),
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
    "num_heads": (2,),
    "key_dim": (3,),
    "value_dim": (None, 5),
    "head_dim": (2,),
    "num_query_heads": (4,),
    "num_key_value_heads": (2,),
    "output_shape": (None, 4, (2, 3)),
    "axes": (1, 2, -1, (1, 2), (2, 1)),
    "shape": ((), (3,), (None, 4)),
    "batch_size": (None, 8),
    "num_tokens": (10,),
    "num_bins": (3, 20),
    "output_mode": ("int", "one_hot", "multi_hot", "count"),
    "output_sequence_length": (None, 4),
    "pad_to_max_tokens": (False, True),
    "num_oov_indices": (0, 1, 2),
    "num_mel_bins": (4,),
    "sequence_stride": (2, 3),
    "sequence_length": (4,),
    "fft_length": (4,),
    "mode": ("log", "stft"),
    "frame_length": (4, 6),
    "frame_step": (1, 3),
    "expand_dims": (False, True),
    "return_state": (False,),
}
EQUATIONS = {
    "ab,bc->ac": 4,
    "abc,cd->abd": (None, 4),
    "abc,cde->abde": (9, 2, 4),
    "abc,cd->adb": (4, None),
    "...x,xy->...y": 4,
    "ab...,bc->ac...": (4,),
}
"""Those of EinsumDense, with the `output_shape` that each may have."""

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
    "CategoryEncoding": {"output_mode": ("one_hot", "multi_hot")},
    "EinsumDense": {"equation": tuple(EQUATIONS)},
    "Discretization": {"bin_boundaries": ([0.0, 1.0],), "num_bins": (None,)},
    "InputLayer": {"input_shape": ((), (3,), (None, 4))},
    "STFTSpectrogram": {"fft_length": (None, 8)},
    "IntegerLookup": {"vocabulary": ([1, 5, 7],), "max_tokens": (12,)},
    "StringLookup": {"vocabulary": (["a", "b"],), "max_tokens": (12,)},
    "TextVectorization": {
        "vocabulary": (["a", "b"],),
        "max_tokens": (12,),
        "output_mode": ("int", "multi_hot", "count"),
    },
}
SHOWN = sys.argv[2:]
OPTIONAL = 0.6
"""How often an argument that may be left out is given."""


class Asked:
    """A layer's arguments, as the rules ask for them, and the layers in it."""

    def __init__(self, kind: str, given: dict[str, Any], held: Sequence[Asked] = ()) -> None:
        self.kind, self.given, self.held = kind, given, held
        self.values = {**parameters(kind, MAJOR)[1], **given}

    def value(self, name: str, default: object = None) -> Any:
        return self.values.get(name, default)

    def inner(self, shape: Shape) -> Shape | None:
        found: Shape | None = shape
        for one in self.held:
            rule = row(one.kind).shape
            found = rule(one, [found]) if rule else None
        return found if self.held else None

    def built(self) -> Any:
        return getattr(keras.layers, self.kind)(**self.given)


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
        if choices and (name in required or name == "bin_boundaries" or rng.random() < OPTIONAL):
            given[name] = rng.choice(choices)
    if kind == "EinsumDense":
        given["output_shape"] = EQUATIONS[given["equation"]]
    if not isinstance(given.get("strides", 1), int) or given.get("dilation_rate", 1) != 1:
        given.pop("strides", None)  # Keras takes only one of the two.
    if kind == "Conv3DTranspose" and MAJOR == 2:
        given.pop("dilation_rate", None)  # Keras 2 takes it and does nothing with it.
    return given


def inside(name: str, rng: random.Random) -> list[Asked]:
    """What a layer of this parameter holds."""
    if name == "cell":
        return [Asked(rng.choice(["LSTMCell", "GRUCell"]), {"units": 3})]
    if name == "cells":
        return [Asked("LSTMCell", {"units": 3}), Asked("SimpleRNNCell", {"units": 4})]
    if name == "layers":
        return [Asked("Dense", {"units": 3}), Asked("Dense", {"units": 4})][: rng.randint(1, 2)]
    conv = Asked("Conv1D", {"filters": 4, "kernel_size": 2})
    return [rng.choice([Asked("Dense", {"units": 3}), conv])] if name == "layer" else []


def input_shapes(kind: str, given: dict[str, Any], rng: random.Random) -> list[Shape]:
    """The shapes of inputs that a layer may take, batch first."""
    sizes = [None, 9, 12] if MAJOR == 3 else [9, 12]  # TensorFlow's own inference loses axes beside one not known.
    size = rng.choice(sizes)
    if row(kind).role == "attention":
        values = [(None, 7, 4 if kind in ("Attention", "MultiHeadAttention") else CHANNELS), (None, 7, CHANNELS)]
        return [(None, size, CHANNELS), *values]
    if kind == "Dot":
        return [(None, 3, 4), rng.choice([(None, 4, 3), (None, 3, 4), (None, 3, 4, 5)])]
    if kind == "HashedCrossing":
        return [rng.choice([(None, 1), (None, 3)])] * 2
    if rules.broadcast is row(kind).shape or kind == "Concatenate":
        shape = input_shape(kind, given, rng)
        return [shape, shape if kind == "Concatenate" else rng.choice([shape, (None, CHANNELS)])]
    return [input_shape(kind, given, rng)]


def input_shape(kind: str, given: dict[str, Any], rng: random.Random) -> Shape:
    """The shape of an input that a layer may take, batch first."""
    rank = row(kind).spatial or None
    if kind in ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "Permute", "Reshape"):
        rank = 1 if len(given.get("dims", (1, 2))) == 2 else 2
    if kind == "RepeatVector" or kind.endswith(("Cell", "Cells")):
        rank = 0
    if kind in ("Embedding", "ReversibleEmbedding", "MelSpectrogram"):
        return (None, rng.choice([None, 4]) if kind != "MelSpectrogram" else rng.choice([None, 30]))
    if row(kind).role == "preprocessing" and "output_mode" in parameters(kind, MAJOR)[0]:
        return (None, 1) if kind == "TextVectorization" else rng.choice([(None,), (None, 1), (None, 3)])
    if kind == "STFTSpectrogram":
        rank = 1
    if rank is None:
        rank = 2 if kind.startswith(("Random", "Center", "Resizing")) else rng.choice([0, 1, 2])
    sizes = [None, 9, 12] if MAJOR == 3 else [9, 12]
    spatial = [rng.choice(sizes) if kind != "Reshape" else 6 for _ in range(rank)]
    if "ConvLSTM" in kind:
        spatial = [size or 9 for size in spatial]
    first = given.get("data_format") == "channels_first"
    time = [4] if "ConvLSTM" in kind else [7, 9] if kind == "TimeDistributed" else []
    return (None, *time, CHANNELS, *spatial) if first else (None, *time, *spatial, CHANNELS)


def shape_of(tensor: Any) -> Shape:
    return tuple(None if size is None else int(size) for size in tensor.shape)


def on_numbers(kind: str, given: dict[str, Any]) -> bool:
    """Whether a layer is tried on an array, as Keras says less of its symbols than it does, or something else."""
    if kind == "TextVectorization":
        return bool(given.get("output_mode", "int") != "int")
    return kind in ("Discretization", "EinsumDense", "Hashing")


def called(kind: str, layer: Any, shapes: list[Shape]) -> Shape:
    """The shape of what a layer gives, of several tensors the first."""
    if kind == "InputLayer":
        found = layer.output
        return shape_of(found[0] if isinstance(found, list) else found)
    dtype = {"StringLookup": "string", "TextVectorization": "string", "IntegerLookup": "int64"}.get(kind)
    if kind in ("Embedding", "CategoryEncoding", "Hashing", "HashedCrossing"):
        dtype = "int32"
    if None not in shapes[0]:
        return shape_of(layer(np.full(shapes[0], *(["a"] if dtype == "string" else [1, dtype or "float32"]))))
    tensors = [keras.Input(one[1:], dtype=dtype) for one in shapes]
    if kind.endswith("Cell"):
        states = [keras.Input((layer.units,)) for _ in range(1 + (kind == "LSTMCell"))]
        return shape_of(layer(tensors[0], states)[0])
    if kind == "StackedRNNCells":
        states = [[keras.Input((3,)), keras.Input((3,))], [keras.Input((4,))]]
        return shape_of(layer(tensors[0], states)[0])
    if kind in ("MultiHeadAttention", "GroupQueryAttention"):
        return shape_of(layer(*tensors))
    return shape_of(layer(tensors if len(tensors) > 1 else tensors[0]))


def compare_layer(name: str, cls: Any, seed: int) -> tuple[Any, Any] | None:
    """Keras's shape and the rule's for one draw; None where Keras refuses it."""
    rng = random.Random(f"{name} {seed}")
    kind = kind_of(name)
    names, required = of_constructor(cls)
    given = drawn(kind, names, required, rng)
    first = names[0] if names and names[0] in ("layer", "cell", "cells", "layers") else ""
    held = inside(first, rng)
    if kind == "Bidirectional":
        held = [Asked("LSTM", {"units": 3, "return_sequences": rng.random() < 0.5})]
    shapes = input_shapes(kind, given, rng)
    if on_numbers(kind, given):
        shapes = [tuple(size or 7 for size in one) for one in shapes]
    if first == "layer" and kind != "Bidirectional":
        shapes = [(None, *([7] if kind == "TimeDistributed" else []), 9, CHANNELS)]
    built = {first: [one.built() for one in held] if first.endswith("s") else held[0].built()} if held else {}
    try:
        real = called(kind, cls(**built, **given), shapes)
    except Exception as error:
        if SHOWN:
            print(name, given, shapes, repr(error)[:300], file=sys.stderr)
        return None
    rule = row(kind).shape
    assert rule is not None
    found = rule(Asked(kind, given, held), [] if kind == "InputLayer" else shapes)
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
        found = rule(Asked(operation(name), {}), [tuple(value.shape) for value in values])
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
