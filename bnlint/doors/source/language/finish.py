"""After the program has run: what nobody called is entered, models are completed, and loose ends are noted."""

from __future__ import annotations

from typing import Any

from ....graph import Call, Layer, Model, Program, Tensor, is_batchnorm
from ..library.applying import trace
from ..library.models import nodes_of
from ..library.sequential import chain
from ..library.subclasses import instantiate
from ..module import Module
from ..values.args import Args
from ..values.code import Class, Frame, Func, Instance
from ..values.evaluator import MAX_STEPS
from ..values.kind import ABSENT, Opaque, layer_of, parts
from ..values.lifted import Choice
from .calling import enter
from .machine import Machine
from .parameters import unknown
from .relevance import Relevance

SHARE = 0.75
"""What a single function that nobody calls may spend of all fuel."""


def enter_the_rest(m: Machine, frame: Frame) -> None:
    """Evaluate every function and class that nothing uses and that may reach a BN, with unknown arguments.

    Functions that no other names come first: what they call, they call with better arguments, and it is done with.
    """
    done: set[int] = set()
    m.unasked = True
    own = frame.module
    relevance = Relevance([func for func in m.functions if func.frame.module is own], m.classes, frame)
    for _ in range(3):
        for cls in [cls for cls in m.classes if _is_new(cls, own, done)]:
            done.add(id(cls))
            if relevance.concerns_class(cls):
                _guarded(m, lambda cls=cls: _instantiate_unknown(m, cls))
        for instance in list(m.instances):
            _complete(m, instance)
        for func in sorted(m.functions, key=relevance.is_named):
            if _is_free(func, own) and relevance.concerns(func):
                _guarded(m, lambda func=func: enter(m, func))
        for instance in list(m.instances):
            if instance.cls.frame.module is own:
                _enter_methods(m, instance, relevance)


def _is_new(cls: Class, own: Module, done: set[int]) -> bool:
    """Whether a class of this module has not been looked at, and the program makes no object of it."""
    return cls.frame.module is own and not cls.instantiated and id(cls) not in done


def _is_free(func: Func, own: Module) -> bool:
    """Whether a function of this module belongs to no class, and nobody has called it."""
    return func.frame.module is own and func.owner is None and not func.called


def _guarded(m: Machine, act: Any) -> None:
    """Run with a share of the fuel, so that one function cannot starve the others."""
    limit = m.limit
    m.limit = min(limit, m.steps + int(limit * SHARE))
    state = (m.stack, m.context, list(m.running), list(m.inside), m.facts, m.optional, m.guarded)
    try:
        act()
    except Exception as reason:
        m.give_up(reason)
        m.stack, m.context, m.running, m.inside, m.facts, m.optional, m.guarded = state
        m.journal.reset()
        if m.steps > limit:
            raise
    finally:
        m.limit = limit


def _instantiate_unknown(m: Machine, cls: Class) -> None:
    init = cls.function("__init__")
    args = Args(m.spot(cls.node, cls.frame), open=init is None)
    if init is not None:
        args.keywords = {name: unknown(init, name) for name in init.params[1:]}
    instance = instantiate(m, cls, args)
    if isinstance(instance, Instance) and instance.node is not None:
        instance.node.origin = args.spot


def _complete(m: Machine, instance: Instance) -> None:
    """Trace a model or layer that was never called."""
    layer = instance.node
    if isinstance(layer, Model) and layer.style == "subclass":
        _guarded(m, lambda: trace(m, layer, instance))
    elif layer is not None and layer.kind == "Layer" and not layer.calls:
        spot = m.spot(instance.cls.node, instance.cls.frame)
        _guarded(m, lambda: _try_layer(m, layer, Args(spot, [Opaque("the layer's input")])))


def _try_layer(m: Machine, layer: Layer, args: Args) -> None:
    escaped = m.apply(layer, args)
    m.escape(escaped)


def _enter_methods(m: Machine, instance: Instance, relevance: Relevance) -> None:
    methods = [
        member
        for cls in instance.cls.lineage()
        for name, member in cls.members.items()
        if isinstance(member, Func) and name != "__init__" and not (instance.cls.keras and name in _KERAS_CALLS)
    ]
    relevance.learn(methods)
    for method in sorted(methods, key=relevance.is_named):
        if not method.called and (isinstance(instance.node, Model) or relevance.concerns(method)):
            _guarded(m, lambda method=method: enter(m, method, instance))


_KERAS_CALLS = ("call", "build", "get_config", "from_config", "compute_output_shape")


def complete_models(m: Machine, frame: Frame) -> None:
    """Connect what is not connected yet, and give each model its nodes, whatever fuel is left."""
    m.limit = max(m.limit, m.steps + MAX_STEPS // 4)
    for model in list(m.program.models):
        if model.style == "sequential":
            _guarded(m, lambda model=model: chain(m, model))
            kept: list[Any] = []
            for entry in model.entries:
                kept += _flat(entry)
            model.entries = kept
        elif model.style == "functional" and not model.nodes:
            model.nodes = nodes_of(model)
    for instance in m.instances:
        if instance.node is not None:
            instance.node.children = list(filter(None, map(layer_of, parts(instance.attributes, calls=True))))


def _flat(entry: Any) -> list[Any]:
    if isinstance(entry, Choice):
        return [*_flat(entry.then), *_flat(entry.other)]
    return [] if entry is ABSENT else [entry]


def leave_open(program: Program) -> None:
    """Note that nothing of a program that was not followed to the end is known for all that is done with it."""
    for layer in program.layers:
        layer.escaped = layer.held = True
        if isinstance(layer, Model):
            layer.complete = False


def mark_dropped(m: Machine, frame: Frame) -> None:
    """Find the BN calls whose result nothing uses, and how many of these calls are understood."""
    for value in list(frame.variables.values()):
        if isinstance(value, Tensor):
            value.exported = not value.escaped
        m.escape(value)
    used: set[Tensor] = set()
    for model in m.program.models:
        used.update(source for tensor in model.outputs for source in (tensor, *tensor.sources()))
    for call in filter(_is_batchnorm, m.program.calls):
        output, hidden = call.output, call.context.kind == "eager" or call.context.raises
        if not (m.exhausted or hidden):
            call.dropped = not (output.users or output.escaped or output in used or output.data)
    _cover(m.program)


def _is_batchnorm(call: Call) -> bool:
    return is_batchnorm(call.layer)


def _cover(program: Program) -> None:
    """Count the BN calls of the file, and of how many the input is known."""
    sites: dict[object, bool] = {}
    entered = {tensor for model in program.models for tensor in model.inputs}
    for call in filter(_is_batchnorm, program.calls):
        if call.origin.path == program.path:
            sources = [source for given in call.inputs for source in given.sources()]
            known = bool(sources) and all(source in entered or _is_known(source) for source in sources)
            sites[call.origin.key] = known or sites.get(call.origin.key, False)
    program.coverage = (len(sites), sum(sites.values()))


def _is_known(tensor: Tensor) -> bool:
    return tensor.call is not None or tensor.input is not None or tensor.shape is not None
