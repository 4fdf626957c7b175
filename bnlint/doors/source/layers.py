"""Building layers and applying them to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...catalog import kind_of, parameters
from ...graph import Arg, Call, Layer, Model, Tensor, Unknown, kinds
from ...graph.nodes import NOT_GIVEN
from ...graph.shapes import output_shape
from .args import Args, to_arg
from .machine import MAX_USES, Machine, OutOfFuel
from .module import Spot
from .values import (
    ABSENT,
    Array,
    Assumed,
    Choice,
    Dataset,
    Dict,
    Func,
    Instance,
    List,
    Opaque,
    Value,
    is_small,
    parts,
)

MAX_ALTERNATIVES = 24
"""How many calls may have made a tensor, as branches decide."""
OLD_NAMES = {
    "nb_filter": "filters",
    "subsample": "strides",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "output_dim": "units",
    "p": "rate",
    "bias": "use_bias",
    "init": "kernel_initializer",
}
"""Argument names of Keras 1."""

_DIM_ORDERING = {"tf": "channels_last", "th": "channels_first"}


def new_layer(m: Machine, name: str, args: Args, cls: str = "") -> Layer:
    """A layer of Keras, from the arguments of its constructor."""
    kind = kind_of(name)
    names, defaults = parameters(kind)
    layer = Layer(kind, args.spot, cls or name, defaults=defaults, context=m.context, held=True, time=m.tick())
    read_arguments(m, layer, names, args)
    m.program.layers.append(layer)
    if kind in kinds.WRAPPERS:
        inner = layer_of(args.get(0, "layer", None))
        layer.wrapped = inner
        if inner is not None:
            inner.held = True
    return layer


def read_arguments(m: Machine, layer: Layer, names: tuple[str, ...], args: Args) -> None:
    """Give the layer its arguments by name. What may hide in an unknown ** is unknown, no default."""
    keras_1 = (
        layer.kind in ("Conv2D", "Conv2DTranspose") and len(args.positional) > 2 and _all_ints(args.positional[:3])
    )
    if keras_1 and "padding" not in args.keywords and args.get(None, "border_mode") is not ABSENT:
        args.positional[1:3] = [(args.positional[1], args.positional[2])]
    if layer.kind == "BatchNormalization" and args.positional and len(args.positional) > len(names):
        names = (*names, *(f"argument {i}" for i in range(len(args.positional))))
    for index, value in enumerate(args.positional):
        if index < len(names):
            layer.args[names[index]] = to_arg(value, args.spot_of(index, ""))
    for key, value in args.keywords.items():
        arg = to_arg(value, args.spot_of(None, key))
        if key in names[: len(args.positional)]:
            key = f"{key} again"
        if key in OLD_NAMES and OLD_NAMES[key] in names and key not in names:
            key = OLD_NAMES[key]
        if key == "data_format" and isinstance(arg.value, str):
            arg = Arg(_DIM_ORDERING.get(arg.value, arg.value), arg.origin, arg.certain)
        layer.args[key] = arg
    if args.open:
        for name in names:
            layer.args.setdefault(name, Arg(Unknown("may be in an unknown * or **"), args.spot))
    if m.channels_first and layer.args.get("data_format") is None and "data_format" in layer.defaults:
        layer.args["data_format"] = Arg("channels_first", None)


def _all_ints(values: list[Value]) -> bool:
    return all(isinstance(value, int) for value in values)


def layer_of(value: Value) -> Layer | None:
    """The graph's layer behind a value."""
    if isinstance(value, Layer):
        return value
    if isinstance(value, Instance):
        return value.layer
    if isinstance(value, Assumed):
        return layer_of(value.value)
    return None


def layers_in(value: Value) -> list[Layer]:
    """The layers that a value is or holds."""
    return [layer for part in parts(value, calls=True) if (layer := layer_of(part)) is not None]


def is_tensor(value: Value) -> bool:
    """Whether a value is a symbolic tensor or may be one."""
    if isinstance(value, Tensor):
        return not value.data
    if isinstance(value, Choice):
        return any(is_tensor(leaf) for leaf in value.leaves())
    return False


def tensor_of(m: Machine, value: Value) -> Tensor:
    """A value as an input of a call: joined branches become a tensor with alternatives."""
    value = m.settled(value)
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Choice):
        leaves = [tensor_of(m, leaf) for leaf in value.leaves() if leaf is not ABSENT and leaf is not None]
        if len(leaves) == 1:
            return leaves[0]
        return either(m, leaves)
    key = id(value)
    if isinstance(value, Opaque) and key in m.outside:
        return m.outside[key][1]
    shape = None
    if isinstance(value, Array) and value.shape is not None:
        shape = tuple(size if isinstance(size, int) else None for size in value.shape)
    tensor = Tensor(shape=shape, data=isinstance(value, (Array, Dataset)) or getattr(value, "batch", None) is not None)
    tensor.outside = isinstance(value, Opaque) and not tensor.data and not value.reason.startswith("the parameter ")
    m.outside[key] = (value, tensor)
    return tensor


def either(m: Machine, tensors: Sequence[Tensor]) -> Tensor:
    """One of these tensors; where that leaves too many, one that is not known."""
    shapes = {tensor.shape for tensor in tensors}
    shape = shapes.pop() if len(shapes) == 1 else None
    joined = Tensor(shape=shape, either=tuple(tensors))
    if len(joined.sources()) <= MAX_ALTERNATIVES:
        return joined
    m.escape(joined)
    return Tensor(shape=shape)


def tensors_in(m: Machine, value: Value) -> tuple[Tensor, ...]:
    """The tensors of an argument: one, or those of a list, tuple or dict."""
    value = m.settled(value)
    if isinstance(value, (List, tuple, Dict)):
        m.spend(len(value))
        if not is_small(value):
            m.escape(value)
            return (tensor_of(m, Opaque("many values")),)
    if isinstance(value, Choice) and any(isinstance(leaf, (List, tuple)) for leaf in value.leaves()):
        return tuple(dict.fromkeys(tensor for leaf in value.leaves() for tensor in tensors_in(m, leaf)))
    if isinstance(value, (List, tuple)):
        return tuple(tensor for item in value for tensor in tensors_in(m, item))
    if isinstance(value, Dict):
        return tuple(tensor for item in value.values() for tensor in tensors_in(m, item))
    if value is ABSENT or value is None or isinstance(value, (str, bytes)):
        return ()
    return (tensor_of(m, value),)


def training_arg(args: Args) -> Arg:
    """The `training` argument of a layer's call; NOT_GIVEN where there is none."""
    arg = args.arg(None, "training")
    if arg is None:
        return NOT_GIVEN
    if isinstance(arg.value, int) and not isinstance(arg.value, bool):
        return Arg(bool(arg.value), arg.origin, arg.certain)
    return arg


def record(
    m: Machine, layer: Layer, inputs: tuple[Tensor, ...], spot: Spot, training: Arg = NOT_GIVEN, shape: Any = ABSENT
) -> Call:
    """Put one application into the graph; its output has the inferred shape."""
    if shape is ABSENT:
        shape = output_shape(layer, [tensor.shape for tensor in inputs])
    output = Tensor(shape=shape, data=bool(inputs) and all(tensor.data for tensor in inputs))
    output.outside = any(tensor.outside for tensor in inputs)
    parent = m.inside[-1] if m.inside else None
    if len(layer.calls) >= MAX_USES and not m.exact:
        raise OutOfFuel("a layer is called too often")
    call = Call(layer, inputs, output, spot, m.context, training, parent, m.optional > 0, m.tick())
    output.call = call
    for tensor in inputs:
        tensor.users.append(call)
        if tensor.either:
            sources = tensor.sources()
            m.spend(len(sources) ** 2)
            for source in sources:
                source.users.append(call)
    layer.calls.append(call)
    layer.held = True
    m.program.calls.append(call)
    return call


def apply_op(m: Machine, kind: str, values: list[Value], spot: Spot, **arguments: Value) -> Value:
    """Apply an operation to tensors: `x + y`, tf.nn.relu(x)."""
    layer = Layer(kind, spot, kind, context=m.context, op=True, held=True)
    layer.args = {name: to_arg(value, spot) for name, value in arguments.items() if value is not ABSENT}
    inputs = tuple(
        tensor for value in values for tensor in tensors_in(m, value) if not isinstance(value, (int, float, bool))
    )
    return record(m, layer, inputs, spot).output


def apply_layer(m: Machine, layer: Layer, args: Args) -> Value:
    """Call a Keras layer (no project class) on its arguments."""
    if layer.kind == "Lambda":
        return _apply_lambda(m, layer, args)
    inputs = tuple(tensor for value in args.positional for tensor in tensors_in(m, value))
    if not args.positional:
        inputs = tensors_in(m, args.get(None, "inputs", ABSENT))
    if layer.kind == "MultiHeadAttention":
        inputs = inputs[:1] + tuple(t for key in ("query", "value", "key") for t in tensors_in(m, args.get(None, key)))
    for key, value in args.keywords.items():
        if key not in ("training", "mask", "inputs"):
            m.escape(value)
    call = record(m, layer, inputs, args.spot, training_arg(args))
    call.positional = tuple(to_arg(value, args.spot_of(i, "")) for i, value in enumerate(args.positional))[1:]
    inner = layer.wrapped or layer
    if inner.arg("return_state").value is True and not isinstance(layer, Model):
        count = {"LSTM": 3, "GRU": 2, "SimpleRNN": 2}.get(inner.kind, 0)
        if count:
            return _several(call, count if layer is inner else 2 * count - 1)
    if layer.kind == "MultiHeadAttention" and args.get(None, "return_attention_scores") is True:
        return _several(call, 2)
    return call.output


def _several(call: Call, count: int) -> tuple[Tensor, ...]:
    """The outputs of a call that returns a tuple."""
    call.outputs = tuple(Tensor(call=call) for _ in range(count - 1))
    return (call.output, *call.outputs)


def _apply_lambda(m: Machine, layer: Layer, args: Args) -> Value:
    """A Lambda layer: its function is evaluated on the tensors, in the context "lambda"."""
    function = m.lambdas.get(layer)
    inputs = tuple(tensor for value in args.positional for tensor in tensors_in(m, value))
    call = record(m, layer, inputs, args.spot, training_arg(args))
    if isinstance(function, Func):
        m.inside.append(call)
        try:
            with m.within(kind="lambda"):
                given = Args(args.spot, list(args.positional[:1]), {})
                result = m.call(function, given)
        finally:
            m.inside.pop()
        body = tensors_in(m, result) if is_tensor(result) else ()
        if len(body) == 1 and body[0].call is not None and body[0].call.parent is call:
            body[0].escaped = True
            call.output.shape = body[0].shape
            if _alone(m, call) and body[0].call.layer.kind in kinds.ACTIVATIONS:
                layer.kind = body[0].call.layer.kind
    return call.output


def _alone(m: Machine, call: Call) -> bool:
    """Whether the function of a Lambda makes a single call."""
    return sum(1 for other in m.program.calls if other.parent is call) == 1
