"""Activations against the real ones, in float64 and float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from real import MAJOR, close, keras, layers
from rounding import UNIT

from bnlint.reference.activations import ACTIVATIONS, KERAS_2, activation, leaky_relu, relu

MISSING = set(
    (
        "celu glu hard_shrink hard_silu hard_swish hard_tanh leaky_relu log_sigmoid log_softmax relu6 silu soft_shrink"
        " sparse_plus sparse_sigmoid squareplus tanh_shrink threshold"
    ).split()
    if MAJOR == 2
    else ()
)
"""What this Keras has not."""
NAMES = sorted(ACTIVATIONS.keys() - MISSING - {"threshold"})
NUMBERS = st.floats(-30, 30, width=32, allow_subnormal=False) | st.sampled_from(
    [0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0]
)
ROWS = st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=1, max_size=5)


FLOAT32_CONSTANTS = ("gelu", "leaky_relu")
"""TensorFlow rounds a constant or the slope of these to float32, whatever the input's dtype."""


def verify(name: str, function: Any, exact: Any, rows: list[list[float]]) -> None:
    """None of these makes more than about twenty roundings of numbers of the size of 1, x or y."""
    x = np.array(rows)
    y = exact(x)
    size = 1 + np.abs(x).max(-1, keepdims=True) + np.abs(y)
    for dtype in ("float64", "float32"):
        u = UNIT["float32" if name in FLOAT32_CONSTANTS else dtype]
        close(function(tf.constant(x, dtype)), y, 20 * u * size)


def test_none_is_missing() -> None:
    names = {name for name in vars(keras.activations) if not name.startswith("_")}
    assert names - {"get", "serialize", "deserialize", "sparsemax"} <= set(ACTIVATIONS)
    assert ACTIVATIONS.keys() - names == MISSING


def test_why_sparsemax_is_left_out() -> None:
    if MAJOR == 2:
        assert not hasattr(keras.activations, "sparsemax")
        return
    y = np.asarray(keras.activations.sparsemax(tf.constant([[0.0, 0.0, 0.0, 0.5]])))
    np.testing.assert_allclose(y, [[0, 0, 0, 0.25]])


@pytest.mark.parametrize("name", NAMES)
@given(rows=ROWS)
def test_activation(name: str, rows: list[list[float]]) -> None:
    if name == "glu":
        x = np.array(rows)
        close(keras.activations.glu(tf.constant(x)), activation("glu")(x), 20 * UNIT["float64"] * 31)
        return
    verify(name, getattr(keras.activations, name), activation(name, MAJOR), rows)


ARGUMENTS: dict[str, dict[str, Any]] = {
    "gelu": {"approximate": True},
    "elu": {"alpha": 0.5},
    "celu": {"alpha": 2.0},
    "softmax": {"axis": 0},
    "log_softmax": {"axis": 0},
    "soft_shrink": {"threshold": 1.0},
    "hard_shrink": {"threshold": 1.0},
    "threshold": {"threshold": 1.0, "default_value": -3.0},
    "squareplus": {"b": 1.0},
}


@pytest.mark.parametrize("name", sorted(ARGUMENTS.keys() - MISSING))
@given(rows=ROWS)
def test_arguments(name: str, rows: list[list[float]]) -> None:
    arguments, real, exact = ARGUMENTS[name], getattr(keras.activations, name), activation(name)
    if "axis" in arguments:
        verify(
            name, lambda x: tf.transpose(real(tf.transpose(x), **arguments)), lambda x: exact(x.T, **arguments).T, rows
        )
        return
    verify(name, lambda x: real(x, **arguments), lambda x: exact(x, **arguments), rows)


@given(ROWS, st.sampled_from([0.0, 0.25]), st.sampled_from([None, 6.0, 2.0]), st.sampled_from([0.0, 1.0, -0.5]))
def test_relu(rows: list[list[float]], slope: float, most: float | None, threshold: float) -> None:
    layer = layers.ReLU(most, slope, threshold, dtype="float64") if threshold >= 0 else None
    arguments = {"negative_slope": slope, "max_value": most, "threshold": threshold}
    if layer is not None:
        close(layer(np.array(rows)), relu(np.array(rows), **arguments), 64 * UNIT["float64"])
    if MAJOR == 2:
        real = lambda x: keras.activations.relu(x, alpha=slope, max_value=most, threshold=threshold)  # noqa: E731
    else:
        real = lambda x: keras.activations.relu(x, **arguments)  # noqa: E731
    verify("relu", real, lambda x: relu(x, **arguments), rows)


@given(ROWS)
def test_leaky_layers(rows: list[list[float]]) -> None:
    x, slopes = np.array(rows), np.array([0.1, 0.2, 0.3, 0.5])
    prelu = layers.PReLU(dtype="float64")
    prelu.build(x.shape)
    prelu.set_weights([slopes])
    close(layers.LeakyReLU(dtype="float64")(x), leaky_relu(x, 0.3), 64 * UNIT["float32"])
    close(prelu(x), leaky_relu(x, slopes), 64 * UNIT["float64"])


def test_the_keras_2_versions_are_other_functions() -> None:
    x = np.linspace(-4, 4, 50)
    assert all(np.abs(function(x) - ACTIVATIONS[name](x)).max() > 0.01 for name, function in KERAS_2.items())
    assert activation(None) is activation("linear")
    with pytest.raises(KeyError):
        activation("nothing")
