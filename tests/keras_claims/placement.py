"""What stands in front of a batch normalization, and what it hands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import Bench, Measured


def dropout(bench: Bench) -> Measured:
    """The variance a BN stores in training over the one it meets at inference."""
    layers = bench.layers
    rng = bench.np.random.default_rng(2)
    flat = rng.standard_normal((100000, 8)).astype("float32")
    image = rng.standard_normal((2048, 8, 8, 8)).astype("float32")

    def shift(x: Any, *stack: Callable[..., Any]) -> float:
        def run(training: bool) -> Any:
            out = x
            for layer in stack:
                out = layer(out, training=training) if "Dropout" in type(layer).__name__ else layer(out)
            return out

        norm = layers.BatchNormalization(momentum=0.0)
        norm(run(True), training=True)
        axes = tuple(range(x.ndim - 1))
        return float((bench.array(norm.moving_variance) / bench.array(run(False)).var(axis=axes)).mean())

    behind = layers.BatchNormalization(momentum=0.0)
    layers.Dropout(0.5, seed=3)(behind(flat, training=True), training=True)
    return {
        "variance shift": {str(p): shift(flat, layers.Dropout(p, seed=3)) for p in (0.1, 0.2, 0.3, 0.5)},
        "variance shift behind ReLU": {
            str(p): shift(flat, layers.ReLU(), layers.Dropout(p, seed=3)) for p in (0.2, 0.5)
        },
        "variance shift, SpatialDropout2D": shift(image, layers.SpatialDropout2D(0.5, seed=3)),
        "variance shift, GaussianDropout": shift(flat, layers.GaussianDropout(0.5, seed=3)),
        "variance shift through max pooling": shift(image, layers.Dropout(0.5, seed=3), layers.MaxPooling2D()),
        "variance shift, dropout behind": float((bench.array(behind.moving_variance) / flat.var(axis=0)).mean()),
    }


def outputs(bench: Bench) -> Measured:
    """What becomes of a softmax, and what a classifier with a BN behind it still learns."""
    keras, layers, tf = bench.keras, bench.layers, bench.tf
    logits = bench.np.random.default_rng(4).standard_normal((512, 10)).astype("float32")
    output = bench.array(layers.BatchNormalization()(tf.nn.softmax(logits), training=True))
    shape = {
        "share of rows with a negative entry": float((output < 0).any(axis=1).mean()),
        "largest distance of a row's sum from 1": float(abs(output.sum(axis=1) - 1).max()),
    }
    loss = {}
    for name in ("softmax", "softmax, BN"):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu")])
        model.add(layers.Dense(2, activation="softmax"))
        if name == "softmax, BN":
            model.add(layers.BatchNormalization())
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(bench.x, bench.y, batch_size=64, epochs=8, verbose=0)
        loss[name] = float(model.evaluate(bench.test_x, bench.test_y, verbose=0))
    return {"normalized softmax": shape, "test loss": loss}


def order(bench: Bench) -> Measured:
    """What either order feeds the next layer: mean, variance and share of zeros."""
    layers = bench.layers
    x = bench.np.random.default_rng(5).standard_normal((100000, 8)).astype("float32") * 3 + 2
    orders = {
        "before": (layers.BatchNormalization(), layers.ReLU()),
        "after": (layers.ReLU(), layers.BatchNormalization()),
    }
    found = {}
    for name, stack in orders.items():
        out = x
        for layer in stack:
            out = layer(out, training=True) if isinstance(layer, layers.BatchNormalization) else layer(out)
        out = bench.array(out)
        found[name] = {"mean": float(out.mean()), "variance": float(out.var()), "zeros": float((out == 0).mean())}
    return {"fed to the next layer": found}


CLAIMS = (dropout, outputs, order)
