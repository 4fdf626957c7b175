"""Runs programs before and after their fix in real Keras: live_fix_programs.py keras|tf_keras, with them as JSON.

Standard input holds, by name, how to compare the two, their codes, the expression of the model to look at, and how
many layers in front of a dropout are stood in for. Prints JSON: what came of it, what the programs raise, or how a
comparison failed. Strategies get devices of the CPU, data sets numbers of their own, and training takes one epoch.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
import tensorflow as tf

keras: Any = importlib.import_module(sys.argv[1])
LEGACY = sys.argv[1] == "tf_keras"
if LEGACY:
    for part in ("", ".layers", ".models", ".datasets"):
        sys.modules[f"keras{part}"] = importlib.import_module(f"tf_keras{part}")
    keras.ops = tf.nn
layers = keras.layers
NORM = next(cls for cls in layers.BatchNormalization.__mro__ if "call" in vars(cls))
"""The class that has BatchNormalization's `call`: Keras 2's synchronized one is of this only."""

UPDATES, DRAWS, NUMBERS = 3, 12, 40_000
RNG = np.random.default_rng(0)

samples: list[int] = []
"""How many each data set was made of."""

Found = dict[str, Any]


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype("float32")


# What the programs find around them


def compile_channels_first() -> None:
    """Let layers with the channels first run by XLA: without oneDNN, the CPU has no other kernel for some of them."""
    for kind, rank in product(("Conv", "MaxPooling", "AveragePooling"), (1, 2, 3)):
        layer = getattr(layers, f"{kind}{rank}D")
        layer.call = compiled_if_first(layer.call)


def compiled_if_first(call: Callable[..., Any]) -> Callable[..., Any]:
    compiled = tf.function(call, jit_compile=True)
    return lambda self, x: (compiled if self.data_format == "channels_first" else call)(self, x)


def stand_in() -> None:
    """Devices, data and short training."""
    devices = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(devices, [tf.config.LogicalDeviceConfiguration()] * 4)
    slices = tf.data.Dataset.from_tensor_slices

    class Mirrored(tf.distribute.MirroredStrategy):  # type: ignore[misc]
        """On as many devices as are asked for, and by default on two."""

        def __init__(self, given: Any = ("", "")) -> None:
            devices = [f"CPU:{number}" for number, _ in enumerate(given)]
            super().__init__(devices, tf.distribute.ReductionToOneDevice())  # Others are once for a process.

    tf.distribute.MirroredStrategy = Mirrored
    tf.distribute.TPUStrategy = type("TPUStrategy", (), {"__new__": lambda cls, resolver: Mirrored()})

    def from_tensor_slices(given: Any) -> Any:
        if not (isinstance(given, tuple) and all(isinstance(one, np.ndarray) for one in given)):
            return slices(given)  # Keras's own.
        x, y = given
        samples.append(len(x))
        return slices((x if x.any() else numbered(x), y))

    tf.data.Dataset.from_tensor_slices = from_tensor_slices
    mnist = (normal(64, 28, 28), np.zeros(64)), (normal(8, 28, 28), np.zeros(8))
    keras.datasets.mnist.load_data = lambda: mnist
    tf.keras.utils.image_dataset_from_directory = lambda *_, **__: slices((normal(48, 64, 64, 3), np.zeros(48))).batch(
        48
    )
    fit, compiled = keras.Model.fit, keras.Model.compile
    keras.Model.fit = lambda self, *given, **more: fit(self, *given, **{**more, "epochs": 1, "verbose": 0})
    keras.Model.compile = lambda self, *given, **more: compiled(self, *given, **more, jit_compile=False)


def run(code: str) -> Found:
    """A program's names, with the same seeds each time."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    scope: Found = {"__name__": "program", "keras": keras, "resolver": None}
    scope |= {"x_train": normal(64, 8), "y_train": normal(64, 1)}
    try:
        exec(compile(code, "program.py", "exec", dont_inherit=True), scope)
    finally:
        keras.backend.set_image_data_format("channels_last")
    return scope


def made(code: str, expression: str) -> Any:
    """A program's model, built."""
    model = eval(expression, run(code))
    if not model.built:
        model(inputs_of(model, 2))
    return model


def inputs_of(model: Any, batch: int) -> Any:
    known = getattr(model, "inputs", None)
    shape = [size or 12 for size in known[0].shape[1:]] if known else [8]
    if known and "int" in str(known[0].dtype):
        return RNG.integers(0, 100, (batch, *shape))
    return normal(batch, *shape)


def numbered(x: Any) -> Any:
    """The numbers of the samples, as samples of the same shape."""
    return np.broadcast_to(np.arange(len(x)).reshape(-1, *[1] * (x.ndim - 1)), x.shape).astype(x.dtype)


def norms_of(model: Any) -> list[Any]:
    return [layer for layer in flat(model) if isinstance(layer, NORM)]


def flat(model: Any) -> Iterable[Any]:
    found: Iterable[Any] = model._flatten_layers(include_self=False)
    return found


# The same weights in both programs


Weights = list[tuple[Any, dict[str, Any]]]


def weights_of(model: Any) -> Weights:
    """Each layer that has variables of its own, with them by name."""
    kinds = (
        ("_trainable_weights", "_non_trainable_weights")
        if LEGACY
        else ("_trainable_variables", "_non_trainable_variables")
    )
    found = [(layer, [one for kind in kinds for one in getattr(layer, kind)]) for layer in flat(model)]
    return [(layer, {named(one): one for one in variables}) for layer, variables in found if variables]


def named(variable: Any) -> str:
    return str(variable.name.rsplit("/", 1)[-1].removesuffix(":0"))


def draw(weights: Weights) -> None:
    """As certificates do: outputs vary as much as inputs, no gamma is near 0, and some are negative."""
    for _, variables in weights:
        for name, variable in variables.items():
            value = normal(*variable.shape)
            if "kernel" in name:
                value /= np.sqrt(np.prod(value.shape[:-1]))
            elif name == "gamma":
                value = np.copysign(np.exp(value / 2), value)
            elif name == "moving_variance":
                value = np.exp(value / 2)
            variable.assign(value)


def family(layer: Any) -> str:
    return "norm" if isinstance(layer, (NORM, layers.LayerNormalization)) else type(layer).__name__


def hand_over(old: Weights, new: Weights) -> None:
    """Variables to those of the same place and name; what a dropped normalization has, to the one in front of it."""
    for kind in dict.fromkeys(family(layer) for layer, _ in old):
        one, other = ([each for layer, each in side if family(layer) == kind] for side in (old, new))
        for before, after in zip(one, other, strict=False):
            for name in before.keys() & after.keys():
                if before[name].shape == after[name].shape:
                    after[name].assign(before[name])
        for dropped in one[len(other) :]:
            own = np.array(other[-1]["gamma"])
            other[-1]["gamma"].assign(np.array(dropped["gamma"]) * np.sign(own))
            other[-1]["beta"].assign(dropped["beta"])


def entering(model: Any, x: Any, training: bool) -> list[Any]:
    """What enters each batch normalization, in the order of their calls."""
    found = []
    call = NORM.call

    def noted(self: Any, inputs: Any, *given: Any, **more: Any) -> Any:
        found.append(np.array(inputs))
        return call(self, inputs, *given, **more)

    with patch.object(NORM, "call", noted):
        model(x, training=training)
    return found


def make_up(before: Any, after: Any, old: Weights) -> None:
    """Take from each moving mean the dropped bias that was added to every value of a channel."""
    x = inputs_of(before, 4)
    biases = [np.array(variables["bias"]) for _, variables in old if "bias" in variables]
    for number, norm in enumerate(norms_of(after)):
        one, other = (entering(model, x, False)[number] for model in (before, after))
        shift = (one - other).reshape(-1, one.shape[-1])
        for bias in biases:
            if bias.shape == shift.shape[1:] and np.abs(shift - bias).max() < 1e-4:
                norm.moving_mean.assign(np.array(norm.moving_mean) - bias)


# The comparisons


def function(codes: list[str], expression: str, bias: bool) -> Found:
    """The largest differences of the outputs in training, with updates, and in inference, before and behind them."""
    before, after = (made(code, expression) for code in codes)
    old, new = weights_of(before), weights_of(after)
    draw(old)
    hand_over(old, new)
    if bias:
        make_up(before, after, old)
    gaps: dict[str, list[float]] = {"start": [], "training": [], "inference": []}
    largest = 0.0
    for step in range(UPDATES + 2):
        phase = "start" if step == 0 else "training" if step <= UPDATES else "inference"
        x, outputs = inputs_of(before, 8), []
        for model in (before, after):
            keras.utils.set_random_seed(step)
            outputs.append(np.array(model(x, training=phase == "training"), "float64"))
        gaps[phase].append(float(np.abs(outputs[0] - outputs[1]).max()))
        largest = max(largest, float(np.abs(outputs[0]).max()))
    with tempfile.TemporaryDirectory() as folder:
        before.save_weights(f"{folder}/w.weights.h5")
        loading = outcome(lambda: after.load_weights(f"{folder}/w.weights.h5"))
    return {**{name: max(found) for name, found in gaps.items()}, "largest": largest, "loading": loading}


def left(codes: list[str], expression: str) -> Found:
    """Which share of the initial moving statistics is left after one update, and after ten."""
    return {"left": [[share(made(code, expression), steps) for steps in (1, 10)] for code in codes]}


def share(model: Any, steps: int) -> float:
    batches = [inputs_of(model, 8) for _ in range(steps)]
    ends = []
    for start in (0.0, 1.0):
        for norm in norms_of(model):
            norm.moving_mean.assign(np.full(norm.moving_mean.shape, start))
        for x in batches:
            model(x, training=True)
        ends.append(np.array(norms_of(model)[0].moving_mean))
    return float(np.mean(ends[1] - ends[0]))


def variance(codes: list[str], expression: str, fronts: int) -> Found:
    """For each batch normalization, the variance that enters it in training against that in inference, in many draws.

    The layers in front of the dropout give numbers of a standard normal distribution, as those that certificates draw.
    """
    return {"variance": [list(map(list, zip(*ratios(made(code, expression), fronts), strict=True))) for code in codes]}


def ratios(model: Any, fronts: int) -> Iterator[list[float]]:
    linear = [layer for layer in flat(model) if isinstance(layer, (layers.Dense, layers.Conv2D))][:fronts]
    draw(weights_of(model))
    size = min(int(np.prod(norm_input.shape[1:])) for norm_input in entering(model, inputs_of(model, 2), False))
    for _ in range(DRAWS):
        x, spreads = inputs_of(model, max(6, NUMBERS // size)), []
        with drawn(linear):
            for training in (True, False):
                spreads.append([one.var(tuple(range(one.ndim - 1))).mean() for one in entering(model, x, training)])
        yield [float(noisy / quiet) for noisy, quiet in zip(*spreads, strict=True)]


@contextmanager
def drawn(linear: list[Any]) -> Iterator[None]:
    """While this lasts, these layers give normal numbers, the same each time."""
    fixed: dict[int, Any] = {}
    calls = {kind: kind.call for kind in (layers.Dense, layers.Conv2D)}
    for kind, call in calls.items():

        def instead(self: Any, inputs: Any, call: Any = call, **more: Any) -> Any:
            y = call(self, inputs, **more)
            if self not in linear:
                return y
            return tf.constant(fixed.setdefault(id(self), normal(*y.shape)))

        kind.call = instead
    try:
        yield
    finally:
        for kind, call in calls.items():
            kind.call = call


def devices(codes: list[str], expression: str) -> Found:
    """How far the first moving variance is, after a step on all devices, from what each way of counting gives."""
    found = []
    for code in codes:
        with patch.object(keras.Model, "fit", lambda *_, **__: None):
            scope = run(code)
        model = eval(expression, scope)
        count = scope["strategy"].num_replicas_in_sync
        x = inputs_of(model, 16 * count)
        x = x + numbered(x) * x.dtype.type(3) // x.dtype.type(len(x))  # Each device's samples are about another mean.
        (h, *_) = entering(model, x, False)
        data = tf.data.Dataset.from_tensor_slices((x, np.ones(len(x)))).batch(len(x))
        model.fit(data)
        moved = np.array(norms_of(model)[0].moving_variance)
        over = tuple(range(h.ndim - 1))
        shares = [part.var(over) for part in np.split(h, count)]
        far = [float(np.abs(moved - (0.99 + 0.01 * v)).max()) for v in (h.var(over), sum(shares) / count, *shares)]
        found.append({"all": far[0], "mean": far[1], "one": min(far[2:])})
    return {"devices": found}


def batches(codes: list[str], expression: str) -> Found:
    """The sizes of the batches that training sees, and the samples that two epochs of its data leave out."""
    found = []
    for code in codes:
        given: list[Any] = []
        with patch.object(keras.Model, "fit", lambda self, data, given=given, **_: given.extend((self, data))):
            run(code)
        model, data = given
        model.run_eagerly = True
        rows: list[int] = []
        call = NORM.call

        def noted(self: Any, inputs: Any, rows: list[int] = rows, call: Any = call, **more: Any) -> Any:
            rows.append(int(inputs.shape[0]))
            return call(self, inputs, **more)

        with patch.object(NORM, "call", noted):
            model.fit(data)
        epochs = [{int(one) for x, _ in data for one in np.ravel(x)[:: int(np.prod(x.shape[1:]))]} for _ in range(2)]
        found.append({"rows": rows, "left out": [sorted({*range(samples[-1])} - epoch) for epoch in epochs]})
    return {"batches": found}


def learned(codes: list[str], expression: str) -> Found:
    """Whether a gamma of the model changes its outputs, learns, and comes back from a file of weights."""
    return {"learned": [learning(code, expression) for code in codes]}


def learning(code: str, expression: str) -> Found:
    model = made(code, expression)
    x = inputs_of(model, 8)
    gammas = [one for one in model.trainable_weights if named(one) == "gamma"]
    found: Found = {"gammas": len(gammas)}
    before = np.array(model(x, training=True))
    for gamma in gammas:
        gamma.assign(np.array(gamma) * 3)
    found["matters"] = float(np.abs(np.array(model(x, training=True)) - before).max())
    model.compile(keras.optimizers.SGD(0.1), "mse")
    values = [np.array(gamma) for gamma in gammas]
    try:
        model.fit(x, np.ones(before.shape))
    except Exception as error:
        return {**found, "raised": type(error).__name__}
    found["learns"] = max(
        (float(np.abs(np.array(g) - old).max()) for g, old in zip(gammas, values, strict=True)), default=0.0
    )
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(f"{folder}/w.weights.h5")
        again = made(code, expression)
        again.load_weights(f"{folder}/w.weights.h5")
    found["saved"] = float(np.abs(np.array(again(x, training=False)) - np.array(model(x, training=False))).max())
    return found


def raising(codes: list[str], expression: str) -> Found:
    """The outcome alone."""
    return {"raised": [outcome(lambda code=code: made(code, expression)) for code in codes]}


def outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except Exception as error:
        return type(error).__name__
    return ""


MEASURES: dict[str, Callable[..., Found]] = {
    one.__name__: one for one in (function, left, variance, devices, batches, learned)
}

if __name__ == "__main__":
    stand_in()
    compile_channels_first()
    gc.freeze()  # Else each clear_session goes through all of TensorFlow.
    asked: dict[str, tuple[list[str], str, dict[str, list[Any]]]] = json.load(sys.stdin)
    results: dict[str, Found] = {}
    for name, (codes, expression, measures) in asked.items():
        results[name] = raising(codes, expression)
        if any(results[name]["raised"]):
            continue
        try:
            for measure, more in measures.items():
                results[name] |= MEASURES[measure](codes, expression, *more)
        except Exception:
            results[name]["failure"] = traceback.format_exc()
    print(json.dumps(results))
