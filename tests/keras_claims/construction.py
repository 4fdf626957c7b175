"""What Keras makes of layers in the wrong place, and of layers nobody uses."""

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


def sequential(bench: Bench) -> Measured:
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


def cards_that_say_it_raises(bench: Bench) -> Measured:
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


def lambdas(bench: Bench) -> Measured:
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


def discarded(bench: Bench) -> Measured:
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


CLAIMS = (
    sequential,
    cards_that_say_it_raises,
    lambdas,
    discarded,
)
