"""The one kind of array that the runtime computes with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def array(x: npt.ArrayLike) -> Array:
    """Numbers of any dtype as float64; no copy where they are already."""
    return np.asarray(x, dtype=np.float64)
