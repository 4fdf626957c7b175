"""Pooling, resizing, padding, reshaping, joining and noise against the real layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from able import FORMATS, formats, placed
from hypothesis import assume, given
from hypothesis import strategies as st
from real import MAJOR, close, layers, normal, plain
from rounding import UNIT

from bnlint.reference import noise, ops

SEEDS = st.integers(0, 2**32 - 1)
U = UNIT["float32"]


def shapes(rank: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Inputs with so many spatial axes."""
    return st.tuples(st.integers(1, 3), *[st.integers(4, 6)] * rank, st.integers(4, 5))


@given(st.data(), st.integers(1, 3), SEEDS)
def test_pooling(data: st.DataObject, rank: int, seed: int) -> None:
    shape, padding = data.draw(shapes(rank)), data.draw(st.sampled_from(["valid", "same"]))
    sizes = st.lists(st.integers(1, 3), min_size=rank, max_size=rank)
    size, strides = data.draw(sizes), data.draw(st.none() | st.integers(1, 3))
    kind = data.draw(st.sampled_from(["Max", "Average"]))
    name = f"{kind}Pooling{rank}D"
    arguments = {"padding": padding, "strides": strides, "data_format": data.draw(st.sampled_from(formats(name)))}
    assume(placed(name, size, strides, padding))
    x = normal(seed, *shape)
    if rank == 1:
        layer_size: Any = size[0]
    else:
        layer_size = size
    layer = getattr(layers, name)(layer_size, **arguments)
    function = {"Max": ops.max_pooling, "Average": ops.average_pooling}[kind]
    bound = 0.0 if kind == "Max" else (np.prod(size) + 2) * U * ops.average_pooling(np.abs(x), size, **arguments)
    close(layer(x.astype("float32")), function(x, size, **arguments), bound)


@given(st.data(), st.integers(1, 3), st.booleans(), SEEDS)
def test_global_pooling(data: st.DataObject, rank: int, keepdims: bool, seed: int) -> None:
    x, data_format = normal(seed, *data.draw(shapes(rank))), data.draw(st.sampled_from(FORMATS))
    real = x.astype("float32")
    largest = getattr(layers, f"GlobalMaxPooling{rank}D")(data_format=data_format, keepdims=keepdims)
    mean = getattr(layers, f"GlobalAveragePooling{rank}D")(data_format=data_format, keepdims=keepdims)
    close(largest(real), ops.global_max_pooling(x, keepdims, data_format), 0)
    bound = (x[0].size + 2) * U * ops.global_average_pooling(np.abs(x), keepdims, data_format)
    close(mean(real), ops.global_average_pooling(x, keepdims, data_format), bound)


@given(st.data(), st.integers(1, 3), SEEDS)
def test_up_sampling(data: st.DataObject, rank: int, seed: int) -> None:
    x, size = normal(seed, *data.draw(shapes(rank))), data.draw(st.integers(1, 4))
    arguments = {} if rank == 1 else {"data_format": data.draw(st.sampled_from(FORMATS))}
    layer = getattr(layers, f"UpSampling{rank}D")(size, **arguments)
    close(layer(x.astype("float32")), ops.up_sampling(x, size, **arguments), 0)


@given(st.data(), st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_bilinear_up_sampling(data: st.DataObject, rows: int, columns: int, seed: int) -> None:
    x, data_format = normal(seed, *data.draw(shapes(2))), data.draw(st.sampled_from(FORMATS))
    arguments = {"interpolation": "bilinear", "data_format": data_format}
    layer = layers.UpSampling2D((rows, columns), **arguments)
    # The place between two elements, up to n, is rounded in float32; so are products and sums of two.
    bound = 8 * U * max(x.shape) * np.abs(x).max()
    close(layer(x.astype("float32")), ops.up_sampling(x, (rows, columns), **arguments), bound)


@given(st.data(), st.integers(1, 3), SEEDS)
def test_zero_padding_and_cropping(data: st.DataObject, rank: int, seed: int) -> None:
    x, number = normal(seed, *data.draw(shapes(rank))), st.integers(0, 1)
    pairs = st.lists(st.tuples(number, number), min_size=rank, max_size=rank).map(tuple)
    amounts: Any = data.draw(number | (st.tuples(number, number) if rank == 1 else pairs))
    arguments = {} if rank == 1 else {"data_format": data.draw(st.sampled_from(FORMATS))}
    real = x.astype("float32")
    close(
        getattr(layers, f"ZeroPadding{rank}D")(amounts, **arguments)(real), ops.zero_padding(x, amounts, **arguments), 0
    )
    close(getattr(layers, f"Cropping{rank}D")(amounts, **arguments)(real), ops.cropping(x, amounts, **arguments), 0)


@given(st.data(), st.integers(0, 3), SEEDS)
def test_reshaping(data: st.DataObject, rank: int, seed: int) -> None:
    x, data_format = normal(seed, *data.draw(shapes(rank))), data.draw(st.sampled_from(FORMATS))
    dims = data.draw(st.permutations(range(1, x.ndim)))
    real = x.astype("float32")
    close(layers.Flatten(data_format=data_format)(real), ops.flatten(x, data_format), 0)
    close(layers.Permute(dims)(real), ops.permute(x, dims), 0)
    for shape in ((-1,), (1, -1, x.shape[-1]), x.shape[:0:-1]):
        close(layers.Reshape(shape)(real), ops.reshape(x, shape), 0)
    if rank == 0:
        close(layers.RepeatVector(3)(real), ops.repeat_vector(x, 3), 0)


@given(st.data(), st.integers(1, 3), st.integers(2, 4), SEEDS)
def test_joining(data: st.DataObject, rank: int, count: int, seed: int) -> None:
    shape = data.draw(shapes(rank))
    xs = [normal(seed + i, *shape) for i in range(count)]
    real = [x.astype("float32") for x in xs]
    absolute = [np.abs(x) for x in xs]
    axis = data.draw(st.integers(1, rank + 1) | st.just(-1))
    close(layers.Concatenate(axis)(real), ops.concatenate(xs, axis), 0)
    close(layers.Add()(real), ops.add(xs), count * U * ops.add(absolute))
    close(layers.Average()(real), ops.average(xs), (count + 2) * U * ops.average(absolute))
    close(layers.Multiply()(real), ops.multiply(xs), count * U * ops.multiply(absolute))
    close(layers.Subtract()(real[:2]), ops.subtract(*xs[:2]), U * ops.add(absolute))
    close(layers.Maximum()(real), ops.maximum(xs), 0)
    close(layers.Minimum()(real), ops.minimum(xs), 0)


N = 40_000
RATES = (0.1, 0.3, 0.5, 0.8)


def both(layer: Any, function: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the layer and the reference make of x in training mode."""
    return plain(layer(x.astype("float32"), training=True)), function(x, np.random.default_rng(0))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout"])
def test_dropout_has_the_same_two_values_as_often(name: str, rate: float) -> None:
    function = {"Dropout": noise.dropout, "AlphaDropout": noise.alpha_dropout}[name]
    for value in (1.0, -2.5):
        real, ours = both(
            getattr(layers, name)(rate, seed=1), lambda x, rng: function(x, rate, rng), np.full((N, 1), value)
        )
        (low, high), counts = np.unique(ours, return_counts=True)
        np.testing.assert_allclose(np.unique(real), [low, high], rtol=8 * U, atol=8 * U)
        middle = (low + high) / 2
        kept = {
            key: np.mean((y > middle) if value > 0 else (y < middle)) for key, y in {"real": real, "ours": ours}.items()
        }
        # Five standard deviations of a share of N draws.
        assert all(abs(share - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / N) for share in kept.values()), (
            kept,
            counts,
        )


@pytest.mark.parametrize("rate", RATES)
def test_gaussian_dropout_and_noise_have_the_same_moments(rate: float) -> None:
    x = np.full((N, 1), 3.0)
    dropped = both(layers.GaussianDropout(rate, seed=1), lambda x, rng: noise.gaussian_dropout(x, rate, rng), x)
    noisy = both(layers.GaussianNoise(rate, seed=1), lambda x, rng: noise.gaussian_noise(x, rate, rng), x)
    for (real, ours), std in ((dropped, 3 * np.sqrt(rate / (1 - rate))), (noisy, rate)):
        for y in (real, ours):
            assert abs(y.mean() - 3) < 5 * std / np.sqrt(N)
            assert abs(y.std() - std) < 5 * std / np.sqrt(2 * N)


@pytest.mark.parametrize("data_format", FORMATS)
def test_spatial_dropout_drops_whole_channels(data_format: str) -> None:
    x = np.ones((20, 6, 6, 30) if data_format == "channels_last" else (20, 30, 6, 6))
    layer = layers.SpatialDropout2D(0.3, data_format=data_format)
    spatial = (1, 2) if data_format == "channels_last" else (2, 3)
    for y in both(layer, lambda x, rng: noise.spatial_dropout(x, 0.3, rng, data_format), x):
        assert np.all(y.max(spatial) == y.min(spatial))
        np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=4 * U)
        assert abs((y > 0).mean() - 0.7) < 5 * np.sqrt(0.21 / 600)


def test_noise_shape() -> None:
    x = np.ones((50, 40, 3))
    layer = layers.Dropout(0.5, noise_shape=(None, 1, 3))
    for y in both(layer, lambda x, rng: noise.dropout(x, 0.5, rng, (None, 1, 3)), x):
        assert np.all(y == y[:, :1]) and 0 < y.mean() < 2


def test_a_rate_of_one() -> None:
    if MAJOR == 2:
        with pytest.raises(ValueError, match="rate"):
            layers.Dropout(1.0)(np.ones((2, 3)), training=True)
        return
    for y in both(layers.Dropout(1.0), lambda x, rng: noise.dropout(x, 1.0, rng), np.ones((50, 40, 3))):
        assert np.all(y == 0)
