"""Layers of Keras: built from the arguments of their constructors, and applied to tensors."""

from __future__ import annotations

from ....catalog import is_layer, kind_of, parameters
from ....graph import Arg, Call, Layer, Model, Tensor, Unknown, kinds
from ....graph.nodes import NOT_GIVEN
from ..symbols import FUNCTIONAL_LAYERS
from ..values.args import Args, to_arg
from ..values.bound import Symbol
from ..values.code import Func
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, layer_of
from ..values.recording import is_tensor
from ..values.registry import method, symbol
from .functions import function

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
_STATES = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}
"""How many states a recurrent layer returns with its output."""


@symbol("*.VersionAwareLayers")
def version_aware(m: Evaluator, args: Args) -> Value:
    """The layers of TensorFlow's own Keras, as the applications there get at them."""
    return Symbol("tensorflow.keras.layers")


@symbol("keras.layers.*")
def layer(m: Evaluator, args: Args) -> Value:
    name = args.callee.rpartition(".")[2]
    if name in FUNCTIONAL_LAYERS:
        bare = Args(args.spot, [], {k: v for k, v in args.keywords.items() if k != "inputs"}, args.spots)
        return apply_layer(m, new_layer(m, FUNCTIONAL_LAYERS[name], bare), Args(args.spot, [args.get(0, "inputs")]))
    if not (is_layer(name) or name[:1].isupper()):
        args.callee = f"keras.ops.{name}"
        return function(m, args)
    made = new_layer(m, name, args)
    if name == "Lambda":
        m.lambdas[made] = args.get(0, "function")
    return made


def new_layer(m: Evaluator, name: str, args: Args, cls: str = "") -> Layer:
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


def read_arguments(m: Evaluator, layer: Layer, names: tuple[str, ...], args: Args) -> None:
    """Give the layer its arguments by name. What may hide in an unknown ** is unknown, no default."""
    positional = _positional(layer, args)
    if layer.kind == "BatchNormalization":  # Too many of them are worth a finding.
        names = (*names, *(f"argument {index}" for index in range(len(names), len(positional))))
    for index, (name, value) in enumerate(zip(names, positional, strict=False)):
        layer.args[name] = to_arg(value, args.spot_of(index, ""))
    taken = names[: len(positional)]
    for key, value in args.keywords.items():
        name = f"{key} again" if key in taken else _today(key, names)
        arg = to_arg(value, args.spot_of(None, key))
        if name == "data_format" and isinstance(arg.value, str):
            arg = Arg(_DIM_ORDERING.get(arg.value, arg.value), arg.origin, arg.certain)
        layer.args[name] = arg
    if args.open:
        for name in names:
            layer.args.setdefault(name, Arg(Unknown("may be in an unknown * or **"), args.spot))
    if m.channels_first and layer.args.get("data_format") is None and "data_format" in layer.defaults:
        layer.args["data_format"] = Arg("channels_first", None)


def _positional(layer: Layer, args: Args) -> list[Value]:
    """The positional arguments; the two sizes of a Keras 1 convolution's kernel as one."""
    values = args.positional
    keras_1 = layer.kind in ("Conv2D", "Conv2DTranspose") and all(isinstance(value, int) for value in values[:3])
    if keras_1 and len(values) > 2 and "padding" not in args.keywords and "border_mode" in args.keywords:
        return [values[0], (values[1], values[2]), *values[3:]]
    return values


def _today(key: str, names: tuple[str, ...]) -> str:
    """What an argument of Keras 1 is called since."""
    new = OLD_NAMES.get(key, key)
    return new if new in names and key not in names else key


def training_arg(args: Args) -> Arg:
    """The `training` argument of a layer's call; NOT_GIVEN where there is none."""
    arg = args.arg(None, "training")
    if arg is None:
        return NOT_GIVEN
    if isinstance(arg.value, int) and not isinstance(arg.value, bool):
        return Arg(bool(arg.value), arg.origin, arg.certain)
    return arg


def apply_layer(m: Evaluator, layer: Layer, args: Args) -> Value:
    """Call a Keras layer (no project class) on its arguments."""
    if layer.kind == "Lambda":
        return _apply_lambda(m, layer, args)
    call = m.record(layer, _inputs(m, layer, args), args.spot, training_arg(args))
    call.positional = tuple(to_arg(value, args.spot_of(i, "")) for i, value in enumerate(args.positional))[1:]
    count = _outputs(layer, args)
    if count == 1:
        return call.output
    call.outputs = tuple(Tensor(call=call) for _ in range(count - 1))
    return (call.output, *call.outputs)


def _inputs(m: Evaluator, layer: Layer, args: Args) -> tuple[Tensor, ...]:
    inputs = tuple(tensor for value in args.positional for tensor in m.tensors(value))
    if not args.positional:
        inputs = m.tensors(args.get(None, "inputs", ABSENT))
    if layer.kind == "MultiHeadAttention":
        given = (args.get(None, key) for key in ("query", "value", "key"))
        inputs = inputs[:1] + tuple(tensor for value in given for tensor in m.tensors(value))
    for key, value in args.keywords.items():
        if key not in ("training", "mask", "inputs"):
            m.escape(value)
    return inputs


def _outputs(layer: Layer, args: Args) -> int:
    """How many outputs a call has."""
    inner = layer.wrapped or layer
    if inner.arg("return_state").value is True and not isinstance(layer, Model):
        states = _STATES.get(inner.kind, 0)
        return 1 + states * (1 if layer is inner else 2)
    scores = layer.kind == "MultiHeadAttention" and args.get(None, "return_attention_scores") is True
    return 2 if scores else 1


def _apply_lambda(m: Evaluator, layer: Layer, args: Args) -> Value:
    """A Lambda layer: its function is evaluated on the tensors, in the context "lambda"."""
    function = m.lambdas.get(layer)
    inputs = tuple(tensor for value in args.positional for tensor in m.tensors(value))
    call = m.record(layer, inputs, args.spot, training_arg(args))
    if not isinstance(function, Func):
        return call.output
    m.inside.append(call)
    try:
        with m.within(kind="lambda"):
            result = m.call(function, Args(args.spot, list(args.positional[:1]), {}))
    finally:
        m.inside.pop()
    body = m.tensors(result) if is_tensor(result) else ()
    inner = body[0].call if len(body) == 1 else None
    if inner is not None and inner.parent is call:
        body[0].escaped = True
        call.output.shape = body[0].shape
        if _alone(m, call) and inner.layer.kind in kinds.ACTIVATIONS:
            layer.kind = inner.layer.kind
    return call.output


def _alone(m: Evaluator, call: Call) -> bool:
    """Whether the function of a Lambda makes a single call."""
    return sum(1 for other in m.program.calls if other.parent is call) == 1


@method(Layer, "call", "__call__")
def call(m: Evaluator, layer: Layer, args: Args) -> Value:
    return m.apply(layer, args)


@method(Layer, "set_weights", "build", "count_params")
def unknown(m: Evaluator, layer: Layer, args: Args) -> Value:
    return Opaque(args.callee, args.callee)
