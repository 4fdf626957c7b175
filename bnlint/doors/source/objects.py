"""Attributes: reading and writing them on every kind of value."""

from __future__ import annotations

from typing import Literal

from ...graph import Layer, Model, Tensor
from ...graph.nodes import Write
from .args import Args, to_arg
from .calling import call_function, shape_tuple, super_method
from .layers import layer_of
from .machine import BULK, Machine
from .module import Spot
from .values import (
    ABSENT,
    Absent,
    Array,
    Assumed,
    Bound,
    Choice,
    Class,
    Dataset,
    Dict,
    Frame,
    Func,
    Gradients,
    Instance,
    Layers,
    List,
    Opaque,
    Partial,
    Pending,
    Super,
    Symbol,
    Thing,
    Value,
    Weights,
    parts,
)

_BARE = frozenset({bool, int, float, str, type(None), Opaque, Symbol, Func, Class})
"""What holds nothing of the graph."""
WEIGHTS = ("trainable_variables", "trainable_weights", "variables", "weights")


def attribute(m: Machine, value: Value, name: str, spot: Spot) -> Value:
    """`value.name`."""
    value = m.settled(value)
    if isinstance(value, Symbol):
        return m.symbol_attribute(value, name)
    if isinstance(value, Opaque):
        return (
            Opaque(f"{name} of {value.reason}", batch=value.batch)
            if value.batch
            else m.derived("attribute", value, name)
        )
    if isinstance(value, Instance):
        return _of_instance(m, value, name, spot)
    if isinstance(value, Layer):
        return _of_layer(m, value, name, spot)
    if isinstance(value, Choice):
        return m.each(value, lambda one: attribute(m, one, name, spot))
    if isinstance(value, Tensor):
        return _of_tensor(value, name)
    if isinstance(value, Frame):
        return m.member(value, name)
    if isinstance(value, Pending):
        return attribute(m, m.arrived(value), name, spot)
    if isinstance(value, Class):
        return _of_class(m, value, name)
    if isinstance(value, Super):
        method = super_method(value, name)
        if isinstance(method, Func):
            return Bound(value.receiver, method)
        return Bound(value, name)
    if isinstance(value, Thing):
        if name == "num_replicas_in_sync" and "devices" in value.attributes:
            return value.attributes["devices"] or m.derived("devices", value)
        return value.attributes[name] if name in value.attributes else Bound(value, name)
    if isinstance(value, Array) and name == "shape":
        return value.shape if value.shape is not None else Opaque("a shape")
    if isinstance(value, Assumed) and not isinstance(value.value, (bool, int, float)):
        return attribute(m, value.value, name, spot)
    if isinstance(value, Partial) and name == "func":
        return value.func
    if isinstance(value, (str, List, Dict, tuple, Array, Dataset, Weights, Gradients, Layers)):
        return Bound(value, name)
    if isinstance(value, Func) and name == "__name__":
        return value.name
    return Opaque(f"the attribute {name}")


def _of_instance(m: Machine, instance: Instance, name: str, spot: Spot) -> Value:
    if name in instance.attributes:
        return m.settled(instance.attributes[name])
    if name == "__class__":
        return instance.cls
    if name == "__dict__":
        return instance.attributes
    member = instance.cls.find(name)
    if isinstance(member, Func):
        if "property" in member.decorators or "cached_property" in member.decorators:
            return call_function(m, member, Args(spot), instance)
        return Bound(instance.cls if "classmethod" in member.decorators else instance, member)
    if not isinstance(member, Absent):
        return m.settled(member)
    if instance.layer is not None:
        return _of_layer(m, instance.layer, name, spot)
    return m.derived("attribute", instance, name)


def _of_class(m: Machine, cls: Class, name: str) -> Value:
    member = cls.find(name)
    if name == "__name__":
        return cls.name
    if isinstance(member, Func):
        return Bound(cls, member) if "classmethod" in member.decorators else member
    if isinstance(member, Absent):
        base = next((base for base in cls.bases if isinstance(base, Symbol)), None)
        return Symbol(f"{base.path}.{name}") if base is not None else m.derived("attribute", cls, name)
    return member


def _of_layer(m: Machine, layer: Layer, name: str, spot: Spot) -> Value:
    if isinstance(layer, Model):
        found = m.model_attribute(layer, name, spot)
        if found is not ABSENT:
            return found
    if name in ("output", "outputs") and layer.calls:
        return layer.calls[-1].output
    if name in ("input", "inputs") and layer.calls and layer.calls[-1].inputs:
        return layer.calls[-1].inputs[0]
    if name in WEIGHTS:
        return Weights((layer,))
    if name == "trainable" and layer.writes:
        return layer.writes[-1].value.value
    if name in layer.args and isinstance(layer.args[name].value, (bool, int, float, str, tuple, type(None))):
        return layer.args[name].value
    if name in layer.defaults and isinstance(layer.defaults[name], (bool, int, float, str)):
        return layer.defaults[name]
    if name in ("name", "dtype", "built", "losses", "metrics", "input_shape", "output_shape"):
        return Opaque(name)
    if name == "__class__":
        return Symbol(f"keras.layers.{layer.kind}")
    if name in ("updates", "get_updates_for"):
        m.note(f"keras.layers.Layer.{name}", spot)
    return Bound(layer, name)


def _of_tensor(tensor: Tensor, name: str) -> Value:
    if name in ("shape", "_keras_shape"):
        return Opaque("a shape") if tensor.shape is None else shape_tuple(tensor.shape)
    if name == "dtype":
        return Opaque("dtype")
    return Bound(tensor, name)


def set_attribute(m: Machine, value: Value, name: str, new: Value, spot: Spot) -> None:
    """`value.name = new`."""
    value = m.settled(value)
    if isinstance(value, Choice):
        for leaf in value.leaves():
            if not isinstance(leaf, Absent):
                set_attribute(m, leaf, name, new, spot)
        return
    if isinstance(value, Instance):
        m.store(value.attributes, name, new)
        if value.layer is not None:
            _own(m, value.layer, name, new, spot)
    elif isinstance(value, Layer):
        _own(m, value, name, new, spot)
        m.escape(new)
    elif isinstance(value, Thing):
        m.store(value.attributes, name, new)
    elif isinstance(value, Class):
        m.store(value.members, name, new)
    elif isinstance(value, Frame):
        m.store(value.variables, name, new)
    elif isinstance(value, Opaque) and value.key and value.key[0] == "layer of" and name == "trainable":
        layers = value.key[1]
        assert isinstance(layers, Layers)
        only = _which(m, value, layers)
        part = layers.part if only == "some" and not m.optional else None
        layers.model.writes.append(Write(to_arg(new, spot), m.tick(), only, part))
    else:
        m.escape(new)


def _which(m: Machine, layer: Opaque, layers: Layers) -> Literal["", "batchnorm", "others", "some"]:
    """To which of a model's layers a write in a loop over them goes, from the isinstance tests around it."""
    for condition, fact in m.facts.items():
        key = condition.key
        if key and key[0] == "isinstance" and key[1] is layer and _is_batchnorm_class(key[2]):
            return "others" if not fact else "batchnorm" if layers.whole else "some"
    return "" if layers.whole and not m.optional else "some"


def _is_batchnorm_class(value: Value) -> bool:
    return isinstance(value, Symbol) and value.path.rsplit(".", 1)[-1].startswith(
        ("BatchNormalization", "SyncBatchNormalization")
    )


def _own(m: Machine, layer: Layer, name: str, new: Value, spot: Spot) -> None:
    if name == "trainable":
        arg = to_arg(new if not m.optional else Opaque("set in a branch"), spot)
        layer.writes.append(Write(arg, m.tick()))
        return
    child = layer_of(new)
    if child is not None:
        child.held = True
        if child.attribute is None:
            child.attribute = name


def escape(m: Machine, value: Value) -> None:
    """A value goes where the door cannot follow: what is done with it is not known from here on."""
    if type(value) in _BARE:
        return
    for count, part in enumerate(parts(value, calls=True)):
        m.steps += not count % BULK
        if isinstance(part, Tensor):
            for source in (part, *part.sources()):
                source.escaped = True
        elif isinstance(part, Layer):
            part.escaped = part.held = True
            for tensor in getattr(part, "outputs", ()):
                tensor.escaped = True
        elif isinstance(part, Instance) and part not in m.escaping:
            m.escaping.add(part)
            if part.layer is not None:
                part.layer.escaped = part.layer.held = True
            for kept in parts(part.attributes):  # Its tensors are not lost; its layers are still the object's.
                if isinstance(kept, Tensor):
                    escape(m, kept)
