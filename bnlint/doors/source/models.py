"""Keras models: how they are put together, applied, compiled and trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...graph import Arg, Call, Context, Entry, Event, Layer, Model, Tensor, Unknown, kinds
from ...graph.nodes import NOT_GIVEN, Shape
from .calling import TRAINING, call_body, escape_arguments
from .data import batch_of, batch_of_call
from .layers import (
    apply_layer,
    is_tensor,
    layer_of,
    layers_in,
    new_layer,
    read_arguments,
    record,
    tensor_of,
    tensors_in,
    training_arg,
)
from .machine import Args, Machine, to_arg
from .module import Spot
from .symbols import parameters
from .values import (
    ABSENT,
    Array,
    Assumed,
    Bound,
    Choice,
    Class,
    Dict,
    Func,
    Gradients,
    Instance,
    Layers,
    List,
    Opaque,
    Partial,
    Symbol,
    Thing,
    Value,
    Weights,
)


def new_input(m: Machine, args: Args, name: str = "InputLayer") -> Tensor:
    """`Input(shape=…)`: a symbolic tensor."""
    layer = Layer("InputLayer", args.spot, name, context=m.context, held=True, time=m.tick())
    shape: Shape | None = None
    whole = args.get(None, "batch_shape")
    given = args.get(0, "shape") if whole is ABSENT else whole
    sizes = sizes_of(given)
    if sizes is not None:
        shape = sizes if whole is not ABSENT else (_int(args.get(1, "batch_size")), *sizes)
    names, _ = parameters("InputLayer")
    read_arguments(m, layer, names, args)
    m.program.layers.append(layer)
    tensor = Tensor(shape=shape, input=layer)
    wrapped = args.get(None, "tensor")
    if is_tensor(wrapped):
        return tensor_of(m, wrapped)
    return tensor


def _int(value: Value) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def sizes_of(value: Value) -> Shape | None:
    """A shape argument as sizes; None where its length is not known."""
    if isinstance(value, Assumed):
        value = value.value
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, (tuple, List)) and not getattr(value, "open", False):
        return tuple(_int(item) for item in value)
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
    if isinstance(value, (tuple, List)):
        return any(_has_tensor(item) for item in value)
    if isinstance(value, Dict):
        return any(_has_tensor(item) for item in value.values())
    return is_tensor(value)


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
    m.context, m.inside = Context(kind="call"), []
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
        return (
            then
            if then is other
            else Tensor(shape=then.shape if then.shape == other.shape else None, either=(then, other))
        )
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
    model.batchnorm = name.startswith(kinds.BATCHNORM_APPLICATIONS)
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


def call_model_method(m: Machine, model: Model, name: str, args: Args) -> Value:
    """`model.add`, `.compile`, `.fit` and their like."""
    if name == "add":
        add_entry(m, model, args.get(0, "layer"), args.spot_of(0, "layer"))
        return None
    if name == "pop":
        m.journal.touch(model.entries)  # type: ignore[arg-type]
        if model.entries:
            model.entries.pop()
        return None
    if name == "compile":
        m.event("compile", model, args.spot, args=_named(args, ("optimizer", "loss", "metrics")))
        return None
    if name in ("fit", "fit_generator", "train_on_batch"):
        return _train(m, model, name, args)
    if name in (
        "evaluate",
        "predict",
        "test_on_batch",
        "predict_on_batch",
        "evaluate_generator",
        "predict_generator",
        "predict_classes",
        "predict_proba",
    ):
        short = name.replace("_generator", "").replace("_classes", "").replace("_proba", "")
        m.event(short, model, args.spot, args=_named(args, ("x",)))
        return Array()
    if name in ("save", "save_weights", "export"):
        m.event("save", model, args.spot)
        return None
    if name in ("load_weights", "set_weights"):
        model.pretrained = True
        return None
    if name in ("summary", "get_config", "count_params", "build", "reset_states", "get_weights", "to_json"):
        return Opaque(name)
    if name == "get_layer":
        return _get_layer(m, model, args)
    if name in ("call", "__call__"):
        return m.apply(model, args)
    escape_arguments(m, args)
    return Opaque(f"the result of {name}")


def _get_layer(m: Machine, model: Model, args: Args) -> Value:
    """A layer inside: known for a Sequential by index, else some layer whose output belongs to the model."""
    index = args.get(None, "index")
    if model.style == "sequential" and isinstance(index, int) and -len(model.entries) <= index < len(model.entries):
        chain(m, model)
        entry = model.entries[index]
        return entry.value if isinstance(entry, Entry) else Opaque("a layer")
    wanted = args.get(0, "name")
    if isinstance(wanted, str):
        for call in model.nodes or nodes_of(model):
            if call.layer.arg("name").value == wanted:
                return call.layer
    layer = Layer("unknown", args.spot, "a layer", context=m.context, held=True, escaped=True)
    if model.style in ("application", "loaded") and model.calls:
        layer.calls.append(model.calls[0])
    return layer


def _train(m: Machine, model: Model, name: str, args: Args) -> Value:
    kind: Any = "train_on_batch" if name == "train_on_batch" else "fit"
    instance, data = m.objects.get(model), args.get(0, "x")
    if model.style == "subclass" and instance is not None:
        trace(m, model, instance, (Tensor(shape=_batched(data)),))
    batch = batch_of(m, name, args, model)
    m.event(kind, model, args.spot, args=_named(args, ("x", "y", "batch_size", "epochs")), batch=batch)
    for callback in (args.get(None, "callbacks"),):
        m.escape(callback)
    return Opaque("a history")


def _batched(data: Value) -> Shape | None:
    """The shape of the batches that data is cut into."""
    shape = data.shape if isinstance(data, Array) else None
    return None if shape is None else (None, *(_int(size) for size in shape[1:]))


def _named(args: Args, names: tuple[str, ...]) -> dict[str, Arg]:
    found = {
        name: to_arg(value, args.spot_of(index, name))
        for index, (name, value) in enumerate(zip(names, args.positional, strict=False))
    }
    found |= {name: to_arg(value, args.spot_of(None, name)) for name, value in args.keywords.items()}
    if args.open:
        found.setdefault("**", Arg(Unknown("an unknown **"), args.spot))
    return found


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


def make_event(m: Machine, kind: Any, model: Model, spot: Spot, **details: Any) -> Event:
    """Note that something happens to a model."""
    event = Event(kind, model, spot, m.context, optional=m.optional > 0, time=m.tick(), **details)
    model.events.append(event)
    m.program.events.append(event)
    return event


def apply_gradients(m: Machine, args: Args) -> None:
    """Gradients are applied: the models they belong to are trained by the tape they come from."""
    from_tape, models = _gradients(m, [*args.positional, *args.keywords.values()])
    models |= {
        inner for model in list(models) if model in m.objects for inner in layers_in(m.objects[model].attributes)
    }
    for tape in from_tape:
        for event in m.tapes.get(tape, []):
            if event.model in models:
                m.event("tape", event.model, event.origin, call=event.call, batch=event.batch).context = event.context


def _gradients(m: Machine, values: list[Value], depth: int = 0) -> tuple[list[Value], set[Layer]]:
    tapes: list[Value] = []
    models: set[Layer] = set()
    for value in values:
        value = m.settled(value)
        if isinstance(value, Gradients):
            tapes.append(value.tape)
            models.update(value.weights.models)
        elif isinstance(value, Weights):
            models.update(value.models)
        elif isinstance(value, (List, tuple)) and depth < 4:
            more, layers = _gradients(m, list(value), depth + 1)
            tapes += [tape for tape in more if tape not in tapes]
            models |= layers
    return tapes, models


__all__ = ["apply", "apply_gradients", "chain", "new_layer"]
