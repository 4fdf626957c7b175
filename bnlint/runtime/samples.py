"""Random inputs for a live model, by the shapes and dtypes that it names."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .rebuild import mapped, structure
from .watching import normalizations, run, watched

_SAMPLES = 4
_FREE = (16, 64, 256)
"""Sizes for an axis whose size the model leaves open, tried in turn."""


def samples(model: Any) -> Any:
    """A batch of random inputs of a functional or Sequential model, in the structure that it takes.

    Raises ValueError where the model does not run on any: it then has to be given data.
    """
    inputs = structure(model, "inputs")
    failed: Exception | None = None
    for size in _FREE:
        rng = np.random.default_rng(size)
        try:
            found = mapped(inputs, partial(_drawn, size, rng))
            with watched(normalizations(model).values(), lambda seen: None):
                run(model, found)
        except Exception as error:
            failed = error
            continue
        return found
    said = " ".join(str(failed).split())[:200]
    raise ValueError(f"{model.name} does not run on random inputs: give it data ({type(failed).__name__}: {said})")


def _drawn(free: int, rng: np.random.Generator, tensor: Any) -> Any:
    batch, *sizes = tensor.shape
    shape = [_SAMPLES if batch is None else batch, *(free if size is None else size for size in sizes)]
    kind = np.dtype(getattr(tensor.dtype, "name", tensor.dtype))
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    if kind.kind in "iu":
        return rng.integers(0, 2, shape).astype(kind)
    return rng.standard_normal(shape).astype(kind)
