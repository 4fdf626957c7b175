"""When batch normalization runs in training mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import Bench, Measured


def open_calls(bench: Bench) -> Measured:
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


def defaults_of_call(bench: Bench) -> Measured:
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


def training_true(bench: Bench) -> Measured:
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


CLAIMS = (
    open_calls,
    defaults_of_call,
    training_true,
)
