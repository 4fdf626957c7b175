"""What a name stands for, and an attribute."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from ..library.builtins import NAMES as BUILTINS
from ..symbols import handed_in, unimported
from ..values.bound import Symbol
from ..values.code import Frame, Pending
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value
from ..values.lifted import Choice, there
from .importing import brought, starred


def lookup(m: Evaluator, name: str, frame: Frame) -> Value:
    """A variable's value, a builtin, what a star import may have brought, or what it most likely means in a snippet."""
    scope: Frame | None = frame
    while scope is not None:
        if name in scope.variables:
            value = scope.variables[name]
            if type(value) is Pending:
                value = scope.variables[name] = m.arrived(value)
            return there(m.settled(value)) if type(value) is Choice else value
        if scope.stars and (found := starred(m, scope, name)) is not ABSENT:
            return found
        if scope.parent is None and (found := brought(scope, name)) is not ABSENT:
            return found
        scope = scope.parent
    if name in BUILTINS:
        return Symbol(f"builtins.{name}")
    if (path := unimported(name)) is not None:
        return Symbol(path)
    return Opaque(f"{name} is not defined here", name)


_NAMED = {"True": True, "False": False, "None": None}


def _name(m: Evaluator, node: cst.Name, frame: Frame) -> Value:
    name = node.value
    return _NAMED[name] if name in _NAMED else lookup(m, name, frame)


def _attribute(m: Evaluator, node: cst.Attribute, frame: Frame) -> Value:
    value, name = m.evaluate(node.value, frame), node.attr.value
    if type(node.value) is cst.Name and handed_in(node.value.value, name) and _is_unknown(value):
        value = Symbol("keras.layers")
    if type(value) is Symbol:
        if name in m.watched:
            m.note(f"{value.path}.{name}", m.spot(node, frame))
        return value.member(name)
    return m.attribute(value, name, m.spot(node, frame))


def _is_unknown(value: Value) -> bool:
    """Whether nothing is known of a value but that it may be None."""
    if isinstance(value, Choice):
        return all(map(_is_unknown, value.leaves()))
    return value is None or isinstance(value, Opaque)


NAMES: dict[type, Callable[..., Value]] = {cst.Name: _name, cst.Attribute: _attribute}
