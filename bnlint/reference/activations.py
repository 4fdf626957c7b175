"""The functions of keras.activations, each of an array in float64; `activation` finds them by name.

Sparsemax is missing: Keras 3.15 adds up too many partial sums in it, so that its output does not sum to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .arrays import Array


def linear(x: Array) -> Array:
    """x"""
    return x


def relu(x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """x where x > threshold, held in 0 to max_value if there is one; else negative_slope * (x - threshold)."""
    above = x if max_value is None else np.clip(x, 0, max_value)
    return np.where(x > threshold, above, negative_slope * (x - threshold))


def relu6(x: Array) -> Array:
    """min(max(x, 0), 6)"""
    return np.clip(x, 0, 6)


def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """x where x > 0, else negative_slope * x; the layers LeakyReLU (slope 0.3) and PReLU (a slope a channel) too."""
    return np.where(x > 0, x, negative_slope * x)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """x where x > 0, else alpha * (exp(x) - 1)"""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def celu(x: Array, alpha: float = 1.0) -> Array:
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)"""
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)


def selu(x: Array) -> Array:
    """scale * elu(x, alpha) with the constants of Klambauer et al. 2017, which keep mean 0 and variance 1."""
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def gelu(x: Array, approximate: bool = False) -> Array:
    """x * (1 + erf(x / sqrt(2))) / 2, or approximately x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2"""
    if approximate:
        return x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
    return x * (1 + erf(x / math.sqrt(2))) / 2


def erf(x: Array) -> Array:
    """The error function, element by element: NumPy has none."""
    return np.fromiter(map(math.erf, x.flat), np.float64, x.size).reshape(x.shape)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2"""
    return (1 + tanh(x / 2)) / 2


def log_sigmoid(x: Array) -> Array:
    """log(sigmoid(x)) = -log(1 + exp(-x))"""
    return -np.logaddexp(0, -x)


def hard_sigmoid(x: Array) -> Array:
    """Keras 3: relu6(x + 3) / 6"""
    return relu6(x + 3) / 6


def hard_sigmoid_2(x: Array) -> Array:
    """Keras 2: min(max(0.2 * x + 0.5, 0), 1)"""
    return np.clip(0.2 * x + 0.5, 0, 1)


def sparse_sigmoid(x: Array) -> Array:
    """min(max((x + 1) / 2, 0), 1)"""
    return np.clip((x + 1) / 2, 0, 1)


def silu(x: Array) -> Array:
    """x * sigmoid(x)"""
    return x * sigmoid(x)


def hard_silu(x: Array) -> Array:
    """x * hard_sigmoid(x)"""
    return x * hard_sigmoid(x)


def glu(x: Array, axis: int = -1) -> Array:
    """a * sigmoid(b), a and b the halves of x along the axis"""
    a, b = np.split(x, 2, axis)
    return a * sigmoid(b)


def tanh(x: Array) -> Array:
    """tanh(x)"""
    return np.tanh(x)


def hard_tanh(x: Array) -> Array:
    """min(max(x, -1), 1)"""
    return np.clip(x, -1, 1)


def tanh_shrink(x: Array) -> Array:
    """x - tanh(x)"""
    return x - np.tanh(x)


def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """sign(x) * max(|x| - threshold, 0)"""
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """x where |x| > threshold, else 0"""
    return np.where(np.abs(x) > threshold, x, 0)


def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """x where x > threshold, else default_value"""
    return np.where(x > threshold, x, default_value)


def softplus(x: Array) -> Array:
    """log(1 + exp(x))"""
    y: Array = np.logaddexp(0, x)
    return y


def softsign(x: Array) -> Array:
    """x / (1 + |x|)"""
    y: Array = x / (1 + np.abs(x))
    return y


def squareplus(x: Array, b: float = 4) -> Array:
    """(x + sqrt(x^2 + b)) / 2"""
    return (x + np.sqrt(x**2 + b)) / 2


def sparse_plus(x: Array) -> Array:
    """0 below -1, (x + 1)^2 / 4 up to 1, x above"""
    return np.where(x >= 1, x, np.maximum(x + 1, 0) ** 2 / 4)


def mish(x: Array) -> Array:
    """x * tanh(softplus(x))"""
    return x * np.tanh(softplus(x))


def exponential(x: Array) -> Array:
    """exp(x)"""
    y: Array = np.exp(x)
    return y


def log_softmax(x: Array, axis: int = -1) -> Array:
    """x - log(sum(exp(x)))"""
    x = x - x.max(axis, keepdims=True)
    y: Array = x - np.log(np.exp(x).sum(axis, keepdims=True))
    return y


def softmax(x: Array, axis: int = -1) -> Array:
    """exp(x) / sum(exp(x))"""
    return np.exp(log_softmax(x, axis))


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    function.__name__: function
    for function in (
        *(linear, relu, relu6, leaky_relu, elu, celu, selu, gelu),
        *(sigmoid, log_sigmoid, hard_sigmoid, sparse_sigmoid, silu, hard_silu, glu),
        *(tanh, hard_tanh, tanh_shrink, soft_shrink, hard_shrink, threshold),
        *(softplus, softsign, squareplus, sparse_plus, mish, exponential, log_softmax, softmax),
    )
}
ACTIVATIONS |= {"swish": silu, "hard_swish": hard_silu}
KERAS_2: dict[str, Callable[..., Array]] = {"hard_sigmoid": hard_sigmoid_2}
"""What Keras 2 computes otherwise under the same name."""


def activation(name: str | None, keras: int = 3) -> Callable[..., Array]:
    """The function of this name, as `activation=` takes it; None is linear. Raises KeyError for an unknown name."""
    return (KERAS_2 if keras == 2 else {}).get(name or "linear") or ACTIVATIONS[name or "linear"]
