"""The library to verify against, named by REAL_KERAS (keras or tf_keras), and what the checks ask of it."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, settings

LIBRARY = os.environ["REAL_KERAS"]
MAJOR = 3 if LIBRARY == "keras" else 2

keras: Any = importlib.import_module(LIBRARY)
layers: Any = keras.layers

tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(1)

settings.register_profile(
    "against",
    max_examples=int(os.environ.get("EXAMPLES", "300")),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("against")


def dtype(name: str) -> Any:
    """The NumPy dtype of this name, bfloat16 included."""
    return tf.as_dtype(name).as_numpy_dtype


def plain(tensor: Any) -> np.ndarray:
    """A tensor or variable as float64."""
    return np.asarray(tf.convert_to_tensor(tensor)).astype(np.float64)


def representable(values: np.ndarray, *names: str) -> np.ndarray:
    """The values rounded so that each of these dtypes holds them exactly, as float64."""
    for name in names:
        values = values.astype(dtype(name)).astype(np.float64)
    return values


def close(real: Any, exact: np.ndarray, bound: np.ndarray | float) -> None:
    """Assert that a real output has the exact one's shape, and is as near as the bound says."""
    got = plain(real)
    assert got.shape == exact.shape
    off = np.abs(got - exact)
    assert np.all(off <= bound), f"off by {np.max(off - bound):.3g} more than allowed: {got} for {exact}"


def normal(seed: int, *shape: int) -> np.ndarray:
    """Normal numbers that float32 holds exactly."""
    return representable(np.random.default_rng(seed).normal(size=shape), "float32")
