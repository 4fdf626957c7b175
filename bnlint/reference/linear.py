"""Linear layers: dense and convolution of any rank, kernels laid out as Keras lays them out.

`x` is (batch, spatial..., channels), or (batch, channels, spatial...) with data_format="channels_first"; results are in
float64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .arrays import Array, array
from .windows import Sizes, channels_last, each, restored, windows


def dense(x: npt.ArrayLike, kernel: npt.ArrayLike, bias: npt.ArrayLike = 0.0) -> Array:
    """y = x @ kernel + bias, over the last axis; kernel is (inputs, units)."""
    y: Array = array(x) @ array(kernel) + np.asarray(bias)
    return y


def einsum_dense(equation: str, x: npt.ArrayLike, kernel: npt.ArrayLike, bias: npt.ArrayLike = 0.0) -> Array:
    """y = einsum(equation, x, kernel) + bias."""
    y: Array = np.einsum(equation, array(x), array(kernel)) + np.asarray(bias)
    return y


def convolution(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    data_format: str = "channels_last",
) -> Array:
    """Conv1D, Conv2D, Conv3D; kernel is (size..., channels / groups, filters), padding valid, same or causal.

    y[b, i, f] = bias[f] + sum of x[b, i * s + j * d - pad, c] * kernel[j, c, f] over taps j and channels c of f's group
    """
    x, kernel = channels_last(x, data_format), array(kernel)
    *size, depth, filters = kernel.shape
    if x.ndim != len(size) + 2 or x.shape[-1] != depth * groups or filters % groups:
        raise ValueError(f"a kernel of {kernel.shape} in {groups} groups does not fit an input of {x.shape}")
    seen = windows(x, size, strides, dilation, padding)
    out = seen.shape[: len(size) + 1]
    # One matrix product for each group: (positions, taps and channels) @ (taps and channels, filters).
    taps = seen.reshape(int(np.prod(out)), -1, groups, depth).transpose(2, 0, 1, 3)
    y = taps.reshape(groups, taps.shape[1], -1) @ kernel.reshape(-1, groups, filters // groups).transpose(1, 0, 2)
    return restored(y.transpose(1, 0, 2).reshape(*out, filters) + np.asarray(bias), data_format)


def depthwise_convolution(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation: Sizes = 1,
    data_format: str = "channels_last",
) -> Array:
    """DepthwiseConv1D, DepthwiseConv2D: a group for each channel; kernel is (size..., channels, multiplier).

    y[b, i, c * multiplier + q] = bias + sum of x[b, i * s + j * d - pad, c] * kernel[j, c, q] over taps j
    """
    kernel = array(kernel)
    *size, channels, multiplier = kernel.shape
    grouped = kernel.reshape(*size, 1, channels * multiplier)
    return convolution(
        x,
        grouped,
        bias,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=channels,
        data_format=data_format,
    )


def separable_convolution(
    x: npt.ArrayLike,
    depthwise: npt.ArrayLike,
    pointwise: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation: Sizes = 1,
    data_format: str = "channels_last",
) -> Array:
    """SeparableConv1D, SeparableConv2D: y = pointwise * (depthwise * x) + bias, * being convolution.

    pointwise is (1..., channels * multiplier, filters).
    """
    y = depthwise_convolution(
        x, depthwise, strides=strides, padding=padding, dilation=dilation, data_format=data_format
    )
    return convolution(y, pointwise, bias, data_format=data_format)


def transposed_convolution(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike = 0.0,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    dilation: Sizes = 1,
    data_format: str = "channels_last",
) -> Array:
    """Conv1DTranspose, Conv2DTranspose, Conv3DTranspose; kernel is (size..., filters, channels), padding valid or same.

    The transpose of the convolution that maps the output's length N to the input's n, with reach = (k - 1) * d + 1:

        y[b, i * s + j * d - pad, f] += x[b, i, c] * kernel[j, f, c]
        N = n * s (same), (n - 1) * s + max(reach, s) (valid), or with output_padding p:
        N = (n - 1) * s + reach % 2 + p (same), (n - 1) * s + reach + p (valid)
        pad = max((n - 1) * s + reach - N, 0) // 2 (same), 0 (valid)
    """
    if padding not in ("valid", "same"):
        raise ValueError(f"padding is valid or same, not {padding}")
    x, kernel = channels_last(x, data_format), array(kernel)
    size, shape = kernel.shape[:-2], x.shape[1:-1]
    rank = len(size)
    s, d = each(strides, rank), each(dilation, rank)
    p = (None,) * rank if output_padding is None else each(output_padding, rank)
    reach = [(k - 1) * e + 1 for k, e in zip(size, d, strict=True)]
    spread = np.zeros((x.shape[0], *[(n - 1) * t + 1 for n, t in zip(shape, s, strict=True)], x.shape[-1]))
    spread[(slice(None), *[slice(None, None, t) for t in s])] = x
    spread = np.pad(spread, [(0, 0), *[(a - 1, a - 1) for a in reach], (0, 0)])
    flipped = np.flip(kernel, tuple(range(rank))).swapaxes(-1, -2)
    full = convolution(spread, flipped, dilation=dilation)
    for axis, (n, t, a, extra) in enumerate(zip(shape, s, reach, p, strict=True), start=1):
        length = _transposed_length(n, t, a, extra, padding)
        start = max(full.shape[axis] - length, 0) // 2 if padding == "same" else 0
        full = np.moveaxis(_cut(np.moveaxis(full, axis, 0), start, length), 0, axis)
    return restored(full + np.asarray(bias), data_format)


def _transposed_length(n: int, s: int, reach: int, p: int | None, padding: str) -> int:
    """The output's length N of a transposed convolution."""
    if p is None:
        return n * s if padding == "same" else (n - 1) * s + max(reach, s)
    return (n - 1) * s + (reach % 2 if padding == "same" else reach) + p


def _cut(y: Array, start: int, length: int) -> Array:
    """So many rows from this one on; zeros where there are no more."""
    y = y[start : start + length]
    return np.concatenate([y, np.zeros((length - len(y), *y.shape[1:]))])
