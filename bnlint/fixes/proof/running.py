"""A layer's call, run on the reference runtime."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...graph.kinds import MERGES
from ...reference import linear, noise, normalizations, ops
from ...reference.activations import activation, leaky_relu
from ...reference.arrays import Array
from ...reference.batchnorm import BatchNorm
from .specs import RAISED, Network, Spec, Uncomputable, arranged, axis_of, normalizes

_POSITIVE = ("moving_variance", "moving_stddev", "renorm_stddev")
_FIRST = {"gamma": 1.0, **dict.fromkeys(_POSITIVE, 1.0)}
STATISTICS = ("moving_mean", "moving_variance")
RENORM = ("moving_stddev", "renorm_mean", "renorm_stddev")

Variables = dict[tuple[int, str], Array]
"""Variables by the number of their layer and their name."""


@dataclass(slots=True)
class Runner:
    """A network with its variables, which come into being when a layer first asks for them.

    drawn: new variables are drawn at random, as before a change; else they have their initial values, and those that
    come from kernels are drawn. `order` lists the layers' variables as they came, `axes` the axes that layers keep
    apart.
    """

    network: Network
    keras: int
    variables: Variables
    drawn: bool
    order: dict[tuple[int, str], tuple[int, ...]] = field(default_factory=dict)
    into: dict[int, Array] = field(default_factory=dict)

    def run(self, outside: Sequence[Array], training: bool, step: int, noisy: bool = True) -> list[Array]:
        """Every node's value for these inputs; into `into`, those of batch normalizations. Raises Uncomputable."""
        values: dict[int, Array] = {-1 - number: x for number, x in enumerate(outside)}
        for number in arranged(self.network):
            node = self.network.nodes[number]
            xs = [values[one] for one in node.inputs]
            mode = training if node.training is None else node.training
            at = At(self, node.spec, node.layer, mode, step, noisy)
            if normalizes(node.spec):
                self.into[node.layer] = xs[0]
            try:
                values[number] = at(xs)
            except RAISED as error:
                raise Uncomputable(str(error)) from error
        return [values[number] for number in range(len(self.network.nodes))]


@dataclass(slots=True)
class At:
    """A layer in one call: what it was made with, its variables, and its mode."""

    runner: Runner
    spec: Spec
    layer: int
    training: bool
    step: int
    noisy: bool

    def __call__(self, xs: list[Array]) -> Array:
        """The output. Raises ValueError and the like where Keras would raise."""
        if self.spec.kind in MERGES:
            if len(xs) < 2:
                raise ValueError(f"{self.spec.kind} takes a number that is not known")
            return _JOINS[self.spec.kind](xs, **dict(self.spec.args))
        if len(xs) != 1:
            raise ValueError(f"{self.spec.kind} has {len(xs)} inputs")
        return _KINDS[self.spec.row.family](self, xs[0])

    def arg(self, name: str) -> Any:
        """An argument's value."""
        value = dict(self.spec.args).get(name)
        return "channels_last" if name == "data_format" and value is None else value

    def args(self, *names: str) -> dict[str, Any]:
        """Those of these arguments that the layer has."""
        return {name: self.arg(name) for name in names if name in dict(self.spec.args) or name == "data_format"}

    def all(self) -> dict[str, Any]:
        """All that decides what the layer computes, by the names that the runtime's functions have for it."""
        return {_PARAMETERS.get(name, name): value for name, value in self.args(*self.spec.row.computes or ()).items()}

    def variable(self, name: str, shape: Sequence[int]) -> Array:
        """A variable, made where it is not there yet."""
        key, sizes = (self.layer, name), tuple(map(int, shape))
        self.runner.order[key] = sizes
        found = self.runner.variables.get(key)
        if found is None or found.shape != sizes:
            found = self._made(name, sizes)
            self.runner.variables[key] = found
        return found

    def _made(self, name: str, shape: tuple[int, ...]) -> Array:
        kernel = "kernel" in name
        if not self.runner.drawn and not kernel:
            return np.full(shape, _FIRST.get(name, 0.0))
        drawn: Array = np.random.default_rng([self.layer, zlib.crc32(name.encode())]).standard_normal(shape)
        if kernel:  # So that outputs vary as much as inputs do.
            return drawn / float(np.sqrt(np.prod(shape[:-1])))
        if name == "gamma":  # Not near 0, where a channel is as good as gone.
            return np.copysign(np.exp(drawn / 2), drawn)
        return np.exp(drawn / 2) if name in _POSITIVE else drawn

    def activated(self, y: Array) -> Array:
        """The fused activation."""
        z: Array = activation(self.arg("activation"), self.runner.keras)(y)
        return z

    def bias(self, size: int) -> Array | float:
        """The bias, or 0 without one."""
        return self.variable("bias", (size,)) if self.arg("use_bias") else 0.0

    def channels(self, x: Array) -> int:
        """The size of the channel axis."""
        return int(x.shape[1 if self.arg("data_format") == "channels_first" else -1])


def _dense(at: At, x: Array) -> Array:
    units = at.arg("units")
    return at.activated(linear.dense(x, at.variable("kernel", (x.shape[-1], units)), at.bias(units)))


def _window(at: At) -> dict[str, Any]:
    found = at.args("strides", "padding", "data_format")
    return {**found, "dilation": at.arg("dilation_rate")}


def _kernel(at: At) -> tuple[int, ...]:
    size, rank = at.arg("kernel_size"), at.spec.row.spatial
    return (size,) * rank if isinstance(size, int) else tuple(size)


def _convolution(at: At, x: Array) -> Array:
    filters, groups = at.arg("filters"), at.arg("groups") or 1
    kernel = at.variable("kernel", (*_kernel(at), at.channels(x) // groups, filters))
    return at.activated(_biased(at, linear.convolution(x, kernel, groups=groups, **_window(at))))


def _transposed(at: At, x: Array) -> Array:
    kernel = at.variable("kernel", (*_kernel(at), at.arg("filters"), at.channels(x)))
    more = {"output_padding": at.arg("output_padding")}
    return at.activated(_biased(at, linear.transposed_convolution(x, kernel, **_window(at), **more)))


def _depthwise(at: At, x: Array) -> Array:
    kernel = at.variable("kernel", (*_kernel(at), at.channels(x), at.arg("depth_multiplier")))
    return at.activated(_biased(at, linear.depthwise_convolution(x, kernel, **_window(at))))


def _separable(at: At, x: Array) -> Array:
    deep = at.channels(x) * at.arg("depth_multiplier")
    depthwise = at.variable("depthwise_kernel", (*_kernel(at), at.channels(x), at.arg("depth_multiplier")))
    pointwise = at.variable("pointwise_kernel", (*[1] * len(_kernel(at)), deep, at.arg("filters")))
    return at.activated(_biased(at, linear.separable_convolution(x, depthwise, pointwise, **_window(at))))


def _biased(at: At, y: Array) -> Array:
    """With the bias on the channels, whichever axis has them."""
    if not at.arg("use_bias"):
        return y
    axis = 1 if at.arg("data_format") == "channels_first" else y.ndim - 1
    bias = at.variable("bias", (y.shape[axis],))
    return y + bias.reshape([-1 if a == axis else 1 for a in range(y.ndim)])


def _batchnorm(at: At, x: Array) -> Array:
    given = at.args("axis", "momentum", "epsilon", "center", "scale", "renorm", "renorm_momentum", "fused")
    clipping = at.arg("renorm_clipping")
    if at.runner.keras == 3:
        given.pop("fused", None)
    given.pop("data_format", None)
    given["axis"] = axis_of(at.spec)
    bn = BatchNorm(**given, renorm_clipping=dict(clipping) if clipping else None, keras=at.runner.keras)
    bn.trainable = at.spec.trainable
    bn.build(x.shape)
    names = ("gamma",) * bn.scale + ("beta",) * bn.center + STATISTICS + RENORM * bn.renorm
    for name in names:
        setattr(bn, name, at.variable(name, getattr(bn, name).shape))
    y = bn(x, at.training)
    for name in names:
        at.runner.variables[at.layer, name] = getattr(bn, name)
    return y


def _layernorm(at: At, x: Array) -> Array:
    axis = at.arg("axis")
    axes = sorted(a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis))
    sizes = [x.shape[a] for a in axes]
    return normalizations.layer_normalization(x, **_affine(at, sizes), axis=axes, epsilon=at.arg("epsilon"))


def _groupnorm(at: At, x: Array) -> Array:
    axis = at.arg("axis")
    return normalizations.group_normalization(
        x, **_affine(at, [x.shape[axis]]), groups=at.arg("groups"), axis=axis, epsilon=at.arg("epsilon")
    )


def _affine(at: At, sizes: Sequence[int]) -> dict[str, Any]:
    names = ("gamma",) * bool(at.arg("scale")) + ("beta",) * bool(at.arg("center"))
    return {name: at.variable(name, sizes) for name in names}


def _prelu(at: At, x: Array) -> Array:
    shared = at.arg("shared_axes") or ()
    return leaky_relu(x, at.variable("alpha", [1 if a in shared else n for a, n in enumerate(x.shape)][1:]))  # type: ignore[arg-type]


def _random(draw: Callable[..., Array]) -> Callable[[At, Array], Array]:
    """A layer that is random in training mode. In the same step it draws the same, whatever enters it."""

    def run(at: At, x: Array) -> Array:
        if not (at.training and at.noisy):
            return x
        return draw(x, **at.all(), rng=np.random.default_rng([2, at.step, at.layer]))

    return run


def _plain(function: Callable[..., Array]) -> Callable[[At, Array], Array]:
    """A function of one tensor."""
    return lambda at, x: function(x, **at.all())


def _time_distributed(at: At, x: Array) -> Array:
    """Keras 2 puts the time axis into the batch, Keras 3 calls the layer for one time after the other."""
    assert at.spec.inner is not None
    inner = At(at.runner, at.spec.inner, at.layer, at.training, at.step, at.noisy)
    if at.runner.keras == 2:
        y = inner([x.reshape(-1, *x.shape[2:])])
        return y.reshape(*x.shape[:2], *y.shape[1:])
    return np.stack([inner([x[:, time]]) for time in range(x.shape[1])], axis=1)


def _elu(x: Array, alpha: float = 1.0) -> Array:
    return activation("elu")(x, alpha=alpha)


_PARAMETERS = {"pool_size": "size", "target_shape": "shape"}
"""Arguments that the runtime's functions call otherwise."""

_KINDS: dict[str, Callable[[At, Array], Array]] = {
    "Dense": _dense,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "DepthwiseConv": _depthwise,
    "SeparableConv": _separable,
    "BatchNormalization": _batchnorm,
    "LayerNormalization": _layernorm,
    "GroupNormalization": _groupnorm,
    "TimeDistributed": _time_distributed,
    "Activation": lambda at, x: at.activated(x),
    "ReLU": _plain(activation("relu")),
    "LeakyReLU": _plain(leaky_relu),
    "PReLU": _prelu,
    "ELU": _plain(_elu),
    "Softmax": _plain(activation("softmax")),
    "Dropout": _random(noise.dropout),
    "SpatialDropout": _random(noise.spatial_dropout),
    "AlphaDropout": _random(noise.alpha_dropout),
    "GaussianDropout": _random(noise.gaussian_dropout),
    "GaussianNoise": _random(noise.gaussian_noise),
    "MaxPooling": _plain(ops.max_pooling),
    "AveragePooling": _plain(ops.average_pooling),
    "GlobalMaxPooling": _plain(ops.global_max_pooling),
    "GlobalAveragePooling": _plain(ops.global_average_pooling),
    "UpSampling": _plain(ops.up_sampling),
    "ZeroPadding": _plain(ops.zero_padding),
    "Cropping": _plain(ops.cropping),
    "Flatten": _plain(ops.flatten),
    "Reshape": _plain(ops.reshape),
    "Permute": _plain(ops.permute),
    "RepeatVector": _plain(ops.repeat_vector),
    **dict.fromkeys(("Identity", "ActivityRegularization", "StopGradient"), lambda at, x: x),
}

_JOINS: dict[str, Callable[..., Array]] = {
    "Concatenate": ops.concatenate,
    "Add": ops.add,
    "Subtract": lambda xs: ops.subtract(xs[0], xs[1]),
    "Multiply": ops.multiply,
    "Average": ops.average,
    "Maximum": ops.maximum,
    "Minimum": ops.minimum,
}
