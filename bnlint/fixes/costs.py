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

from ..catalog import row
from ..graph.kinds import MERGES, RANDOM
from ..reference.windows import each, padding_of
from .specs import Network, Spec, arranged, axis_of

Shape = tuple[int, ...]

_CALL = 40_000
"""What calling a layer takes, however small."""
DRAWN, _NORMALIZED, _WINDOWED, _MULTIPLIED, _PASS = 30, 40, 3, 0.15, 2
"""What it takes to draw a number, normalize it, see it in a window, multiply and add it, do something simple to it."""
_ACTIVATED = {"linear": 0, "gelu": 180, "mish": 60, "softplus": 60, "log_sigmoid": 60, "softmax": 40, "log_softmax": 40}
"""What the slower activations take a number."""
_QUICK = 20
"""What any other takes."""


class Unequal(ValueError):
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
    """What a run costs with inputs of these shapes, the batch left out. Raises ValueError, TypeError and the like."""
    values: dict[int, Shape] = {-1 - number: (batch, *shape) for number, shape in enumerate(shapes)}
    costs: dict[int, Cost] = {}
    for number in arranged(network):
        node = network.nodes[number]
        try:
            costs[number] = cost_of(node.spec, [values[one] for one in node.inputs], keras)
        except Unequal as found:
            raise found.at(number) from None
        values[number] = costs[number].shape
    return Run(tuple(costs[number] for number in range(len(network.nodes))))


def cost_of(spec: Spec, shapes: Sequence[Shape], keras: int) -> Cost:
    """What a call costs. Raises ValueError, TypeError and the like where these shapes, or arguments, do not fit."""
    if spec.kind in MERGES:
        cost = _joined(spec, shapes)
    elif len(shapes) != 1:
        raise ValueError(f"{spec.kind} has {len(shapes)} inputs")
    else:
        cost = _COSTS[spec.row.family](_Given(spec, keras, dict(spec.args)), shapes[0])
    for name, shape in (("output", cost.shape), *cost.variables):
        if any(not isinstance(size, int) for size in shape):
            raise TypeError(f"{spec.name} has a size that is no whole number")
        if any(size < 1 for size in shape):
            raise ValueError(f"the {name} of {spec.name} has no elements")
    return cost


@dataclass(frozen=True, slots=True)
class _Given:
    """A layer's arguments."""

    spec: Spec
    keras: int
    args: Mapping[str, Any]

    def __call__(self, name: str) -> Any:
        return self.args.get(name)

    @property
    def first(self) -> bool:
        """Whether the channels are the first axis behind the batch."""
        return bool(self("data_format") == "channels_first")

    def parts(self, shape: Shape) -> tuple[Shape, int]:
        """The spatial sizes, and the channels."""
        rank = self.spec.row.spatial
        if len(shape) != rank + 2 if rank else len(shape) < 2:
            raise ValueError(f"{self.spec.kind} does not take an input of {len(shape)} axes")
        return (shape[2:], shape[1]) if self.first else (shape[1:-1], shape[-1])

    def whole(self, batch: int, spatial: Sequence[int], channels: int) -> Shape:
        """The shape of these parts."""
        return (batch, channels, *spatial) if self.first else (batch, *spatial, channels)

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


def _dense(given: _Given, shape: Shape) -> Cost:
    units, out = given.count("units"), math.prod(shape[:-1])
    variables = (("kernel", (shape[-1], units)), *_bias(given, units))
    made = Cost((*shape[:-1], units), variables, 2 * out * units, out * units * (_PASS + shape[-1] * _MULTIPLIED))
    return given.activated(made)


def _bias(given: _Given, size: int) -> tuple[tuple[str, Shape], ...]:
    return (("bias", (size,)),) if given("use_bias") else ()


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows over spatial sizes: how many positions there are, and how many numbers with the padding."""

    out: Shape
    padded: int

    @classmethod
    def over(cls, given: _Given, spatial: Shape, size: Shape, strides: Shape, dilation: Shape) -> _Windows:
        """As `reference.windows` lays them."""
        padding = str(given("padding"))
        pads = [sum(padding_of(*axis, padding)) for axis in zip(spatial, size, strides, dilation, strict=True)]
        long = [n + pad for n, pad in zip(spatial, pads, strict=True)]
        reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
        out = tuple((n - a) // s + 1 for n, a, s in zip(long, reach, strides, strict=True))
        if min(out) < 1:
            raise ValueError(f"a window of {tuple(size)} is larger than the input of {spatial}")
        return cls(out, math.prod(long))


def _convolved(batch: int, windows: _Windows, size: Shape, channels: int, filters: int, groups: int) -> Cost:
    """The matrix products of a convolution, without its variables; the shape has the channels last."""
    positions = batch * math.prod(windows.out)
    seen = positions * math.prod(size) * channels
    out = positions * filters
    beside = batch * windows.padded * channels + (2 + (groups > 1)) * seen + 3 * out
    work = seen * (_WINDOWED + (groups > 1) * _WINDOWED + filters / groups * _MULTIPLIED) + 4 * _PASS * out
    return Cost((batch, *windows.out, filters), (), beside, work + 2 * _PASS * batch * windows.padded * channels)


def _convolution(given: _Given, shape: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    filters, groups, size = (
        given.count("filters"),
        1 if given("groups") is None else given.count("groups"),
        given.sizes("kernel_size"),
    )
    if groups < 1 or channels % groups or filters % groups:
        raise ValueError(f"{groups} groups do not divide {channels} channels and {filters} filters")
    windows = _Windows.over(given, spatial, size, given.sizes("strides"), given.sizes("dilation_rate"))
    cost = _convolved(shape[0], windows, size, channels, filters, groups)
    variables = (("kernel", (*size, channels // groups, filters)), *_bias(given, filters))
    return given.activated(replace(cost, shape=given.whole(shape[0], windows.out, filters), variables=variables))


def _depthwise(given: _Given, shape: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    multiplier, size = given.count("depth_multiplier"), given.sizes("kernel_size")
    windows = _Windows.over(given, spatial, size, given.sizes("strides"), given.sizes("dilation_rate"))
    cost = _convolved(shape[0], windows, size, channels, channels * multiplier, channels)
    if given.spec.kind.startswith("Depthwise"):
        variables = (("kernel", (*size, channels, multiplier)), *_bias(given, channels * multiplier))
        shape = given.whole(shape[0], windows.out, channels * multiplier)
        return given.activated(replace(cost, shape=shape, variables=variables))
    filters, deep, between = given.count("filters"), channels * multiplier, math.prod(cost.shape)
    point = _convolved(shape[0], _Windows(windows.out, math.prod(windows.out)), (1,) * len(size), deep, filters, 1)
    variables = (
        ("depthwise_kernel", (*size, channels, multiplier)),
        ("pointwise_kernel", (*[1] * len(size), deep, filters)),
        *_bias(given, filters),
    )
    both = point.then(max(cost.beside, point.beside + between), cost.work)
    return given.activated(replace(both, shape=given.whole(shape[0], windows.out, filters), variables=variables))


def _transposed(given: _Given, shape: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    filters, size, strides = given.count("filters"), given.sizes("kernel_size"), given.sizes("strides")
    dilation, padding = given.sizes("dilation_rate"), given("padding")
    if padding not in ("valid", "same"):
        raise ValueError(f"padding is valid or same, not {padding}")
    more = given("output_padding")
    extra = (None,) * len(size) if more is None else each(more, len(size))
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    spread = [(n - 1) * s + 1 for n, s in zip(spatial, strides, strict=True)]
    wide = [n + 2 * (a - 1) for n, a in zip(spread, reach, strict=True)]
    full = tuple(n + a - 1 for n, a in zip(spread, reach, strict=True))
    axes = zip(spatial, strides, reach, extra, strict=True)
    out = tuple(transposed_length(n, s, a, p, padding) for n, s, a, p in axes)
    cost = _convolved(shape[0], _Windows(full, math.prod(wide)), size, channels, filters, 1)
    # Axes are cut one after the other, to lengths that may be larger than before.
    cut = shape[0] * filters * math.prod(map(max, full, out))
    variables = (("kernel", (*size, filters, channels)), *_bias(given, filters))
    cost = cost.then(cost.beside + shape[0] * math.prod(wide) * channels + 3 * cut, (len(size) + 1) * 4 * _PASS * cut)
    return given.activated(replace(cost, shape=given.whole(shape[0], out, filters), variables=variables))


def _pooling(given: _Given, shape: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    size = given.sizes("pool_size")
    strides = size if given("strides") is None else given.sizes("strides")
    windows = _Windows.over(given, spatial, size, strides, (1,) * len(size))
    seen = shape[0] * channels * math.prod(windows.out) * math.prod(size)
    padded, out = shape[0] * channels * windows.padded, shape[0] * channels * math.prod(windows.out)
    return Cost(
        given.whole(shape[0], windows.out, channels),
        (),
        2 * padded + 3 * out,
        _WINDOWED * 2 * seen + 2 * _PASS * (padded + out),
    )


def _global_pooling(given: _Given, shape: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    kept = given.whole(shape[0], (1,) * len(spatial), channels) if given("keepdims") else (shape[0], channels)
    return Cost(kept, (), shape[0] * channels, _WINDOWED * math.prod(shape))


def _up_sampling(given: _Given, shape: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    long = tuple(n * s for n, s in zip(spatial, given.sizes("size"), strict=True))
    out = shape[0] * channels * math.prod(long)
    bilinear = given("interpolation") not in (None, "nearest")
    return Cost(
        given.whole(shape[0], long, channels), (), (6 if bilinear else 2) * out, _PASS * (8 if bilinear else 2) * out
    )


def _padding(given: _Given, shape: Shape) -> Cost:
    spatial, channels = given.parts(shape)
    cropped = given.spec.row.family == "Cropping"
    amounts = each_pair(given("cropping" if cropped else "padding"), len(spatial))
    if any(amount < 0 for pair in amounts for amount in pair):
        raise ValueError(f"{given.spec.kind} takes no negative number")
    sign = -1 if cropped else 1
    long = tuple(n + sign * sum(pair) for n, pair in zip(spatial, amounts, strict=True))
    whole = given.whole(shape[0], long, channels)
    return Cost(whole, (), 0, 2 * _PASS * math.prod(whole))


def each_pair(amounts: Any, rank: int) -> list[tuple[int, int]]:
    """(before, behind) for each spatial axis, of padding or cropping. On one axis, two numbers are its pair."""
    if isinstance(amounts, int):
        return [(amounts, amounts)] * rank
    if rank == 1 and len(amounts) == 2:
        amounts = [amounts]
    return [(one, one) if isinstance(one, int) else (one[0], one[1]) for one in amounts]


def _batchnorm(given: _Given, shape: Shape) -> Cost:
    size = shape[axis_of(given.spec) % len(shape)]
    names = ["moving_mean", "moving_variance"]
    names += [name for name, used in (("gamma", given("scale")), ("beta", given("center"))) if used]
    names += ["moving_stddev", "renorm_mean", "renorm_stddev"] if given("renorm") else []
    count = math.prod(shape)
    return Cost(shape, tuple((name, (size,)) for name in names), 9 * count + 30 * size, _NORMALIZED * count + _CALL)


def _layernorm(given: _Given, shape: Shape) -> Cost:
    axis = given("axis")
    axes = sorted(one % len(shape) for one in ((axis,) if isinstance(axis, int) else axis))
    return _relative(given, shape, tuple(shape[one] for one in axes))


def _groupnorm(given: _Given, shape: Shape) -> Cost:
    size, groups = shape[given("axis") % len(shape)], given.count("groups")
    if groups != -1 and (groups < 1 or size % groups):
        raise ValueError(f"{groups} groups do not divide {size} channels")
    return _relative(given, shape, (size,))


def _relative(given: _Given, shape: Shape, sizes: Shape) -> Cost:
    names = [name for name, used in (("gamma", given("scale")), ("beta", given("center"))) if used]
    count = math.prod(shape)
    return Cost(shape, tuple((name, sizes) for name in names), 8 * count, _NORMALIZED * count + _CALL)


def _prelu(given: _Given, shape: Shape) -> Cost:
    shared = given("shared_axes") or ()
    alpha = tuple(1 if axis in shared else size for axis, size in enumerate(shape))[1:]
    return Cost(shape, (("alpha", alpha),), 3 * math.prod(shape), _QUICK * math.prod(shape))


def _random(given: _Given, shape: Shape) -> Cost:
    noise = given("noise_shape")
    if noise is not None:
        pairs = zip(noise, shape, strict=True)
        if any(size is not None and size not in (0, 1, n) for size, n in pairs):
            raise ValueError(f"a noise_shape of {noise} does not fit an input of {shape[1:]}")
    return Cost(shape, (), 6 * math.prod(shape), (DRAWN + 8 * _PASS) * math.prod(shape))


def _flatten(given: _Given, shape: Shape) -> Cost:
    return Cost((shape[0], math.prod(shape[1:])), (), 0, _PASS * math.prod(shape))


def _reshape(given: _Given, shape: Shape) -> Cost:
    target = tuple(given("target_shape"))
    if any(not isinstance(size, int) for size in target):
        raise TypeError(f"target_shape is {target}")
    total, known = math.prod(shape[1:]), math.prod(size for size in target if size != -1)
    new = tuple(total // known if size == -1 else size for size in target)
    if math.prod(new) != total:
        raise ValueError(f"{total} elements do not fit a shape of {target}")
    return Cost((shape[0], *new), (), 0, _PASS * math.prod(shape))


def _permute(given: _Given, shape: Shape) -> Cost:
    dims = tuple(given("dims"))
    if sorted(dims) != list(range(1, len(shape))):
        raise ValueError(f"dims={dims} are not the axes of an input of {shape[1:]}")
    return Cost((shape[0], *[shape[dim] for dim in dims]), (), 0, _PASS * math.prod(shape))


def _repeat_vector(given: _Given, shape: Shape) -> Cost:
    (batch, channels), times = shape, given.count("n")
    return Cost((batch, times, channels), (), 0, 2 * _PASS * batch * times * channels)


def _time_distributed(given: _Given, shape: Shape) -> Cost:
    inner = given.spec.inner
    assert inner is not None
    if len(shape) < 3:
        raise ValueError(f"TimeDistributed does not take an input of {len(shape)} axes")
    if given.keras == 2:
        cost = cost_of(inner, [(shape[0] * shape[1], *shape[2:])], given.keras)
        return replace(cost, shape=(*shape[:2], *cost.shape[1:]))
    cost = cost_of(inner, [(shape[0], *shape[2:])], given.keras)
    out = shape[1] * math.prod(cost.shape)
    work = shape[1] * (_CALL + cost.work) + _PASS * out
    return replace(cost, shape=(*shape[:2], *cost.shape[1:]), beside=cost.beside + 2 * out, work=work)


def _joined(spec: Spec, shapes: Sequence[Shape]) -> Cost:
    if len(shapes) < 2:
        raise ValueError(f"{spec.kind} takes a number that is not known")
    out = _concatenated(spec, shapes) if spec.kind == "Concatenate" else _broadcast(spec, shapes)
    count = math.prod(out)
    return Cost(out, (), 2 * count, 2 * _PASS * count * len(shapes))


def _concatenated(spec: Spec, shapes: Sequence[Shape]) -> Shape:
    ranks = {len(shape) for shape in shapes}
    if len(ranks) > 1:
        raise ValueError("Concatenate takes inputs of the same rank")
    axis = dict(spec.args).get("axis", -1)
    if not isinstance(axis, int) or not -len(shapes[0]) <= axis < len(shapes[0]):
        raise ValueError(f"axis {axis} is wrong for inputs of rank {len(shapes[0])}")
    axis %= len(shapes[0])
    rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(rest) > 1:
        raise Unequal(f"Concatenate cannot join {_listed(shapes)}", shapes)
    return tuple(sum(s[axis] for s in shapes) if a == axis else size for a, size in enumerate(shapes[0]))


def _broadcast(spec: Spec, shapes: Sequence[Shape]) -> Shape:
    rank = max(map(len, shapes))
    columns = zip(*[(1,) * (rank - len(shape)) + shape for shape in shapes], strict=True)
    out = []
    for column in columns:
        sizes = {size for size in column if size != 1}
        if len(sizes) > 1:
            raise Unequal(f"{spec.kind} cannot join {_listed(shapes)}", shapes)
        out.append(sizes.pop() if sizes else 1)
    return tuple(out)


def _listed(shapes: Sequence[Shape]) -> str:
    return " and ".join(" × ".join(map(str, shape[1:])) for shape in shapes)


def transposed_length(n: int, s: int, reach: int, p: int | None, padding: str) -> int:
    """The output's length of a transposed convolution."""
    if p is None:
        return n * s if padding == "same" else (n - 1) * s + max(reach, s)
    return (n - 1) * s + (reach % 2 if padding == "same" else reach) + p


def _simple(work: float) -> Callable[[_Given, Shape], Cost]:
    return lambda given, shape: Cost(shape, (), 4 * math.prod(shape), work * math.prod(shape))


_COSTS: dict[str, Callable[[_Given, Shape], Cost]] = {
    "Dense": _dense,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "DepthwiseConv": _depthwise,
    "SeparableConv": _depthwise,
    "BatchNormalization": _batchnorm,
    "LayerNormalization": _layernorm,
    "GroupNormalization": _groupnorm,
    "TimeDistributed": _time_distributed,
    "Activation": lambda given, shape: given.activated(Cost(shape)),
    "PReLU": _prelu,
    "Softmax": _simple(_ACTIVATED["softmax"]),
    **dict.fromkeys(("ReLU", "LeakyReLU", "ELU"), _simple(_QUICK)),
    **dict.fromkeys((row(kind).family for kind in RANDOM), _random),
    **dict.fromkeys(("MaxPooling", "AveragePooling"), _pooling),
    **dict.fromkeys(("GlobalMaxPooling", "GlobalAveragePooling"), _global_pooling),
    "UpSampling": _up_sampling,
    **dict.fromkeys(("ZeroPadding", "Cropping"), _padding),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat_vector,
    **dict.fromkeys(("Identity", "ActivityRegularization", "StopGradient"), _simple(0)),
}
