"""The shape of a layer's output from the shapes of its inputs, as far as arguments are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .nodes import Layer, Model, Shape

Size = int | None


def output_shape(layer: Layer, shapes: Sequence[Shape | None]) -> Shape | None:
    """The output's shape, batch axis first; None where not even its rank is known."""
    if isinstance(layer, Model):
        return layer.outputs[0].shape if len(layer.outputs) == 1 else None
    kind = layer.kind
    if kind in (
        "Concatenate",
        "Add",
        "Multiply",
        "Subtract",
        "Average",
        "Maximum",
        "Minimum",
        "TrueDivide",
        "Power",
        "Mod",
        "FloorDivide",
    ):
        return _concatenated(layer, shapes) if kind == "Concatenate" else _broadcast(shapes)
    shape = shapes[0] if shapes else None
    if shape is None:
        return _without_input(layer)
    for test, infer in _RULES:
        if test(kind):
            return infer(layer, shape)
    return _SPECIAL[kind](layer, shape) if kind in _SPECIAL else (shape if kind in _SAME else None)


def _without_input(layer: Layer) -> Shape | None:
    if layer.kind.startswith("Global") and layer.arg("keepdims").value is not True:
        return (None, None)
    if layer.kind == "Flatten":
        return (None, None)
    if layer.kind == "Reshape":
        return _reshape(layer, None)
    rank = _rank_of(layer.kind)
    if rank and ("Conv" in layer.kind or "Pooling" in layer.kind):
        filters = _size(layer.arg("filters").value) if "Depthwise" not in layer.kind else None
        middle: tuple[Size, ...] = (None,) * rank
        return (None, filters, *middle) if _channels_first(layer) else (None, *middle, filters)
    return None


def _size(value: object) -> Size:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _rank_of(kind: str) -> int:
    for rank in (1, 2, 3):
        if f"{rank}D" in kind:
            return rank
    return 0


def _channels_first(layer: Layer) -> bool:
    return layer.arg("data_format").value == "channels_first"


def _each(value: object, rank: int) -> tuple[Size, ...]:
    """An int or a tuple argument, one value for each spatial axis."""
    if isinstance(value, (tuple, list)):
        return tuple(_size(v) for v in value) if len(value) == rank else (None,) * rank
    return (_size(value),) * rank


def _split(layer: Layer, shape: Shape, rank: int) -> tuple[tuple[Size, ...], Size] | None:
    if len(shape) != rank + 2:
        return None
    return (shape[2:], shape[1]) if _channels_first(layer) else (shape[1:-1], shape[-1])


def _whole(layer: Layer, batch: Size, spatial: Sequence[Size], channels: Size) -> Shape:
    return (batch, channels, *spatial) if _channels_first(layer) else (batch, *spatial, channels)


def _window(size: Size, kernel: Size, stride: Size, dilation: Size, padding: object) -> Size:
    if size is None or stride is None:
        return None
    if padding in ("same", "causal"):
        return -(-size // stride)
    if kernel is None or dilation is None or padding != "valid":
        return None
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def _conv(layer: Layer, shape: Shape) -> Shape | None:
    rank = _rank_of(layer.kind)
    parts = _split(layer, shape, rank)
    if parts is None:
        return None
    spatial, channels = parts
    kernel, strides = _each(layer.arg("kernel_size").value, rank), _each(layer.arg("strides").value, rank)
    dilation, padding = _each(layer.arg("dilation_rate").value, rank), layer.arg("padding").value
    if "Transpose" in layer.kind:
        sizes = [_transposed(n, k, s, padding) for n, k, s in zip(spatial, kernel, strides, strict=False)]
        if layer.arg("output_padding").value is not None:
            sizes = [None] * rank
    else:
        sizes = [_window(n, k, s, d, padding) for n, k, s, d in zip(spatial, kernel, strides, dilation, strict=False)]
    if layer.kind.startswith("Depthwise"):
        multiplier = _size(layer.arg("depth_multiplier").value)
        filters = None if multiplier is None or channels is None else channels * multiplier
    else:
        filters = _size(layer.arg("filters").value)
    return _whole(layer, shape[0], sizes, filters)


def _transposed(size: Size, kernel: Size, stride: Size, padding: object) -> Size:
    if size is None or stride is None:
        return None
    if padding == "same":
        return size * stride
    return None if kernel is None or padding != "valid" else size * stride + max(kernel - stride, 0)


def _pooling(layer: Layer, shape: Shape) -> Shape | None:
    rank = _rank_of(layer.kind)
    parts = _split(layer, shape, rank)
    if parts is None:
        return None
    spatial, channels = parts
    if layer.kind.startswith("Global"):
        keep = layer.arg("keepdims").value
        return _whole(layer, shape[0], (1,) * rank, channels) if keep is True else (shape[0], channels)
    pool = layer.arg("pool_size").value
    pool = 2 if not isinstance(pool, (int, tuple, list)) and layer.args.get("pool_size") is None else pool
    kernel = _each(pool, rank)
    given = layer.arg("strides").value
    strides = kernel if given is None else _each(given, rank)
    padding = layer.arg("padding").value
    return _whole(
        layer,
        shape[0],
        [_window(n, k, s, 1, padding) for n, k, s in zip(spatial, kernel, strides, strict=False)],
        channels,
    )


def _padding(layer: Layer, shape: Shape) -> Shape | None:
    """ZeroPadding, Cropping and UpSampling: each spatial axis by its own amount."""
    rank = _rank_of(layer.kind)
    parts = _split(layer, shape, rank)
    if parts is None:
        return None
    spatial, channels = parts
    if layer.kind.startswith("UpSampling"):
        factors = _each(layer.arg("size").value if "size" in layer.args else 2, rank)
        return _whole(
            layer,
            shape[0],
            [None if n is None or f is None else n * f for n, f in zip(spatial, factors, strict=False)],
            channels,
        )
    cropping = layer.kind.startswith("Cropping")
    value = layer.arg("cropping" if cropping else "padding").value
    if rank == 1:
        value = (value,)
    amounts = _amounts(value, rank)
    sign = -1 if cropping else 1
    sizes = [None if n is None or a is None else n + sign * a for n, a in zip(spatial, amounts, strict=False)]
    return _whole(layer, shape[0], sizes, channels)


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


def _dense(layer: Layer, shape: Shape) -> Shape:
    return (*shape[:-1], _size(layer.arg("units").value))


def _flatten(layer: Layer, shape: Shape) -> Shape:
    return (shape[0], _product(shape[1:]))


def _product(sizes: Sequence[Size]) -> Size:
    product = 1
    for size in sizes:
        if size is None:
            return None
        product *= size
    return product


def _reshape(layer: Layer, shape: Shape | None) -> Shape | None:
    target = layer.arg("target_shape").value
    if isinstance(target, int):
        target = (target,)
    if not isinstance(target, (tuple, list)):
        return None
    sizes = [None if size == -1 else _size(size) for size in target]
    if shape is not None and None in sizes and sizes.count(None) == 1 and -1 in target:
        total, rest = _product(shape[1:]), _product([size for size in sizes if size is not None])
        if total is not None and rest:
            sizes[sizes.index(None)] = total // rest
    return (shape[0] if shape else None, *sizes)


def _permute(layer: Layer, shape: Shape) -> Shape | None:
    dims = layer.arg("dims").value
    if not isinstance(dims, (tuple, list)) or not all(isinstance(d, int) and 0 < d < len(shape) for d in dims):
        return None
    return (shape[0], *(shape[d] for d in dims))


def _recurrent(layer: Layer, shape: Shape) -> Shape | None:
    if layer.arg("return_state").value is True or len(shape) != 3:
        return None
    units = _size(layer.arg("units").value)
    sequences = layer.arg("return_sequences").value
    if sequences is True:
        return (shape[0], shape[1], units)
    return (shape[0], units) if sequences is False else None


def _bidirectional(layer: Layer, shape: Shape) -> Shape | None:
    inner = output_shape(layer.wrapped, [shape]) if layer.wrapped is not None else None
    if inner is None or layer.arg("merge_mode").value != "concat":
        return inner
    return (*inner[:-1], None if inner[-1] is None else 2 * inner[-1])


def _time_distributed(layer: Layer, shape: Shape) -> Shape | None:
    if layer.wrapped is None or len(shape) < 2:
        return None
    inner = output_shape(layer.wrapped, [(shape[0], *shape[2:])])
    return None if inner is None else (inner[0], shape[1], *inner[1:])


def _embedding(layer: Layer, shape: Shape) -> Shape:
    return (*shape, _size(layer.arg("output_dim").value))


def _repeat(layer: Layer, shape: Shape) -> Shape | None:
    return (shape[0], _size(layer.arg("n").value), shape[1]) if len(shape) == 2 else None


def _wrapped(layer: Layer, shape: Shape) -> Shape | None:
    return output_shape(layer.wrapped, [shape]) if layer.wrapped is not None else None


def _broadcast(shapes: Sequence[Shape | None]) -> Shape | None:
    known = [shape for shape in shapes if shape is not None]
    if not known or len(known) < len(shapes):
        return known[0] if known and len(shapes) > 1 and len(known[0]) > 1 else None
    longest = max(known, key=len)
    if any(len(shape) != len(longest) for shape in known):
        return longest
    return tuple(_one(column) for column in zip(*known, strict=False))


def _one(sizes: Sequence[Size]) -> Size:
    known = {size for size in sizes if size not in (None, 1)}
    return known.pop() if len(known) == 1 else (1 if all(size == 1 for size in sizes) else None)


def _concatenated(layer: Layer, shapes: Sequence[Shape | None]) -> Shape | None:
    known = [shape for shape in shapes if shape is not None]
    axis = layer.arg("axis").value
    if len({len(shape) for shape in known}) != 1:  # Nothing is known, or Keras raises.
        return None
    if not isinstance(axis, int) or not -len(known[0]) <= axis < len(known[0]):
        return None
    axis %= len(known[0])
    sizes = [_one(column) for column in zip(*known, strict=False)]
    total = [shape[axis] for shape in known]
    complete = len(known) == len(shapes) and None not in total
    sizes[axis] = sum(size for size in total if size is not None) if complete else None
    return tuple(sizes)


_RULES: tuple[tuple[Callable[[str], bool], Callable[[Layer, Shape], Shape | None]], ...] = (
    (lambda kind: "Conv" in kind and kind[-2:] != "op" and _rank_of(kind) > 0 and "LSTM" not in kind, _conv),
    (lambda kind: "Pooling" in kind and not kind.startswith("Adaptive"), _pooling),
    (lambda kind: kind.startswith(("ZeroPadding", "Cropping", "UpSampling")) and _rank_of(kind) > 0, _padding),
)

_SPECIAL: dict[str, Callable[[Layer, Shape], Shape | None]] = {
    "Dense": _dense,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "SimpleRNN": _recurrent,
    "CuDNNLSTM": _recurrent,
    "CuDNNGRU": _recurrent,
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
    "Embedding": _embedding,
    "RepeatVector": _repeat,
    "SpectralNormalization": _wrapped,
}

_SAME = frozenset(
    {
        *(
            "BatchNormalization",
            "LayerNormalization",
            "GroupNormalization",
            "UnitNormalization",
            "RMSNormalization",
            "Normalization",
        ),
        *(
            "Activation",
            "ReLU",
            "LeakyReLU",
            "PReLU",
            "ELU",
            "Softmax",
            "ThresholdedReLU",
            "Identity",
            "Rescaling",
            "Masking",
        ),
        *(
            "Dropout",
            "AlphaDropout",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "SpatialDropout3D",
            "GaussianDropout",
            "GaussianNoise",
        ),
        *(
            "Relu",
            "Relu6",
            "LeakyRelu",
            "Elu",
            "Selu",
            "Gelu",
            "Silu",
            "Swish",
            "Sigmoid",
            "HardSigmoid",
            "Tanh",
            "Softplus",
        ),
        *(
            "HardSilu",
            "Mish",
            "LogSoftmax",
            "Softsign",
            "Negative",
            "Sqrt",
            "Square",
            "Exp",
            "Log",
            "Cast",
            "StopGradient",
            "Abs",
        ),
        *(
            "Celu",
            "HardTanh",
            "LogSigmoid",
            "ActivityRegularization",
            "RandomFlip",
            "RandomRotation",
            "RandomZoom",
            "RandomContrast",
        ),
        *("RandomTranslation", "RandomBrightness", "SpatialDropout", "Clip"),
    }
)
