"""The library under test, data with two classes, and a model trained on it."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

Measured = dict[str, Any]


def outcome(act: Callable[[], object]) -> str:
    """ "ran", or the name of the exception."""
    try:
        act()
    except Exception as error:
        return type(error).__name__
    return "ran"


class Bench:
    """Keras as `keras` or `tf_keras`; `x`, `y` to train on, `test_x`, `test_y` to test."""

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
