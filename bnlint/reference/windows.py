"""Sliding windows over spatial axes: the geometry that convolution and pooling share.

Shapes are (batch, spatial..., channels) inside; `channels_last` and `restored` convert the other data format.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .arrays import Array, array

Sizes = int | Sequence[int]

DATA_FORMATS = ("channels_last", "channels_first")


def channels_last(x: npt.ArrayLike, data_format: str) -> Array:
    """The input in float64 with its channels on the last axis. Raises ValueError for an unknown data format."""
    if data_format not in DATA_FORMATS:
        raise ValueError(f"data_format is {' or '.join(DATA_FORMATS)}, not {data_format}")
    x = array(x)
    return x if data_format == "channels_last" else np.moveaxis(x, 1, -1)


def restored(y: Array, data_format: str) -> Array:
    """The inverse of `channels_last`."""
    return y if data_format == "channels_last" else np.moveaxis(y, -1, 1)


def each(sizes: Sizes, rank: int) -> tuple[int, ...]:
    """One number for each spatial axis."""
    return (sizes,) * rank if isinstance(sizes, int) else tuple(sizes)


def padding_of(n: int, k: int, s: int, d: int, padding: str) -> tuple[int, int]:
    """How many elements go before and behind an axis of length n, for a kernel of k taps at stride s and dilation d.

        reach  = (k - 1) * d + 1
        same   = max((ceil(n / s) - 1) * s + reach - n, 0), the smaller half in front
        causal = reach - 1, all in front

    Raises ValueError for anything but valid, same and causal.
    """
    reach = (k - 1) * d + 1
    if padding == "valid":
        return 0, 0
    if padding == "same":
        total = max((-(-n // s) - 1) * s + reach - n, 0)
        return total // 2, total - total // 2
    if padding == "causal":
        return reach - 1, 0
    raise ValueError(f"padding is valid, same or causal, not {padding}")


def windows(
    x: Array, size: Sequence[int], strides: Sizes, dilation: Sizes = 1, padding: str = "valid", fill: float = 0.0
) -> Array:
    """Every window of (batch, spatial..., channels), as a read-only view (batch, output..., size..., channels).

    window[b, i, j, c] = x[b, i * s + j * d - pad, c] in each spatial axis, `fill` outside of x.
    """
    rank = len(size)
    s, d = each(strides, rank), each(dilation, rank)
    pads = [padding_of(*axis, padding) for axis in zip(x.shape[1:-1], size, s, d, strict=True)]
    if any(map(any, pads)):
        x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    out = [(n - (k - 1) * e - 1) // t + 1 for n, k, t, e in zip(x.shape[1:-1], size, s, d, strict=True)]
    if min(out) < 1:
        raise ValueError(f"a window of {tuple(size)} is larger than the input of {x.shape[1:-1]}")
    batch, *steps, channel = x.strides
    jumps = [step * t for step, t in zip(steps, s, strict=True)]
    taps = [step * e for step, e in zip(steps, d, strict=True)]
    shape = (x.shape[0], *out, *size, x.shape[-1])
    return np.lib.stride_tricks.as_strided(x, shape, (batch, *jumps, *taps, channel), writeable=False)
