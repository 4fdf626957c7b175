"""Pooling, resizing, padding, reshaping and joining: what may stand between a linear layer and a batch normalization.

`x` is (batch, spatial..., channels), or (batch, channels, spatial...) with data_format="channels_first"; results are in
float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .arrays import Array, array
from .windows import Sizes, channels_last, each, restored, windows

Amounts = int | Sequence[int | Sequence[int]]
"""Of padding or cropping: one number, one for each spatial axis, or a pair (before, behind) for each."""


def max_pooling(
    x: npt.ArrayLike,
    size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Array:
    """y[b, i, c] = the maximum of x[b, i * s + j, c] over j in the window; padding is never the maximum."""
    seen, over = _pooled(x, size, strides, padding, data_format, fill=-np.inf)
    return restored(seen.max(over), data_format)


def average_pooling(
    x: npt.ArrayLike,
    size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Array:
    """y[b, i, c] = the mean of x[b, i * s + j, c] over j in the window; padding does not count."""
    seen, over = _pooled(x, size, strides, padding, data_format, fill=0)
    inside = np.ones_like(channels_last(x, data_format)[:1, ..., :1])
    counts, _ = _pooled(inside, size, strides, padding, "channels_last", fill=0)
    return restored(seen.sum(over) / counts.sum(over), data_format)


def _pooled(
    x: npt.ArrayLike, size: Sizes, strides: Sizes | None, padding: str, data_format: str, fill: float
) -> tuple[Array, tuple[int, ...]]:
    """The windows, and the axes to reduce."""
    x = channels_last(x, data_format)
    rank = x.ndim - 2
    size = each(size, rank)
    seen = windows(x, size, size if strides is None else strides, padding=padding, fill=fill)
    return seen, tuple(range(rank + 1, 2 * rank + 1))


def global_max_pooling(x: npt.ArrayLike, keepdims: bool = False, data_format: str = "channels_last") -> Array:
    """The maximum over all spatial axes."""
    x = channels_last(x, data_format)
    y: Array = x.max(tuple(range(1, x.ndim - 1)), keepdims=keepdims)
    return restored(y, data_format) if keepdims else y


def global_average_pooling(x: npt.ArrayLike, keepdims: bool = False, data_format: str = "channels_last") -> Array:
    """The mean over all spatial axes."""
    x = channels_last(x, data_format)
    y: Array = x.mean(tuple(range(1, x.ndim - 1)), keepdims=keepdims)
    return restored(y, data_format) if keepdims else y


def up_sampling(
    x: npt.ArrayLike, size: Sizes = 2, interpolation: str = "nearest", data_format: str = "channels_last"
) -> Array:
    """UpSampling1D, UpSampling2D, UpSampling3D: every spatial axis s times as long, interpolation nearest or bilinear.

    nearest:  y[i] = x[floor(i / s)]
    bilinear: y[i] = (1 - t) * x[l] + t * x[l + 1] at l + t = (i + 1/2) / s - 1/2, indices held inside x
    """
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"interpolation is nearest or bilinear, not {interpolation}")
    y = channels_last(x, data_format)
    for axis, s in enumerate(each(size, y.ndim - 2), start=1):
        n = y.shape[axis]
        if interpolation == "nearest":
            y = np.repeat(y, s, axis)
            continue
        at = (np.arange(n * s) + 1 / 2) / s - 1 / 2
        low = np.floor(at).astype(int)
        t = (at - low).reshape(-1, *[1] * (y.ndim - axis - 1))
        y = (1 - t) * np.take(y, low.clip(0), axis) + t * np.take(y, (low + 1).clip(max=n - 1), axis)
    return restored(y, data_format)


def zero_padding(x: npt.ArrayLike, padding: Amounts = 1, data_format: str = "channels_last") -> Array:
    """Zeros before and behind every spatial axis."""
    x = channels_last(x, data_format)
    return restored(np.pad(x, [(0, 0), *_pairs(padding, x.ndim - 2), (0, 0)]), data_format)


def cropping(x: npt.ArrayLike, cropping: Amounts = 1, data_format: str = "channels_last") -> Array:
    """Elements taken off before and behind every spatial axis."""
    x = channels_last(x, data_format)
    pairs = _pairs(cropping, x.ndim - 2)
    inside = [slice(a, n - b) for n, (a, b) in zip(x.shape[1:-1], pairs, strict=True)]
    return restored(x[(slice(None), *inside)], data_format)


def _pairs(amounts: Amounts, rank: int) -> list[tuple[int, int]]:
    """(before, behind) for each spatial axis. On one axis, two numbers are its pair."""
    if isinstance(amounts, int):
        return [(amounts, amounts)] * rank
    if rank == 1 and len(amounts) == 2:
        amounts = [amounts]  # type: ignore[list-item]
    return [(a, a) if isinstance(a, int) else (a[0], a[1]) for a in amounts]


def flatten(x: npt.ArrayLike, data_format: str = "channels_last") -> Array:
    """(batch, everything else), channels last in the order of the elements."""
    x = channels_last(x, data_format)
    return x.reshape(x.shape[0], -1)


def reshape(x: npt.ArrayLike, shape: Sequence[int]) -> Array:
    """The same elements in this shape, the batch left out; one axis may be -1."""
    x = array(x)
    shape = tuple(shape)
    known = math.prod(size for size in shape if size != -1)
    return x.reshape(x.shape[0], *[x[:1].size // known if size == -1 else size for size in shape])


def permute(x: npt.ArrayLike, dims: Sequence[int]) -> Array:
    """The axes in this order, counted from 1; the batch stays in front."""
    return array(x).transpose(0, *dims)


def repeat_vector(x: npt.ArrayLike, n: int) -> Array:
    """(batch, channels) n times on a new axis: (batch, n, channels)."""
    return np.repeat(array(x)[:, None], n, axis=1)


def concatenate(xs: Sequence[npt.ArrayLike], axis: int = -1) -> Array:
    """One behind the other."""
    return np.concatenate([array(x) for x in xs], axis)


def add(xs: Sequence[npt.ArrayLike]) -> Array:
    """x1 + x2 + ..."""
    y: Array = sum((array(x) for x in xs[1:]), start=array(xs[0]))
    return y


def subtract(x1: npt.ArrayLike, x2: npt.ArrayLike) -> Array:
    """x1 - x2"""
    return array(x1) - array(x2)


def multiply(xs: Sequence[npt.ArrayLike]) -> Array:
    """x1 * x2 * ..."""
    return math.prod((array(x) for x in xs[1:]), start=array(xs[0]))


def average(xs: Sequence[npt.ArrayLike]) -> Array:
    """(x1 + x2 + ...) / how many"""
    return add(xs) / len(xs)


def maximum(xs: Sequence[npt.ArrayLike]) -> Array:
    """max(x1, x2, ...), element by element"""
    y: Array = np.maximum.reduce([array(x) for x in xs])
    return y


def minimum(xs: Sequence[npt.ArrayLike]) -> Array:
    """min(x1, x2, ...), element by element"""
    y: Array = np.minimum.reduce([array(x) for x in xs])
    return y
