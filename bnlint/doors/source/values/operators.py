"""Operators and comparisons between two values, of which either may be one of several."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ....graph import Layer, Model
from ..symbols import canonical
from .about import Compare, Contains, Not
from .bound import Symbol
from .code import Class, Func, Instance
from .containers import Dict, List, Set
from .kind import ABSENT, Absent, Opaque, Operator, Value, layer_of, of
from .lifted import SIMPLE, Assumed, Choice, bare
from .plain import is_comparable, is_small
from .recording import is_tensor

if TYPE_CHECKING:
    from ..module import Spot
    from .evaluator import Evaluator


def binary(m: Evaluator, op: Operator, left: Value, right: Value, spot: Spot) -> Value:
    """A binary operator: computed where both sides are known, a call in the graph where one is a tensor."""
    if is_tensor(left) or is_tensor(right):
        return m.apply_op(op.name, [left, right], spot)
    if isinstance(left, Choice):
        return m.each(left, lambda value: binary(m, op, value, right, spot))
    if isinstance(right, Choice):
        return m.each(right, lambda value: binary(m, op, left, value, spot))
    if isinstance(left, Assumed) or isinstance(right, Assumed):
        result = binary(m, op, bare(left), bare(right), spot)
        return result if isinstance(result, Opaque) else Assumed(result)
    result = of(left).binary(m, op, right)
    if result is ABSENT:
        result = of(right).reflected(m, op, left)
    return Opaque(f"{op.name} of unknown values") if result is ABSENT else result


def unary(m: Evaluator, op: Operator, value: Value, spot: Spot) -> Value:
    """A unary operator."""
    return m.apply_op(op.name, [value], spot) if is_tensor(value) else of(value).unary(m, op, spot)


_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(m: Evaluator, sign: str, left: Value, right: Value) -> bool | Opaque:
    """A comparison: True, False, or the condition that decides it."""
    if sign in ("in", "not in"):
        return _contains(m, left, right, sign == "in")
    left, right = m.settled(left), m.settled(right)
    if isinstance(left, Choice):
        return _common([compare(m, sign, leaf, right) for leaf in _there(left)], m, sign, left, right)
    if isinstance(right, Choice):
        return _common([compare(m, sign, left, leaf) for leaf in _there(right)], m, sign, left, right)
    if sign in ("is", "is not"):
        return _identity(m, sign == "is", left, right)
    if isinstance(left, Symbol) and isinstance(right, Symbol) and sign in ("==", "!="):
        return (left.path == right.path) == (sign == "==")
    if sign in ("==", "!=") and _equals_itself_alone(left) and _equals_itself_alone(right):
        return (left is right) == (sign == "==")
    if all(is_small(side) and is_comparable(side) for side in (left, right)):
        try:
            return bool(_SIGNS[sign](left, right))
        except TypeError:
            return Opaque("a comparison that raises")
    if sign == "!=":
        return m.derived(Not(m.derived(Compare("==", _part(left), _part(right)))))
    return m.derived(Compare(sign, _part(left), _part(right)))


def _equals_itself_alone(value: Value) -> bool:
    """Whether a value is a function or a class of the project, or an object that does not say what it is equal to."""
    if not isinstance(value, Instance):
        return isinstance(value, (Class, Func))
    cls = value.cls
    plain = not cls.bases and cls.find("__eq__") is ABSENT and cls.find("__dataclass__") is ABSENT
    return plain or cls.enumerated is not None


def _there(choice: Choice) -> list[Value]:
    return [leaf for leaf in choice.leaves() if leaf is not ABSENT]


def _common(sides: list[bool | Opaque], m: Evaluator, sign: str, left: Value, right: Value) -> bool | Opaque:
    """What all sides say alike, or the condition that decides between them."""
    if all(isinstance(side, bool) and side == sides[0] for side in sides):
        return sides[0]
    return m.derived(Compare(sign, _part(left), _part(right)))


def _part(value: Value) -> Value:
    return value.value if isinstance(value, Assumed) and isinstance(value.value, Opaque) else value


def _identity(m: Evaluator, same: bool, left: Value, right: Value) -> bool | Opaque:
    if not any(isinstance(side, (Opaque, Assumed)) for side in (left, right)):
        equal = left is right or (isinstance(left, SIMPLE) and type(left) is type(right) and left == right)
        return equal == same
    condition = m.derived(Compare("is", bare(left), bare(right)))
    fact = m.truth_of(condition)
    if fact is not None:
        return fact == same
    return condition if same else m.derived(Not(condition))


def _contains(m: Evaluator, item: Value, container: Value, positive: bool) -> bool | Opaque:
    found = of(container).contains(m, item)
    if found is None:
        found = m.derived(Contains(_part(item), _part(container)))
    if isinstance(found, bool):
        return found == positive
    return found if positive else m.derived(Not(found))


_TYPES: dict[str, tuple[type, ...]] = {
    "builtins.str": (str,),
    "builtins.int": (int,),
    "builtins.float": (float,),
    "builtins.bool": (bool,),
    "builtins.list": (List,),
    "builtins.set": (Set,),
    "builtins.tuple": (tuple,),
    "builtins.dict": (Dict,),
}


def instance_of(value: Value, wanted: Value) -> bool | None:
    """Whether a value is an instance of a class; None where that is not known."""
    if isinstance(value, (Opaque, Assumed, Choice, Absent)):
        return None
    if isinstance(wanted, Class):
        return isinstance(value, Instance) and wanted in value.cls.lineage()
    if not isinstance(wanted, Symbol):
        return None
    if wanted.path in _TYPES:
        return isinstance(value, _TYPES[wanted.path]) and (wanted.path != "builtins.list" or type(value) is List)
    layer = layer_of(value)
    if layer is not None:
        return _is_kind(layer, canonical(wanted.path))
    return False if isinstance(value, (*SIMPLE, List, tuple, Dict)) else None


def _is_kind(layer: Layer, name: str) -> bool | None:
    if name in ("keras.Model", "keras.models.Model"):
        return isinstance(layer, Model)
    if name == "keras.Sequential":
        return isinstance(layer, Model) and layer.style == "sequential"
    if name == "keras.layers.Layer":
        return True
    return layer.kind == name.rpartition(".")[2] if name.startswith("keras.layers.") else None
