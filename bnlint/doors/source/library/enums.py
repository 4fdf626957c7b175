"""Enumerations: their members, found by name and by value."""

from __future__ import annotations

from ..values.args import Args
from ..values.bound import Symbol
from ..values.code import Class, Func, Instance
from ..values.containers import Dict
from ..values.evaluator import Evaluator
from ..values.kind import Opaque, Value
from ..values.lifted import SIMPLE
from ..values.operators import compare
from ..values.registry import symbol

_KINDS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum"})
_AUTO = "enum.auto"


@symbol(_AUTO)
def auto(m: Evaluator, args: Args) -> Value:
    return Opaque("a number of an enumeration", _AUTO)


def is_enumeration(cls: Class) -> bool:
    """Whether a class is an enumeration: it, or a base of it, has one of the library's as its base."""
    return any(isinstance(base, Symbol) and base.path in _KINDS for one in cls.lineage() for base in one.bases)


def make_members(cls: Class) -> None:
    """Make the plain values of an enumeration's body its members. `auto()` counts from 1."""
    cls.enumerated = []
    for name, value in list(cls.members.items()):
        if name.startswith("_") or isinstance(value, (Func, Class)):
            continue
        if isinstance(value, Opaque) and value.name == _AUTO:
            value = len(cls.enumerated) + 1
        plain = isinstance(value, SIMPLE)
        same = [one for one in cls.enumerated if plain and one.attributes["_value_"] == value]
        if same:  # Another name of it.
            cls.members[name] = same[0]
            continue
        member = Instance(cls, Dict({"_name_": name, "_value_": value}, open=True))
        cls.members[name] = member
        cls.enumerated.append(member)


def member_of(m: Evaluator, cls: Class, args: Args) -> Value:
    """`Kind(value)`: the member of this value."""
    value = args.get(0, "value")
    if isinstance(value, Instance) and value in (cls.enumerated or ()):
        return value
    for member in cls.enumerated or () if isinstance(value, SIMPLE) else ():
        same = compare(m, "==", member.attributes["_value_"], value)
        if same is not False:
            return member if same is True else Opaque("a member of an enumeration")
    return Opaque("a member of an enumeration")
