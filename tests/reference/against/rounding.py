"""How far a batch normalization in floating point may be from the exact one: a first-order running error analysis.

A sum of n products in a format with unit roundoff u errs by at most (n + few) * u * the sum of the absolute products,
in whatever order it is taken (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1). The rest follows by
propagating that error through the formulas as TensorFlow evaluates them: y = x * inv + (beta - mu * inv) with
inv = gamma / sigma, which cancels where |mu| is large against sigma. So the bounds grow with the number of elements and
with |x| / sigma, and hold nothing that was fitted to what the layers give.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import numpy as np

from bnlint.reference.arrays import Array
from bnlint.reference.batchnorm import BatchNorm

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Half the distance from 1 to the next number."""
TINY = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-25, "bfloat16": 2.0**-126}
"""What may be lost next to 0: TensorFlow flushes subnormal numbers, but not those of float16."""
FEW = 8
"""Roundings of a value besides those of its sum; the reciprocal square root counts for three."""

Bounds = dict[str, tuple[Array, Array]]
"""Values and how far off each may be, by name."""


def stored(value: Array, error: Array, dtype: str) -> Array:
    """The error once the value is kept in this dtype."""
    return error + UNIT[dtype] * np.abs(value) + TINY[dtype]


@dataclass
class Rounded:
    """A reference layer beside one that computes in `dtype`, puts out `output` and has variables of `variable`."""

    bn: BatchNorm
    dtype: str
    output: str
    variable: str
    errors: dict[str, Array] = field(default_factory=dict)

    def step(self, x: Array, training: bool, mask: Array | None, dy: Array, incoming: str) -> Bounds:
        """Call the reference and take its gradient: every result with its bound. `incoming` is the dtype of x."""
        before = copy.copy(self.bn)
        y = self.bn(x, training=training, mask=mask)
        dx, dgamma, dbeta = self.bn.gradient(dy)
        last = self.bn._last
        assert last is not None
        u, over, sigma, absolute = UNIT[self.dtype], last.over, last.sigma, np.abs(x)
        wide = sigma.shape
        gamma, beta, r, d = (np.abs(v) for v in (last.gamma, self.bn.beta.reshape(wide), last.r, last.d))
        x_hat, centered = np.abs(last.x_hat), np.abs(last.centered)
        n = x.size / sigma.size
        g = (n + FEW) * u
        mu = absolute.max(over, keepdims=True) if last.training else np.abs(self.bn.moving_mean.reshape(wide))
        emu, evar = self._moments(absolute, sigma, g, last.training)
        er, ed = self._corrections(before, mu, emu, evar, sigma, r, d)
        scale = gamma * r / sigma
        relative = evar / (2 * sigma**2) + FEW * u
        ey = scale * emu + gamma * x_hat * r * evar / (2 * sigma**2) + gamma * (x_hat * er + ed)
        ey = ey + FEW * u * (scale * (absolute + mu) + gamma * d + beta)

        total = np.abs(dy).sum(over, keepdims=True)
        einv = g * ((np.abs(dy) * absolute).sum(over, keepdims=True) + mu * total) + emu * total
        inv = np.abs((dy * last.centered).sum(over, keepdims=True))
        edgamma = r * (einv / sigma + inv / sigma * relative) + inv / sigma * er + (ed + g * d) * total
        dvar = gamma * r * inv / (2 * sigma**3)
        edvar = gamma * r * einv / (2 * sigma**3) + dvar * (3 * relative) + gamma * er * inv / (2 * sigma**3)
        edx = np.abs(dy) * (scale * relative + gamma * er / sigma)
        if last.training:
            m = np.maximum(last.m, 1)
            edx = edx + (2 * edvar * centered + dvar * 2 * (emu + FEW * u * centered)) / m
            edx = edx + (scale * g + scale * relative + gamma * er / sigma) * total / m
        shape = self.bn.gamma.shape
        bounds = {
            "y": (y, stored(y, ey, self.output)),
            "dx": (dx, stored(dx, stored(dx, edx, self.output), incoming)),
            "dgamma": (dgamma, stored(dgamma, edgamma.reshape(shape), self.variable)),
            "dbeta": (dbeta, stored(dbeta, (g * total).reshape(shape), self.variable)),
        }
        if last.training:
            self._follow(before, emu.reshape(shape), evar.reshape(shape), sigma.reshape(shape))
        return bounds | {name: (getattr(self.bn, name), self._error(name)) for name in self._names()}

    def _names(self) -> list[str]:
        renorm = ["moving_stddev", "renorm_mean", "renorm_stddev"] if self.bn.renorm else []
        return ["moving_mean", "moving_variance", *renorm]

    def _error(self, name: str) -> Array:
        return self.errors.get(name, np.zeros_like(self.bn.gamma))

    def _moments(self, absolute: Array, sigma: Array, g: float, training: bool) -> tuple[Array, Array]:
        """The errors of mu and var. The variance is taken of x - mu, so an error in mu enters squared."""
        if not training:
            return self._error("moving_mean").reshape(sigma.shape), self._error("moving_variance").reshape(sigma.shape)
        last = self.bn._last
        assert last is not None
        emu = g * (absolute * last.w).sum(last.over, keepdims=True) / last.m
        return emu, g * sigma**2 + emu**2

    def _corrections(
        self, bn: BatchNorm, mu: Array, emu: Array, evar: Array, sigma: Array, r: Array, d: Array
    ) -> tuple[Array, Array]:
        """The errors of r and d."""
        last = self.bn._last
        assert last is not None
        if not (bn.renorm and last.training):
            return np.zeros_like(sigma), np.zeros_like(sigma)
        u = UNIT[self.dtype]
        rho = np.maximum(bn.renorm_stddev.reshape(sigma.shape), np.sqrt(bn.epsilon))
        # The floor's epsilon is rounded to float32 even in a float64 layer.
        floor = UNIT["float32"] * np.sqrt(bn.epsilon) * (rho <= np.sqrt(bn.epsilon) * (1 + UNIT["float32"]))
        erho = (self._error("renorm_stddev").reshape(sigma.shape) + floor) / rho
        emean = self._error("renorm_mean").reshape(sigma.shape)
        exact_r = np.maximum(r, sigma / rho)
        er = evar / (2 * sigma * rho) + exact_r * (erho + FEW * u)
        reach = (mu + np.abs(bn.renorm_mean.reshape(sigma.shape))) / rho
        return er, (emu + emean) / rho + reach * (erho + FEW * u)

    def _follow(self, before: BatchNorm, emu: Array, evar: Array, sigma: Array) -> None:
        """Carry the errors of the statistics through one update."""
        bn, esigma = self.bn, evar / (2 * sigma)
        self._average("moving_mean", before, emu, bn.momentum)
        if not bn.renorm:
            self._average("moving_variance", before, evar * (2 if bn.is_fused(self._rank()) else 1), bn.momentum)
            return
        self._average("renorm_mean", before, emu, bn.renorm_momentum)
        self._average("renorm_stddev", before, esigma, bn.renorm_momentum)
        self._average("moving_stddev", before, esigma, bn.momentum)
        stddev, u = bn.moving_stddev, UNIT[self.dtype]
        error = 2 * stddev * self.errors["moving_stddev"] + FEW * u * (stddev**2 + bn.epsilon)
        self.errors["moving_variance"] = stored(bn.moving_variance, error, self.variable)

    def _average(self, name: str, before: BatchNorm, error: Array, momentum: float) -> None:
        new, old, u = getattr(self.bn, name), getattr(before, name), UNIT[self.dtype]
        error = momentum * self._error(name) + (1 - momentum) * error
        # tf_keras subtracts (1 - momentum) * (old - batch) from old, which cancels where momentum is small, and rounds
        # 1 - momentum to float32 in a float64 layer too.
        weight, decay = (momentum, 0.0) if self.bn.keras == 3 else (1.0, UNIT["float32"])
        error = error + FEW * u * (weight * np.abs(old) + np.abs(new)) + decay * np.abs(new - old)
        self.errors[name] = stored(new, error, self.variable)

    def _rank(self) -> int:
        last = self.bn._last
        assert last is not None
        return last.sigma.ndim
