"""Rules for the shapes that layers on spatial axes give: convolutions, pooling, padding, pictures.

Sizes are as `keras.Layer.compute_output_shape` gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from .row import Asked, Rule, Shape, Size
from .shapes import Shapes, over_time, same, size

Sizes = Callable[[Asked, Shape], Iterable[Size]]
"""The sizes of the spatial axes behind a layer, from those in front of it."""


def _over(rank: int, sizes: Sizes, channels: Callable[[Asked, Size], Size] = lambda _, channels: channels) -> Rule:
    """A layer that works on `rank` spatial axes, and its channels."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        shape = same(layer, shapes)
        if shape is None:
            shape = (None,) * (rank + 2)
        if len(shape) != rank + 2:
            return None
        spatial, before = split(layer, shape)
        return _whole(layer, shape[0], tuple(sizes(layer, spatial)), channels(layer, before))

    return rule


def _filters(layer: Asked, channels: Size) -> Size:
    return size(layer.value("filters"))


def _multiplied(layer: Asked, channels: Size) -> Size:
    multiplier = size(layer.value("depth_multiplier"))
    return None if channels is None or multiplier is None else channels * multiplier


def convolution(rank: int) -> Rule:
    """A convolution over `rank` axes."""
    return _over(rank, _convolved, _filters)


def depthwise(rank: int) -> Rule:
    """A convolution of each channel by itself."""
    return _over(rank, _convolved, _multiplied)


def _convolved(layer: Asked, sizes: Shape) -> Iterator[Size]:
    for n, kernel, stride, dilation in _kernels(layer, sizes):
        yield _window(n, kernel, stride, dilation, layer.value("padding"))


def _kernels(layer: Asked, sizes: Shape) -> Iterator[tuple[Size, Size, Size, Size]]:
    """Of each axis its size, the kernel's, the stride and the dilation."""
    given = (layer.value("kernel_size"), layer.value("strides"), layer.value("dilation_rate", 1))
    return zip(sizes, *(each(value, len(sizes)) for value in given), strict=True)


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
    return _over(rank, _longer, _filters)


def _longer(layer: Asked, sizes: Shape) -> Iterator[Size]:
    given = layer.value("output_padding")
    more = [False] * len(sizes) if given is None else each(given, len(sizes))
    for row, extra in zip(_kernels(layer, sizes), more, strict=True):
        yield _length(*row, extra, layer.value("padding"))


def _length(n: Size, kernel: Size, stride: Size, dilation: Size, extra: Size, padding: object) -> Size:
    """`extra` is the output's padding, False where none is given."""
    if n is None or stride is None or extra is None or padding not in ("same", "valid"):
        return None
    if padding == "same" and extra is False:
        return n * stride
    if kernel is None or dilation is None:
        return None
    reach = (kernel - 1) * dilation + 1
    if extra is False:
        return n * stride + max(reach - stride, 0)
    return (n - 1) * stride + (reach % 2 if padding == "same" else reach) + extra


def pooling(rank: int) -> Rule:
    """A pooling over windows."""
    return _over(rank, _pooled)


def _pooled(layer: Asked, sizes: Shape) -> Iterator[Size]:
    kernel = each(layer.value("pool_size", 2), len(sizes))  # Keras 2's default, where Keras 3 has none.
    strides = kernel if layer.value("strides") is None else each(layer.value("strides"), len(sizes))
    for n, k, s in zip(sizes, kernel, strides, strict=True):
        yield _window(n, k, s, 1, layer.value("padding"))


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
    return _over(rank, lambda layer, sizes: each(layer.value("output_size"), rank))


def padding(rank: int, name: str, sign: int) -> Rule:
    """Each spatial axis longer, or shorter, by its own amount."""

    def sizes(layer: Asked, before: Shape) -> Iterator[Size]:
        value = layer.value(name)
        for n, amount in zip(before, _amounts((value,) if rank == 1 else value, rank), strict=True):
            yield None if n is None or amount is None else n + sign * amount

    return _over(rank, sizes)


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

    def sizes(layer: Asked, before: Shape) -> Iterator[Size]:
        for n, factor in zip(before, each(layer.value("size", 2), rank), strict=True):
            yield None if n is None or factor is None else n * factor

    return _over(rank, sizes)


def convolved_over_time(rank: int) -> Rule:
    """The same of a convolution."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        shape = same(layer, shapes)
        if shape is None or len(shape) != rank + 3:
            return None
        return over_time(layer, shape, convolution(rank)(layer, [(shape[0], *shape[2:])]))

    return rule


def spectrogram(layer: Asked, shapes: Shapes) -> Shape | None:
    """For each channel its frequencies, in windows over time."""
    parts, length, step = _split(layer, shapes, 1), size(layer.value("frame_length")), layer.value("frame_step")
    if parts is None or shapes[0] is None or length is None or length < 1:
        return None
    whole = layer.value("fft_length") or 1 << (length - 1).bit_length()
    bins = (size(whole) or 0) // 2 + 1
    bins *= 2 if layer.value("mode") == "stft" else 1
    steps = _window(parts[0][0], length, size(step or length // 2), 1, layer.value("padding"))
    if layer.value("expand_dims") is True:
        return _whole(layer, shapes[0][0], (steps, bins), parts[1])
    return _whole(layer, shapes[0][0], (steps,), None if parts[1] is None else parts[1] * bins)


def stretched(axis: int) -> Rule:
    """Pictures with another size along one axis, each time another one."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        shape = same(layer, shapes)
        if shape is None or len(shape) < 3:
            return None
        return tuple(None if place == len(shape) + axis else one for place, one in enumerate(shape))

    return rule


def resized(layer: Asked, shapes: Shapes) -> Shape | None:
    """Pictures of `height` and `width`."""
    if same(layer, shapes) is None:  # One picture without a batch, maybe.
        return None
    return _over(2, lambda layer, _: (size(layer.value("height")), size(layer.value("width"))))(layer, shapes)


def each(value: object, rank: int) -> tuple[Size, ...]:
    """An int or a tuple argument, one value for each spatial axis."""
    if isinstance(value, (tuple, list)):
        return tuple(size(one) for one in value) if len(value) == rank else (None,) * rank
    return (size(value),) * rank


def _channels_first(layer: Asked) -> bool:
    return bool(layer.value("data_format") == "channels_first")


def split(layer: Asked, shape: Shape) -> tuple[Shape, Size]:
    """The sizes of the spatial axes, and the number of channels."""
    return (shape[2:], shape[1]) if _channels_first(layer) else (shape[1:-1], shape[-1])


def _split(layer: Asked, shapes: Shapes, rank: int) -> tuple[Shape, Size] | None:
    shape = same(layer, shapes)
    return None if shape is None or len(shape) != rank + 2 else split(layer, shape)


def _whole(layer: Asked, batch: Size, spatial: Sequence[Size], channels: Size) -> Shape:
    return (batch, channels, *spatial) if _channels_first(layer) else (batch, *spatial, channels)
