"""Layers and models made from configurations: from_config, get_config, deserialize."""

from __future__ import annotations

from ....graph import Layer, Model, Unknown
from ..symbols import canonical
from ..values.args import Args
from ..values.bound import Symbol
from ..values.code import Class
from ..values.containers import Dict
from ..values.evaluator import Evaluator
from ..values.kind import Opaque, Value
from ..values.registry import method, symbol


def _given(args: Args, config: Value) -> Args:
    """The call `cls(**config)`."""
    keywords = dict(config) if isinstance(config, Dict) else {}
    return Args(args.spot, [], keywords, open=not isinstance(config, Dict) or config.open)


@symbol("keras.layers.*.from_config")
def layer_from(m: Evaluator, args: Args) -> Value:
    """`layers.Dense.from_config(config)`."""
    return m.call(Symbol(args.callee.rpartition(".")[0]), _given(args, m.settled(args.get(0, "config"))))


@method(Class, "from_config")
def object_from(m: Evaluator, cls: Class, args: Args) -> Value:
    """That of a class that does not say otherwise."""
    return m.call(cls, _given(args, m.settled(args.get(0, "config"))))


@method(Layer, "get_config")
def config_of(m: Evaluator, layer: Layer, args: Args) -> Value:
    """The arguments of a layer of Keras's own, and its defaults; what else a configuration has is not known."""
    if isinstance(layer, Model) or layer.kind == "Layer" or layer in m.objects:
        return Dict(open=True)
    values = {**layer.defaults, **{name: arg.value for name, arg in layer.args.items()}}
    return Dict({name: _known(value, name) for name, value in values.items()})


def _known(value: object, name: str) -> Value:
    plain = isinstance(value, (bool, int, float, str, tuple, type(None))) and not isinstance(value, Unknown)
    return value if plain else Opaque(f"the argument {name}", name)  # type: ignore[return-value]


@symbol("keras.layers.deserialize")
def deserialized(m: Evaluator, args: Args) -> Value:
    """`layers.deserialize({"class_name": …, "config": …})` of one of Keras's own."""
    given = m.settled(args.get(0, "config"))
    name = given.get("class_name") if isinstance(given, Dict) else None
    if not isinstance(given, Dict) or not isinstance(name, str) or len(args.positional) + len(args.keywords) != 1:
        m.escape_all(args)
        return Opaque("a layer from a configuration")
    return m.call(Symbol(canonical(f"keras.layers.{name}")), _given(args, m.settled(given.get("config", Dict()))))
