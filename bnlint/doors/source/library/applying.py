"""Layers and models applied: Keras's own, and the project's by their `build` and `call`."""

from __future__ import annotations

from typing import Any

from ....graph import Arg, Call, Context, Layer, Model, Tensor
from ....graph.nodes import NOT_GIVEN
from ..module import Spot
from ..values.args import Args, to_arg
from ..values.code import Instance
from ..values.containers import List
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, of
from ..values.lifted import may_be_absent
from ..values.nodes import shape_tuple
from ..values.recording import has_tensor
from .feeding import batch_of_call
from .layers import apply_layer, training_arg
from .sequential import chain

TRAINING = Opaque("the training flag", "training")


def apply(m: Evaluator, layer: Layer, args: Args) -> Value:
    """Call a layer or model."""
    instance = m.objects.get(layer)
    if isinstance(layer, Model):
        return _apply_model(m, layer, instance, args)
    if instance is None or layer.kind != "Layer":
        return apply_layer(m, layer, args)
    inputs = tuple(tensor for value in args.positional for tensor in m.tensors(value))
    outer = m.record(layer, inputs, args.spot, _flag_of(args, instance))
    flag = args.get(None, "training")
    m.inside.append(outer)
    try:
        result = call_body(m, instance, args, TRAINING if flag is ABSENT else flag)
    finally:
        m.inside.pop()
    return _result_of(m, outer, result)


def _flag_of(args: Args, instance: Instance) -> Arg:
    """The `training` argument of a call of the project's layer, by name or behind the input."""
    method = instance.cls.function("call")
    second = method.params[2:3] if method is not None else []
    given = training_arg(args)
    behind = given is NOT_GIVEN and len(args.positional) == 2 and second == ["training"]
    return to_arg(args.positional[1], args.spot_of(1, "training")) if behind else given


def _result_of(m: Evaluator, outer: Call, result: Value) -> Value:
    """The inner tensors are the outer call's outputs; where the body is not understood, it has one of its own."""
    tensors = m.tensors(result) if has_tensor(result) else ()
    if not tensors:
        return outer.output
    if len(tensors) == 1:
        outer.output = tensors[0]
    outer.outputs = tensors
    return result


def _apply_model(m: Evaluator, model: Model, instance: Instance | None, args: Args) -> Value:
    given = args.get(0, "inputs")
    inputs = m.tensors(given)
    symbolic = has_tensor(given) or m.context.kind in ("call", "lambda")
    if model.style == "subclass" and instance is not None:
        trace(m, model, instance, inputs)
    elif model.style == "sequential":
        chain(m, model, inputs[0].shape if len(inputs) == 1 else None)
    shape = model.outputs[0].shape if len(model.outputs) == 1 else None
    training = training_arg(args)
    takes_flag = model.style != "subclass" or model.signature[1:2] == ("training",)
    if training is NOT_GIVEN and len(args.positional) == 2 and takes_flag:
        training = to_arg(args.positional[1], args.spot_of(1, "training"))
    if symbolic:
        return _outputs_of(m.record(model, inputs, args.spot, training, shape), model)
    with m.within(kind="eager", **_inference_hint(m, model)):
        call = m.record(model, inputs, args.spot, training, shape)
        call.output.data = True
        event = m.event("call", model, args.spot, call=call, batch=batch_of_call(m, given, model, args))
    for tape in m.recording:
        m.tapes.setdefault(tape, []).append(event)
    if len(model.outputs) > 1:
        call.outputs = tuple(Tensor(call=call, data=True) for _ in model.outputs)
        return List(call.outputs)
    return call.output


def _inference_hint(m: Evaluator, model: Model) -> dict[str, Any]:
    loaded = model.style == "loaded" and m.context.tape is None and m.context.purpose is None
    return {"purpose": "inference", "because": "after load_model"} if loaded else {}


def _outputs_of(call: Call, model: Model) -> Value:
    if len(model.outputs) < 2:
        return call.output
    call.outputs = tuple(Tensor(call=call, shape=output.shape) for output in model.outputs)
    return List(call.outputs)


def trace(m: Evaluator, model: Model, instance: Instance, inputs: tuple[Tensor, ...] = ()) -> None:
    """Evaluate a subclass's `call` once on a symbolic input, which gives its graph."""
    if instance.traced:
        return
    instance.traced = True
    shape = inputs[0].shape if len(inputs) == 1 else None
    model.inputs = (Tensor(shape=shape),)
    first = len(m.program.calls)
    context, inside, stack = m.context, m.inside, m.stack
    m.context, m.inside = Context(kind="call", testing=context.testing), []
    spot = model.call_origin or model.origin
    assert isinstance(spot, Spot)
    try:
        result = call_body(m, instance, Args(spot, [model.inputs[0]]), TRAINING)
    finally:
        m.context, m.inside, m.stack = context, inside, stack
    model.nodes = m.program.calls[first:]
    if result is not ABSENT:
        model.outputs = m.tensors(result) if has_tensor(result) else ()
        m.escape(result)
    model.complete = result is not ABSENT and bool(model.nodes)


def call_body(m: Evaluator, instance: Instance, args: Args, training: Value) -> Value:
    """Evaluate `build` (once) and `call` of a layer or model on these arguments; ABSENT where it has no `call`."""
    if not instance.built:
        instance.built = True
        build = instance.cls.function("build")
        if build is not None:
            m.call_function(build, Args(args.spot, [_built_for(m, args)]), instance)
        if "built" not in instance.attributes:
            m.store(instance.attributes, "built", True)
    method = instance.cls.function("call")
    if method is None:
        return ABSENT
    params, keywords = method.node.params, dict(args.keywords)
    takes_flag = "training" in [param.name.value for param in (*params.params, *params.kwonly_params)]
    if takes_flag:
        keywords["training"] = training
    elif params.star_kwarg is None:
        keywords.pop("training", None)
    values = args.positional[:1] if takes_flag and len(args.positional) > 1 else args.positional
    with m.within(kind="call"):
        return m.call_function(method, Args(args.spot, values, keywords, args.spots, args.open), instance)


def _built_for(m: Evaluator, args: Args) -> Value:
    """The shape that `build` is given."""
    if not args.positional:
        return Opaque("an input shape")
    value = args.positional[0]
    if not isinstance(value, (List, tuple)):
        return shape_tuple(m.tensor(value))
    known = not of(value).open and not any(map(may_be_absent, value))
    return List(shape_tuple(m.tensor(one)) for one in value) if known else Opaque("the input shapes")
