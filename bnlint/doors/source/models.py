"""Keras models: how they are put together, applied, compiled and trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...catalog import WITH_BATCHNORM, parameters
from ...graph import Arg, Call, Context, Entry, Layer, Model, Tensor
from ...graph.nodes import NOT_GIVEN, Shape
from .args import Args, to_arg
from .calling import TRAINING, call_body
from .data import batch_of_call
from .layers import (
    apply_layer,
    either,
    is_tensor,
    layer_of,
    read_arguments,
    record,
    tensor_of,
    tensors_in,
    training_arg,
)
from .machine import Machine
from .module import Spot
from .values import (
    ABSENT,
    Assumed,
    Bound,
    Choice,
    Class,
    Func,
    Instance,
    Layers,
    List,
    Opaque,
    Partial,
    Symbol,
    Thing,
    Value,
    parts,
)


def new_input(m: Machine, args: Args, name: str = "InputLayer") -> Tensor:
    """`Input(shape=…)`: a symbolic tensor."""
    layer = Layer("InputLayer", args.spot, name, context=m.context, held=True, time=m.tick())
    shape: Shape | None = None
    whole = args.get(None, "batch_shape")
    given = args.get(0, "shape") if whole is ABSENT else whole
    sizes = sizes_of(given)
    if sizes is not None:
        shape = sizes if whole is not ABSENT else (int_of(args.get(1, "batch_size")), *sizes)
    names, _ = parameters("InputLayer")
    read_arguments(m, layer, names, args)
    m.program.layers.append(layer)
    tensor = Tensor(shape=shape, input=layer)
    wrapped = args.get(None, "tensor")
    if is_tensor(wrapped):
        return tensor_of(m, wrapped)
    return tensor


def int_of(value: Value) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def sizes_of(value: Value) -> Shape | None:
    """A shape argument as sizes; None where its length is not known."""
    if isinstance(value, Assumed):
        value = value.value
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, (tuple, List)) and not getattr(value, "open", False):
        return tuple(int_of(item) for item in value)
    return None


def apply(m: Machine, layer: Layer, args: Args) -> Value:
    """Call a layer or model."""
    instance = m.objects.get(layer)
    if isinstance(layer, Model):
        return _apply_model(m, layer, instance, args)
    if instance is None or layer.kind != "Layer":
        return apply_layer(m, layer, args)
    inputs = tuple(tensor for value in args.positional for tensor in tensors_in(m, value))
    training = training_arg(args)
    outer = record(m, layer, inputs, args.spot, training)
    flag = args.get(None, "training")
    m.inside.append(outer)
    try:
        result = call_body(m, instance, args, TRAINING if flag is ABSENT else flag)
    finally:
        m.inside.pop()
    return _result_of(m, outer, result)


def _result_of(m: Machine, outer: Call, result: Value) -> Value:
    """The inner tensors are the outer call's outputs; where the body is not understood, it has one of its own."""
    tensors = tensors_in(m, result) if _has_tensor(result) else ()
    if not tensors:
        return outer.output
    if len(tensors) == 1:
        outer.output = tensors[0]
    outer.outputs = tensors
    return result


def _has_tensor(value: Value) -> bool:
    return any(map(is_tensor, parts(value)))


def _apply_model(m: Machine, model: Model, instance: Instance | None, args: Args) -> Value:
    given = args.get(0, "inputs")
    inputs = tensors_in(m, given)
    symbolic = _has_tensor(given) or m.context.kind in ("call", "lambda")
    if model.style == "subclass" and instance is not None:
        trace(m, model, instance, inputs)
    elif model.style == "sequential":
        chain(m, model, inputs[0].shape if len(inputs) == 1 else None)
    shape = model.outputs[0].shape if len(model.outputs) == 1 else None
    training = training_arg(args)
    if (
        training is NOT_GIVEN
        and len(args.positional) == 2
        and (model.style != "subclass" or model.signature[1:2] == ("training",))
    ):
        training = to_arg(args.positional[1], args.spot_of(1, "training"))
    if symbolic:
        call = record(m, model, inputs, args.spot, training, shape)
        return _outputs_of(call, model)
    with m.within(kind="eager", **_inference_hint(m, model)):
        call = record(m, model, inputs, args.spot, training, shape)
        call.output.data = True
        m.event("call", model, args.spot, call=call, batch=batch_of_call(m, given, model, args))
    for tape in m.recording:
        m.tapes.setdefault(tape, []).append(m.program.events[-1])
    if len(model.outputs) > 1:
        return List([Tensor(call=call, data=True) for _ in model.outputs])
    return call.output


def _inference_hint(m: Machine, model: Model) -> dict[str, Any]:
    loaded = model.style == "loaded" and m.context.tape is None and m.context.purpose is None
    return {"purpose": "inference", "because": "after load_model"} if loaded else {}


def _outputs_of(call: Call, model: Model) -> Value:
    if len(model.outputs) < 2:
        return call.output
    call.outputs = tuple(Tensor(call=call, shape=output.shape) for output in model.outputs)
    return List(call.outputs)


def trace(m: Machine, model: Model, instance: Instance, inputs: tuple[Tensor, ...] = ()) -> None:
    """Evaluate a subclass's `call` once on a symbolic input, which gives its graph."""
    if instance.traced:
        return
    instance.traced = True
    shape = inputs[0].shape if len(inputs) == 1 else None
    model.inputs = (Tensor(shape=shape),)
    first = len(m.program.calls)
    context, inside, stack = m.context, m.inside, m.stack
    m.context, m.inside = Context(kind="call", testing=context.testing), []
    try:
        result = call_body(m, instance, Args(model.call_origin or model.origin, [model.inputs[0]]), TRAINING)  # type: ignore[arg-type]
    finally:
        m.context, m.inside, m.stack = context, inside, stack
    model.nodes = m.program.calls[first:]
    if result is not ABSENT:
        model.outputs = tensors_in(m, result) if _has_tensor(result) else ()
        m.escape(result)
    model.complete = result is not ABSENT and bool(model.nodes)


def fill_sequential(m: Machine, model: Model, args: Args) -> None:
    """The list that a Sequential is given."""
    value = m.settled(args.get(0, "layers", None))
    if isinstance(value, Choice):
        value = next((leaf for leaf in value.leaves() if isinstance(leaf, (List, tuple))), Opaque("layers"))
    if isinstance(value, (List, tuple)):
        _, spots = m.element_spots.get(id(value), (None, []))
        for index, item in enumerate(value):
            spot = spots[index] if len(spots) == len(value) else args.spot
            add_entry(m, model, item, spot)
        model.complete = model.complete and not getattr(value, "open", False)
    elif value is not None:
        model.complete = False
        m.escape(value)


def add_entry(m: Machine, model: Model, value: Value, spot: Spot) -> None:
    """One element of a Sequential: a layer, or a mistake."""
    m.journal.touch(model.entries)  # type: ignore[arg-type]
    value = m.settled(value)
    if isinstance(value, Choice):
        entries = [ABSENT if leaf is ABSENT else _entry(m, leaf, spot) for leaf in (value.then, value.other)]
        model.entries.append(m.choose(value.condition, entries[0], entries[1]))
        return
    model.entries.append(_entry(m, value, spot))


def _entry(m: Machine, value: Value, spot: Spot) -> Entry:
    layer = layer_of(value)
    entry = Entry(value, spot, layer)
    if layer is not None:
        layer.held = True
    elif m.context.raises:
        pass
    elif isinstance(value, Tensor) and not value.data:
        entry.problem = None if value.input is not None else "tensor"
        entry.name = value.call.layer.cls if value.call is not None else "a tensor"
        m.escape(value)
    elif isinstance(value, Func):
        entry.problem, entry.name = "function", value.name
        entry.function = Spot(value.frame.module, value.node)
    elif isinstance(value, Bound) and isinstance(value.method, Func):
        entry.problem, entry.name = "function", value.method.name
    elif isinstance(value, Partial):
        entry.problem, entry.name = "function", "functools.partial"
    elif isinstance(value, Class):
        entry.problem, entry.name = ("class" if value.keras else None), value.name
    elif isinstance(value, Symbol):
        entry.problem, entry.name = m.symbol_problem(value.path), value.path.rsplit(".", 1)[-1]
    return entry


def chain(m: Machine, model: Model, shape: Shape | None = None) -> None:
    """Connect a Sequential's layers: each new entry is applied to what the one before gives."""
    done, tensor = m.chained.get(model, (0, None))
    entries = list(model.entries)
    if done >= len(entries) and tensor is not None:
        return
    if tensor is None:
        tensor = _sequential_input(entries, shape)
        model.inputs = (tensor,)
    context, inside = m.context, m.inside
    m.context, m.inside = replace(context, kind="build", tape=None), []
    first = len(m.program.calls)
    try:
        for item in entries[done:]:
            tensor = _link(m, model, item, tensor)
    finally:
        m.context, m.inside = context, inside
    m.chained[model] = (len(entries), tensor)
    model.nodes += list(m.program.calls[first:])
    model.outputs = (tensor,)


def _link(m: Machine, model: Model, item: Any, tensor: Tensor) -> Tensor:
    if isinstance(item, Choice):
        m.optional += 1
        then = tensor if item.then is ABSENT else _link(m, model, item.then, tensor)
        other = tensor if item.other is ABSENT else _link(m, model, item.other, tensor)
        m.optional -= 1
        for side in (item.then, item.other):
            if isinstance(side, Entry):
                side.optional = True
        return then if then is other else either(m, (then, other))
    entry: Entry = item
    if isinstance(entry.value, Tensor) and entry.value.input is not None:
        return tensor
    if entry.layer is None:
        model.complete = False
        return Tensor()
    if entry.layer.kind == "InputLayer":
        return tensor
    result = m.apply(entry.layer, Args(entry.origin, [tensor]))  # type: ignore[arg-type]
    return tensor_of(m, result) if not isinstance(result, (List, tuple)) else Tensor()


def _sequential_input(entries: list[Any], shape: Shape | None) -> Tensor:
    first = next((entry for entry in entries if isinstance(entry, Entry)), None)
    if first is not None and isinstance(first.value, Tensor) and first.value.input is not None:
        return first.value
    layer = first.layer if first is not None else None
    if (
        layer is not None
        and layer.kind == "TimeDistributed"
        and layer.wrapped is not None
        and "input_shape" not in layer.args
    ):
        layer = layer.wrapped
    if layer is not None:
        for name in ("input_shape", "shape", "batch_input_shape", "batch_shape", "input_dim"):
            arg = layer.args.get(name)
            if arg is None or (name == "input_dim" and layer.kind == "Embedding"):
                continue
            sizes = sizes_of(List(arg.value) if isinstance(arg.value, list) else arg.value)
            if sizes is not None:
                return Tensor(shape=sizes if name.startswith("batch") else (None, *sizes), input=layer)
        if isinstance(layer, Model) and layer.inputs:
            return Tensor(shape=layer.inputs[0].shape)
    return Tensor(shape=shape)


def set_functional(m: Machine, model: Model, inputs: Value, outputs: Value) -> None:
    """`Model(inputs, outputs)`."""
    model.style = "functional"
    model.inputs, model.outputs = tensors_in(m, inputs), tensors_in(m, outputs)
    model.complete = _has_tensor(outputs)
    m.escape(outputs)


def new_model(m: Machine, style: Any, args: Args, kind: str = "Functional") -> Model:
    """A model of Keras's own classes."""
    model = Model(kind, args.spot, kind, context=m.context, style=style, held=True, time=m.tick())
    model.entries = List()
    model.args = {
        name: to_arg(args.keywords[name], args.spot_of(None, name))
        for name in ("name", "trainable")
        if name in args.keywords
    }
    m.program.models.append(model)
    m.program.layers.append(model)
    return model


def new_application(m: Machine, name: str, args: Args) -> Model:
    """A model of keras.applications, known to hold BN or not; its one call stands for its whole graph."""
    model = new_model(m, "application", args, name)
    model.batchnorm = name.startswith(WITH_BATCHNORM)
    names: tuple[str, ...] = ("include_top", "weights", "input_tensor", "input_shape", "pooling", "classes")
    if name.startswith("MobileNet"):
        names = (
            "input_shape",
            "alpha",
            "depth_multiplier",
            "dropout",
            "include_top",
            "weights",
            "input_tensor",
            "pooling",
            "classes",
        )
    read_arguments(m, model, names, args)
    weights = model.args.get("weights", Arg("imagenet"))
    model.pretrained = weights.known and weights.value is not None
    given = args.get(None, "input_tensor")
    top = model.args.get("include_top", Arg(True)).value
    pooling = model.args.get("pooling", Arg(None)).value
    source = tensor_of(m, given) if is_tensor(given) else Tensor(shape=_application_input(args))
    shape: Shape | None = (None, None) if top is True or pooling in ("avg", "max") else None
    if top is False and pooling is None:
        shape = (None, None, None, None)
    call = record(m, model, (source,), args.spot, NOT_GIVEN, shape)
    model.inputs, model.outputs = (source,), (call.output,)
    call.output.escaped = True
    return model


def _application_input(args: Args) -> Shape | None:
    sizes = sizes_of(args.get(None, "input_shape"))
    return (None, *sizes) if sizes is not None else None


def model_attribute(m: Machine, model: Model, name: str, spot: Spot) -> Value:
    """What a model has beyond a layer; ABSENT for the rest."""
    if name in ("output", "outputs", "layers", "input", "inputs") and model.style == "sequential":
        chain(m, model)
    if name in ("output", "outputs"):
        if not model.outputs:
            return Tensor()
        return model.outputs[0] if len(model.outputs) == 1 and name == "output" else List(model.outputs)
    if name in ("input", "inputs"):
        if not model.inputs:
            return Tensor()
        return model.inputs[0] if len(model.inputs) == 1 and name == "input" else List(model.inputs)
    if name == "layers":
        entries = [entry for entry in model.entries if not _is_input(entry)]
        if (
            model.style == "sequential"
            and model.complete
            and all(isinstance(e, Entry) and e.layer is not None for e in entries)
        ):
            return List([entry.value for entry in entries])
        return Layers(model)
    if name == "optimizer":
        return Thing("keras.optimizers.Optimizer")
    if name in ("stop_training", "loss", "history"):
        return Opaque(name)
    return ABSENT


def _is_input(entry: Any) -> bool:
    value = entry.value if isinstance(entry, Entry) else None
    return isinstance(value, Tensor) or (isinstance(value, Layer) and value.kind == "InputLayer")


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
        if tensor.either:
            stack.extend(tensor.either)
        if tensor in ends or tensor.call is None:
            continue
        calls.add(tensor.call)
        stack.extend(tensor.call.inputs)
    return sorted(calls, key=lambda call: call.time)
