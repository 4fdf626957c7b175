"""Dense and convolution layers against the real ones.

A sum of n products in float32 errs by at most (n + 2) * u * the sum of their absolute values; that sum is the same
layer applied to the absolute values of input, kernel and bias.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from able import placed, ways
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from real import MAJOR, close, layers, normal
from rounding import UNIT

from bnlint.reference import linear

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def spatial(draw: st.DrawFn, rank: int, ways: list[dict[str, Any]], causal: bool = False) -> dict[str, Any]:
    """What all convolutions take. Keras refuses unequal strides in a few, and pads causally with channels_last only."""
    way = draw(st.sampled_from(ways))
    size = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    paddings = ["valid", "same", *["causal"] * (causal and way["data_format"] == "channels_last")]
    return {"kernel_size": size, "padding": draw(st.sampled_from(paddings)), "use_bias": draw(st.booleans()), **way}


def inputs(draw: st.DrawFn, rank: int, channels: int, arguments: dict[str, Any]) -> tuple[int, ...]:
    """The shape of an input, long enough for any kernel."""
    batch, *size = draw(st.integers(1, 3)), *[draw(st.integers(7, 9)) for _ in range(rank)]
    return (batch, channels, *size) if arguments["data_format"] == "channels_first" else (batch, *size, channels)


def renamed(arguments: dict[str, Any]) -> dict[str, Any]:
    """Keras's arguments as the reference calls them."""
    names = {"strides": "strides", "padding": "padding", "dilation_rate": "dilation", "groups": "groups"}
    names |= {"output_padding": "output_padding", "data_format": "data_format"}
    return {names[key]: value for key, value in arguments.items() if key in names}


def verify(layer: Any, function: Any, shape: tuple[int, ...], terms: int, seed: int, **arguments: Any) -> None:
    """The layer with random weights against the function with the same."""
    layer.build(shape)
    x = normal(seed, *shape)
    weights = [normal(seed + 1 + i, *w.shape) for i, w in enumerate(layer.weights)]
    layer.set_weights(weights)
    exact = function(x, *weights, **arguments)
    absolute = function(np.abs(x), *map(np.abs, weights), **arguments)
    close(layer(x.astype("float32")), exact, (terms + 2) * UNIT["float32"] * absolute)


@given(st.data(), st.integers(1, 3), SEEDS)
def test_convolution(data: st.DataObject, rank: int, seed: int) -> None:
    name = f"Conv{rank}D"
    arguments, channels = data.draw(spatial(rank, ways(name), causal=rank == 1)), data.draw(st.integers(1, 4))
    assume(placed(name, arguments["kernel_size"], arguments.get("strides"), arguments["padding"]))
    layer = getattr(layers, name)(data.draw(st.integers(1, 4)), **arguments)
    terms = int(np.prod(arguments["kernel_size"])) * channels
    verify(layer, linear.convolution, inputs(data.draw, rank, channels, arguments), terms, seed, **renamed(arguments))


@settings(max_examples=10)
@given(st.data(), st.integers(1, 3), SEEDS)
def test_grouped_convolution(data: st.DataObject, rank: int, seed: int) -> None:
    name, groups = f"Conv{rank}D", data.draw(st.integers(2, 3))
    arguments = data.draw(spatial(rank, ways(name))) | {"groups": groups}
    assume(placed(name, arguments["kernel_size"], arguments.get("strides"), arguments["padding"], groups))
    channels, filters = groups * data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2))
    layer = getattr(layers, name)(filters, **arguments)
    terms = int(np.prod(arguments["kernel_size"])) * channels
    shape = inputs(data.draw, rank, channels, arguments)
    verify(layer, linear.convolution, shape, terms, seed, **renamed(arguments))


@given(st.data(), st.integers(1, 2), SEEDS)
def test_depthwise_convolution(data: st.DataObject, rank: int, seed: int) -> None:
    name = f"DepthwiseConv{rank}D"
    arguments, channels = data.draw(spatial(rank, ways(name))), data.draw(st.integers(1, 4))
    layer = getattr(layers, name)(depth_multiplier=data.draw(st.integers(1, 3)), **arguments)
    terms = int(np.prod(arguments["kernel_size"]))
    shape = inputs(data.draw, rank, channels, arguments)
    verify(layer, linear.depthwise_convolution, shape, terms, seed, **renamed(arguments))


@given(st.data(), st.integers(1, 2), SEEDS)
def test_separable_convolution(data: st.DataObject, rank: int, seed: int) -> None:
    name = f"SeparableConv{rank}D"
    arguments, channels = data.draw(spatial(rank, ways(name))), data.draw(st.integers(1, 4))
    multiplier, filters = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 4))
    layer = getattr(layers, name)(filters, depth_multiplier=multiplier, **arguments)
    terms = int(np.prod(arguments["kernel_size"])) + channels * multiplier
    shape = inputs(data.draw, rank, channels, arguments)
    verify(layer, linear.separable_convolution, shape, terms, seed, **renamed(arguments))


@given(st.data(), st.integers(1, 3), SEEDS)
def test_transposed_convolution(data: st.DataObject, rank: int, seed: int) -> None:
    name = f"Conv{rank}DTranspose"
    arguments, channels = data.draw(spatial(rank, ways(name))), data.draw(st.integers(1, 4))
    stride = arguments.get("strides", 1)
    if stride > 1 and arguments["padding"] == "same" and data.draw(st.booleans()):
        arguments["output_padding"] = data.draw(st.integers(0, stride - 1))
        # Lengths whose forward convolution does not come back to the input's are refused by TensorFlow.
        assume(all(1 <= k % 2 + arguments["output_padding"] <= stride for k in arguments["kernel_size"]))
    layer = getattr(layers, name)(data.draw(st.integers(1, 4)), **arguments)
    if MAJOR == 2 and rank == 3:
        arguments["dilation_rate"] = 1  # Keras 2 takes another one, and does nothing with it.
    terms = int(np.prod(arguments["kernel_size"])) * channels
    shape = inputs(data.draw, rank, channels, arguments)
    verify(layer, linear.transposed_convolution, shape, terms, seed, **renamed(arguments))


@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(1, 4), st.booleans(), SEEDS)
def test_dense(shape: list[int], units: int, use_bias: bool, seed: int) -> None:
    verify(layers.Dense(units, use_bias=use_bias), linear.dense, tuple(shape), shape[-1], seed)


@pytest.mark.parametrize(
    ("equation", "output", "bias"),
    [("abc,cd->abd", (3, 5), "d"), ("abc,cde->abde", (3, 5, 2), None), ("ab,bc->ac", 4, "c")],
)
def test_einsum_dense(equation: str, output: Any, bias: str | None) -> None:
    layer = layers.EinsumDense(equation, output_shape=output, bias_axes=bias)
    shape = (2, 3, 4)[: equation.index(",")]
    verify(layer, lambda x, *w: linear.einsum_dense(equation, x, *w), shape, shape[-1], seed=0)


FIRST = {
    "convolution": (linear.convolution, [(2, 3, 4, 5), (5,)], {"strides": 2, "padding": "same"}),
    "grouped": (linear.convolution, [(2, 3, 2, 4), (4,)], {"groups": 2, "dilation": 2}),
    "depthwise": (linear.depthwise_convolution, [(2, 3, 4, 2), (8,)], {"strides": 2}),
    "separable": (linear.separable_convolution, [(2, 3, 4, 2), (1, 1, 8, 3), (3,)], {"padding": "same"}),
    "transposed": (linear.transposed_convolution, [(2, 3, 5, 4), (5,)], {"strides": 2, "padding": "same"}),
}


@pytest.mark.parametrize("name", FIRST)
def test_channels_first_is_the_same_with_the_axes_moved(name: str) -> None:
    """Of the reference alone: not every platform has a channels_first convolution to compare with."""
    function, shapes, arguments = FIRST[name]
    x, weights = normal(0, 2, 7, 8, 4), [normal(i, *shape) for i, shape in enumerate(shapes, start=1)]
    moved = function(np.moveaxis(x, -1, 1), *weights, **arguments, data_format="channels_first")
    np.testing.assert_array_equal(moved, np.moveaxis(function(x, *weights, **arguments), -1, 1))


def test_wrong_shapes_and_paddings_are_refused() -> None:
    x, kernel = normal(0, 2, 5, 4), normal(1, 3, 4, 6)
    for wrong in ({"groups": 2}, {"padding": "full"}, {"data_format": "last"}, {"dilation": 3}):
        with pytest.raises(ValueError, match=r"groups|padding|data_format|larger"):
            linear.convolution(x, kernel, **wrong)
    with pytest.raises(ValueError, match="padding"):
        linear.transposed_convolution(x, normal(1, 3, 6, 4), padding="causal")
