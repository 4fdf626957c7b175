"""Keras models: how they are put together, and applied."""

from __future__ import annotations

from typing import Any

from ....catalog import APPLICATIONS, WITH_BATCHNORM, parameters
from ....graph import Arg, Call, Layer, Model, Tensor
from ....graph.nodes import NOT_GIVEN, Shape
from ..values.args import Args, to_arg
from ..values.containers import List
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value
from ..values.lifted import bare
from ..values.recording import has_tensor, is_tensor
from ..values.registry import symbol
from .layers import read_arguments


@symbol("keras.Input")
def new_input(m: Evaluator, args: Args) -> Value:
    """`Input(shape=…)`: a symbolic tensor."""
    layer = Layer("InputLayer", args.spot, "InputLayer", context=m.context, held=True, time=m.tick())
    whole = args.get(None, "batch_shape")
    sizes = sizes_of(args.get(0, "shape") if whole is ABSENT else whole)
    shape: Shape | None = None
    if sizes is not None:
        shape = sizes if whole is not ABSENT else (_int(args.get(1, "batch_size")), *sizes)
    names, _ = parameters("InputLayer")
    read_arguments(m, layer, names, args)
    m.program.layers.append(layer)
    wrapped = args.get(None, "tensor")
    return m.tensor(wrapped) if is_tensor(wrapped) else Tensor(shape=shape, input=layer)


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def sizes_of(value: Any) -> Shape | None:
    """A shape argument as sizes; None where its length is not known."""
    value = bare(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    known = isinstance(value, (tuple, list)) and not getattr(value, "open", False)
    return tuple(map(_int, value)) if known else None


def new_model(m: Evaluator, style: Any, args: Args, kind: str = "Functional") -> Model:
    """A model of Keras's own classes."""
    model = Model(kind, args.spot, kind, context=m.context, style=style, held=True, time=m.tick())
    model.entries = List()  # type: ignore[assignment]
    model.args = {
        name: to_arg(args.keywords[name], args.spot_of(None, name))
        for name in ("name", "trainable")
        if name in args.keywords
    }
    m.program.models.append(model)
    m.program.layers.append(model)
    return model


@symbol("keras.Model")
def functional(m: Evaluator, args: Args) -> Value:
    inputs, outputs = args.get(0, "inputs"), args.get(1, "outputs")
    if inputs is ABSENT:
        inputs = args.get(None, "input")
    if outputs is ABSENT:
        outputs = args.get(None, "output")
    model = new_model(m, "functional", args)
    if inputs is ABSENT or outputs is ABSENT:
        model.complete = False
    else:
        set_functional(m, model, inputs, outputs)
    return model


def set_functional(m: Evaluator, model: Model, inputs: Value, outputs: Value) -> None:
    """`Model(inputs, outputs)`."""
    model.style = "functional"
    model.inputs, model.outputs = m.tensors(inputs), m.tensors(outputs)
    model.complete = has_tensor(outputs)
    m.escape(outputs)


def nodes_of(model: Model) -> list[Call]:
    """The calls between a functional model's inputs and outputs, in program order."""
    ends = set(model.inputs)
    seen: set[Tensor] = set()
    calls: set[Call] = set()
    stack = list(model.outputs)
    while stack:
        tensor = stack.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        stack.extend(tensor.either)
        if tensor not in ends and tensor.call is not None:
            calls.add(tensor.call)
            stack.extend(tensor.call.inputs)
    return sorted(calls, key=lambda call: call.time)


@symbol(
    *(f"*.{name}" for name in ("load_model", "model_from_json", "model_from_yaml", "model_from_config")),
    *("tf.saved_model.load", "*.from_pretrained", "tensorflow_hub.load", "*.KerasLayer"),
)
def loaded(m: Evaluator, args: Args) -> Value:
    model = new_model(m, "loaded", args, "Model")
    model.pretrained = not args.callee.endswith(("model_from_json", "model_from_yaml", "model_from_config"))
    model.complete = False
    source, output = Tensor(), Tensor(escaped=True)
    call = Call(model, (source,), output, args.spot, m.context, NOT_GIVEN, time=m.tick())
    output.call = call
    model.calls.append(call)
    model.inputs, model.outputs = (source,), (output,)
    return model


_NETWORKS = tuple(application.name for application in APPLICATIONS)
_PARAMETERS = ("include_top", "weights", "input_tensor", "input_shape", "pooling", "classes")
_MOBILE = ("input_shape", "alpha", "depth_multiplier", "dropout", "include_top", "weights", "input_tensor", "pooling")


@symbol("keras.applications.*")
def application(m: Evaluator, args: Args) -> Value:
    """A model of keras.applications, known to hold BN or not; its one call stands for its whole graph."""
    name = args.callee.rpartition(".")[2]
    if not name.startswith(_NETWORKS):
        return args.get(0, "x", Opaque("preprocessed input"))
    model = new_model(m, "application", args, name)
    model.batchnorm = name.startswith(WITH_BATCHNORM)
    names = (*_MOBILE, "classes") if name.startswith("MobileNet") else _PARAMETERS
    read_arguments(m, model, names, args)
    weights = model.args.get("weights", Arg("imagenet"))
    model.pretrained = weights.known and weights.value is not None
    given = args.get(None, "input_tensor")
    sizes = sizes_of(args.get(None, "input_shape"))
    source = m.tensor(given) if is_tensor(given) else Tensor(shape=None if sizes is None else (None, *sizes))
    call = m.record(model, (source,), args.spot, NOT_GIVEN, _application_output(model))
    model.inputs, model.outputs = (source,), (call.output,)
    call.output.escaped = True
    return model


def _application_output(model: Model) -> Shape | None:
    """The rank of what a network gives, by its head."""
    top = model.args.get("include_top", Arg(True)).value
    pooling = model.args.get("pooling", Arg(None)).value
    if top is False and pooling is None:
        return (None, None, None, None)
    return (None, None) if top is True or pooling in ("avg", "max") else None
