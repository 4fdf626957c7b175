"""What batch normalization does on the wrong axis, twice, shared, over time steps, and behind a bias."""

from __future__ import annotations

import importlib
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import Bench, Measured, outcome

RULES = Path(__file__).parents[2] / "rules"


def axes(bench: Bench) -> Measured:
    """Channels with different scales, normalized over the channels and over the rows."""
    keras, layers, np = bench.keras, bench.layers, bench.np
    scale = np.array([0.1, 1, 10, 100], "float32")
    images = bench.np.random.default_rng(0).standard_normal((64, 12, 12, 4)).astype("float32") * scale + scale
    found: Measured = {}
    for axis in (-1, 1):
        norm = layers.BatchNormalization(axis=axis)
        deviations = bench.array(norm(images, training=True)).std((0, 1, 2))
        found[f"axis={axis}"] = {
            "gammas": int(norm.gamma.shape[0]),
            "smallest deviation of a channel": float(deviations.min()),
            "largest deviation of a channel": float(deviations.max()),
        }
        found[f"axis={axis}"]["another height"] = outcome(lambda norm=norm: norm(images[:, :8]))

    def gammas(data_format: str, axis: int) -> int:
        shape = (12, 14, 3) if data_format == "channels_last" else (3, 12, 14)
        norm = layers.BatchNormalization(axis=axis)
        stack = [keras.Input(shape), layers.Conv2D(8, 3, padding="same", data_format=data_format), norm]
        keras.Sequential(stack)
        return int(norm.gamma.shape[0])

    found["gammas"] = {f: [gammas(f, axis) for axis in (1, -1)] for f in ("channels_last", "channels_first")}
    return {"axes": found}


def arguments(bench: Bench) -> Measured:
    keras, layers = bench.keras, bench.layers
    flat, image = keras.Input((8,)), keras.Input((8, 8, 16))
    make = layers.BatchNormalization

    class Positional(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.out = make(), layers.Dense(1, activation="sigmoid")

        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(self.norm(x, training))

    acts: dict[str, Callable[[], object]] = {
        "BatchNormalization(x)": lambda: make(flat),
        "BatchNormalization(data)": lambda: make(bench.x),
        "BatchNormalization(16)(x)": lambda: make(16)(image),
        "BatchNormalization(16)": lambda: make(16),
        "BatchNormalization(axis=4)(x)": lambda: make(axis=4)(image),
        "BatchNormalization(0.9)(x)": lambda: make(0.9)(image),
        "BatchNormalization(1e-5)(x)": lambda: make(1e-5)(flat),
        "BatchNormalization(3)(x)": lambda: make(3)(image),
        "bn(x, True)": lambda: make()(flat, True),
        "bn(x, None)": lambda: make()(flat, None),
        "bn(x, training=True)": lambda: make()(flat, training=True),
        "self.bn(x, training) in fit": lambda: bench.fit(Positional(), 1),
    }
    return {"arguments": {name: outcome(act) for name, act in acts.items()}}


def wrong_cards(bench: Bench) -> Measured:
    """The bad examples of misplaced-argument, run as they stand."""
    if bench.major == 2:
        for name in ("", ".layers"):
            sys.modules["keras" + name] = importlib.import_module("tf_keras" + name)
    card = (RULES / "misplaced_argument.md").read_text(encoding="utf-8")
    codes = re.findall(r"```python bad.*?\n(.*?)```", card, re.DOTALL)
    given = {"x_train": bench.x, "y_train": bench.y}
    return {"misplaced_argument.md": [outcome(lambda code=code: exec(code, dict(given))) for code in codes]}


def time_distributed(bench: Bench) -> Measured:
    """Steps with different means, through TimeDistributed(BN) and through the bare BN."""
    layers, np = bench.layers, bench.np
    x = np.random.default_rng(0).standard_normal((64, 5, 8)) + 2 * np.arange(5)[None, :, None]
    x = x.astype("float32")

    def wrapped() -> Any:
        return layers.TimeDistributed(layers.BatchNormalization(momentum=0.5))

    of_all = bench.array(layers.BatchNormalization()(x, training=True))
    of_steps = bench.array(wrapped()(x, training=True))
    each = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3)
    counted = wrapped()
    counted(np.ones((64, 5, 8), "float32"), training=True)
    trained = wrapped()
    for _ in range(30):
        trained(x, training=True)

    def means(training: bool) -> list[float]:
        return [float(mean) for mean in bench.array(trained(x, training=training)).mean((0, 2))]

    return {
        "time distributed": {
            "distance from the bare layer": float(abs(of_all - of_steps).max()),
            "distance from each step by itself": float(abs(each - of_steps).max()),
            "moving mean of ones": float(bench.array(counted.layer.moving_mean).mean()),
            "means of the steps at inference": means(False),
            "means of the steps in training": means(True),
        }
    }


def shared(bench: Bench) -> Measured:
    """One BN for two streams with the means 0 and 10, and for two alike."""
    keras, layers, np = bench.keras, bench.layers, bench.np
    rng = np.random.default_rng(0)

    def measure(mean: float, count: int) -> Measured:
        one, other = keras.Input((4,)), keras.Input((4,))
        norms = [layers.BatchNormalization(momentum=0.9) for _ in range(count)]
        model = keras.Model([one, other], [norms[0](one), norms[-1](other)])
        given = [rng.standard_normal((256, 4)).astype("float32") + shift for shift in (0, mean)]
        for _ in range(100):
            trained = model(given, training=True)
        shown = model(given, training=False)
        return {
            mode: [[float(bench.array(o).mean()), float(bench.array(o).std())] for o in outputs]
            for mode, outputs in (("training", trained), ("inference", shown))
        } | {"moving variance": float(bench.array(norms[0].moving_variance).mean())}

    return {"shared": {"apart": measure(10, 1), "alike": measure(0, 1), "one each": measure(10, 2)}}


def biases(bench: Bench) -> Measured:
    """What a bias changes behind the BN, through what stands between, and what its gradient is."""
    keras, layers, np, tf = bench.keras, bench.layers, bench.np, bench.tf
    between: dict[str, tuple[Any, ...]] = {
        "nothing": (),
        "MaxPooling2D": (layers.MaxPooling2D(2),),
        "AveragePooling2D, same": (layers.AveragePooling2D(3, padding="same"),),
        "GlobalAveragePooling2D": (layers.GlobalAveragePooling2D(),),
        "GlobalMaxPooling2D": (layers.GlobalMaxPooling2D(),),
        "Flatten": (layers.Flatten(),),
        "UpSampling2D": (layers.UpSampling2D(interpolation="bilinear"),),
        "Cropping2D": (layers.Cropping2D(1),),
        "GaussianNoise": (layers.GaussianNoise(0.1, seed=1),),
        "ZeroPadding2D": (layers.ZeroPadding2D(1),),
        "ReLU": (layers.ReLU(),),
        "Dropout": (layers.Dropout(0.3, seed=1),),
        "Reshape": (layers.Reshape((10, 20, 2)),),
        "LayerNormalization": (layers.LayerNormalization(),),
        "BN on axis 1": (),
    }
    x = np.random.default_rng(0).normal(size=(16, 12, 12, 3)).astype("float32")
    bias = np.array([0.7, -1.3, 2.0, 0.4], "float32")

    def outputs(name: str, value: Any) -> tuple[Any, float]:
        keras.utils.set_random_seed(3)
        conv = layers.Conv2D(4, 3)
        norm = layers.BatchNormalization(axis=1 if name == "BN on axis 1" else -1)
        copies = [layer.__class__.from_config(layer.get_config()) for layer in between[name]]
        model = keras.Sequential([keras.Input((12, 12, 3)), conv, *copies, norm])
        conv.bias.assign(value)
        keras.utils.set_random_seed(3)
        with tf.GradientTape() as tape:
            out = model(x, training=True)
            loss = tf.reduce_sum(out * tf.random.stateless_normal(out.shape, (1, 2)))
        return bench.array(out), float(abs(bench.array(tape.gradient(loss, _variable(bench, conv.bias)))).max())

    change, slope = {}, {}
    for name in between:
        (without, _), (with_it, gradient) = outputs(name, 0 * bias), outputs(name, bias)
        change[name], slope[name] = float(abs(without - with_it).max()), gradient
    return {"bias": {"change": change, "gradient": slope, "checkpoint": _old_weights(bench), **_frozen_bias(bench)}}


def _old_weights(bench: Bench) -> str:
    keras, layers = bench.keras, bench.layers

    def model(use_bias: bool) -> Any:
        return keras.Sequential([keras.Input((8,)), layers.Dense(4, use_bias=use_bias), layers.BatchNormalization()])

    with tempfile.TemporaryDirectory() as folder:
        model(True).save_weights(f"{folder}/w.weights.h5")
        return outcome(lambda: model(False).load_weights(f"{folder}/w.weights.h5"))


def _frozen_bias(bench: Bench) -> Measured:
    keras, layers, np = bench.keras, bench.layers, bench.np
    dense, norm = layers.Dense(4), layers.BatchNormalization(trainable=False)
    model = keras.Sequential([keras.Input((8,)), dense, norm])
    before = bench.array(model(bench.x[:8], training=True))
    dense.bias.assign(np.array([0.7, -1.3, 2.0, 0.4], "float32"))
    return {"frozen": float(abs(bench.array(model(bench.x[:8], training=True)) - before).max())}


def repeated(bench: Bench) -> Measured:
    """A second BN: how far it is from none, and what of the first is still learned."""
    layers, np, tf = bench.layers, bench.np, bench.tf
    x = (np.random.default_rng(0).standard_normal((64, 8, 8, 4)) * 3 + 5).astype("float32")
    found: Measured = {}
    for name, between in (("nothing", []), ("MaxPooling2D", [layers.MaxPooling2D(2)]), ("Flatten", [layers.Flatten()])):
        first, second = layers.BatchNormalization(), layers.BatchNormalization()
        for norm, shape in ((first, x.shape), (second, _through(between, x).shape)):
            norm.build(shape)
        with tf.GradientTape() as tape:
            y = _through(between, first(x, training=True))
            z = second(y, training=True)
            loss = tf.reduce_sum(z * tf.random.stateless_normal(z.shape, (1, 2)))
        learned = [_variable(bench, v) for norm in (first, second) for v in (norm.gamma, norm.beta)]
        slopes = [float(abs(bench.array(g)).max()) for g in tape.gradient(loss, learned)]
        found[name] = dict(zip(("first gamma", "first beta", "second gamma", "second beta"), slopes, strict=True))
        found[name]["distance"] = float(abs(bench.array(z) - bench.array(y)).max())
    return {"repeated": found}


def _through(between: list[Any], x: Any) -> Any:
    for layer in between:
        x = layer(x)
    return x


def _variable(bench: Bench, variable: Any) -> Any:
    """What a tape of TensorFlow knows of a variable of Keras."""
    return variable.value if bench.major == 3 else variable


def sequences(bench: Bench) -> Measured:
    """What BN makes of an LSTM's steps, and of padding."""
    keras, layers, np = bench.keras, bench.layers, bench.np
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).standard_normal((256, 20, 8)).astype("float32")
    steps = bench.array(layers.LSTM(32, return_sequences=True)(x))
    normal = bench.array(layers.BatchNormalization()(steps, training=True))
    layered = bench.array(layers.LayerNormalization()(steps))
    deviations = {
        name: [float(values[:, step].std()) for step in (0, 1, 19)]
        for name, values in (("LSTM", steps), ("BN", normal), ("LayerNormalization", layered))
    }
    tokens = np.random.default_rng(0).integers(1, 50, (64, 8))
    padded = np.concatenate([tokens, np.zeros((64, 24), tokens.dtype)], 1)

    def first_token(norm: Callable[[], Any], given: Any, mask: bool) -> Any:
        keras.utils.set_random_seed(0)
        return bench.array(norm()(layers.Embedding(50, 8, mask_zero=mask)(given), **_training(norm, layers)))[:, 0]

    def moved(norm: Callable[[], Any], mask: bool) -> float:
        return float(abs(first_token(norm, tokens, mask) - first_token(norm, padded, mask)).max())

    padding = {
        "BN": moved(layers.BatchNormalization, False),
        "BN, masked": moved(layers.BatchNormalization, True),
        "LayerNormalization": moved(layers.LayerNormalization, False),
    }
    return {"sequence": {"deviations at steps 1, 2, 20": deviations, "moved by padding": padding}}


def _training(norm: object, layers: Any) -> dict[str, bool]:
    return {"training": True} if norm is layers.BatchNormalization else {}


CLAIMS = (axes, arguments, wrong_cards, time_distributed, shared, biases, repeated, sequences)
