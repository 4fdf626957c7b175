"""What a layer's call costs, told from shapes alone: how large its output is, what else it makes, how much work it is.

A trial is run only where that is little, whatever sizes a program has; so these are no less than what `running` then
makes. Work counts in units of about a nanosecond.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ...catalog import Shape as Known
from ...catalog import row
from ...catalog.spatial import split
from ...graph.kinds import MERGES, RANDOM
from ...reference.windows import each, padding_of
from .specs import RAISED, Network, Spec, Uncomputable, arranged, axis_of

Shape = tuple[int, ...]

_CALL = 40_000
"""What calling a layer takes, however small."""
DRAWN, _NORMALIZED, _WINDOWED, _MULTIPLIED, _PASS = 30, 40, 3, 0.15, 2
"""What it takes to draw a number, normalize it, see it in a window, multiply and add it, do something simple to it."""
_ACTIVATED = {"linear": 0, "gelu": 180, "mish": 60, "softplus": 60, "log_sigmoid": 60, "softmax": 40, "log_softmax": 40}
"""What the slower activations take a number."""
_QUICK = 20
"""What any other takes."""


class Unequal(Uncomputable):
    """Inputs of a layer that do not go together: the number of its node and their shapes."""

    def __init__(self, said: str, shapes: Sequence[Shape], node: int = -1) -> None:
        super().__init__(said)
        self.shapes, self.node = tuple(shapes), node

    def at(self, node: int) -> Unequal:
        """The same, of a node."""
        return Unequal(str(self), self.shapes, node)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call: the output's shape, the batch included; the variables; what else there is meanwhile; the work."""

    shape: Shape
    variables: tuple[tuple[str, Shape], ...] = ()
    beside: int = 0
    work: float = 0

    def then(self, beside: int, work: float) -> Cost:
        """With something more that is done to the output."""
        return replace(self, beside=max(self.beside, beside), work=self.work + work)


@dataclass(frozen=True, slots=True)
class Run:
    """Of one run of a network: each node's cost, by its number."""

    nodes: tuple[Cost, ...]

    @property
    def values(self) -> int:
        """How many numbers all outputs have."""
        return sum(math.prod(cost.shape) for cost in self.nodes)

    @property
    def beside(self) -> int:
        """How many numbers there are beside them at most."""
        return max((cost.beside for cost in self.nodes), default=0)

    @property
    def work(self) -> float:
        """The work of all nodes."""
        return sum(_CALL + cost.work for cost in self.nodes)


@lru_cache(maxsize=512)
def run_of(network: Network, shapes: tuple[Shape, ...], keras: int, batch: int) -> Run:
    """What a run costs with inputs of these shapes, the batch left out. Raises Uncomputable."""
    values: dict[int, Shape] = {-1 - number: (batch, *shape) for number, shape in enumerate(shapes)}
    costs: dict[int, Cost] = {}
    for number in arranged(network):
        node = network.nodes[number]
        try:
            costs[number] = cost_of(node.spec, [values[one] for one in node.inputs], keras)
        except Unequal as found:
            raise found.at(number) from None
        except RAISED as error:
            raise Uncomputable(str(error)) from error
        values[number] = costs[number].shape
    return Run(tuple(costs[number] for number in range(len(network.nodes))))


def cost_of(spec: Spec, shapes: Sequence[Shape], keras: int) -> Cost:
    """What a call costs. Raises ValueError, TypeError and the like where these shapes, or arguments, do not fit."""
    joins = spec.kind in MERGES
    if joins and len(shapes) < 2:
        raise ValueError(f"{spec.kind} takes a number that is not known")
    if not joins and len(shapes) != 1:
        raise ValueError(f"{spec.kind} has {len(shapes)} inputs")
    if spec.inner is not None:
        return _time_distributed(spec.inner, shapes[0], keras)
    given = Given(spec, dict(spec.args))
    out = spec.row.shape(given, shapes) if spec.row.shape else None
    if out is None:
        raise ValueError(f"{spec.name} does not take an input of {_listed(shapes)}")
    if joins and not _fit(spec, shapes, out):
        raise Unequal(f"{spec.kind} cannot join {_listed(shapes)}", shapes)
    whole = _checked(spec, "output", out)
    cost = _joined(shapes, whole) if joins else _COSTS[spec.row.family](given, shapes[0], whole)
    for name, shape in (("output", cost.shape), *cost.variables):
        _checked(spec, name, shape)
    return cost


def _checked(spec: Spec, name: str, shape: Known) -> Shape:
    if any(not isinstance(size, int) for size in shape):
        raise TypeError(f"{spec.name} has a size that is no whole number")
    if any(size < 1 for size in shape if size is not None):
        raise ValueError(f"the {name} of {spec.name} has no elements")
    return tuple(size for size in shape if size is not None)


@dataclass(frozen=True, slots=True)
class Given:
    """A layer's arguments, as the catalog's rules ask for them."""

    spec: Spec
    args: Mapping[str, Any]

    def __call__(self, name: str) -> Any:
        return self.args.get(name)

    def value(self, name: str, default: object = None) -> Any:
        """An argument's value."""
        return self.args.get(name, default)

    def inner(self, shape: Known) -> Known | None:
        """Only TimeDistributed wraps a layer that is tried, and `_time_distributed` looks into it."""
        raise NotImplementedError

    def parts(self, shape: Shape) -> tuple[Shape, int]:
        """The spatial sizes, and the channels."""
        spatial, channels = split(self, shape)
        return _checked(self.spec, "input", spatial), channels or 0

    def sizes(self, name: str) -> tuple[int, ...]:
        """An argument with one number for each spatial axis."""
        value = self(name)
        found = each(1 if value is None and name == "dilation_rate" else value, self.spec.row.spatial)
        if any(not isinstance(size, int) or size < 1 for size in found):
            raise ValueError(f"{name} of {self.spec.kind} is {value}")
        return found

    def count(self, name: str) -> int:
        """An argument that says how many there are."""
        value = self(name)
        if not isinstance(value, int):
            raise TypeError(f"{name} of {self.spec.kind} is {value}")
        return value

    def activated(self, cost: Cost) -> Cost:
        """With the fused activation."""
        count, name = math.prod(cost.shape), self("activation") or "linear"
        if name == "glu":
            cost = replace(cost, shape=(*cost.shape[:-1], cost.shape[-1] // 2))
        return cost.then(4 * count, count * _ACTIVATED.get(str(name), _QUICK))


def _dense(given: Given, shape: Shape, out: Shape) -> Cost:
    units, count = out[-1], math.prod(out)
    variables = (("kernel", (shape[-1], units)), *_bias(given, units))
    return given.activated(Cost(out, variables, 2 * count, count * (_PASS + shape[-1] * _MULTIPLIED)))


def _bias(given: Given, size: int) -> tuple[tuple[str, Shape], ...]:
    return (("bias", (size,)),) if given("use_bias") else ()


def _padded(given: Given, spatial: Shape, size: Shape, strides: Shape, dilation: Shape) -> int:
    """How many numbers spatial sizes have with the padding, as `reference.windows` lays windows."""
    axes = zip(spatial, size, strides, dilation, strict=True)
    return math.prod(axis[0] + sum(padding_of(*axis, str(given("padding")))) for axis in axes)


def _convolved(whole: Shape, padded: int, size: Shape, channels: int, filters: int, groups: int) -> Cost:
    """The matrix products of a convolution without its variables; `padded`: the numbers of a channel that comes in.

    `whole` is the output's shape.
    """
    out = math.prod(whole)
    seen = out // filters * math.prod(size) * channels
    beside = padded * channels + (2 + (groups > 1)) * seen + 3 * out
    work = seen * (_WINDOWED + (groups > 1) * _WINDOWED + filters / groups * _MULTIPLIED) + 4 * _PASS * out
    return Cost(whole, (), beside, work + 2 * _PASS * padded * channels)


def _convolution(given: Given, shape: Shape, out: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    filters, size = given.count("filters"), given.sizes("kernel_size")
    groups = 1 if given("groups") is None else given.count("groups")
    if groups < 1 or channels % groups or filters % groups:
        raise ValueError(f"{groups} groups do not divide {channels} channels and {filters} filters")
    padded = shape[0] * _padded(given, spatial, size, given.sizes("strides"), given.sizes("dilation_rate"))
    cost = _convolved(out, padded, size, channels, filters, groups)
    variables = (("kernel", (*size, channels // groups, filters)), *_bias(given, filters))
    return given.activated(replace(cost, variables=variables))


def _depthwise(given: Given, shape: Shape, out: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    multiplier, size = given.count("depth_multiplier"), given.sizes("kernel_size")
    deep, places = channels * multiplier, (out[0], *given.parts(out)[0])
    padded = shape[0] * _padded(given, spatial, size, given.sizes("strides"), given.sizes("dilation_rate"))
    cost = _convolved((*places, deep), padded, size, channels, deep, channels)
    if given.spec.kind.startswith("Depthwise"):
        variables = (("kernel", (*size, channels, multiplier)), *_bias(given, deep))
        return given.activated(replace(cost, shape=out, variables=variables))
    filters, between = given.count("filters"), math.prod(cost.shape)
    point = _convolved(out, math.prod(places), (1,) * len(size), deep, filters, 1)
    variables = (
        ("depthwise_kernel", (*size, channels, multiplier)),
        ("pointwise_kernel", (*[1] * len(size), deep, filters)),
        *_bias(given, filters),
    )
    both = point.then(max(cost.beside, point.beside + between), cost.work)
    return given.activated(replace(both, variables=variables))


def _transposed(given: Given, shape: Shape, out: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    filters, size, strides = given.count("filters"), given.sizes("kernel_size"), given.sizes("strides")
    reach = [(k - 1) * d + 1 for k, d in zip(size, given.sizes("dilation_rate"), strict=True)]
    spread = [(n - 1) * s + 1 for n, s in zip(spatial, strides, strict=True)]
    wide = shape[0] * math.prod(n + 2 * (a - 1) for n, a in zip(spread, reach, strict=True))
    full = tuple(n + a - 1 for n, a in zip(spread, reach, strict=True))
    cost = _convolved((shape[0], *full, filters), wide, size, channels, filters, 1)
    # Axes are cut one after the other, to lengths that may be larger than before.
    cut = shape[0] * filters * math.prod(map(max, full, given.parts(out)[0]))
    variables = (("kernel", (*size, filters, channels)), *_bias(given, filters))
    cost = cost.then(cost.beside + wide * channels + 3 * cut, (len(size) + 1) * 4 * _PASS * cut)
    return given.activated(replace(cost, shape=out, variables=variables))


def _pooling(given: Given, shape: Shape, out: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    size = given.sizes("pool_size")
    strides = size if given("strides") is None else given.sizes("strides")
    padded = shape[0] * channels * _padded(given, spatial, size, strides, (1,) * len(size))
    count = math.prod(out)
    work = _WINDOWED * 2 * count * math.prod(size) + 2 * _PASS * (padded + count)
    return Cost(out, (), 2 * padded + 3 * count, work)


def _global_pooling(given: Given, shape: Shape, out: Shape) -> Cost:
    return Cost(out, (), math.prod(out), _WINDOWED * math.prod(shape))


def _up_sampling(given: Given, shape: Shape, out: Shape) -> Cost:
    given.sizes("size")
    bilinear, count = given("interpolation") not in (None, "nearest"), math.prod(out)
    return Cost(out, (), (6 if bilinear else 2) * count, _PASS * (8 if bilinear else 2) * count)


def _padding(given: Given, shape: Shape, out: Shape) -> Cost:
    amounts = each_pair(given("cropping" if "cropping" in given.args else "padding"), given.spec.row.spatial)
    if any(amount < 0 for pair in amounts for amount in pair):
        raise ValueError(f"{given.spec.kind} takes no negative number")
    return Cost(out, (), 0, 2 * _PASS * math.prod(out))


def each_pair(amounts: Any, rank: int) -> list[tuple[int, int]]:
    """(before, behind) for each spatial axis, of padding or cropping. On one axis, two numbers are its pair."""
    if isinstance(amounts, int):
        return [(amounts, amounts)] * rank
    if rank == 1 and len(amounts) == 2:
        amounts = [amounts]
    return [(one, one) if isinstance(one, int) else (one[0], one[1]) for one in amounts]


def _batchnorm(given: Given, shape: Shape, out: Shape) -> Cost:
    size = shape[axis_of(given.spec) % len(shape)]
    names = ["moving_mean", "moving_variance", *_affine(given)]
    names += ["moving_stddev", "renorm_mean", "renorm_stddev"] if given("renorm") else []
    count = math.prod(shape)
    return Cost(out, tuple((name, (size,)) for name in names), 9 * count + 30 * size, _NORMALIZED * count + _CALL)


def _layernorm(given: Given, shape: Shape, out: Shape) -> Cost:
    axis = given("axis")
    axes = sorted(one % len(shape) for one in ((axis,) if isinstance(axis, int) else axis))
    return _relative(given, out, tuple(shape[one] for one in axes))


def _groupnorm(given: Given, shape: Shape, out: Shape) -> Cost:
    size, groups = shape[given("axis") % len(shape)], given.count("groups")
    if groups != -1 and (groups < 1 or size % groups):
        raise ValueError(f"{groups} groups do not divide {size} channels")
    return _relative(given, out, (size,))


def _relative(given: Given, out: Shape, sizes: Shape) -> Cost:
    count = math.prod(out)
    return Cost(out, tuple((name, sizes) for name in _affine(given)), 8 * count, _NORMALIZED * count + _CALL)


def _affine(given: Given) -> list[str]:
    return [name for name, used in (("gamma", given("scale")), ("beta", given("center"))) if used]


def _prelu(given: Given, shape: Shape, out: Shape) -> Cost:
    shared = given("shared_axes") or ()
    alpha = tuple(1 if axis in shared else size for axis, size in enumerate(shape))[1:]
    return Cost(out, (("alpha", alpha),), 3 * math.prod(shape), _QUICK * math.prod(shape))


def _random(given: Given, shape: Shape, out: Shape) -> Cost:
    noise = given("noise_shape")
    if noise is not None:
        pairs = zip(noise, shape, strict=True)
        if any(size is not None and size not in (0, 1, n) for size, n in pairs):
            raise ValueError(f"a noise_shape of {noise} does not fit an input of {shape[1:]}")
    return Cost(out, (), 6 * math.prod(shape), (DRAWN + 8 * _PASS) * math.prod(shape))


def _moved(given: Given, shape: Shape, out: Shape) -> Cost:
    """The same numbers in another shape."""
    if math.prod(out) != math.prod(shape):
        raise ValueError(f"{given.spec.name} does not make {out[1:]} of {shape[1:]}")
    return Cost(out, (), 0, _PASS * math.prod(shape))


def _repeat_vector(given: Given, shape: Shape, out: Shape) -> Cost:
    return Cost(out, (), 0, 2 * _PASS * math.prod(out))


def _time_distributed(inner: Spec, shape: Shape, keras: int) -> Cost:
    if len(shape) < 3:
        raise ValueError(f"TimeDistributed does not take an input of {len(shape)} axes")
    if keras == 2:
        cost = cost_of(inner, [(shape[0] * shape[1], *shape[2:])], keras)
        return replace(cost, shape=(*shape[:2], *cost.shape[1:]))
    cost = cost_of(inner, [(shape[0], *shape[2:])], keras)
    out = shape[1] * math.prod(cost.shape)
    work = shape[1] * (_CALL + cost.work) + _PASS * out
    return replace(cost, shape=(*shape[:2], *cost.shape[1:]), beside=cost.beside + 2 * out, work=work)


def _joined(shapes: Sequence[Shape], out: Shape) -> Cost:
    count = math.prod(out)
    return Cost(out, (), 2 * count, 2 * _PASS * count * len(shapes))


def _fit(spec: Spec, shapes: Sequence[Shape], out: Known) -> bool:
    """Whether several inputs go together."""
    if spec.kind != "Concatenate":
        return None not in out
    axis = Given(spec, dict(spec.args))("axis") % len(out)
    return all((*shape[:axis], out[axis], *shape[axis + 1 :]) == out for shape in shapes)


def _listed(shapes: Sequence[Shape]) -> str:
    return " and ".join(" × ".join(map(str, shape[1:])) for shape in shapes)


def _simple(work: float) -> Callable[[Given, Shape, Shape], Cost]:
    return lambda given, shape, out: Cost(out, (), 4 * math.prod(out), work * math.prod(out))


_COSTS: dict[str, Callable[[Given, Shape, Shape], Cost]] = {
    "Dense": _dense,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "DepthwiseConv": _depthwise,
    "SeparableConv": _depthwise,
    "BatchNormalization": _batchnorm,
    "LayerNormalization": _layernorm,
    "GroupNormalization": _groupnorm,
    "Activation": lambda given, shape, out: given.activated(Cost(out)),
    "PReLU": _prelu,
    "Softmax": _simple(_ACTIVATED["softmax"]),
    **dict.fromkeys(("ReLU", "LeakyReLU", "ELU"), _simple(_QUICK)),
    **dict.fromkeys((row(kind).family for kind in RANDOM), _random),
    **dict.fromkeys(("MaxPooling", "AveragePooling"), _pooling),
    **dict.fromkeys(("GlobalMaxPooling", "GlobalAveragePooling"), _global_pooling),
    "UpSampling": _up_sampling,
    **dict.fromkeys(("ZeroPadding", "Cropping"), _padding),
    **dict.fromkeys(("Flatten", "Reshape", "Permute"), _moved),
    "RepeatVector": _repeat_vector,
    **dict.fromkeys(("Identity", "ActivityRegularization", "StopGradient"), _simple(0)),
}
