"""A network on smaller sizes with kernels, strides, paddings, and all that goes with sizes made smaller too.

What relations there are stay: what is 1 or even or odd, what is equal, which is larger, what has a channel to itself,
what covers a whole axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...reference.windows import each
from .budget import BATCH
from .costs import Given, Run, Shape, Unequal, cost_of, each_pair
from .specs import RAISED, Network, Node, Spec, Uncomputable, arranged

Pair = tuple[Network, Network]


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a kernel or pool, a stride or an up-sampling, padding or cropping, units, and repetitions may be.

    Where what is even or odd, or larger than another one, is to stay so, one more.
    """

    kernel: int
    stride: int
    pad: int
    width: int
    times: int


LIMITS = Limits(4, 3, 3, 8, 5), Limits(3, 2, 1, 4, 2)
"""What is tried first, and where that is too much."""


def scaled(
    networks: Pair,
    known: tuple[Run, Run],
    wholes: Sequence[Shape],
    shapes: Sequence[Shape],
    keras: int,
    limits: Limits,
) -> tuple[Pair, tuple[str, ...]]:
    """Both networks for inputs of these shapes, by what each layer's input is on the `wholes`; and what was changed.

    What a layer has before and after stays the same in both. Raises Uncomputable where that cannot be.
    """
    made: dict[int, tuple[Spec, Spec]] = {}
    said: dict[str, None] = {}
    found = []
    for network, run in zip(networks, known, strict=True):
        big: dict[int, Shape] = {-1 - number: (BATCH, *shape) for number, shape in enumerate(wholes)}
        big |= {number: cost.shape for number, cost in enumerate(run.nodes)}
        small: dict[int, Shape] = {-1 - number: (BATCH, *shape) for number, shape in enumerate(shapes)}
        specs: dict[int, Spec] = {}
        for number in arranged(network):
            node = network.nodes[number]
            given = [small[one] for one in node.inputs]
            try:
                specs[number] = _of_layer(node, big[node.inputs[0]], given[0], made, limits)
                small[number] = cost_of(specs[number], given, keras).shape
            except Unequal as error:
                raise error.at(number) from None
            except RAISED as error:
                raise Uncomputable(str(error)) from error
            said |= dict.fromkeys(_changes(node.spec, specs[number]))
        nodes = (replace(node, spec=specs[number]) for number, node in enumerate(network.nodes))
        found.append(replace(network, nodes=tuple(nodes)))
    return (found[0], found[1]), tuple(said)


def _of_layer(node: Node, whole: Shape, small: Shape, made: dict[int, tuple[Spec, Spec]], limits: Limits) -> Spec:
    """A layer's smaller spec; what it has in common with one that was made for it before is the same."""
    if node.layer not in made:
        made[node.layer] = node.spec, smaller(node.spec, whole, small, limits)
        return made[node.layer][1]
    old, new = made[node.layer]
    if old == node.spec:
        return new
    if old.kind != node.spec.kind:
        return smaller(node.spec, whole, small, limits)
    kept = {name: value for name, value in old.args if (name, value) in node.spec.args}
    args = dict(smaller(node.spec, whole, small, limits).args) | {name: dict(new.args)[name] for name in kept}
    inner = new.inner if old.inner == node.spec.inner else smaller(node.spec, whole, small, limits).inner
    return replace(node.spec, args=tuple(sorted(args.items())), inner=inner)


def _changes(old: Spec, new: Spec) -> Iterator[str]:
    for (name, was), (_, value) in zip(old.args, new.args, strict=True):
        if was != value:
            counted = name in ("filters", "units") and isinstance(value, int)
            yield f"{value} {name} for {was}" if counted else f"{name}={value} for {was}"
    if old.inner is not None and new.inner is not None:
        yield from _changes(old.inner, new.inner)


def smaller(spec: Spec, whole: Shape, small: Shape, limits: Limits) -> Spec:
    """A layer made smaller, as its input is: `whole` before and `small` now, the batch in front in both."""
    if spec.inner is not None:
        return replace(spec, inner=smaller(spec.inner, (whole[0], *whole[2:]), (small[0], *small[2:]), limits))
    args = dict(spec.args)
    make = _FAMILIES.get(spec.row.family)
    changed = make(spec, args, whole, small, limits) if make else {}
    return replace(spec, args=tuple(sorted({**args, **changed}.items())))


def _lengths(value: Any, rank: int, of: Callable[[int, int], int]) -> Any:
    """An argument for each spatial axis, a single number where it was one and stays one."""
    found = tuple(of(axis, one) for axis, one in enumerate(each(value, rank)))
    return found[0] if isinstance(value, int) and len(set(found)) == 1 else found


def _short(value: int, most: int) -> int:
    """A number of elements no larger than about this, even or odd as it was."""
    return value if value <= most + 1 else most + (value - most) % 2


def _windows(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    """Kernels and pools, strides and dilations."""
    rank, name = spec.row.spatial, "kernel_size" if "kernel_size" in args else "pool_size"
    spatial = [Given(spec, args).parts(shape)[0] for shape in (whole, small)]
    sizes = each(args[name], rank)

    def kernel(axis: int, k: int) -> int:
        n, m = (shape[axis] for shape in spatial)
        if k > n:
            return k if k <= limits.kernel + 1 else m + 1 + (k + m + 1) % 2
        return m if 1 < k == n else _short(k, limits.kernel)

    def stride(axis: int, s: int) -> int:
        k = sizes[axis]
        if s <= limits.stride or s == k:
            return s if s <= limits.stride and s != k else kernel(axis, s)
        return min(limits.stride, kernel(axis, k)) if s < k else kernel(axis, k) + 1

    found = {name: _lengths(args[name], rank, kernel)}
    if args.get("strides") is not None:
        found["strides"] = _lengths(args["strides"], rank, stride)
    if args.get("dilation_rate") is not None:
        found["dilation_rate"] = _lengths(args["dilation_rate"], rank, lambda _, d: min(d, 2))
    if args.get("output_padding") is not None:
        found["output_padding"] = _lengths(args["output_padding"], rank, lambda _, p: min(p, 1))
    return found


def _convolution(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    found = _windows(spec, args, whole, small, limits)
    channels, less = (Given(spec, args).parts(shape)[1] for shape in (whole, small))
    groups, filters = args.get("groups") or 1, args.get("filters")
    if "depth_multiplier" in args:
        found["depth_multiplier"] = _short(args["depth_multiplier"], 2)
    if filters is not None:
        found["filters"] = min(filters, limits.width)
    if groups > 1 and filters is not None:
        found["groups"] = _groups(groups, channels, less)
        found["filters"] = found["groups"] * min(filters // groups, max(limits.width // found["groups"], 1))
    return found


def _groups(groups: int, channels: int, less: int) -> int:
    """How many groups of the smaller number of channels go with so many of the larger one."""
    if groups == channels:
        return less
    return next(size for size in (2, 3, 5, 7, less) if less % size == 0) if groups > 1 else groups


def _groupnorm(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    axis = args["axis"]
    return {} if args["groups"] == -1 else {"groups": _groups(args["groups"], whole[axis], small[axis])}


def _dense(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    return {"units": min(args["units"], limits.width)}


def _padding(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    """One side that is longer than the other stays so."""
    name = "cropping" if "cropping" in args else "padding"

    def less(pair: tuple[int, int]) -> tuple[int, int]:
        before, behind = (min(one, limits.pad) for one in pair)
        return before + (pair[0] > pair[1] and before == behind), behind + (pair[1] > pair[0] and before == behind)

    value = args[name]
    if isinstance(value, int):
        return {name: min(value, limits.pad)}
    pairs = tuple(map(less, each_pair(value, spec.row.spatial)))
    return {name: pairs[0] if len(pairs) == 1 else pairs}


def _up_sampling(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    return {"size": _lengths(args["size"], spec.row.spatial, lambda _, s: min(s, limits.stride))}


def _repeat_vector(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    return {"n": min(args["n"], limits.times)}


def _dropout(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    noise = args.get("noise_shape")
    if noise is None:
        return {}
    triples = zip(noise, whole, small, strict=True)
    return {"noise_shape": tuple(less if size == one and one > 1 else size for size, one, less in triples)}


def _reshape(spec: Spec, args: dict[str, Any], whole: Shape, small: Shape, limits: Limits) -> dict[str, Any]:
    """The same axes, with as many elements as now come in: the last shares channels as before, the others are equal."""
    target = args["target_shape"]
    total, known = math.prod(whole[1:]), math.prod(size for size in target if size != -1)
    sizes = [total // known if size == -1 else size for size in target]
    left, found = math.prod(small[1:]), [1] * len(sizes)
    found[-1] = _channels(sizes[-1], whole[-1], small[-1], left)
    left //= found[-1]
    several = [axis for axis, size in enumerate(sizes[:-1]) if size > 1]
    for place, axis in enumerate(several, start=1):
        found[axis] = left if place == len(several) else _root(left, len(several) - place + 1)
        left //= found[axis]
    return {"target_shape": tuple(found)}


def _channels(new: int, old: int, less: int, left: int) -> int:
    """How many channels there are behind a reshape: as many, a part of one's, or those of several places."""
    if new in (1, old):
        return less if new == old else 1
    if old % new and new % old:
        raise ValueError("what a reshape does to the channels has no smaller form")
    part = _divisor(less if new < old else left // less)
    if new < old and part == less:
        raise ValueError("channels that a reshape parts cannot be parted when they are fewer")
    return part if new < old else less * part


def _divisor(number: int) -> int:
    """The least divisor above 1, and below the number where there is one."""
    return next((one for one in range(2, math.isqrt(number) + 1) if number % one == 0), number)


def _root(number: int, parts: int) -> int:
    """The divisor that comes nearest to what, multiplied by itself so often, makes the number."""
    wanted = number ** (1 / parts)
    divisors = [one for one in range(2, min(number, 1000) + 1) if number % one == 0]
    return min(divisors, key=lambda one: abs(one - wanted), default=1)


_FAMILIES: dict[str, Callable[[Spec, dict[str, Any], Shape, Shape, Limits], dict[str, Any]]] = {
    "Dense": _dense,
    **dict.fromkeys(("Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv"), _convolution),
    **dict.fromkeys(("MaxPooling", "AveragePooling"), _windows),
    "GroupNormalization": _groupnorm,
    "UpSampling": _up_sampling,
    **dict.fromkeys(("ZeroPadding", "Cropping"), _padding),
    "RepeatVector": _repeat_vector,
    "Reshape": _reshape,
    **dict.fromkeys(("Dropout", "AlphaDropout"), _dropout),
}
