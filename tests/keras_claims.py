"""Measures what the cards claim about Keras, and prints it as JSON: python keras_claims.py keras|tf_keras."""

from __future__ import annotations

import functools
import importlib
import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

RULES = Path(__file__).parents[1] / "rules"
Measured = dict[str, Any]
CLAIMS: list[Callable[[Any], Measured]] = []


def claim(measure: Callable[[Any], Measured]) -> Callable[[Any], Measured]:
    CLAIMS.append(measure)
    return measure


def outcome(act: Callable[[], object]) -> str:
    """ "ran", or the name of the exception."""
    try:
        act()
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
    return "ran"


class Bench:
    """The library under test, data with two classes, and a model trained on it."""

    def __init__(self, library: str) -> None:
        import numpy as np
        import tensorflow as tf

        self.np, self.tf = np, tf
        self.keras: Any = importlib.import_module(library)
        self.major = 2 if library == "tf_keras" else 3
        self.layers = self.keras.layers
        rng = np.random.default_rng(0)
        self.x, self.y = self._classes(rng, 2048)
        self.test_x, self.test_y = self._classes(rng, 1024)
        self.positive = self.test_x[self.test_y == 1]
        self.negative = self.test_x[self.test_y == 0]

    def _classes(self, rng: Any, count: int) -> tuple[Any, Any]:
        labels = rng.integers(0, 2, count)
        centres = self.np.where(labels[:, None] == 1, 1.0, -1.0)
        return (rng.standard_normal((count, 8)) + centres).astype("float32"), labels.astype("float32")

    def array(self, value: Any) -> Any:
        return self.np.asarray(value)

    def moved(self, norm: Any, act: Callable[[], object]) -> float:
        """By how much the action moves a layer's moving mean, at most."""
        before = self.array(norm.moving_mean).copy()
        act()
        return float(abs(self.array(norm.moving_mean) - before).max())

    def fit(self, model: Any, epochs: int = 10) -> Any:
        model.compile("adam", "binary_crossentropy")
        model.fit(self.x, self.y, batch_size=64, epochs=epochs, verbose=0)
        return model

    @functools.cached_property
    def trained(self) -> tuple[Any, Any, Any]:
        """A trained classifier, its BN and its weights."""
        self.keras.utils.set_random_seed(0)
        norm = self.layers.BatchNormalization(momentum=0.9)
        stack = [
            self.keras.Input((8,)),
            self.layers.Dense(16),
            norm,
            self.layers.ReLU(),
            self.layers.Dense(1, activation="sigmoid"),
        ]
        model = self.fit(self.keras.Sequential(stack))
        return model, norm, [w.copy() for w in model.get_weights()]

    def accuracy(self, scores: Any, labels: Any) -> float:
        return float(((self.np.ravel(scores) > 0.5) == (self.np.ravel(labels) == 1)).mean())


@claim
def sequential(bench: Any) -> Measured:
    keras, layers = bench.keras, bench.layers
    tensor = layers.BatchNormalization()(keras.Input((4,)))
    wrong = {
        "function": lambda t: layers.BatchNormalization()(t),
        "class": layers.BatchNormalization,
        "tensor": tensor,
        "tf.nn.relu": bench.tf.nn.relu,
    }

    def add(element: object) -> None:
        model = keras.Sequential([keras.Input((8,)), layers.Dense(4)])
        model.add(element)

    found = {
        f"{name} in a list": outcome(lambda e=e: keras.Sequential([keras.Input((8,)), layers.Dense(4), e]))
        for name, e in wrong.items()
    }
    found |= {f"{name} with add": outcome(lambda e=e: add(e)) for name, e in wrong.items()}
    keras.Sequential([keras.Input((8,)), (lambda: layers.BatchNormalization())()])
    return {"sequential": found, "factory in sequential": "accepted"}


@claim
def cards_that_say_it_raises(bench: Any) -> Measured:
    """The bad examples, run as they stand."""
    if bench.major == 2:
        for name in ("", ".layers", ".applications"):
            sys.modules["keras" + name] = importlib.import_module("tf_keras" + name)
    given = {"x_train": bench.x, "y_train": bench.y}
    found = {}
    for card in ("function_in_sequential.md", "batchnorm_in_lambda.md"):
        examples = re.findall(r"```python bad.*?\n(.*?)```", (RULES / card).read_text(encoding="utf-8"), re.DOTALL)
        found[card] = [outcome(lambda code=code: exec(code, dict(given))) for code in examples]
    return found


@claim
def lambdas(bench: Any) -> Measured:
    keras, layers = bench.keras, bench.layers

    def model_around(function: Callable[[Any], Any]) -> Any:
        inputs = keras.Input((8,))
        hidden = layers.Lambda(function)(layers.Dense(4)(inputs))
        return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))

    def create() -> Any:
        return model_around(lambda t: layers.BatchNormalization()(t))

    created = {
        "build": outcome(create),
        "fit": outcome(lambda: bench.fit(create(), 1)),
        "predict": outcome(lambda: create().predict(bench.x, verbose=0)),
    }

    def closed_over() -> tuple[Any, Any]:
        norm = layers.BatchNormalization(momentum=0.5)
        norm.build((None, 4))
        return model_around(lambda t: norm(t * 10 + 5)), norm

    model, norm = closed_over()
    shift = bench.moved(norm, lambda: bench.fit(model, 2))
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(f"{folder}/w.weights.h5")
        again, _ = closed_over()
        again.load_weights(f"{folder}/w.weights.h5")
    logits = [keras.Model(m.inputs, m.layers[-2].output).predict(bench.test_x, verbose=0) for m in (model, again)]
    inside = {
        "tracked variables": len(model.weights),
        "gamma moved": float(abs(bench.array(norm.gamma) - 1).max()),
        "moving mean moved": shift,
        "difference after loading weights": float(abs(logits[0] - logits[1]).max()),
    }
    base = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.BatchNormalization(momentum=0.5)])
    base.trainable = False
    kernel = bench.array(base.layers[0].kernel).copy()
    moved = bench.moved(base.layers[1], lambda: bench.fit(model_around(lambda t: base(t)), 1))
    frozen = {"kernel moved": float(abs(bench.array(base.layers[0].kernel) - kernel).max()), "moving mean moved": moved}
    return {"created in lambda": created, "closed over by lambda": inside, "frozen model in lambda": frozen}


@claim
def small_batches(bench: Any) -> Measured:
    np, tf, keras, layers = bench.np, bench.tf, bench.keras, bench.layers
    rng = np.random.default_rng(1)

    def step(shape: tuple[int, ...]) -> Measured:
        norm = layers.BatchNormalization(beta_initializer=keras.initializers.Constant(0.25))
        x = tf.Variable(rng.standard_normal(shape).astype("float32"))
        weight = rng.standard_normal(shape).astype("float32")
        with tf.GradientTape() as tape:
            y = norm(x, training=True)
            loss = tf.reduce_sum(weight * y)
        return {
            "distance of output from beta": float(abs(y - 0.25).numpy().max()),
            "gradient before": float(abs(tape.gradient(loss, x)).numpy().max()),
        }

    one = step((1, 8))
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("sgd", "mse")
    kernel = bench.array(model.layers[0].kernel).copy()
    model.fit(bench.x[:32], bench.y[:32], batch_size=1, verbose=0)
    one["dense kernel changed"] = float(abs(bench.array(model.layers[0].kernel) - kernel).max())
    spread = {}
    for m in (4, 8, 16, 32):
        norm = layers.BatchNormalization(momentum=0.0)
        norm(rng.standard_normal((m, 20000)).astype("float32"), training=True)
        variance = bench.array(norm.moving_variance)
        spread[str(m)] = float(variance.std() / variance.mean())
    return {
        "batch of one": one,
        "batch of two": step((2, 8)),
        "batch of one, spatial": step((1, 4, 4, 8)),
        "batch of one, 1 x 1": step((1, 1, 1, 8)),
        "spread of batch variance": spread,
    }


@claim
def dropout(bench: Any) -> Measured:
    layers, x = bench.layers, bench.np.random.default_rng(2).standard_normal((100000, 8)).astype("float32")
    front, behind = {}, {}
    for rate in (0.2, 0.5):
        # The variance that the BN normalizes with in training, over the one of what it gets in inference.
        drop = layers.Dropout(rate, seed=3)
        norm = layers.BatchNormalization(momentum=0.0)
        norm(drop(x, training=True), training=True)
        front[str(rate)] = float(
            (bench.array(norm.moving_variance) / bench.array(drop(x, training=False)).var(axis=0)).mean()
        )
        norm = layers.BatchNormalization(momentum=0.0)
        drop(norm(x, training=True), training=True)
        behind[str(rate)] = float((bench.array(norm.moving_variance) / x.var(axis=0)).mean())
    return {"variance shift": front, "variance shift, dropout behind": behind}


@claim
def outputs(bench: Any) -> Measured:
    logits = bench.np.random.default_rng(4).standard_normal((512, 10)).astype("float32")
    output = bench.array(bench.layers.BatchNormalization()(bench.tf.nn.softmax(logits), training=True))
    return {
        "normalized softmax": {
            "share of rows with a negative entry": float((output < 0).any(axis=1).mean()),
            "largest distance of a row's sum from 1": float(abs(output.sum(axis=1) - 1).max()),
        }
    }


@claim
def open_calls(bench: Any) -> Measured:
    keras, layers, tf = bench.keras, bench.layers, bench.tf
    model, norm, weights = bench.trained
    x = bench.positive[:64]
    right = model.predict(x, verbose=0)
    seen: dict[str, Any] = {}

    def report(name: str, act: Callable[[], Any]) -> Measured:
        shift = bench.moved(norm, lambda: seen.update({name: bench.array(act())}))
        model.set_weights(weights)
        gap = float(abs(seen[name] - right).max())
        return {"moved": shift, "accuracy": bench.accuracy(seen[name], [1] * 64), "difference from predict": gap}

    class Outer(layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self, **flag: bool) -> None:
            super().__init__()
            self.inner, self.flag = model, flag

        def call(self, x: Any) -> Any:
            return self.inner(x, **self.flag)

    class Steps(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.out = model, layers.Dense(1)

        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(x)

        def train_step(self, data: Any) -> Any:
            return {"mean": tf.reduce_mean(self.inner(data[0]))}

    steps = Steps()
    steps.compile("sgd", "mse")
    mean: list[float] = []
    moved = bench.moved(norm, lambda: mean.append(steps.fit(x, x[:, :1], batch_size=64, verbose=0).history["mean"][0]))
    model.set_weights(weights)
    return {
        "direct call": report("direct", lambda: model(x)),
        "direct call in train_step": {"moved": moved, "difference from predict": abs(mean[0] - float(right.mean()))},
        "inside training, no flag": report("open", lambda: Outer()(x, training=True)),
        "inside training, training=False": report("false", lambda: Outer(training=False)(x, training=True)),
    }


@claim
def defaults_of_call(bench: Any) -> Measured:
    keras, layers = bench.keras, bench.layers

    class Parts(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.out = layers.BatchNormalization(momentum=0.5), layers.Dense(1, activation="sigmoid")

    class DefaultTrue(Parts):
        def call(self, x: Any, training: Any = True) -> Any:
            return self.out(self.norm(x, training=training))

    class DefaultNone(Parts):
        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(self.norm(x, training=training))

    found = {}
    for name, kind in (("call default True", DefaultTrue), ("call default None", DefaultNone)):
        model = bench.fit(kind(), 1)
        found[name] = {
            "model(x)": bench.moved(model.norm, lambda model=model: model(bench.positive)),
            "predict": bench.moved(model.norm, lambda model=model: model.predict(bench.positive, verbose=0)),
            "training=False": bench.moved(model.norm, lambda model=model: model(bench.positive, training=False)),
        }
    return found


@claim
def training_true(bench: Any) -> Measured:
    np, keras, layers = bench.np, bench.keras, bench.layers
    model, _, weights = bench.trained
    found: Measured = {
        "accuracy in inference mode": bench.accuracy(model.predict(bench.test_x, verbose=0), bench.test_y)
    }

    def run(batches: list[tuple[Any, Any]]) -> tuple[float, float]:
        hits = [bench.accuracy(model(x, training=True), y) for x, y in batches]
        after = bench.accuracy(model.predict(bench.test_x, verbose=0), bench.test_y)
        model.set_weights(weights)
        return float(np.mean(hits)), after

    found["mixed batches"], _ = run([(bench.test_x[k : k + 32], bench.test_y[k : k + 32]) for k in range(0, 1024, 32)])
    sorted_ = [
        (side[k : k + 32], np.full(32, label))
        for label, side in ((1, bench.positive), (0, bench.negative))
        for k in range(0, 480, 32)
    ]
    found["one class a batch"], _ = run(sorted_)
    found["single samples"], _ = run([(bench.test_x[k : k + 1], bench.test_y[k : k + 1]) for k in range(200)])
    _, found["predict after one class"] = run([(bench.positive[k : k + 10], np.ones(10)) for k in range(0, 320, 10)])

    class Literal(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.out = layers.BatchNormalization(momentum=0.9), layers.Dense(1, activation="sigmoid")

        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(self.norm(x, training=True))

    literal = bench.fit(Literal())
    alone, company = (literal.predict(bench.positive[:n], batch_size=32, verbose=0)[0, 0] for n in (1, 32))
    inputs = keras.Input((8,))
    norm = layers.BatchNormalization(momentum=0.9)
    graph = bench.fit(keras.Model(inputs, layers.Dense(1, activation="sigmoid")(norm(inputs, training=True))), 2)
    x, frozen = bench.positive[:64], layers.BatchNormalization()
    frozen.build((None, 8))
    frozen.trainable = False
    return {
        "training=True at inference": found,
        "training=True inside call": {
            "same sample alone and in company": float(abs(alone - company)),
            "moved by predict": bench.moved(literal.norm, lambda: literal.predict(bench.positive, verbose=0)),
        },
        "training=True in a functional graph": {
            "predict": bench.moved(norm, lambda: graph.predict(x, verbose=0)),
            "evaluate": bench.moved(norm, lambda: graph.evaluate(x, np.ones(64), verbose=0)),
            "model(x)": bench.moved(norm, lambda: graph(x)),
            "training=False": bench.moved(norm, lambda: graph(x, training=False)),
        },
        "frozen, training=True": bench.moved(frozen, lambda: frozen(x, training=True)),
    }


@claim
def discarded(bench: Any) -> Measured:
    keras, layers = bench.keras, bench.layers
    model = keras.Sequential([keras.Input((8,))])
    model.add(layers.Dense(4))
    layers.BatchNormalization()
    model.add(layers.Dense(1))
    inputs = keras.Input((8,))
    for units in (16, 32, 64):
        x = layers.BatchNormalization()(layers.Dense(units)(inputs))
    looped = keras.Model(inputs, x)

    class NeverCalled(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.out = (
                layers.Dense(4),
                layers.BatchNormalization(momentum=0.5),
                layers.Dense(1, activation="sigmoid"),
            )

        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(self.first(x))

    class Dropped(NeverCalled):
        def call(self, x: Any, training: Any = None) -> Any:
            self.norm(x, training=training)
            return self.out(self.first(x))

    never, dropped = bench.fit(NeverCalled(), 1), bench.fit(Dropped(), 1)
    return {
        "statement between two add": {"layers": len(model.layers), "variables": len(model.weights)},
        "loop from the input": sum(isinstance(layer, layers.BatchNormalization) for layer in looped.layers),
        "attribute never called": {"variables": len(never.weights), "built": bool(never.norm.built)},
        "result dropped in call": {
            "gamma moved": float(abs(bench.array(dropped.norm.gamma) - 1).max()),
            "moving mean moved": float(abs(bench.array(dropped.norm.moving_mean)).max()),
        },
    }


if __name__ == "__main__":
    workbench = Bench(sys.argv[1])
    everything: Measured = {"major": workbench.major, "version": workbench.keras.__version__}
    for measure in CLAIMS:
        everything.update(measure(workbench))
    print(json.dumps(everything))
