"""What is random in training mode; inference mode is the identity, and the caller's to choose.

All draws come from the generator given: the same seed gives the same noise, whatever runs in between.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .arrays import Array, array


def dropout(
    x: npt.ArrayLike, rate: float, rng: np.random.Generator, noise_shape: Sequence[int | None] | None = None
) -> Array:
    """x * k / (1 - rate), k drawn from {0, 1} with P(k = 0) = rate for each element of `noise_shape` (None: of x)."""
    x = array(x)
    k = _kept(x, rate, rng, noise_shape)
    return np.zeros_like(x) if rate >= 1 else x * k / (1 - rate)


def spatial_dropout(
    x: npt.ArrayLike, rate: float, rng: np.random.Generator, data_format: str = "channels_last"
) -> Array:
    """Dropout of whole channels: one draw for each example and channel."""
    x = array(x)
    channel = 1 if data_format == "channels_first" else x.ndim - 1
    return dropout(x, rate, rng, [size if axis in (0, channel) else 1 for axis, size in enumerate(x.shape)])


def alpha_dropout(
    x: npt.ArrayLike, rate: float, rng: np.random.Generator, noise_shape: Sequence[int | None] | None = None
) -> Array:
    """a * (x * k + alpha' * (1 - k)) + b, which keeps mean 0 and variance 1 (Klambauer et al. 2017):

    alpha' = -scale * alpha of selu,  a = ((1 - rate) * (1 + rate * alpha'^2))^(-1/2),  b = -a * alpha' * rate
    """
    x = array(x)
    k = _kept(x, rate, rng, noise_shape)
    alpha = -1.0507009873554805 * 1.6732632423543772
    a = 1 / math.sqrt((1 - rate) * (1 + rate * alpha**2))
    b = -a * alpha * rate
    return a * (x * k + alpha * (1 - k)) + b


def gaussian_dropout(x: npt.ArrayLike, rate: float, rng: np.random.Generator) -> Array:
    """x * (1 + s * e), e standard normal, s = sqrt(rate / (1 - rate))"""
    x = array(x)
    return x * (1 + math.sqrt(rate / (1 - rate)) * rng.standard_normal(x.shape))


def gaussian_noise(x: npt.ArrayLike, stddev: float, rng: np.random.Generator) -> Array:
    """x + stddev * e, e standard normal"""
    x = array(x)
    return x + stddev * rng.standard_normal(x.shape)


def _kept(x: Array, rate: float, rng: np.random.Generator, noise_shape: Sequence[int | None] | None) -> Array:
    """1 where an element stays."""
    shape = x.shape if noise_shape is None else [n or size for n, size in zip(noise_shape, x.shape, strict=True)]
    return (rng.random(shape) >= rate).astype(np.float64)
