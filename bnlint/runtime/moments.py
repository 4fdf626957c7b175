"""Count, mean and variance of channels, joined batch by batch in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..reference.arrays import Array

NUMBERS = 1 << 24
"""How many numbers are taken as float64 at once: 128 MB."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of the values seen so far, for each channel: arrays of shape (channels,), or the empty start.

    count: how many there were. mean: theirs, 0 where there were none. squares: the sum of their squared distances from
    it. Several axes of channels are one, in the order of the axes.
    """

    count: Array
    mean: Array
    squares: Array

    @classmethod
    def none(cls) -> Moments:
        """Those of no values, of any number of channels."""
        return cls(np.zeros(()), np.zeros(()), np.zeros(()))

    @classmethod
    def of(
        cls, x: np.ndarray[tuple[int, ...], np.dtype[np.generic]], axes: Sequence[int], mask: object = None
    ) -> Moments:
        """Those of one batch, of any shape and dtype; `axes` are the channels', counted from the front.

        mask: booleans of the shape of `x` without its last axis, or broadcast to it: True where a position counts.
        """
        weights = None
        if mask is not None:
            weights = np.broadcast_to(np.asarray(mask, dtype=bool)[..., None], x.shape)
        rows = max(1, NUMBERS * len(x) // max(1, x.size)) if 0 not in axes else max(1, len(x))
        found = cls.none()
        for start in range(0, len(x), rows):
            part = slice(start, start + rows)
            found = found.joined(cls._of(x[part], axes, None if weights is None else weights[part]))
        return found

    @classmethod
    def _of(
        cls,
        x: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
        axes: Sequence[int],
        weights: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None,
    ) -> Moments:
        over = tuple(axis for axis in range(x.ndim) if axis not in axes)
        values = np.asarray(x, dtype=np.float64)
        if weights is None:
            size = [values.shape[axis] for axis in sorted(axes)]
            mean = values.mean(over, keepdims=True)
            count = np.full(int(np.prod(size)), float(values.size // max(1, int(np.prod(size)))))
            return cls(count, mean.reshape(-1), np.square(values - mean).sum(over).reshape(-1))
        values = np.where(weights, values, 0.0)  # What stands at masked positions does not count, NaN neither.
        number = weights.sum(over, keepdims=True, dtype=np.float64)
        mean = values.sum(over, keepdims=True) / np.maximum(number, 1)
        squares = np.where(weights, np.square(values - mean), 0.0).sum(over)
        return cls(number.reshape(-1), mean.reshape(-1), squares.reshape(-1))

    def joined(self, other: Moments) -> Moments:
        """Those of both, as Chan et al. (1983) join them: the spread of the two means is part of the variance."""
        count = self.count + other.count
        delta = other.mean - self.mean
        share = other.count / np.maximum(count, 1)
        squares = self.squares + other.squares + delta**2 * self.count * share
        return Moments(count, self.mean + delta * share, squares)

    @property
    def variance(self) -> Array:
        """The variance of the values themselves, not an estimate from them (divided by the count); 0 for none."""
        found: Array = self.squares / np.maximum(self.count, 1)
        return found

    def __bool__(self) -> bool:
        """Whether there was a value for every channel."""
        return bool(np.all(self.count > 0))
