"""The relatives of batch normalization, and other ways to its statistics."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from .arrays import Array, array
from .batchnorm import BatchNorm


def layer_normalization(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike = 1.0,
    beta: npt.ArrayLike = 0.0,
    axis: int | Sequence[int] = -1,
    epsilon: float = 1e-3,
) -> Array:
    """gamma * (x - mu) / sqrt(var + epsilon) + beta, mu and var over the axes, for each example (Ba et al. 2016).

    gamma and beta have the sizes of the axes, in their order in x.
    """
    x = array(x)
    axes = sorted(a % x.ndim for a in ([axis] if isinstance(axis, int) else axis))
    return _normalized(x, gamma, beta, tuple(axes), axes, epsilon)


def group_normalization(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike = 1.0,
    beta: npt.ArrayLike = 0.0,
    groups: int = 32,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Array:
    """gamma * (x - mu) / sqrt(var + epsilon) + beta, the moments of each example and group of channels (Wu & He 2018).

    gamma and beta are (channels,); groups -1 is one for each channel. Raises ValueError where the groups do not divide
    the channels.
    """
    x = array(x)
    axis %= x.ndim
    groups = x.shape[axis] if groups == -1 else groups
    if x.shape[axis] % groups:
        raise ValueError(f"{groups} groups do not divide {x.shape[axis]} channels")
    split = x.reshape(*x.shape[:axis], groups, -1, *x.shape[axis + 1 :])
    over = tuple(a for a in range(1, split.ndim) if a != axis)
    x_hat = _normalized(split, 1.0, 0.0, over, [], epsilon).reshape(x.shape)
    return _along(gamma, x, [axis]) * x_hat + _along(beta, x, [axis])


def instance_normalization(
    x: npt.ArrayLike,
    gamma: npt.ArrayLike = 1.0,
    beta: npt.ArrayLike = 0.0,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Array:
    """Group normalization with a group for each channel (Ulyanov et al. 2016)."""
    return group_normalization(x, gamma, beta, -1, axis, epsilon)


def weight_normalization(v: npt.ArrayLike, g: npt.ArrayLike = 1.0, axis: int = -1) -> Array:
    """w = g * v / ||v||, a norm for each output on `axis` of the kernel v (Salimans & Kingma 2016); g is (outputs,)."""
    v = array(v)
    others = tuple(a for a in range(v.ndim) if a != axis % v.ndim)
    w: Array = _along(g, v, [axis % v.ndim]) * v / np.sqrt((v**2).sum(others, keepdims=True))
    return w


def population_statistics(batches: Iterable[npt.ArrayLike], axis: int = -1) -> tuple[Array, Array]:
    """The mean and the biased variance of each channel over a whole data set, seen in batches of any size.

    Batches A and B join (Chan et al. 1983), M2 being the sum of squared distances from the mean, as

        n  = n_A + n_B                   delta = mu_B - mu_A
        mu = mu_A + delta * n_B / n      M2    = M2_A + M2_B + delta^2 * n_A * n_B / n

    Unlike the mean of the batches' variances, M2 / n holds the spread of the batches' means too. Raises ValueError
    where there are no data.
    """
    n, mu, m2 = 0, np.zeros(()), np.zeros(())
    for batch in batches:
        x = np.moveaxis(array(batch), axis, -1)
        x = x.reshape(-1, x.shape[-1])
        delta = x.mean(0) - mu
        n, n_a, n_b = n + len(x), n, len(x)
        m2 = m2 + ((x - x.mean(0)) ** 2).sum(0) + delta**2 * n_a * n_b / n
        mu = mu + delta * n_b / n
    if not n:
        raise ValueError("no data")
    return mu, m2 / n


def recalibrated(bn: BatchNorm, batches: Iterable[npt.ArrayLike]) -> BatchNorm:
    """The same layer with its moving statistics replaced by those of the data, which are what enters it.

    Over the training data these are the population statistics of Ioffe & Szegedy's algorithm 2, "precise" batch
    normalization (Wu & Johnson 2021); over data of another domain it is adaptive batch normalization (Li et al. 2016).
    gamma and beta stay. The layer given does not change. Raises ValueError for one that is not built or has several
    axes.
    """
    if not isinstance(bn.axis, int) or not hasattr(bn, "gamma"):
        raise ValueError("the layer has several axes" if hasattr(bn, "gamma") else "the layer is not built")
    new = copy.copy(bn)
    new.moving_mean, new.moving_variance = population_statistics(batches, bn.axis)
    new.moving_stddev = np.sqrt(new.moving_variance + bn.epsilon)
    return new


def virtual_batch_normalization(
    x: npt.ArrayLike,
    reference: npt.ArrayLike,
    gamma: npt.ArrayLike = 1.0,
    beta: npt.ArrayLike = 0.0,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Array:
    """Each example normalized with a fixed reference batch and itself, not with its neighbours (Salimans et al. 2016).

    With mu_R, var_R of the b examples of the reference, and mu_x, var_x of the one example:

        mu  = (b * mu_R + mu_x) / (b + 1)
        var = (b * var_R + var_x) / (b + 1) + b * (mu_R - mu_x)^2 / (b + 1)^2
        y   = gamma * (x - mu) / sqrt(var + epsilon) + beta

    The reference itself is normalized by its own batch: `BatchNorm` in training mode.
    """
    x, reference = array(x), array(reference)
    axis %= x.ndim
    own = tuple(a for a in range(1, x.ndim) if a != axis)
    b, mu_r, var_r = len(reference), reference.mean((0, *own), keepdims=True), reference.var((0, *own), keepdims=True)
    mu_x, var_x = x.mean(own, keepdims=True), x.var(own, keepdims=True)
    mu = (b * mu_r + mu_x) / (b + 1)
    var = (b * var_r + var_x) / (b + 1) + b * (mu_r - mu_x) ** 2 / (b + 1) ** 2
    y: Array = _along(gamma, x, [axis]) * (x - mu) / np.sqrt(var + epsilon) + _along(beta, x, [axis])
    return y


def _normalized(
    x: Array, gamma: npt.ArrayLike, beta: npt.ArrayLike, over: tuple[int, ...], axes: Sequence[int], epsilon: float
) -> Array:
    """gamma * (x - mu) / sqrt(var + epsilon) + beta, the moments over `over`, gamma and beta along `axes`."""
    mu, var = x.mean(over, keepdims=True), x.var(over, keepdims=True)
    y: Array = _along(gamma, x, axes) * (x - mu) / np.sqrt(var + epsilon) + _along(beta, x, axes)
    return y


def _along(v: npt.ArrayLike, x: Array, axes: Sequence[int]) -> Array:
    """A parameter of these axes, ready to be broadcast to x; a single number stays one."""
    v = array(v)
    return v.reshape([size if a in axes else 1 for a, size in enumerate(x.shape)]) if v.ndim else v
