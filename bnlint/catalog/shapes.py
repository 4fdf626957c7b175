"""Rules for the shape of an output: a function for each way of making one, used by all layers that make it so.

Shapes have the batch axis first. Sizes are as `keras.Layer.compute_output_shape` gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

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
    return _spatial(rank, lambda layer, sizes: each(layer.value("output_size"), rank))


def padding(rank: int, name: str, sign: int) -> Rule:
    """Each spatial axis longer, or shorter, by its own amount."""

    def longer(layer: Asked, sizes: Sequence[Size]) -> Iterator[Size]:
        value = layer.value(name)
        for n, amount in zip(sizes, _amounts((value,) if rank == 1 else value, rank), strict=True):
            yield None if n is None or amount is None else n + sign * amount

    return _spatial(rank, longer)


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

    def longer(layer: Asked, sizes: Sequence[Size]) -> Iterator[Size]:
        for n, factor in zip(sizes, each(layer.value("size", 2), rank), strict=True):
            yield None if n is None or factor is None else n * factor

    return _spatial(rank, longer)


def _spatial(rank: int, sizes: Callable[[Asked, Sequence[Size]], Iterable[Size]]) -> Rule:
    """Other sizes of the spatial axes, the channels as they are."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        parts = _split(layer, shapes, rank)
        if parts is None or shapes[0] is None:
            return None
        return _whole(layer, shapes[0][0], tuple(sizes(layer, parts[0])), parts[1])

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
    """What each time step gives, or the last one only."""
    shape = same(layer, shapes)
    if shape is None or len(shape) != 3:
        return None
    return _over_time(layer, shape, (shape[0], size(layer.value("units"))))


def rolled(layer: Asked, shapes: Shapes) -> Shape | None:
    """The same of a cell that is given."""
    shape = same(layer, shapes)
    return None if shape is None else _over_time(layer, shape, layer.inner((shape[0], *shape[2:])))


def convolved_over_time(rank: int) -> Rule:
    """The same of a convolution."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        shape = same(layer, shapes)
        if shape is None or len(shape) != rank + 3:
            return None
        return _over_time(layer, shape, convolution(rank)(layer, [(shape[0], *shape[2:])]))

    return rule


def _over_time(layer: Asked, shape: Shape, step: Shape | None) -> Shape | None:
    if step is None or layer.value("return_state") is True or layer.value("time_major", False) is not False:
        return None
    sequences = layer.value("return_sequences")
    return (shape[0], shape[1], *step[1:]) if sequences is True else step if sequences is False else None


def cell(layer: Asked, shapes: Shapes) -> Shape | None:
    """A step of a recurrent layer: its units."""
    shape = same(layer, shapes)
    return None if shape is None else (shape[0], size(layer.value("units")))


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


def piped(layer: Asked, shapes: Shapes) -> Shape | None:
    """What the last of the layers in it gives, one behind the other."""
    return wrapped(layer, shapes)


def embedded(layer: Asked, shapes: Shapes) -> Shape | None:
    """A vector for each number."""
    shape = same(layer, shapes)
    return None if shape is None else (*shape, size(layer.value("output_dim")))


def repeated(layer: Asked, shapes: Shapes) -> Shape | None:
    """The same vector `n` times."""
    shape = same(layer, shapes)
    return (shape[0], size(layer.value("n")), shape[1]) if shape is not None and len(shape) == 2 else None


def attended(layer: Asked, shapes: Shapes) -> Shape | None:
    """For each query a vector as long as a value."""
    if len(shapes) < 2 or shapes[0] is None:
        return None
    return (*shapes[0][:-1], shapes[1][-1] if shapes[1] else None)


def queried(layer: Asked, shapes: Shapes) -> Shape | None:
    """For each query a vector as long as itself, or as is asked for."""
    shape, asked = same(layer, shapes), layer.value("output_shape")
    if shape is None or asked is None:
        return shape
    given = asked if isinstance(asked, (tuple, list)) else (asked,)
    return (*shape[:-1], *map(size, given))


def einsum(layer: Asked, shapes: Shapes) -> Shape | None:
    """`output_shape` behind the batch axis, with the axes that `...` stands for; sizes not given are the input's."""
    shape, equation, given = same(layer, shapes), layer.value("equation"), layer.value("output_shape")
    if shape is None or not isinstance(equation, str) or "," not in equation.partition("->")[0]:
        return None
    taken, made = (text.strip().split("...") for text in (equation.partition(",")[0], equation.partition("->")[2]))
    several = [f"{place}" for place in range(len(shape) - len("".join(taken)))]
    taken, made = ([*side[0], *several, *side[-1]] if len(side) > 1 else [*side[0]] for side in (taken, made))
    known = dict(zip(taken, shape, strict=False))
    asked = [name for name in made[1:] if name not in several]
    told = dict(zip(asked, map(size, given if isinstance(given, (tuple, list)) else (given,)), strict=False))
    return tuple(known.get(name) if told.get(name) is None else told[name] for name in made)


def dotted(layer: Asked, shapes: Shapes) -> Shape | None:
    """Two tensors without the axes that are multiplied."""
    axes = layer.value("axes")
    if len(shapes) != 2 or shapes[0] is None or shapes[1] is None:
        return None
    pair = axes if isinstance(axes, (tuple, list)) else (axes, axes)
    if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
        return None
    first, second = (
        [one for axis, one in enumerate(shape) if axis != gone % len(shape)]
        for shape, gone in zip(shapes, pair, strict=True)
        if shape
    )
    return (*first, *second[1:]) if len(first) + len(second) > 2 else (first[0], 1)


def given(layer: Asked, shapes: Shapes) -> Shape | None:
    """The shape that an input is given."""
    for name in ("batch_shape", "batch_input_shape", "shape", "input_shape"):
        found = layer.value(name)
        if isinstance(found, (tuple, list)):
            return tuple(map(size, found if name.startswith("batch") else (layer.value("batch_size"), *found)))
    return None


def encoded(count: str) -> Rule:
    """Numbers of categories, or marks among all of them: `count` says how many there are, or lists them."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        shape, mode = same(layer, shapes), layer.value("output_mode")
        if shape is None or not isinstance(mode, str) or mode == "int":
            return shape if mode == "int" else None
        apart = mode == "one_hot" and (shape[-1] != 1 or len(shape) == 1)
        return (*(shape if apart else shape[:-1]), _tokens(layer, count))

    return rule


def _tokens(layer: Asked, count: str) -> Size:
    if layer.value("pad_to_max_tokens", False) is True:
        return size(layer.value("max_tokens"))
    listed, others = layer.value(count), size(layer.value("num_oov_indices", 1))
    if isinstance(listed, (tuple, list)):
        return None if others is None else len(listed) + others
    return size(listed)


def vectorized(layer: Asked, shapes: Shapes) -> Shape | None:
    """Texts as numbers of words, or one mark for each word there is."""
    shape = same(layer, shapes)
    if shape is None:
        return None
    if layer.value("output_mode") == "int":
        return (shape[0], size(layer.value("output_sequence_length")))
    return (shape[0], _tokens(layer, "vocabulary"))


def mel(layer: Asked, shapes: Shapes) -> Shape | None:
    """Frequencies over time."""
    shape, stride = same(layer, shapes), size(layer.value("sequence_stride"))
    if not shape:
        return None
    steps = None if shape[-1] is None or stride is None else (shape[-1] + stride + 1) // stride
    return (*shape[:-1], size(layer.value("num_mel_bins")), steps)


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


resized = _spatial(2, lambda layer, sizes: (size(layer.value("height")), size(layer.value("width"))))
"""Pictures of `height` and `width`."""


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
