"""Batch normalization and batch renormalization: both modes, the gradient, and the moving statistics.

Sources: Ioffe & Szegedy 2015 (arXiv:1502.03167), Ioffe 2017 (arXiv:1702.03275), and what Keras 3.15 and tf_keras 2.21
were measured to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .arrays import Array, array

CLIPPING = {"rmin": 0.0, "rmax": np.inf, "dmax": np.inf}


class BatchNorm:
    r"""One BatchNormalization layer.

    In training mode, over the $m$ positions that share a channel and are not masked:

        mu    = sum(x) / m                          var   = sum((x - mu)^2) / m
        sigma = sqrt(var + epsilon)                 x_hat = (x - mu) / sigma
        y     = gamma * (x_hat * r + d) + beta      r = 1, d = 0 without renorm
        moving_mean     = momentum * moving_mean     + (1 - momentum) * mu
        moving_variance = momentum * moving_variance + (1 - momentum) * var

    In inference mode mu and var are moving_mean and moving_variance, r = 1 and d = 0. With `renorm`, in training mode:

        r = clip(sigma / renorm_sigma, rmin, rmax)  renorm_sigma = max(renorm_stddev, sqrt(epsilon))
        d = clip((mu - renorm_mean) / renorm_sigma, -dmax, dmax)

    and then renorm_mean and renorm_stddev move towards mu and sigma with `renorm_momentum`, moving_mean and
    moving_stddev with `momentum`, and moving_variance = max(moving_stddev^2 - epsilon, 0).

    `keras=2` is tf_keras. There, inputs of rank 4 or 5 with the channels first or last go to TensorFlow's fused kernel
    (unless `fused=False`, renorm, several axes, or float64), which ignores masks and stores m / (m - 1) * var, the
    unbiased variance; and `axis` may be several.

    Arguments: those of the Keras layer; `dtype` is its compute dtype and matters to the choice of kernel only, for
    everything here is computed in float64. Attributes (float64, shape `(channels,)`, or with several axes the input's
    rank with 1 elsewhere): `gamma`, `beta`, `moving_mean`, `moving_variance`, and of renorm `moving_stddev`,
    `renorm_mean`, `renorm_stddev`; they exist after `build` or the first call. `gamma` stays 1 without `scale`, `beta`
    stays 0 without `center`. With `trainable = False` the layer always runs in inference mode, as in Keras.

    Raises ValueError for arguments that Keras refuses.
    """

    gamma: Array
    beta: Array
    moving_mean: Array
    moving_variance: Array
    moving_stddev: Array
    renorm_mean: Array
    renorm_stddev: Array

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        renorm: bool = False,
        renorm_clipping: Mapping[str, float] | None = None,
        renorm_momentum: float = 0.99,
        *,
        keras: int = 3,
        fused: bool | None = None,
        dtype: str = "float32",
    ) -> None:
        if keras not in (2, 3):
            raise ValueError(f"keras is 2 or 3, not {keras}")
        if keras == 3 and not isinstance(axis, int):
            raise ValueError("only Keras 2 normalizes over several axes")
        if unknown := set(renorm_clipping or ()) - set(CLIPPING):
            raise ValueError(f"renorm_clipping has rmin, rmax and dmax, not {', '.join(sorted(unknown))}")
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.renorm = renorm
        self.renorm_clipping = {**CLIPPING, **(renorm_clipping or {})}
        self.renorm_momentum = renorm_momentum
        self.keras = keras
        self.fused = fused
        self.dtype = dtype
        self.trainable = True
        self._last: _Call | None = None

    def build(self, shape: Sequence[int]) -> None:
        """Make the variables, with their initial values, for inputs of this shape."""
        axes = self.channel_axes(len(shape))
        sizes = [shape[axis] for axis in axes] if len(axes) == 1 else _only(shape, axes)
        self.gamma, self.beta = np.ones(sizes), np.zeros(sizes)
        self.moving_mean, self.moving_variance, self.moving_stddev = np.zeros(sizes), np.ones(sizes), np.ones(sizes)
        self.renorm_mean, self.renorm_stddev = np.zeros(sizes), np.ones(sizes)

    def channel_axes(self, rank: int) -> tuple[int, ...]:
        """The axes of gamma and beta, counted from the front; the moments are taken over the others."""
        given = (self.axis,) if isinstance(self.axis, int) else self.axis
        if any(not -rank <= axis < rank for axis in given) or len({axis % rank for axis in given}) < len(given):
            raise ValueError(f"axis {self.axis} is wrong for inputs of rank {rank}")
        return tuple(sorted(axis % rank for axis in given))

    def is_fused(self, rank: int) -> bool:
        """Whether tf_keras gives inputs of this rank to the fused kernel; never so in Keras 3."""
        axes = self.channel_axes(rank)
        allowed = self.keras == 2 and self.fused is not False and not self.renorm and self.dtype != "float64"
        return allowed and rank in (4, 5) and axes in ((1,), (rank - 1,))

    def __call__(self, x: npt.ArrayLike, training: bool = False, mask: npt.ArrayLike | None = None) -> Array:
        """The layer's output, of the shape of `x` (numbers of any dtype and rank).

        In training mode the moving statistics move. `mask` (booleans, True where a position counts; the shape of `x`
        without its last axis, or broadcast to it) restricts the moments: masked positions are normalized all the same.
        """
        x = array(x)
        if mask is not None and np.ndim(mask) != x.ndim - 1:
            raise ValueError(f"the mask has one axis less than the inputs: {np.ndim(mask)} against {x.ndim}")
        axes = self.channel_axes(x.ndim)
        if not hasattr(self, "gamma"):
            self.build(x.shape)
        over = tuple(axis for axis in range(x.ndim) if axis not in axes)
        wide = _only(x.shape, axes)
        gamma, beta = self.gamma.reshape(wide), self.beta.reshape(wide)
        r, d, w, m = np.ones(wide), np.zeros(wide), np.ones(()), np.ones(())
        training = training and self.trainable
        if training:
            w, m = self._weights(x, over, None if self.is_fused(x.ndim) else mask)
            mu = (w * x).sum(over, keepdims=True) / m
            var = (w * (x - mu) ** 2).sum(over, keepdims=True) / m
            if self.renorm:
                r, d = self._corrections(mu, var)
            self._update(mu, var, m)
        else:
            mu, var = self.moving_mean.reshape(wide), self.moving_variance.reshape(wide)
        sigma = np.sqrt(var + self.epsilon)
        x_hat = (x - mu) / sigma
        self._last = _Call(training, over, w, m, x - mu, sigma, x_hat, r, d, gamma)
        y: Array = gamma * (x_hat * r + d) + beta
        return y

    def gradient(self, dy: npt.ArrayLike) -> tuple[Array, Array, Array]:
        r"""Of the last call: dx, dgamma and dbeta, given dy, the loss's derivative by the output and of its shape.

            dbeta  = sum(dy)                        dgamma = sum(dy * (x_hat * r + d))
            dx_hat = dy * gamma * r                 r and d count as constants
            dvar   = sum(dx_hat * (x - mu)) * (-1/2) * sigma^-3
            dmu    = sum(dx_hat) * (-1/sigma) + dvar * sum(-2 * (x - mu)) / m
            dx     = dx_hat / sigma + dvar * 2 * (x - mu) / m + dmu / m

        In inference mode mu and var are constants: dx = dx_hat / sigma. Sums are over the unmasked positions where they
        come from mu or var. dgamma is 0 without `scale`, dbeta without `center`. Raises RuntimeError before any call.
        """
        if self._last is None:
            raise RuntimeError("the gradient is that of a call, and there was none")
        training, over, w, m, centered, sigma, x_hat, r, d, gamma = self._last
        dy = array(dy)
        dbeta = dy.sum(over).reshape(self.beta.shape) * self.center
        dgamma = (dy * (x_hat * r + d)).sum(over).reshape(self.gamma.shape) * self.scale
        dx_hat = dy * gamma * r
        dx: Array = dx_hat / sigma
        if training:
            dvar = (dx_hat * centered).sum(over, keepdims=True) * (-1 / 2) * sigma**-3
            dmu = dx_hat.sum(over, keepdims=True) * (-1 / sigma)
            dmu = dmu + dvar * (-2 * w * centered).sum(over, keepdims=True) / m
            dx = dx + w * (dvar * 2 * centered + dmu) / m
        return dx, dgamma, dbeta

    def _weights(self, x: Array, over: tuple[int, ...], mask: npt.ArrayLike | None) -> tuple[Array, Array]:
        """1 where a position counts, else 0; and m, their sum, kept from 0 as either Keras does it."""
        if mask is None:
            return np.ones(()), np.asarray(np.prod([x.shape[axis] for axis in over]), dtype=np.float64)
        w = np.broadcast_to(np.asarray(mask, dtype=bool)[..., None], x.shape).astype(np.float64)
        m = w.sum(over, keepdims=True)
        return w, m + 1e-7 if self.keras == 3 else np.maximum(m, 1)

    def _corrections(self, mu: Array, var: Array) -> tuple[Array, Array]:
        """Batch renormalization's r and d."""
        renorm_sigma = np.maximum(self.renorm_stddev.reshape(mu.shape), np.sqrt(self.epsilon))
        r = np.sqrt(var + self.epsilon) / renorm_sigma
        d = (mu - self.renorm_mean.reshape(mu.shape)) / renorm_sigma
        rmin, rmax, dmax = (self.renorm_clipping[key] for key in CLIPPING)
        return np.clip(r, rmin, rmax), np.clip(d, -dmax, dmax)

    def _update(self, mu: Array, var: Array, m: Array) -> None:
        """Move the moving statistics towards those of a batch."""
        rank = mu.ndim
        mu, var = mu.reshape(self.moving_mean.shape), var.reshape(self.moving_mean.shape)
        if self.is_fused(rank):
            var = var * m / np.maximum(m - 1, 1)
        self.moving_mean = _average(self.moving_mean, mu, self.momentum)
        if not self.renorm:
            self.moving_variance = _average(self.moving_variance, var, self.momentum)
            return
        stddev = np.sqrt(var + self.epsilon)
        self.renorm_mean = _average(self.renorm_mean, mu, self.renorm_momentum)
        self.renorm_stddev = _average(self.renorm_stddev, stddev, self.renorm_momentum)
        self.moving_stddev = _average(self.moving_stddev, stddev, self.momentum)
        self.moving_variance = np.maximum(self.moving_stddev**2 - self.epsilon, 0)


class _Call(NamedTuple):
    """What the gradient needs of a call."""

    training: bool
    over: tuple[int, ...]
    w: Array
    m: Array
    centered: Array
    sigma: Array
    x_hat: Array
    r: Array
    d: Array
    gamma: Array


def _only(shape: Sequence[int], axes: Sequence[int]) -> list[int]:
    """A shape with 1 in all axes but these."""
    return [size if axis in axes else 1 for axis, size in enumerate(shape)]


def _average(old: Array, new: Array, momentum: float) -> Array:
    """The exponential moving average: momentum * old + (1 - momentum) * new."""
    return momentum * old + (1 - momentum) * new
