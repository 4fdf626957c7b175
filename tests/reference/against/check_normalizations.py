"""Batch normalization's relatives, and other ways to its statistics, against the real layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from real import MAJOR, close, layers, normal, plain
from rounding import UNIT

from bnlint.reference import normalizations
from bnlint.reference.batchnorm import BatchNorm

SEEDS = st.integers(0, 2**32 - 1)
EPSILONS = st.sampled_from([1e-3, 1e-5, 1e-1])
MEANS = st.sampled_from([0.0, 1.0, -30.0])
SHAPES = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)


def bound(x: np.ndarray, y: np.ndarray, n: int, epsilon: float, dtype: str, size: float) -> np.ndarray:
    """As for batch normalization (see rounding.py), with the smallest sigma there can be."""
    g = (n + 8) * UNIT[dtype]
    emu = g * np.abs(x).max()
    return size * (4 * emu / np.sqrt(epsilon) + np.abs(y) * (g + emu**2 / epsilon)) + 8 * UNIT[dtype] * (
        np.abs(y) + size
    )


def parameters(layer: Any, shape: tuple[int, ...], seed: int) -> list[np.ndarray]:
    """Random gamma and beta for a layer."""
    layer.build(shape)
    weights = [normal(seed + 1 + i, *w.shape) for i, w in enumerate(layer.weights)]
    layer.set_weights(weights)
    return weights


@given(st.data(), SHAPES, EPSILONS, MEANS, SEEDS, st.sampled_from(["float32", "float64"]))
def test_layer_normalization(
    data: st.DataObject, shape: tuple[int, ...], epsilon: float, mean: float, seed: int, dtype: str
) -> None:
    axes = data.draw(st.lists(st.integers(1, len(shape) - 1), min_size=1, unique=True).map(sorted) | st.just(-1))
    layer = layers.LayerNormalization(axis=axes, epsilon=epsilon, dtype=dtype)
    x, weights = mean + normal(seed, *shape), parameters(layer, shape, seed)
    exact = normalizations.layer_normalization(x, *weights, axis=axes, epsilon=epsilon)
    size = max(1.0, *[np.abs(w).max() for w in weights])
    close(layer(x.astype(dtype)), exact, bound(x, exact, x[0].size, epsilon, dtype, size))


@given(st.data(), st.integers(1, 3), st.integers(1, 3), EPSILONS, MEANS, SEEDS, st.booleans())
def test_group_normalization(
    data: st.DataObject, groups: int, depth: int, epsilon: float, mean: float, seed: int, instance: bool
) -> None:
    spatial = data.draw(st.lists(st.integers(1, 4), max_size=3))
    axis = data.draw(st.integers(1, len(spatial) + 1))
    shape = (2, *spatial)
    shape = (*shape[:axis], groups * depth, *shape[axis:])
    axis = data.draw(st.sampled_from([axis, axis - len(shape)]))
    layer = layers.GroupNormalization(-1 if instance else groups, axis=axis, epsilon=epsilon)
    x, weights = mean + normal(seed, *shape), parameters(layer, shape, seed)
    if instance:
        exact = normalizations.instance_normalization(x, *weights, axis=axis, epsilon=epsilon)
    else:
        exact = normalizations.group_normalization(x, *weights, groups, axis, epsilon)
    size = max(1.0, *[np.abs(w).max() for w in weights])
    close(layer(x.astype("float32")), exact, bound(x, exact, x[0].size, epsilon, "float32", size))


@given(st.lists(st.integers(2, 4), min_size=2, max_size=4), SEEDS)
def test_weight_normalization(shape: list[int], seed: int) -> None:
    v, g = normal(seed, *shape), normal(seed + 1, shape[-1])
    unit = layers.UnitNormalization(axis=list(range(len(shape) - 1)), dtype="float64")(v)
    exact = normalizations.weight_normalization(v, g)
    close(tf.constant(g) * unit, exact, 1e-12 * np.abs(exact))
    np.testing.assert_allclose(np.sqrt((exact**2).sum(tuple(range(v.ndim - 1)))), np.abs(g))
    first = normalizations.weight_normalization(np.moveaxis(v, -1, 0), g, axis=0)
    np.testing.assert_allclose(first, np.moveaxis(exact, -1, 0), rtol=1e-12)


@given(SHAPES, st.lists(st.integers(1, 5), min_size=1, max_size=4), MEANS, SEEDS)
def test_population_statistics(shape: tuple[int, ...], sizes: list[int], mean: float, seed: int) -> None:
    batches = [mean * (i + 1) + normal(seed + i, n, *shape[1:]) for i, n in enumerate(sizes)]
    real = layers.Normalization(axis=-1)
    data = tf.data.Dataset.from_generator(
        lambda: (b.astype("float32") for b in batches), output_signature=tf.TensorSpec((None, *shape[1:]), tf.float32)
    )
    real.adapt(data)
    mu, var = normalizations.population_statistics(batches)
    everything = np.concatenate(batches)
    largest, n = np.abs(everything).max(), everything.size / shape[-1]
    emu = (n + 8) * UNIT["float32"] * largest
    close(tf.reshape(real.mean, [-1]), mu, emu)
    # Keras takes the variance of means and the mean of squares of means apart: it cancels to the square of the mean.
    close(tf.reshape(real.variance, [-1]), var, (n + 8) * UNIT["float32"] * 4 * largest**2 + emu**2)
    over = tuple(range(everything.ndim - 1))
    np.testing.assert_allclose(mu, everything.mean(over), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(var, everything.var(over), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("shape", "axis"), [((8, 3), -1), ((4, 3, 5, 5), 1), ((4, 5, 5, 3), 3)])
def test_recalibrated_statistics_are_those_of_one_batch_of_all_the_data(shape: tuple[int, ...], axis: int) -> None:
    data, x = 5 + 2 * normal(0, *shape), normal(1, *shape)
    real = layers.BatchNormalization(axis=axis, momentum=0.0, dtype="float64")
    real(data, training=True)
    bn = BatchNorm(axis=axis, keras=MAJOR)
    bn(x, training=True)
    before = bn.moving_mean.copy()
    new = normalizations.recalibrated(bn, np.array_split(data, 3))
    close(real(x, training=False), new(x), 1e-12)
    assert np.array_equal(bn.moving_mean, before) and not np.allclose(new.moving_mean, before)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 6), MEANS, SEEDS)
def test_virtual_batch_normalization(rest: list[int], size: int, mean: float, seed: int) -> None:
    """An example among the reference batch only: the last of the two together, in training mode."""
    reference, x = normal(seed, size, *rest), mean + normal(seed + 1, 3, *rest)
    real = layers.BatchNormalization(dtype="float64")
    gamma, beta = parameters(real, x.shape, seed)[:2]
    together = [plain(real(np.concatenate([reference, one[None]]), training=True))[-1] for one in x]
    exact = normalizations.virtual_batch_normalization(x, reference, gamma, beta)
    np.testing.assert_allclose(together, exact, rtol=1e-9, atol=1e-10)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="divide"):
        normalizations.group_normalization(normal(0, 2, 6), groups=4)
    with pytest.raises(ValueError, match="no data"):
        normalizations.population_statistics([])
    with pytest.raises(ValueError, match="built"):
        normalizations.recalibrated(BatchNorm(), [normal(0, 2, 6)])
    two = BatchNorm(axis=[1, 2], keras=2)
    two(normal(0, 2, 6, 3))
    with pytest.raises(ValueError, match="axes"):
        normalizations.recalibrated(two, [normal(0, 2, 6, 3)])
