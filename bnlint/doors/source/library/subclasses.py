"""The project's own classes: what an object of one is, where the class is a Keras layer or model."""

from __future__ import annotations

from typing import Any

import libcst as cst

from ....catalog import parameters
from ....graph import Layer, Model, Tensor
from ..symbols import canonical
from ..values.args import Args, to_arg
from ..values.bound import Symbol
from ..values.code import Class, Func, Instance, Super
from ..values.containers import List
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, of
from ..values.lifted import Choice
from ..values.registry import method, symbol
from . import enums, records
from .layers import apply_layer, new_layer, read_arguments
from .models import set_functional
from .sequential import fill

MODELS = ("keras.Model", "keras.Sequential")
_TRAINING = frozenset({"train_step", "train_on_batch", "fit"})
"""What a model of the project may override to train in its own way."""
_LEARNS = ("GradientTape", "grad", "value_and_grad", "backward", "apply_gradients", "apply", "minimize")
_SEQUENCE = "keras.utils.Sequence"
_BASES = {"keras.utils.PyDataset": _SEQUENCE, "keras.utils.data_utils.Sequence": _SEQUENCE, _SEQUENCE: _SEQUENCE}


def keras_base(bases: list[Value]) -> str:
    """The canonical name of the Keras class that a class with these bases inherits, "" for none."""
    for base in bases:
        found = ""
        if isinstance(base, Class):
            found = base.keras
        elif isinstance(base, Symbol):
            name = canonical(base.path)
            follows = name.startswith(("keras.layers.", "keras.Model", "keras.Sequential"))
            found = name if follows else _BASES.get(name, "")
        elif isinstance(base, Choice):
            symbols = [leaf for leaf in base.leaves() if isinstance(leaf, Symbol)]
            found = canonical(symbols[0].path) if symbols else ""
        if found:
            return found
    return ""


def instantiate(m: Evaluator, cls: Class, args: Args) -> Value:
    """Make an object of a project class: its node in the graph, then `__init__`."""
    cls.instantiated = True
    if cls.enumerated is not None:
        return enums.member_of(m, cls, args)
    new = cls.function("__new__")
    made = Opaque("__new__") if new is None else m.call_function(new, args, cls)
    if not isinstance(made, (Opaque, Instance)) or (isinstance(made, Instance) and cls not in made.cls.lineage()):
        return made
    instance = made if isinstance(made, Instance) else _bare(m, cls, args)
    if cls.find("__dataclass__") is True:
        records.fill(m, instance, args)
    init = cls.function("__init__")
    if init is None:
        if instance.node is not None:
            base_init(m, instance, args)
    elif not init.is_static:
        m.call_function(init, args, instance)
    return instance


def _bare(m: Evaluator, cls: Class, args: Args) -> Instance:
    """A new object, before its `__init__`."""
    instance = Instance(cls, made_by=args.spot)
    m.instances.append(instance)
    if cls.keras.startswith("keras.layers.") or cls.keras in MODELS:
        instance.node = _node_of(m, cls, args)
        m.objects[instance.node] = instance
    return instance


@symbol("builtins.object.__new__")
def new_object(m: Evaluator, args: Args) -> Value:
    cls = args.get(0, "cls")
    return _bare(m, cls, args) if isinstance(cls, Class) else Opaque("an object")


@method(Super, "__new__")
def super_new(m: Evaluator, value: Super, args: Args) -> Value:
    return new_object(m, args)


def _node_of(m: Evaluator, cls: Class, args: Args) -> Layer:
    if cls.keras not in MODELS:
        return new_layer(m, cls.keras.rpartition(".")[2], Args(args.spot), cls.name)
    style: Any = "subclass" if cls.keras == "keras.Model" else "sequential"
    kind = "Model" if style == "subclass" else "Sequential"
    model = Model(kind, args.spot, cls.name, context=m.context, style=style, time=m.tick())
    model.entries = List()  # type: ignore[assignment]
    members = [(name, value) for one in cls.lineage() for name, value in one.members.items()]
    functions = {name: value for name, value in reversed(members) if isinstance(value, Func)}
    model.methods = frozenset(name for name, value in functions.items() if not _hands_on(value))
    call = cls.function("call")
    if call is not None:
        model.signature = tuple(call.params)[1:]
        model.call_origin = m.spot(call.node, call.frame)
        if "training" in call.defaults:
            model.call_default = to_arg(call.defaults["training"], model.call_origin)
    m.program.models.append(model)
    m.program.layers.append(model)
    return model


def _hands_on(func: Func) -> bool:
    """Whether a method that trains leaves all training to Keras's own, as `return super().train_step(data)` does."""
    if func.name not in _TRAINING:
        return False
    calls: list[cst.Call] = []
    stack: list[cst.CSTNode] = list(func.frame.module.draft.body(func.node))  # type: ignore[arg-type]
    while stack:
        node = stack.pop()
        stack += node.children
        if isinstance(node, cst.Call):
            calls.append(node)
    own = [call for call in calls if _called(call) in ("self", *_LEARNS)]
    return not own and any(_called(call) == func.name and _is_super(call.func) for call in calls)


def _called(call: cst.Call) -> str:
    """The last part of the name of what is called."""
    func = call.func
    return func.attr.value if isinstance(func, cst.Attribute) else func.value if isinstance(func, cst.Name) else ""


def _is_super(func: cst.BaseExpression) -> bool:
    owner = func.value if isinstance(func, cst.Attribute) else None
    return isinstance(owner, cst.Call) and _called(owner) == "super"


def base_init(m: Evaluator, instance: Instance, args: Args) -> None:
    """`super().__init__(…)` of a Keras class."""
    layer = instance.node
    if layer is None:
        m.escape_all(args)
    elif not isinstance(layer, Model):
        read_arguments(m, layer, parameters(layer.kind)[0], args)
    elif layer.style == "sequential":
        fill(m, layer, args)
    else:
        inputs, outputs = args.get(0, "inputs"), args.get(1, "outputs")
        if inputs is not ABSENT and outputs is not ABSENT and instance.cls.find("call") is ABSENT:
            set_functional(m, layer, inputs, outputs)


def _instance(value: Super) -> Instance:
    assert isinstance(value.receiver, Instance)
    return value.receiver


@method(Super, "__init__")
def super_init(m: Evaluator, value: Super, args: Args) -> Value:
    base_init(m, _instance(value), args)
    return None


@method(Super, "__setattr__")
def super_setattr(m: Evaluator, value: Super, args: Args) -> Value:
    m.set_attribute(value.receiver, str(args.get(0, "name")), args.get(1, "value"), args.spot)
    return None


@method(Super, "call", "__call__")
def super_call(m: Evaluator, value: Super, args: Args) -> Value:
    layer = _instance(value).node
    if layer is None:
        return Opaque(f"super().{args.callee}", args.callee)
    if isinstance(layer, Model):
        return m.apply(layer, args) if layer.style == "sequential" else Tensor()
    return apply_layer(m, layer, args)


@method(Super, "fit", "compile", "evaluate", "predict", "train_on_batch", "save")
def super_method(m: Evaluator, value: Super, args: Args) -> Value:
    model, name = _instance(value).node, args.callee
    return of(model).method(m, name, args) if isinstance(model, Model) else Opaque(f"super().{name}", name)
