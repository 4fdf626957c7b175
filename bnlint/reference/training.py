"""Small dense networks and their training, for the experiments on the cards: gradients by hand, float64, seeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .activations import ACTIVATIONS, log_softmax
from .arrays import Array, array
from .batchnorm import BatchNorm
from .linear import dense
from .noise import dropout
from .normalizations import group_normalization

Labels = npt.NDArray[np.intp]

DERIVATIVES: dict[str, Callable[[Array], Array]] = {
    "relu": lambda y: (y > 0).astype(np.float64),
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y**2,
}
"""Of the activation, as a function of its output."""


class Dense:
    """y = x @ kernel + bias, with `units` columns; the kernel is drawn at the first call, as Keras draws it.

    kernel ~ uniform(-limit, limit), limit = sqrt(6 / (inputs + units))  (Glorot & Bengio 2010)
    """

    variables = ("kernel", "bias")
    kernel: Array
    bias: Array

    def __init__(self, units: int, rng: np.random.Generator, use_bias: bool = True) -> None:
        self.units, self.use_bias, self.trainable = units, use_bias, True
        self._rng = rng

    def __call__(self, x: Array, training: bool = False) -> Array:
        if not hasattr(self, "kernel"):
            limit = np.sqrt(6 / (x.shape[-1] + self.units))
            self.kernel = self._rng.uniform(-limit, limit, (x.shape[-1], self.units))
            self.bias = np.zeros(self.units)
        self._x = x
        return dense(x, self.kernel, self.bias)

    def gradient(self, dy: Array) -> tuple[Array, ...]:
        """dx = dy @ kernel^T, dkernel = x^T @ dy, dbias = sum(dy) or 0 without a bias."""
        return dy @ self.kernel.T, self._x.T @ dy, dy.sum(0) * self.use_bias


class Activation:
    """relu, sigmoid or tanh, whose derivative is a function of the output."""

    variables: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self.name, self.trainable = name, True
        self._function, self._derivative = ACTIVATIONS[name], DERIVATIVES[name]

    def __call__(self, x: Array, training: bool = False) -> Array:
        self._y: Array = self._function(x)
        return self._y

    def gradient(self, dy: Array) -> tuple[Array, ...]:
        """dx = dy * y', y' being y > 0, y * (1 - y) or 1 - y^2."""
        return (dy * self._derivative(self._y),)


class Dropout:
    """x * k / (1 - rate) in training mode, x otherwise; see `noise.dropout`."""

    variables: tuple[str, ...] = ()

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        self.rate, self.trainable = rate, True
        self._rng = rng

    def __call__(self, x: Array, training: bool = False) -> Array:
        self._scale = dropout(np.ones_like(x), self.rate, self._rng) if training else np.ones(())
        y: Array = x * self._scale
        return y

    def gradient(self, dy: Array) -> tuple[Array, ...]:
        """dx = dy * k / (1 - rate)"""
        return (dy * self._scale,)


class GroupNorm:
    """`normalizations.group_normalization` of (batch, channels); one group is layer normalization."""

    variables = ("gamma", "beta")
    gamma: Array
    beta: Array

    def __init__(self, groups: int, epsilon: float = 1e-3) -> None:
        self.groups, self.epsilon, self.trainable = groups, epsilon, True

    def __call__(self, x: Array, training: bool = False) -> Array:
        if not hasattr(self, "gamma"):
            self.gamma, self.beta = np.ones(x.shape[-1]), np.zeros(x.shape[-1])
        self._x = x
        return group_normalization(x, self.gamma, self.beta, self.groups, epsilon=self.epsilon)

    def gradient(self, dy: Array) -> tuple[Array, ...]:
        r"""dx, dgamma, dbeta; the means over each example's group:

        dx_hat = dy * gamma
        dx     = (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat)) / sigma
        """
        grouped = (len(dy), self.groups, -1)
        x, dx_hat = self._x.reshape(grouped), (dy * self.gamma).reshape(grouped)
        sigma = np.sqrt(x.var(-1, keepdims=True) + self.epsilon)
        x_hat = (x - x.mean(-1, keepdims=True)) / sigma
        along = (dx_hat * x_hat).mean(-1, keepdims=True)
        dx = (dx_hat - dx_hat.mean(-1, keepdims=True) - x_hat * along) / sigma
        return dx.reshape(dy.shape), (dy * x_hat.reshape(dy.shape)).sum(0), dy.sum(0)


Layer = Dense | Activation | Dropout | GroupNorm | BatchNorm


class Optimizer(Protocol):
    """Gives a variable's new value; `key` is the layer's number and the variable's name."""

    def __call__(self, key: tuple[int, str], value: Array, gradient: Array) -> Array: ...


class SGD:
    """v = momentum * v - learning_rate * gradient; w = w + v"""

    def __init__(self, learning_rate: float, momentum: float = 0.0) -> None:
        self.learning_rate, self.momentum = learning_rate, momentum
        self._v: dict[tuple[int, str], Array] = {}

    def __call__(self, key: tuple[int, str], value: Array, gradient: Array) -> Array:
        self._v[key] = self.momentum * self._v.get(key, np.zeros(())) - self.learning_rate * gradient
        return value + self._v[key]


class Adam:
    """m and v move towards g and g^2 with 0.9 and 0.999; w = w - a * m / (sqrt(v) + 1e-7) (Kingma & Ba 2015)

    a = learning_rate * sqrt(1 - 0.999^t) / (1 - 0.9^t) in step t. With a weight decay it is AdamW (Loshchilov & Hutter
    2019): before, w = w - learning_rate * weight_decay * w, unless the variable's name is `excluded`.
    """

    def __init__(self, learning_rate: float, weight_decay: float = 0.0, excluded: Sequence[str] = ()) -> None:
        self.learning_rate, self.weight_decay, self.excluded = learning_rate, weight_decay, tuple(excluded)
        self._state: dict[tuple[int, str], tuple[int, Any, Any]] = {}

    def __call__(self, key: tuple[int, str], value: Array, gradient: Array) -> Array:
        t, m, v = self._state.get(key, (0, 0.0, 0.0))
        t, m, v = t + 1, m + 0.1 * (gradient - m), v + 0.001 * (gradient**2 - v)
        self._state[key] = t, m, v
        if self.weight_decay and key[1] not in self.excluded:
            value = value * (1 - self.learning_rate * self.weight_decay)
        new: Array = value - self.learning_rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
        return new


GRID = 2.0**-20
"""Variables are kept to multiples of this, about float32's precision: the last bits, which depend on the processor,
would grow in training until they show in the results."""


class Network:
    """Layers one after the other, the last one's output the logits of a softmax; what is not `trainable` stays."""

    def __init__(self, layers: Sequence[Layer], optimizer: Optimizer) -> None:
        self.layers, self.optimizer = list(layers), optimizer

    def __call__(self, x: npt.ArrayLike, training: bool = False) -> Array:
        """The logits."""
        y = array(x)
        for layer in self.layers:
            y = layer(y, training=training)
        return y

    def step(self, x: npt.ArrayLike, y: Labels, training: bool = True) -> float:
        """One update on a batch: its loss before, the mean of -log softmax(logits)[y]. dlogits = (softmax - 1_y) / n"""
        logs = log_softmax(self(x, training))
        dy = np.exp(logs)
        rows = np.arange(len(y))
        dy[rows, y] -= 1
        dy /= len(y)
        for number, layer in reversed(list(enumerate(self.layers))):
            dy, *gradients = layer.gradient(dy)
            if layer.trainable:
                names = ("gamma", "beta") if isinstance(layer, BatchNorm) else layer.variables
                for name, gradient in zip(names, gradients, strict=True):
                    value = self.optimizer((number, name), getattr(layer, name), gradient)
                    setattr(layer, name, np.round(value / GRID) * GRID)
        return float(-logs[rows, y].mean())

    def epoch(self, x: npt.ArrayLike, y: Labels, batch: int, rng: np.random.Generator, training: bool = True) -> float:
        """An update on each batch of the examples in random order, the rest left out; the mean loss of the batches."""
        x, order = array(x), rng.permutation(len(y))
        batches = order[: len(y) // batch * batch].reshape(-1, batch)
        return float(np.mean([self.step(x[rows], y[rows], training) for rows in batches]))

    def loss(self, x: npt.ArrayLike, y: Labels, training: bool = False) -> float:
        """The mean loss, in inference mode unless said otherwise."""
        return float(-log_softmax(self(x, training))[np.arange(len(y)), y].mean())

    def accuracy(self, x: npt.ArrayLike, y: Labels) -> float:
        """The share of examples whose largest logit is that of y, in inference mode."""
        return float((self(x).argmax(-1) == y).mean())


def digits() -> tuple[Array, Labels, Array, Labels]:
    """Handwritten digits, 64 pixels from 0 to 1 each: 1,437 images and labels to train on, 360 to test on.

    They come with scikit-learn (from the UCI repository, Alpaydin & Kaynak 1998). Raises ImportError without it.
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order] / 16, y[order]
    return x[:1437], y[:1437], x[1437:], y[1437:]
