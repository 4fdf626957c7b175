"""Calling functions and classes of the project: arguments bound, bodies evaluated in frames of their own."""

from __future__ import annotations

from typing import Any

import libcst as cst

from ...catalog import parameters
from ...graph import Layer, Model
from .args import Args
from .layers import layer_of, new_layer, read_arguments, tensor_of
from .machine import MAX_DEPTH, RETURN, Machine
from .purposes import loads_weights, purpose_of
from .symbols import canonical
from .testing import is_test_case
from .values import (
    ABSENT,
    Absent,
    Assumed,
    Bound,
    Choice,
    Class,
    Dataset,
    Dict,
    Frame,
    Func,
    Instance,
    List,
    Opaque,
    Partial,
    Super,
    Symbol,
    Thing,
    Value,
)

MAX_RECURSION = 4
HEAVY = 150
"""So many calls a function adds for functions that nobody calls: ResNet50 and ResNet101 call what ResNet152 calls."""
FOREIGN = 25
"""So many does a function of another file, which is checked by itself, add for all of them."""
STEPS = 100
"""As many steps count as much as a call."""
TRAINING = Opaque("the training flag", key=("training",))


def call_value(m: Machine, func: Value, args: Args) -> Value:
    """Call anything."""
    func = m.settled(func)
    if isinstance(func, Symbol):
        return m.library_call(func, args)
    if isinstance(func, Choice):
        return m.each(func, lambda one: call_value(m, one, args))
    if isinstance(func, Assumed):
        return call_value(m, func.value, args)
    if isinstance(func, Func):
        return call_function(m, func, args)
    if isinstance(func, Bound):
        if isinstance(func.method, Func):
            return call_function(m, func.method, args, func.receiver)
        return m.library_method(func.receiver, func.method, args)
    if isinstance(func, Partial):
        merged = Args(args.spot, [*func.args, *args.positional], {**func.keywords, **args.keywords}, {}, args.open)
        merged.spots = {k: v for k, v in args.spots.items() if isinstance(k, str)}
        return call_value(m, func.func, merged)
    if isinstance(func, Class):
        return instantiate(m, func, args)
    if isinstance(func, Instance):
        return call_instance(m, func, args)
    if isinstance(func, Layer):
        return m.apply(func, args)
    if (
        isinstance(func, Opaque)
        and func.key
        and func.key[0] == "attribute"
        and func.key[2] in ("batch", "padded_batch")
    ):
        size = args.arg(0, "batch_size")
        if size is not None:
            return Dataset(size, None, args.get(1, "drop_remainder") is True)
    if (
        isinstance(func, Opaque)
        and func.key
        and func.key[0] == "attribute"
        and func.key[2] in ("apply_gradients", "minimize")
    ):
        return m.library_method(Thing("an optimizer"), func.key[2], args)
    escape_arguments(m, args)
    return Opaque("the result of an unknown function")


def note_loaded(name: str, args: Args) -> None:
    """A function that by its name loads weights is given models: from now on they may be trained ones."""
    if loads_weights(name):
        for value in (*args.positional, *args.keywords.values()):
            model = layer_of(value)
            if isinstance(model, Model):
                model.pretrained = True


def escape_arguments(m: Machine, args: Args) -> None:
    """The arguments go to code that the door does not follow."""
    for value in (*args.positional, *args.keywords.values()):
        m.escape(value)


def call_function(m: Machine, func: Func, args: Args, receiver: Value = ABSENT) -> Value:
    """Evaluate a function's body with these arguments."""
    func.called = True
    note_loaded(func.name, args)
    foreign = func.frame.module.path != m.program.path
    counted = len(m.running) == 1 or foreign
    if counted and m.unasked and not m.exact and m.heavy.get(func.node, 0) > (FOREIGN if foreign else HEAVY):
        escape_arguments(m, args)
        return Opaque("what was looked at with other arguments")
    if _is_barren(m, func, args):
        return Opaque("what says nothing the second time")
    if len(m.running) >= MAX_DEPTH or sum(1 for other in m.running if other.node is func.node) >= MAX_RECURSION:
        escape_arguments(m, args)
        return Opaque("too deep a recursion")
    frame = Frame(func.frame.module, Dict(), func.frame, func.name, owner=func.owner, receiver=receiver)
    _bind(m, func, args, receiver, frame)
    before, steps = (len(m.program.calls), len(m.program.layers), len(m.program.events)), m.steps
    try:
        result = run(m, func, frame, args.spot)
    finally:
        if counted:
            added = len(m.program.calls) - before[0] + (m.steps - steps) // STEPS
            m.heavy[func.node] = m.heavy.get(func.node, 0) + added
    if before == (len(m.program.calls), len(m.program.layers), len(m.program.events)) and (
        result is None or isinstance(result, Opaque)
    ):
        m.barren.add(func.node)
    return result


def _is_barren(m: Machine, func: Func, args: Args) -> bool:
    """Whether a call with unknown arguments would say as little as the one before it did."""
    if func.node not in m.barren:
        return False
    values = [*args.positional, *args.keywords.values()]
    plain = (bool, int, float, str, bytes, type(None), Opaque, Assumed, Symbol)
    return any(isinstance(value, Opaque) for value in values) and all(isinstance(value, plain) for value in values)


def run(m: Machine, func: Func, frame: Frame, spot: Any = None) -> Value:
    """Evaluate the body in a frame whose parameters are bound; returns what it returns."""
    stack, facts, context = m.stack, m.facts, m.context
    if spot is not None:
        m.stack = (*m.stack, spot)
    purpose = purpose_of(func.name)
    functions = (*context.functions, func.name) if func.name != "<lambda>" else context.functions
    changes: dict[str, Any] = {"functions": functions}
    if func.owner is not None and func.owner.testing:
        changes["testing"] = True
    if purpose is not None and context.kind != "call":
        changes |= {"purpose": purpose, "because": f"in {func.name}"}
    m.running.append(func)
    try:
        with m.within(**changes):
            if isinstance(func.node, cst.Lambda):
                return m.evaluate(func.node.body, frame)
            completion = m.execute(func.frame.module.draft.body(func.node), frame)
    finally:
        m.running.pop()
        m.stack, m.facts = stack, facts
    if any(other.frame is frame for other in m.functions[-50:]):
        for value in frame.variables.values():
            m.escape(value)
    return _result(m, frame, completion)


def _result(m: Machine, frame: Frame, completion: str | None) -> Value:
    if frame.yields:
        return List(frame.yields, open=True)
    values = frame.returns if completion == RETURN else [*frame.returns, None]
    if completion not in (RETURN, None) and frame.returns:
        values = frame.returns
    values = [value for i, value in enumerate(values) if not any(value is other for other in values[:i])]
    result = values[-1]
    for index, value in enumerate(reversed(values[:-1])):
        result = m.choose(Opaque(f"which return of {frame.name} {index}"), value, result)
    return result


def _bind(m: Machine, func: Func, args: Args, receiver: Value, frame: Frame) -> None:
    params = func.node.params
    names = [param.name.value for param in (*params.posonly_params, *params.params)]
    values = list(args.positional)
    if receiver is not ABSENT and "staticmethod" not in func.decorators:
        values.insert(0, receiver)
    bound = frame.variables
    for name, value in zip(names, values, strict=False):
        bound[name] = value
    if type(params.star_arg) is cst.Param:
        bound[params.star_arg.name.value] = List(values[len(names) :], open=args.open)
    keywords = dict(args.keywords)
    for name in (*names, *(param.name.value for param in params.kwonly_params)):
        if name in keywords:
            bound[name] = keywords.pop(name)
        elif name not in bound:
            bound[name] = _default(func, name, args.open)
    if params.star_kwarg is not None:
        bound[params.star_kwarg.name.value] = Dict(keywords, open=args.open)


def _default(func: Func, name: str, open_call: bool) -> Value:
    if name not in func.defaults:
        return Opaque(f"the parameter {name}")
    value = func.defaults[name]
    if not open_call:
        return value
    return Assumed(value) if isinstance(value, (bool, int, float, str, type(None))) else Opaque(f"the parameter {name}")


def enter(m: Machine, func: Func, receiver: Value = ABSENT) -> Value:
    """Evaluate a function that nobody calls, with unknown arguments; defaults are known only as such."""
    params = func.node.params
    frame = Frame(func.frame.module, Dict(), func.frame, func.name, owner=func.owner, receiver=receiver)
    func.called = True
    names = [param.name.value for param in (*params.posonly_params, *params.params, *params.kwonly_params)]
    for index, name in enumerate(names):
        if index == 0 and receiver is not ABSENT and "staticmethod" not in func.decorators:
            frame.variables[name] = receiver
        elif name in func.defaults:
            value = func.defaults[name]
            simple = isinstance(value, (bool, int, float, str, bytes, tuple, List, type(None)))
            frame.variables[name] = Assumed(value) if simple else value
        else:
            frame.variables[name] = Opaque(f"the parameter {name}")
    if type(params.star_arg) is cst.Param:
        frame.variables[params.star_arg.name.value] = List(open=True)
    if params.star_kwarg is not None:
        frame.variables[params.star_kwarg.name.value] = Dict(open=True)
    result = run(m, func, frame)
    m.escape(result)
    return result


def define(m: Machine, cls: Class) -> None:
    """Find the Keras class that a new class inherits, and whether it is a test case."""
    cls.testing = is_test_case(cls)
    for base in cls.bases:
        if isinstance(base, Class) and base.keras:
            cls.keras = base.keras
        elif isinstance(base, Symbol):
            name = canonical(base.path)
            if name.startswith(("keras.layers.", "keras.Model", "keras.Sequential")) or name == "keras.utils.Sequence":
                cls.keras = name
            elif name in ("keras.utils.PyDataset", "keras.utils.data_utils.Sequence"):
                cls.keras = "keras.utils.Sequence"
        elif isinstance(base, Choice):
            symbols = [leaf for leaf in base.leaves() if isinstance(leaf, Symbol)]
            cls.keras = canonical(symbols[0].path) if symbols else ""
        if cls.keras:
            return


def instantiate(m: Machine, cls: Class, args: Args) -> Value:
    """Make an object of a project class: its node in the graph, then `__init__`."""
    cls.instantiated = True
    instance = Instance(cls, made_by=args.spot)
    m.instances.append(instance)
    if cls.keras.startswith("keras.layers.") or cls.keras in ("keras.Model", "keras.Sequential"):
        instance.layer = _node_of(m, cls, args)
        m.objects[instance.layer] = instance
    if cls.find("__dataclass__") is True:
        _dataclass(m, instance, args)
    init = cls.find("__init__")
    if isinstance(init, Func):
        if init.decorators and "staticmethod" in init.decorators:
            return instance
        call_function(m, init, args, instance)
    elif instance.layer is not None:
        base_init(m, instance, args)
    return instance


def _node_of(m: Machine, cls: Class, args: Args) -> Layer:
    if cls.keras in ("keras.Model", "keras.Sequential"):
        style: Any = "subclass" if cls.keras == "keras.Model" else "sequential"
        model = Model(
            "Model" if style == "subclass" else "Sequential",
            args.spot,
            cls.name,
            context=m.context,
            style=style,
            time=m.tick(),
        )
        model.entries = List()
        model.methods = frozenset(
            name for one in cls.lineage() for name, value in one.members.items() if isinstance(value, Func)
        )
        call = cls.find("call")
        if isinstance(call, Func):
            params = call.node.params
            model.signature = tuple(
                p.name.value for p in (*params.posonly_params, *params.params, *params.kwonly_params)
            )[1:]
            model.call_origin = m.spot(call.node, call.frame)
            if "training" in call.defaults:
                model.call_default = m.to_arg(call.defaults["training"], model.call_origin)
        m.program.models.append(model)
        m.program.layers.append(model)
        return model
    bare = Args(args.spot)
    return new_layer(m, cls.keras.rsplit(".", 1)[-1], bare, cls.name)


def _dataclass(m: Machine, instance: Instance, args: Args) -> None:
    """The fields of a dataclass: given ones as they are, the rest known as defaults."""
    fields = [name for cls in instance.cls.lineage() for name in cls.members if not name.startswith("__")]
    for index, name in enumerate(fields):
        default = instance.cls.find(name)
        if isinstance(default, (Func, Absent)):
            continue
        value = args.get(index, name)
        instance.attributes[name] = (
            Assumed(default)
            if value is ABSENT and isinstance(default, (bool, int, float, str, tuple))
            else default
            if value is ABSENT
            else value
        )


def base_init(m: Machine, instance: Instance, args: Args) -> None:
    """`super().__init__(…)` of a Keras class."""
    layer = instance.layer
    if layer is None:
        escape_arguments(m, args)
        return
    if isinstance(layer, Model):
        inputs, outputs = args.get(0, "inputs"), args.get(1, "outputs")
        if layer.style == "sequential":
            m.fill_sequential(layer, args)
        elif inputs is not ABSENT and outputs is not ABSENT and isinstance(instance.cls.find("call"), Absent):
            m.set_functional(layer, inputs, outputs)
        return
    names, _ = parameters(layer.kind)
    read_arguments(m, layer, names, args)


def call_instance(m: Machine, instance: Instance, args: Args) -> Value:
    """Call an object: a layer or model of the project is applied, anything else has `__call__`."""
    if instance.layer is not None:
        return m.apply(instance.layer, args)
    method = instance.cls.find("__call__")
    if isinstance(method, Func):
        return call_function(m, method, args, instance)
    escape_arguments(m, args)
    return Opaque("the result of an object's call")


def call_body(m: Machine, instance: Instance, args: Args, training: Value) -> Value:
    """Evaluate `build` (once) and `call` of a layer or model on these arguments."""
    if not instance.built:
        instance.built = True
        build = instance.cls.find("build")
        if isinstance(build, Func):
            call_function(m, build, Args(args.spot, [_shape_value(m, args)]), instance)
    method = instance.cls.find("call")
    if not isinstance(method, Func):
        return ABSENT
    keywords = dict(args.keywords)
    params = method.node.params
    names = [param.name.value for param in (*params.params, *params.kwonly_params)]
    if "training" in names:
        keywords["training"] = training
    elif params.star_kwarg is None:
        keywords.pop("training", None)
    given = Args(
        args.spot,
        args.positional[:1] if "training" in names and len(args.positional) > 1 else args.positional,
        keywords,
        args.spots,
        args.open,
    )
    with m.within(kind="call"):
        return call_function(m, method, given, instance)


def _shape_value(m: Machine, args: Args) -> Value:
    if not args.positional:
        return Opaque("an input shape")
    value = args.positional[0]
    if isinstance(value, (List, tuple)):
        return Opaque("the input shapes")
    shape = tensor_of(m, value).shape
    return Opaque("an input shape") if shape is None else shape_tuple(shape)


def shape_tuple(shape: tuple[int | None, ...]) -> tuple[Value, ...]:
    """A shape as code sees it: None for the batch axis, unknown sizes unknown."""
    return tuple(size if size is not None or index == 0 else Opaque("a size") for index, size in enumerate(shape))


def super_of(m: Machine, frame: Frame) -> Super:
    """What `super()` means in a frame."""
    scope: Frame | None = frame
    while scope is not None and scope.owner is None:
        scope = scope.parent
    return Super(scope.owner, scope.receiver) if scope is not None else Super(None, None)


def super_method(value: Super, name: str) -> Value:
    """A method of the next class of the project, ABSENT where the next is Keras's."""
    if value.cls is None or not isinstance(value.receiver, Instance):
        return ABSENT
    lineage = list(value.receiver.cls.lineage())
    after = lineage[lineage.index(value.cls) + 1 :] if value.cls in lineage else []
    for cls in after:
        if name in cls.members:
            return cls.members[name]
    return ABSENT
