"""The shapes of what functions make of tensors, where their arguments decide: reshape, transpose, split."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ....graph.nodes import Shape
from .args import Args
from .kind import ABSENT, Value, of
from .lifted import bare

Size = int | None
Rule = Callable[..., Shape | None]


class Function(NamedTuple):
    """The names of a function's parameters behind the tensor, each with its other names, and the rule."""

    parameters: tuple[tuple[str, ...], ...]
    rule: Rule


_FUNCTIONS: dict[str, Function] = {}


def _shapes(kinds: str, *parameters: str) -> Callable[[Rule], Rule]:
    """The rule tells what these kinds of operations give: from the input's shape, and the arguments that are given."""

    def register(rule: Rule) -> Rule:
        found = Function(tuple(tuple(names.split()) for names in parameters), rule)
        _FUNCTIONS.update(dict.fromkeys(kinds.split(), found))
        return rule

    return register


def shape_of(kind: str, shape: Shape | None, args: Args) -> Shape | None:
    """The shape of what an operation gives for an input of this shape; None where it is not known so."""
    function = _FUNCTIONS.get(kind)
    if function is None or shape is None or args.open:
        return None
    return function.rule(shape, *_arguments(function, args))


def _arguments(function: Function, args: Args) -> list[Value]:
    return [
        bare(next((found for name in names if (found := args.get(index, name)) is not ABSENT), ABSENT))
        for index, names in enumerate(function.parameters, 1)
    ]


def sizes_in(value: Value) -> list[Size] | None:
    """A list of sizes, None for those that are not known; None where not even their number is."""
    value = bare(value)
    if not isinstance(value, (tuple, list)) or of(value).open:
        return None
    return [_number(one) for one in value]


def _number(value: Value) -> Size:
    value = bare(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _axes(value: Value, rank: int) -> list[int] | None:
    """The axes that an argument names, counted from 0; None where that is not known."""
    axes = [_number(value)] if isinstance(bare(value), int) else sizes_in(value)
    if axes is None or any(axis is None or not -rank <= axis < rank for axis in axes):
        return None
    return [axis % rank for axis in axes if axis is not None]


def _total(sizes: Sequence[Size]) -> Size:
    known = [size for size in sizes if size is not None]
    return math.prod(known) if len(known) == len(sizes) else None


@_shapes("Reshape", "shape newshape target_shape")
def _reshaped(shape: Shape, target: Value) -> Shape | None:
    sizes = sizes_in(target)
    if sizes is None:
        return None
    if sizes.count(-1) != 1:
        return tuple(sizes)
    place, others = sizes.index(-1), [size for size in sizes if size != -1]
    if place == 0 or not others or others[0] is not None:
        whole, rest = _total(shape), _total(others)
    else:  # The batch is handed on.
        whole, rest = _total(shape[1:]), _total(others[1:])
    sizes[place] = whole // rest if whole is not None and rest else None
    return tuple(sizes)


@_shapes("Transpose", "axes perm")
def _transposed(shape: Shape, axes: Value) -> Shape | None:
    if axes is ABSENT or axes is None:
        return shape[::-1]
    order = _axes(axes, len(shape))
    if order is None:
        return (None,) * len(shape)
    return tuple(shape[axis] for axis in order) if sorted(order) == [*range(len(shape))] else None


@_shapes("ExpandDims", "axis dim")
def _expanded(shape: Shape, axis: Value) -> Shape | None:
    axes = _axes(axis, len(shape) + 1)
    if axes is None:
        return None
    sizes = list(shape)
    for place in sorted(axes):
        sizes.insert(place, 1)
    return tuple(sizes)


@_shapes("Squeeze", "axis squeeze_dims")
def _squeezed(shape: Shape, axis: Value) -> Shape | None:
    if axis is ABSENT or axis is None:
        return None if None in shape[1:] else (*shape[:1], *(size for size in shape[1:] if size != 1))
    axes = _axes(axis, len(shape))
    return None if axes is None else tuple(size for place, size in enumerate(shape) if place not in axes)


@_shapes("Pad", "pad_width paddings")
def _padded(shape: Shape, widths: Value) -> Shape | None:
    widths = bare(widths)
    if not isinstance(widths, (tuple, list)) or of(widths).open or len(widths) != len(shape):
        return (None,) * len(shape)
    return tuple(_wider(size, sizes_in(width)) for size, width in zip(shape, widths, strict=True))


def _wider(size: Size, ends: list[Size] | None) -> Size:
    if ends == [0, 0]:
        return size
    return None if size is None or ends is None or None in ends else size + sum(one for one in ends if one is not None)


@_shapes("Repeat", "repeats", "axis")
def _repeated(shape: Shape, repeats: Value, axis: Value) -> Shape | None:
    count, axes = _number(repeats), _axes(axis, len(shape))
    if axes is None or len(axes) != 1:
        return None
    return (*shape[: axes[0]], _total([shape[axes[0]], count]), *shape[axes[0] + 1 :])


@_shapes("Tile", "repeats multiples n")
def _tiled(shape: Shape, repeats: Value) -> Shape | None:
    counts = sizes_in(repeats)
    if counts is None or len(counts) != len(shape):
        return None
    pairs = zip(shape, counts, strict=True)
    return tuple(size if count == 1 else _total([size, count]) for size, count in pairs)


@_shapes("Gather", "indices", "validate_indices", "axis")
def _gathered(shape: Shape, indices: Value, _: Value, axis: Value) -> Shape | None:
    return _taken(shape, indices, 0 if axis is ABSENT else axis)


@_shapes("Take", "indices", "axis")
def _taken(shape: Shape, indices: Value, axis: Value) -> Shape | None:
    axes = _axes(axis, len(shape))
    if axes is None or len(axes) != 1:
        return None
    listed = bare(indices)
    taken = () if isinstance(listed, int) else (len(listed),) if sizes_in(listed) is not None else None  # type: ignore[arg-type]
    return None if taken is None else (*shape[: axes[0]], *taken, *shape[axes[0] + 1 :])


@_shapes(
    "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceAll ReduceAny ReduceLogsumexp ReduceStd ReduceVariance "
    "Mean Sum Max Min Amax Amin Prod All Any Std Var Logsumexp",
    "axis reduction_indices",
    "keepdims keep_dims",
)
def _reduced(shape: Shape, axis: Value, keepdims: Value) -> Shape | None:
    axes = [*range(len(shape))] if axis is ABSENT or axis is None else _axes(axis, len(shape))
    keeps = False if keepdims is ABSENT else keepdims
    if not isinstance(keeps, bool) or (axes is None and not keeps):
        return None
    if axes is None:
        return (None,) * len(shape)
    sizes = [(1 if place in axes else size) for place, size in enumerate(shape) if keeps or place not in axes]
    return tuple(sizes)


@_shapes("Norm", "ord", "axis", "keepdims keep_dims")
def _normed(shape: Shape, _: Value, axis: Value, keepdims: Value) -> Shape | None:
    return _reduced(shape, axis, keepdims)


@_shapes("Resize", "size")
def _resized(shape: Shape, size: Value) -> Shape | None:
    sizes = sizes_in(size)
    return (shape[0], *sizes, shape[3]) if len(shape) == 4 and sizes is not None and len(sizes) == 2 else None


@_shapes("ExtractPatches", "sizes", "strides", "rates", "padding")
def _patches(shape: Shape, sizes: Value, strides: Value, rates: Value, padding: Value) -> Shape | None:
    window, step, rate = (sizes_in(one) for one in (sizes, strides, rates))
    if len(shape) != 4 or window is None or len(window) != 4 or step is None or rate is None:
        return None
    places = [_places(*one, padding) for one in zip(shape[1:3], window[1:3], step[1:3], rate[1:3], strict=False)]
    depth = _total([*window[1:3], shape[3]])
    return (shape[0], *places, depth) if len(places) == 2 else None


def _places(size: Size, window: Size, step: Size, rate: Size, padding: Value) -> Size:
    """How many windows have room along an axis."""
    if size is None or window is None or rate is None or not step or padding not in ("VALID", "SAME"):
        return None
    return -(-size // step) if padding == "SAME" else max(0, (size - (window - 1) * rate - 1) // step + 1)


@_shapes("DepthToSpace", "block_size")
def _unfolded(shape: Shape, block: Value) -> Shape | None:
    size = _number(block)
    if len(shape) != 4 or not size:
        return None
    grown = [None if one is None else one * size for one in shape[1:3]]
    return (shape[0], *grown, None if shape[3] is None else shape[3] // size**2)


@_shapes("SpaceToDepth", "block_size")
def _folded(shape: Shape, block: Value) -> Shape | None:
    size = _number(block)
    if len(shape) != 4 or not size:
        return None
    shrunk = [None if one is None else one // size for one in shape[1:3]]
    return (shape[0], *shrunk, None if shape[3] is None else shape[3] * size**2)


def shape_of_item(shape: Shape | None, key: Value) -> Shape | None:
    """The shape of `tensor[key]`."""
    keys = list(key) if isinstance(key, tuple) else [key]
    taken = sum(1 for one in keys if one is not None and one is not ...)
    if shape is None or taken > len(shape):
        return None
    if ... in keys:
        place = keys.index(...)
        keys[place : place + 1] = [slice(None)] * (len(shape) - taken)
    sizes: list[Size] = []
    rest = list(shape)
    for one in keys:
        if one is None:
            sizes.append(1)
        elif isinstance(one, slice):
            sizes.append(_cut(rest.pop(0), one))
        elif _number(one) is not None:
            rest.pop(0)
        else:
            return None
    return (*sizes, *rest)


def _cut(size: Size, key: slice) -> Size:
    bounds = (key.start, key.stop, key.step)
    if bounds == (None, None, None):
        return size
    if size is None or key.step == 0 or not all(type(one) in (int, type(None)) for one in bounds):
        return None
    return len(range(size)[key])


def parts_of(kind: str, shape: Shape | None, args: Args) -> list[Shape | None]:
    """The shapes of the tensors that an operation gives; none where it gives one, or nobody knows how many."""
    if kind == "Moments":
        axes, keeps = args.get(1, "axes"), args.get(3 if args.callee.startswith("tf.") else 2, "keepdims")
        one = None if shape is None else _reduced(shape, axes, keeps)
        return [one, one]
    if kind not in ("Split", "Unstack"):
        return []
    places = None if shape is None else _axes(args.get(2, "axis", 0), len(shape))
    return _split(args, shape, places) if kind == "Split" else _unstacked(args, shape, places)


def _split(args: Args, shape: Shape | None, axes: list[int] | None) -> list[Shape | None]:
    """`tf.split(x, 3)` and `tf.split(x, [4, 4, 8])`; in NumPy and Keras a list is of places, not of sizes."""
    first = next((one for one in (args.get(1, name) for name in _CUTS) if one is not ABSENT), ABSENT)
    count, listed = _number(first), sizes_in(first)
    if shape is None or axes is None or (count is None and listed is None):
        return [None] * (count or 0)
    axis = axes[0]
    size = shape[axis]
    if listed is None:
        assert count is not None
        sizes: list[Size] = [None if size is None else size // count] * count if count > 0 else []
    elif args.callee.startswith("tf."):
        rest = None if size is None or None in listed else size - sum(one for one in listed if one and one > 0)
        sizes = [rest if one == -1 else one for one in listed]
    else:
        ends = [0, *listed, size]
        sizes = [None if end is None or start is None else end - start for start, end in pairwise(ends)]
    return [(*shape[:axis], one, *shape[axis + 1 :]) for one in sizes]


_CUTS = ("num_or_size_splits", "indices_or_sections")


def _unstacked(args: Args, shape: Shape | None, axes: list[int] | None) -> list[Shape | None]:
    count = _number(args.get(1, "num"))
    if shape is None or axes is None:
        return [None] * (count or 0)
    one = (*shape[: axes[0]], *shape[axes[0] + 1 :])
    return [one] * (count or shape[axes[0]] or 0)


def stacked(shapes: Sequence[Shape | None], axis: Value) -> Shape | None:
    """The shape of tensors of one shape in a new axis."""
    known = [shape for shape in shapes if shape is not None]
    if not known or len({len(shape) for shape in known}) != 1:
        return None
    places = _axes(0 if axis is ABSENT else axis, len(known[0]) + 1)
    if places is None:
        return None
    sizes = [one[0] if len(set(one)) == 1 else None for one in zip(*known, strict=True)]
    return (*sizes[: places[0]], len(shapes), *sizes[places[0] :])
