"""Watches models train, and prints what came of it, as JSON: python live_watch.py keras|tf_keras"""

from __future__ import annotations

import copy
import importlib
import io
import json
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

import bnlint

SAMPLES = 65
X = np.random.default_rng(0).normal(2, 3, (SAMPLES, 8)).astype("float32")
Y = X[:, :1]


def made(keras: Any, style: str, momentum: float = 0.9) -> Any:
    """A compiled model with dropout; those of the last two styles are built by their first batch."""
    layers = keras.layers
    stack = [
        layers.Dense(6, use_bias=False),
        layers.BatchNormalization(momentum=momentum, name="norm"),
        layers.Dropout(0.5),
        layers.Dense(1),
    ]

    class Net(keras.Model):  # type: ignore[misc, name-defined]
        """The same as a subclass."""

        def __init__(self) -> None:
            super().__init__()
            self.stack = stack

        def call(self, x: Any, training: Any = None) -> Any:
            x = self.stack[1](self.stack[0](x), training=training)
            return self.stack[3](self.stack[2](x, training=training))

    if style == "built":
        model = keras.Sequential([keras.Input((8,)), *stack])
    else:
        model = keras.Sequential(stack) if style == "sequential" else Net()
    model.compile("adam", "mse", metrics=["mae"])
    return model


def fitted(keras: Any, style: str, *callbacks: Any) -> list[Any]:
    """All that a training comes to: weights, logs, and the random numbers after it."""
    keras.utils.set_random_seed(3)
    model = made(keras, style)
    history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0, validation_split=0.2, callbacks=[*callbacks])
    drawn = keras.layers.Dropout(0.5)(np.ones((4, 4), "float32"), training=True)
    arrays = [*(np.asarray(v) for v in model.variables), np.random.rand(3), np.asarray(drawn)]
    return [[array.tolist() for array in arrays], dict(history.history)]


def watched(keras: Any, style: str, data: Any, fit: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What a watch sees of a training, and prints."""
    file = io.StringIO()
    watch = copy.deepcopy(bnlint.Watch(config={}, file=file, **options), {id(file): file})  # As tuners do.
    model = made(keras, style)
    model.fit(*data, verbose=0, callbacks=[watch], **fit)
    model.evaluate(X, Y, verbose=0, callbacks=[watch])
    model.predict(X, verbose=0, callbacks=[watch])
    return {
        "rules": sorted(finding.rule for finding in watch.report),
        "failures": len(watch.report.failures),
        "epochs": len(watch.convergence),
        "printed": file.getvalue(),
        "works": watch.works,
    }


def batches(keras: Any) -> dict[str, Any]:
    """The same data, cut into batches in different ways."""
    data = tf.data.Dataset.from_tensor_slices((X, Y))

    def endless() -> Any:
        while True:
            yield X[:8], Y[:8]

    built = {
        "arrays": ((X, Y), {"batch_size": 8}),
        "default": ((X, Y), {}),
        "split": ((X, Y), {"batch_size": 8, "validation_split": 0.2}),
        "dataset": ((data.shuffle(9).batch(8).map(lambda x, y: (x + 1, y)).prefetch(1),), {}),
        "dropped": ((data.batch(8, drop_remainder=True),), {}),
        "repeated": ((data.batch(8).repeat(),), {"steps_per_epoch": 3}),
        "generator": ((endless(),), {"steps_per_epoch": 3}),
    }
    found = {name: watched(keras, "built", *given) for name, given in built.items()}
    found["told"] = watched(keras, "built", (endless(),), {"steps_per_epoch": 3}, batch_size=8)
    for style in ("sequential", "subclass"):
        found[style] = watched(keras, style, (X, Y), {"batch_size": 8})
    return found


def convergence(keras: Any, style: str) -> list[Any]:
    """What a watch says of each epoch, and what the variables themselves say; two batches an execution."""
    seen: list[Any] = []

    class Look(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        """Notes the moving statistics."""

        def look(self) -> None:
            norm = next(layer for layer in self.model._flatten_layers() if layer.name == "norm")
            seen.append([np.asarray(norm.moving_mean).copy(), np.asarray(norm.moving_variance).copy()])

        def on_train_begin(self, logs: Any = None) -> None:
            if self.model.built:
                self.look()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.look()

    watch = bnlint.Watch(config={}, verbose=2, file=(file := io.StringIO()))
    model = made(keras, style)
    model.compile("adam", "mse", steps_per_execution=2)
    model.fit(X, Y, batch_size=16, epochs=3, initial_epoch=1, verbose=0, callbacks=[watch, Look()])
    own = [
        [
            float(np.sqrt(np.mean((now[0] - before[0]) ** 2 / now[1]))),
            float(np.sqrt(np.mean(((now[1] - before[1]) / now[1]) ** 2))),
        ]
        for before, now in pairwise(seen)
    ]
    said = [[each.layer, each.left, each.mean, each.variance] for epoch in watch.convergence for each in epoch]
    return [said, own, file.getvalue()]


def refused(keras: Any) -> dict[str, Any]:
    """A training that is not to begin; one whose watch breaks."""
    model = made(keras, "built")
    before = [np.asarray(v).tolist() for v in model.weights]
    try:
        model.fit(X, Y, batch_size=1, verbose=0, callbacks=[bnlint.Watch(config={}, fail_on="error")])
        said = ""
    except bnlint.FindingsError as error:
        said = str(error)
    kept = [np.asarray(v).tolist() for v in model.weights] == before

    class Broken(bnlint.Watch):
        """Fails."""

        def _check(self) -> None:
            raise RuntimeError("no\nway")

    broken = Broken(config={}, file=(file := io.StringIO()))
    history = model.fit(X, Y, verbose=0, callbacks=[broken])
    return {
        "said": said,
        "kept": kept,
        "broken": [file.getvalue(), broken.works, broken.convergence, len(history.history["loss"])],
    }


def again(keras: Any) -> list[Any]:
    """What is found and printed when the same model is trained twice."""
    watch = bnlint.Watch(config={}, file=(file := io.StringIO()))
    model = made(keras, "built")
    found = []
    for _ in range(2):
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[watch])
        found.append([sorted(finding.rule for finding in watch.report), file.getvalue()])
    return found


def distributed(keras: Any) -> dict[str, Any]:
    """The same on two devices."""
    strategy = tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices("CPU")])
    found = {}
    for style in ("built", "subclass"):
        with strategy.scope():
            found[style] = watched(keras, style, (X, Y), {"batch_size": 32})
    return found


def cleanliness(keras: Any) -> list[str]:
    """What `assert_clean` says of a model: by itself, of its training, with the rule turned off."""
    model = made(keras, "built")
    said = []
    training = bnlint.Training(batch_size=8)
    for options in ({}, {"training": training}, {"training": training, "ignore": ["tiny-batch"]}):
        try:
            bnlint.assert_clean(model, config={}, **options)
            said.append("")
        except AssertionError as error:
            said.append(str(error))
    inputs = keras.Input((8,))
    noisy = keras.layers.BatchNormalization()(keras.layers.Dropout(0.5)(inputs))
    report = bnlint.check_model(keras.Model(inputs, keras.layers.Dense(1)(noisy)), config={})
    return [*said, str(report)]


def main(package: str) -> None:
    """Print everything."""
    device = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
    keras = importlib.import_module(package)
    styles = ("built", "sequential", "subclass")
    found = {
        "same": {
            style: fitted(keras, style) == fitted(keras, style, bnlint.Watch(config={}, file=io.StringIO()))
            for style in styles
        },
        "batches": batches(keras),
        "convergence": {style: convergence(keras, style) for style in styles},
        "refused": refused(keras),
        "again": again(keras),
        "distributed": distributed(keras),
        "clean": cleanliness(keras),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
