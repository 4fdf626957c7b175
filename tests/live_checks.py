"""Checks live models and prints what came of it, as JSON: python live_checks.py keras|tf_keras"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import numpy as np

import bnlint
from bnlint.doors.live import door as live


def numbers(value: Any) -> Any:
    """A variable's or tensor's value, of PyTorch too, as an array."""
    held = getattr(value, "value", value)
    return np.asarray(held.detach() if hasattr(held, "detach") else value)


def everything(keras: Any, model: Any) -> list[Any]:
    """All that could have changed: variables, the optimizer's, the layers' nodes and losses, random numbers to come."""
    layers = list(model._flatten_layers())
    counts = [[len(layer._inbound_nodes), len(layer._outbound_nodes), layer.built] for layer in layers]
    losses = [str(loss) for loss in model.losses]
    variables = [*model.variables, *getattr(model.optimizer, "variables", [])]
    return [[numbers(variable).tolist() for variable in variables], counts, losses]


def models(keras: Any) -> dict[str, Any]:
    """Models of all kinds, trained a little, with data for them."""
    layers = keras.layers
    rng = np.random.default_rng(0)
    x = rng.normal(2, 3, (64, 8)).astype("float32")

    class Noisy(layers.Layer):  # type: ignore[misc, name-defined]
        """A layer with a normalization, dropout, a loss and an argument that no configuration knows."""

        def __init__(self, units: int) -> None:
            super().__init__()
            self.dense, self.norm = layers.Dense(units), layers.BatchNormalization()
            self.drop = layers.Dropout(0.5, seed=1)

        def call(self, x: Any, training: Any = None) -> Any:
            x = self.drop(self.norm(self.dense(x), training=training), training=training)
            self.add_loss(0.001 * (x * x)[0, 0])
            return x

    class Net(keras.Model):  # type: ignore[misc, name-defined]
        """A subclass of two blocks."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.out = Noisy(8), Noisy(8), layers.Dense(1, activity_regularizer="l2")

        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(x + self.second(self.first(x, training=training), training=training))

    inputs = keras.Input((8,))
    hidden = Noisy(8)(inputs)
    hidden = layers.Lambda(lambda t: t * 2.0)(hidden)
    functional = keras.Model(inputs, layers.Dense(1)(layers.BatchNormalization(momentum=0.5)(hidden)))
    sequential = keras.Sequential([layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(1)])
    made = {"subclass": Net(), "functional": functional, "sequential": sequential}
    for model in made.values():
        model.compile("adam", "mse")
        model.fit(x, x[:, :1], verbose=0)
    return {**made, "data": x}


def unbuilt(keras: Any) -> dict[str, str]:
    """What is said of models that have no shapes yet, and of what is no model."""

    class Net(keras.Model):  # type: ignore[misc, name-defined]
        """Never called."""

        def call(self, x: Any) -> Any:
            return x

    said = {}
    for name, model in {"subclass": Net(), "sequential": keras.Sequential([keras.layers.Dense(2)]), "int": 3}.items():
        try:
            bnlint.check_model(model, config={})
        except (ValueError, TypeError) as error:
            said[name] = f"{type(error).__name__}: {error}"
    return said


def flags(keras: Any) -> dict[str, Any]:
    """The `training` that each BN call of a subclass passes, and the order of its calls."""
    layers = keras.layers

    class Net(keras.Model):  # type: ignore[misc, name-defined]
        """Passes the flag, a literal, and nothing; calls one layer twice."""

        def __init__(self) -> None:
            super().__init__()
            self.norms = [layers.BatchNormalization() for _ in range(4)]

        def call(self, x: Any, training: Any = None) -> Any:
            a = self.norms[0](x, training=training)
            b = self.norms[1](a, training=True)
            c = self.norms[2](b, training=False)
            return self.norms[3](c) + self.norms[0](a, training=not training if training is not None else None)

    model = Net()
    model(np.zeros((2, 3), "float32"))
    program = live.read(model)
    calls = [call for call in program.models[-1].nodes if call.layer.kind == "BatchNormalization"]
    first = min(call.layer.time for call in calls)
    order = sorted({call.layer.time for call in calls})
    return {
        "flags": [repr(call.training.value) for call in calls],
        "layers": [order.index(call.layer.time) for call in calls],
        "signature": program.models[-1].signature,
        "first": first,
    }


def random_numbers(keras: Any) -> list[Any]:
    """The next random numbers of NumPy and of a Dropout without a seed of its own."""
    ones = np.ones((4, 4), "float32")
    return [np.random.rand(3).tolist(), numbers(keras.layers.Dropout(0.5)(ones, training=True)).tolist()]


def gaps(keras: Any) -> list[tuple[float, float]]:
    """The gap of each of two normalizations, as measured and as the difference of Keras's own outputs."""
    layers = keras.layers
    rng = np.random.default_rng(1)
    x = rng.normal(1, 2, (128, 6, 6, 3)).astype("float32")
    norms = [layers.BatchNormalization(momentum=0.9, epsilon=1e-2), layers.BatchNormalization(axis=1)]
    model = keras.Sequential([layers.Input((6, 6, 3)), norms[0], layers.ReLU(), layers.Permute((3, 1, 2)), norms[1]])
    found = [layer.state.gap for layer in live.read(model, data=x).layers if layer.state is not None]
    middle = numbers(model.layers[2](model.layers[1](norms[0](x, training=False))))
    own = []
    for norm, given in zip(norms, (x, middle), strict=True):
        inferred = numbers(norm(given, training=False)).astype(np.float64)
        trained = numbers(norm(given, training=True)).astype(np.float64)
        over = tuple(axis for axis in range(4) if axis != norm_axis(norm))
        own.append(np.sqrt(((trained - inferred) ** 2).mean()) / np.sqrt(trained.var(over).mean()))
    return [(gap.own, float(expected)) for gap, expected in zip(found, own, strict=True)]


def norm_axis(norm: Any) -> int:
    """A normalization's axis in inputs of rank 4."""
    return int(np.ravel(norm.axis)[0]) % 4


def nested(keras: Any) -> list[list[str]]:
    """The kinds of the calls of a subclass that calls another, and of that other's."""

    class Inner(keras.Model):  # type: ignore[misc, name-defined]
        """Normalizes."""

        def __init__(self) -> None:
            super().__init__()
            self.norm = keras.layers.BatchNormalization()

        def call(self, x: Any, training: Any = None) -> Any:
            return self.norm(x, training=training)

    class Outer(Inner):
        """Adds what the other gives to its input."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def call(self, x: Any, training: Any = None) -> Any:
            return self.norm(x + self.inner(x, training=training), training=training)

    model = Outer()
    model(np.zeros((2, 3), "float32"))
    return [[call.layer.kind for call in each.nodes] for each in live.read(model).models]


def main(package: str) -> None:
    """Print everything."""
    keras = importlib.import_module(package)
    found: dict[str, Any] = {
        "unbuilt": unbuilt(keras),
        "flags": flags(keras),
        "kept": {},
        "graphs": {},
        "same random numbers": {},
    }
    found["gaps"], found["nested"] = gaps(keras), nested(keras)
    made = models(keras)
    data = made.pop("data")
    for name, model in made.items():
        before = everything(keras, model)
        model(data, training=True)
        changed = everything(keras, model)
        keras.utils.set_random_seed(7)
        expected = random_numbers(keras)
        keras.utils.set_random_seed(7)
        reports = [bnlint.check_model(model, config={}), bnlint.check_model(model, data, config={})]
        found["kept"][name] = everything(keras, model) == changed != before
        found["same random numbers"][name] = random_numbers(keras) == expected != random_numbers(keras)
        found["graphs"][name] = [
            [report.coverage, sorted(f"{f.rule} {f.place.layer}" for f in report), len(report.failures), report.notes]
            for report in reports
        ]
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
