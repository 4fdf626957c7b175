"""Rules for the shape of an output: a function for each way of making one, used by all layers that make it so.

Shapes have the batch axis first. Sizes are as `keras.Layer.compute_output_shape` gives them.
"""

from __future__ import annotations

from collections.abc import Sequence

from .row import Asked, Rule, Shape, Size

Shapes = Sequence[Shape | None]


def same(layer: Asked, shapes: Shapes) -> Shape | None:
    """The input's shape."""
    return shapes[0] if shapes else None


def broadcast(layer: Asked, shapes: Shapes) -> Shape | None:
    """Tensors combined number by number."""
    known = [shape for shape in shapes if shape is not None]
    if not known or len(known) < len(shapes):
        return known[0] if known and len(shapes) > 1 and len(known[0]) > 1 else None
    longest = max(known, key=len)
    if any(len(shape) != len(longest) for shape in known):
        return longest
    return tuple(_one(column) for column in zip(*known, strict=True))


def _one(sizes: Sequence[Size]) -> Size:
    known = {size for size in sizes if size not in (None, 1)}
    return known.pop() if len(known) == 1 else (1 if all(size == 1 for size in sizes) else None)


def concatenated(layer: Asked, shapes: Shapes) -> Shape | None:
    """Tensors one behind the other along `axis`."""
    known = [shape for shape in shapes if shape is not None]
    axis = layer.value("axis")
    if len({len(shape) for shape in known}) != 1:  # Nothing is known, or Keras raises.
        return None
    if not isinstance(axis, int) or not -len(known[0]) <= axis < len(known[0]):
        return None
    axis %= len(known[0])
    sizes = [_one(column) for column in zip(*known, strict=True)]
    total = [shape[axis] for shape in known]
    complete = len(known) == len(shapes) and None not in total
    sizes[axis] = sum(size for size in total if size is not None) if complete else None
    return tuple(sizes)


def convolution(rank: int) -> Rule:
    """A convolution over `rank` axes."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        return _windowed(layer, shapes, rank, size(layer.value("filters")))

    return rule


def depthwise(rank: int) -> Rule:
    """A convolution of each channel by itself."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        parts = _split(layer, shapes, rank)
        channels, multiplier = parts[1] if parts else None, size(layer.value("depth_multiplier"))
        return _windowed(layer, shapes, rank, None if channels is None or multiplier is None else channels * multiplier)

    return rule


def _windowed(layer: Asked, shapes: Shapes, rank: int, filters: Size) -> Shape | None:
    if not shapes or shapes[0] is None:
        return _whole(layer, None, (None,) * rank, filters)
    parts = _split(layer, shapes, rank)
    if parts is None:
        return None
    kernel, strides = (each(layer.value(name), rank) for name in ("kernel_size", "strides"))
    dilation = each(layer.value("dilation_rate", 1), rank)
    sizes = [_window(*row, layer.value("padding")) for row in zip(parts[0], kernel, strides, dilation, strict=True)]
    return _whole(layer, shapes[0][0], sizes, filters)


def _window(length: Size, kernel: Size, stride: Size, dilation: Size, padding: object) -> Size:
    if length is None or stride is None or stride < 1:
        return None
    if padding in ("same", "causal"):
        return -(-length // stride)
    if kernel is None or dilation is None or padding != "valid":
        return None
    return (length - (kernel - 1) * dilation - 1) // stride + 1


def transposed(rank: int) -> Rule:
    """A transposed convolution."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        filters = size(layer.value("filters"))
        if not shapes or shapes[0] is None:
            return _whole(layer, None, (None,) * rank, filters)
        parts = _split(layer, shapes, rank)
        if parts is None:
            return None
        kernel, strides = (each(layer.value(name), rank) for name in ("kernel_size", "strides"))
        dilation = each(layer.value("dilation_rate", 1), rank)
        sizes: list[Size] = [None] * rank
        if layer.value("output_padding", False) is None:
            sizes = [
                _transposed(*row, layer.value("padding"))
                for row in zip(parts[0], kernel, strides, dilation, strict=True)
            ]
        return _whole(layer, shapes[0][0], sizes, filters)

    return rule


def _transposed(length: Size, kernel: Size, stride: Size, dilation: Size, padding: object) -> Size:
    if length is None or stride is None:
        return None
    if padding == "same":
        return length * stride
    if kernel is None or dilation is None or padding != "valid":
        return None
    return length * stride + max((kernel - 1) * dilation + 1 - stride, 0)


def pooling(rank: int) -> Rule:
    """A pooling over windows."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        if not shapes or shapes[0] is None:
            return _whole(layer, None, (None,) * rank, None)
        parts = _split(layer, shapes, rank)
        if parts is None:
            return None
        kernel = each(layer.value("pool_size", 2), rank)  # Keras 2's default, where Keras 3 has none.
        given = layer.value("strides")
        strides = kernel if given is None else each(given, rank)
        padding = layer.value("padding")
        sizes = [_window(n, k, s, 1, padding) for n, k, s in zip(parts[0], kernel, strides, strict=True)]
        return _whole(layer, shapes[0][0], sizes, parts[1])

    return rule


def global_pooling(rank: int) -> Rule:
    """One number a channel."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        keep = layer.value("keepdims") is True
        if not shapes or shapes[0] is None:
            return _whole(layer, None, (None,) * rank, None) if keep else (None, None)
        parts = _split(layer, shapes, rank)
        if parts is None:
            return None
        return _whole(layer, shapes[0][0], (1,) * rank, parts[1]) if keep else (shapes[0][0], parts[1])

    return rule


def adaptive_pooling(rank: int) -> Rule:
    """As many windows as are asked for."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        parts = _split(layer, shapes, rank)
        if parts is None or shapes[0] is None:
            return None
        return _whole(layer, shapes[0][0], each(layer.value("output_size"), rank), parts[1])

    return rule


def padding(rank: int, name: str, sign: int) -> Rule:
    """Each spatial axis longer, or shorter, by its own amount."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        parts = _split(layer, shapes, rank)
        if parts is None or shapes[0] is None:
            return None
        value = layer.value(name)
        amounts = _amounts((value,) if rank == 1 else value, rank)
        sizes = [None if n is None or a is None else n + sign * a for n, a in zip(parts[0], amounts, strict=True)]
        return _whole(layer, shapes[0][0], sizes, parts[1])

    return rule


def _amounts(value: object, rank: int) -> list[Size]:
    if isinstance(value, int):
        return [2 * value] * rank
    if not isinstance(value, (tuple, list)) or len(value) != rank:
        return [None] * rank
    amounts: list[Size] = []
    for item in value:
        if isinstance(item, int):
            amounts.append(2 * item)
        elif isinstance(item, (tuple, list)) and len(item) == 2 and all(isinstance(n, int) for n in item):
            amounts.append(int(item[0]) + int(item[1]))
        else:
            amounts.append(None)
    return amounts


def upsampling(rank: int) -> Rule:
    """Each spatial axis a number of times as long."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        parts = _split(layer, shapes, rank)
        if parts is None or shapes[0] is None:
            return None
        factors = each(layer.value("size", 2), rank)
        sizes = [None if n is None or f is None else n * f for n, f in zip(parts[0], factors, strict=True)]
        return _whole(layer, shapes[0][0], sizes, parts[1])

    return rule


def dense(layer: Asked, shapes: Shapes) -> Shape | None:
    """The last axis becomes `units`."""
    shape = same(layer, shapes)
    return None if shape is None else (*shape[:-1], size(layer.value("units")))


def flattened(layer: Asked, shapes: Shapes) -> Shape | None:
    """All axes but the batch's in one."""
    shape = same(layer, shapes)
    return (None, None) if shape is None else (shape[0], _product(shape[1:]))


def reshaped(layer: Asked, shapes: Shapes) -> Shape | None:
    """`target_shape` behind the batch axis; -1 in it stands for what is left."""
    shape, target = same(layer, shapes), layer.value("target_shape")
    if isinstance(target, int):
        target = (target,)
    if not isinstance(target, (tuple, list)):
        return None
    sizes = [None if one == -1 else size(one) for one in target]
    if shape is not None and None in sizes and sizes.count(None) == 1 and -1 in target:
        total, rest = _product(shape[1:]), _product([one for one in sizes if one is not None])
        if total is not None and rest:
            sizes[sizes.index(None)] = total // rest
    return (shape[0] if shape else None, *sizes)


def permuted(layer: Asked, shapes: Shapes) -> Shape | None:
    """The axes in the order of `dims`, which counts them from 1."""
    shape, dims = same(layer, shapes), layer.value("dims")
    if shape is None or not isinstance(dims, (tuple, list)):
        return None
    if not all(isinstance(one, int) and 0 < one < len(shape) for one in dims):
        return None
    return (shape[0], *(shape[one] for one in dims))


def recurrent(layer: Asked, shapes: Shapes) -> Shape | None:
    """(batch, units), or with the time steps in between."""
    shape = same(layer, shapes)
    if shape is None or layer.value("return_state") is True or len(shape) != 3:
        return None
    units, sequences = size(layer.value("units")), layer.value("return_sequences")
    if sequences is True:
        return (shape[0], shape[1], units)
    return (shape[0], units) if sequences is False else None


def bidirectional(layer: Asked, shapes: Shapes) -> Shape | None:
    """What the wrapped layer gives, twice."""
    shape = same(layer, shapes)
    inner = layer.inner(shape) if shape is not None else None
    if inner is None or layer.value("merge_mode") != "concat":
        return inner
    return (*inner[:-1], None if inner[-1] is None else 2 * inner[-1])


def distributed(layer: Asked, shapes: Shapes) -> Shape | None:
    """What the wrapped layer gives for each time step."""
    shape = same(layer, shapes)
    inner = layer.inner((shape[0], *shape[2:])) if shape is not None and len(shape) > 1 else None
    return None if inner is None or shape is None else (inner[0], shape[1], *inner[1:])


def wrapped(layer: Asked, shapes: Shapes) -> Shape | None:
    """What the wrapped layer gives."""
    shape = same(layer, shapes)
    return None if shape is None else layer.inner(shape)


def embedded(layer: Asked, shapes: Shapes) -> Shape | None:
    """A vector for each number."""
    shape = same(layer, shapes)
    return None if shape is None else (*shape, size(layer.value("output_dim")))


def repeated(layer: Asked, shapes: Shapes) -> Shape | None:
    """The same vector `n` times."""
    shape = same(layer, shapes)
    return (shape[0], size(layer.value("n")), shape[1]) if shape is not None and len(shape) == 2 else None


def resized(layer: Asked, shapes: Shapes) -> Shape | None:
    """Pictures of `height` and `width`."""
    parts = _split(layer, shapes, 2)
    if parts is None or shapes[0] is None:
        return None
    return _whole(layer, shapes[0][0], (size(layer.value("height")), size(layer.value("width"))), parts[1])


def size(value: object) -> Size:
    """A size where the value is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def each(value: object, rank: int) -> tuple[Size, ...]:
    """An int or a tuple argument, one value for each spatial axis."""
    if isinstance(value, (tuple, list)):
        return tuple(size(one) for one in value) if len(value) == rank else (None,) * rank
    return (size(value),) * rank


def _product(sizes: Sequence[Size]) -> Size:
    product = 1
    for one in sizes:
        if one is None:
            return None
        product *= one
    return product


def _channels_first(layer: Asked) -> bool:
    return bool(layer.value("data_format") == "channels_first")


def _split(layer: Asked, shapes: Shapes, rank: int) -> tuple[tuple[Size, ...], Size] | None:
    """The sizes of the spatial axes, and the number of channels."""
    shape = same(layer, shapes)
    if shape is None or len(shape) != rank + 2:
        return None
    return (shape[2:], shape[1]) if _channels_first(layer) else (shape[1:-1], shape[-1])


def _whole(layer: Asked, batch: Size, spatial: Sequence[Size], channels: Size) -> Shape:
    return (batch, channels, *spatial) if _channels_first(layer) else (batch, *spatial, channels)
