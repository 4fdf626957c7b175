"""Builds the rows of the mode table as models and runs them, as JSON: python live_modes.py keras|tf_keras quick|all."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import tensorflow as tf

from bnlint.reference.modes import STOCK, Level, Situation, rows

keras: Any = importlib.import_module(sys.argv[1])
LEGACY = sys.argv[1] == "tf_keras"
CHANNELS, SAMPLES, EPSILON = 4, 16, 1e-3
X = np.random.default_rng(0).normal(2, 3, (SAMPLES, CHANNELS)).astype("float32")
Y = np.ones((SAMPLES, 1), "float32")
DATA = tf.data.Dataset.from_tensors((X, Y))


class Told(keras.layers.Layer):  # type: ignore[name-defined, misc]
    """A layer that does nothing but listen."""

    def call(self, x: Any, training: Any = None) -> Any:
        return x * 1.0


class Steps:
    """A train_step of the model's own where `own` says with which flag, Keras's otherwise."""

    own: dict[str, bool] | None = None

    def train_step(self: Any, data: Any) -> Any:
        if self.own is None:
            return super().train_step(data)  # type: ignore[misc]
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, **self.own) - y) ** 2)
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return {"own loss": loss}


class Written:
    """A level as a class: it runs what is inside as `level` says."""

    def write(self: Any, level: Level, inner: Any, head: Any) -> Any:
        self.flag, self.inner, self.head = level.flag, inner, head
        self.told, self.earlier = Told(), level.earlier
        return self

    def run(self: Any, x: Any, training: Any) -> Any:
        if self.earlier is not None:
            x = self.told(x, training=self.earlier)
        if self.flag is None:
            x = self.inner(x)
        else:
            x = self.inner(x, training=training if self.flag == "forwarded" else self.flag)
        return x if self.head is None else self.head(x)


class Missing(Written):
    def call(self, x: Any) -> Any:
        return self.run(x, None)


class DefaultNone(Written):
    def call(self, x: Any, training: Any = None) -> Any:
        return self.run(x, training)


class DefaultTrue(Written):
    def call(self, x: Any, training: Any = True) -> Any:
        return self.run(x, training)


class DefaultFalse(Written):
    def call(self, x: Any, training: Any = False) -> Any:
        return self.run(x, training)


class Functional(Steps, keras.Model):  # type: ignore[name-defined, misc]
    pass


class Sequential(Steps, keras.Sequential):  # type: ignore[name-defined, misc]
    pass


CALLS = {None: DefaultNone, True: DefaultTrue, False: DefaultFalse}
SUBCLASSES: dict[tuple[Any, str], Any] = {
    (call, style): type(f"{call.__name__}{style}", bases(call), {})
    for call in (Missing, *CALLS.values())
    for style, bases in (
        ("subclass", lambda call: (call, Steps, keras.Model)),
        ("layer", lambda call: (call, keras.layers.Layer)),
    )
}


def build(path: tuple[Level, ...], norm: Any, head: Any = None) -> Any:
    """The model or layer that `path` describes, around `norm`; `head` behind it, in the outermost."""
    if not path:
        return norm
    level, inner = path[0], build(path[1:], norm)
    if level.style == "sequential":
        return Sequential([keras.Input((CHANNELS,)), inner, *([head] if head else [])])
    if level.style == "functional":
        inputs = tensor = keras.Input((CHANNELS,))
        if level.earlier is not None:
            tensor = Told()(tensor, training=level.earlier)
        tensor = inner(tensor) if level.flag is None else inner(tensor, training=level.flag)
        return Functional(inputs, head(tensor) if head else tensor)
    kind = SUBCLASSES[CALLS[level.default] if level.parameter else Missing, level.style]
    return kind().write(level, inner, head)


class Trial:
    """A model for one situation or for several, made ready for its first phase."""

    def __init__(self, row: Situation) -> None:
        self.norm = keras.layers.BatchNormalization(momentum=0.5, epsilon=EPSILON)
        self.head = keras.layers.Dense(1) if row.path else None
        self.model = build(row.path, self.norm, self.head)
        self.model(X)
        if row.held:
            self.model.layers[0 if row.path[0].style == "sequential" else 1].trainable = False
            if row.path[0].style == "subclass":
                self.model.inner.trainable = False
        self.norm.trainable = row.trainable if row.since == "build" else not row.trainable
        self.optimizer = keras.optimizers.SGD(1e-3)
        if row.path:
            self.model.compile(keras.optimizers.SGD(1e-3), "mse", run_eagerly=not row.traced)
        if row.since == "run":
            self.run(row)
        self.norm.trainable = row.trainable

    def run(self, row: Situation) -> Any:
        """The phase: a loss, or the outputs."""
        model, told = self.model, {} if row.flag is None else {"training": row.flag}
        if row.path:
            model.own = told if row.phase == "train_step" else None
        if row.phase in ("fit", "train_step"):
            history = model.fit(DATA, verbose=0).history
            return history["loss" if row.phase == "fit" else "own loss"][0]
        if row.phase in ("evaluate", "predict"):
            return getattr(model, row.phase)(DATA, verbose=0)
        if row.phase in STOCK:
            return getattr(model, row.phase)(*((X,) if row.phase == "predict_on_batch" else (X, Y)))
        step = self._call if row.phase == "call" else self._learn
        key = (row.phase, row.flag)
        if row.traced and key not in self._traced:
            self._traced[key] = tf.function(step)
        return self._traced[key](told) if row.traced else step(told)

    @cached_property
    def _traced(self) -> dict[Any, Callable[..., Any]]:
        return {}

    def _call(self, told: dict[str, bool]) -> Any:
        return self.model(tf.constant(X), **told)

    def _learn(self, told: dict[str, bool]) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.model(tf.constant(X), **told) - Y) ** 2)
        variables = self.model.trainable_variables
        if variables:
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    def observe(self, row: Situation) -> dict[str, Any]:
        """Which statistics were used, whether they moved, and whether gamma and beta did."""
        norm = self.norm
        for variable, value in ((norm.gamma, 1), (norm.beta, 0), (norm.moving_mean, 0), (norm.moving_variance, 1)):
            variable.assign(np.full(CHANNELS, value, "float32"))
        if self.head is not None:
            self.head.kernel.assign(np.ones((CHANNELS, 1), "float32"))
            self.head.bias.assign(np.zeros(1, "float32"))
        outputs = {
            True: (X - X.mean(0)) / np.sqrt(X.var(0) + EPSILON),
            False: X / np.sqrt(1 + EPSILON),
        }
        if row.path:
            self.model.reset_metrics()  # Where train_on_batch goes on averaging, as in Keras 3.3.
        got = np.asarray(self.run(row))
        fits = [training for training, output in outputs.items() if self._is(got, output)]
        assert len(fits) == 1, f"{row}: neither or both modes give {got}"
        learned = abs(np.asarray(norm.gamma) - 1).max() + abs(np.asarray(norm.beta)).max()
        moved = abs(np.asarray(norm.moving_mean)).max() + abs(np.asarray(norm.moving_variance) - 1).max()
        return {"training": fits[0], "moves": bool(moved > 1e-3), "learns": bool(learned > 1e-6)}

    def _is(self, got: Any, output: Any) -> bool:
        output = output.sum(1, keepdims=True) if self.head is not None else output
        wanted = output if got.ndim else ((output - 1) ** 2).mean()
        return bool(got.shape == wanted.shape and np.allclose(got, wanted, rtol=1e-3, atol=1e-3))


def is_quick(row: Situation) -> bool:
    """Whether a row is one of the few that every run of the tests can wait for."""
    usual = row.trainable and not row.traced and row.since == "build"
    return usual and len(row.path) < 2 and row.phase in ("fit", "predict", "call")


def measure(chosen: list[Situation]) -> list[dict[str, Any]]:
    """What each row comes to: which statistics, whether they move, whether gamma and beta learn; or what it raises."""
    ready: dict[Any, Trial] = {}
    found = []
    for row in chosen:
        fresh = row.traced or row.since != "build"
        key = None if fresh else (row.path, row.trainable, row.held)
        try:
            if key not in ready:
                ready.clear()
                ready[key] = Trial(row)
            found.append({**ready[key].observe(row), "raises": ""})
        except AssertionError:
            raise
        except Exception as error:
            found.append({"training": False, "moves": False, "learns": False, "raises": type(error).__name__})
        if fresh:
            ready.clear()
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    major, minor = (2, None) if LEGACY else map(int, keras.__version__.split(".")[:2])
    table = list(rows(major, minor))
    numbers = [number for number, row in enumerate(table) if sys.argv[2] == "all" or is_quick(row)]
    found = measure([table[number] for number in numbers])
    print(json.dumps({"version": keras.__version__, "numbers": numbers, "rows": found}))
