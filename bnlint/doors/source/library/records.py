"""Classes of values that libraries make: dataclasses, named tuples, and what reads and copies them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import libcst as cst

from ..values.args import Args
from ..values.bound import Method, Symbol
from ..values.code import Class, Func, Instance
from ..values.containers import Dict, List
from ..values.data import WithMethods
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Kind, Opaque, Value, adapts
from ..values.lifted import Assumed
from ..values.plain import Tuple
from ..values.registry import method, symbol

if TYPE_CHECKING:
    from ..module import Spot

PLAIN = (bool, int, float, str, tuple)


@dataclass(eq=False, slots=True)
class Field(Kind):
    """`dataclasses.field(…)`: a default, or what makes one."""

    default: Value
    factory: Value


@symbol("dataclasses.field")
def new_field(m: Evaluator, args: Args) -> Value:
    return Field(args.get(None, "default"), args.get(None, "default_factory"))


def prepare(cls: Class) -> None:
    """Make a class a dataclass: what `field` says of a default is no attribute of it."""
    cls.members["__dataclass__"] = True
    for name, value in list(cls.members.items()):
        if isinstance(value, Field):
            del cls.members[name]
            if value.factory is not ABSENT:
                cls.factories[name] = value.factory
            elif value.default is not ABSENT:
                cls.members[name] = value.default


def fields_of(cls: Class) -> list[str]:
    """The names that the bodies of a class and its bases annotate, in the order of their first annotation."""
    found: dict[str, None] = {}
    for one in reversed(list(cls.lineage())):
        found.update(dict.fromkeys(_annotated(one.node)))
    return list(found)


def _annotated(node: cst.ClassDef) -> Iterator[str]:
    for line in node.body.body:
        for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name):
                kind: Any = small.annotation.annotation
                kind = kind.value if isinstance(kind, cst.Subscript) else kind
                if getattr(getattr(kind, "attr", kind), "value", "") != "ClassVar":
                    yield small.target.value


def fill(m: Evaluator, instance: Instance, args: Args) -> None:
    """The `__init__` of a dataclass: fields that are given as they are, the rest as defaults."""
    for index, name in enumerate(fields_of(instance.cls)):
        value = args.get(index, name)
        instance.attributes[name] = default_of(m, instance.cls, name, args) if value is ABSENT else value
    after = instance.cls.function("__post_init__")
    if after is not None:
        m.call_function(after, Args(args.spot), instance)


def default_of(m: Evaluator, cls: Class, name: str, args: Args) -> Value:
    """What a field is that is not given."""
    factory = next((one.factories[name] for one in cls.lineage() if name in one.factories), None)
    if factory is not None:
        return m.call(factory, Args(args.spot))
    default = cls.find(name)
    if default is ABSENT or (args.open and not isinstance(default, PLAIN)):
        return Opaque(f"the field {name}", name)
    if not isinstance(default, PLAIN):
        return default
    return Assumed(default) if args.open else m.by_default(default)


@symbol("dataclasses.replace")
def replaced(m: Evaluator, args: Args) -> Value:
    given = m.settled(args.get(0, "obj"))
    if not isinstance(given, Instance) or args.open:
        m.escape_all(args)
        return Opaque("a changed dataclass")
    known = {name: given.attributes[name] for name in fields_of(given.cls) if name in given.attributes}
    return m.call(given.cls, Args(args.spot, [], {**known, **args.keywords}, args.spots))


@symbol("dataclasses.asdict", "dataclasses.astuple")
def as_dict(m: Evaluator, args: Args) -> Value:
    given = m.settled(args.get(0, "obj"))
    if not isinstance(given, Instance):
        m.escape_all(args)
        return Opaque("the fields of a dataclass")
    known = {name: given.attributes.get(name, Opaque(name)) for name in fields_of(given.cls)}
    return Dict(known) if args.callee.endswith("asdict") else tuple(known.values())


class Named(tuple[Value, ...]):
    """A named tuple."""

    of: NamedType


@dataclass(eq=False, slots=True)
class NamedType(Kind):
    """What makes named tuples."""

    name: str
    fields: tuple[str, ...]
    defaults: Dict = field(default_factory=Dict)

    def call(self, m: Evaluator, args: Args) -> Value:
        made = Named(
            args.get(index, name, ABSENT if args.open else self.defaults.get(name, ABSENT))
            for index, name in enumerate(self.fields)
        )
        made = Named(
            Opaque(name, name) if value is ABSENT else value for name, value in zip(self.fields, made, strict=True)
        )
        made.of = self
        return made

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        known: dict[str, Value] = {"__name__": self.name, "_fields": self.fields, "__new__": self}
        return known.get(name, Method(self, name))

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        if name == "__defaults__" and isinstance(new, tuple):
            m.journal.touch(self.defaults)
            self.defaults.clear()
            self.defaults.update(zip(self.fields[len(self.fields) - len(new) :], new, strict=False))


@adapts(Named)
class NamedValue(Tuple):
    """A named tuple's answers."""

    __slots__ = ()

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        fields = self.value.of.fields
        return self.value[fields.index(name)] if name in fields else Method(self.value, name)


@symbol("collections.namedtuple")
def named_tuple(m: Evaluator, args: Args) -> Value:
    name, given, defaults = args.get(0, "typename"), args.get(1, "field_names"), args.get(None, "defaults", ())
    listed = List(given.replace(",", " ").split()) if isinstance(given, str) else given
    names, whole = m.iterate(listed)
    fields = tuple(one for one in names if isinstance(one, str))
    last, certain = ([], True) if defaults is None else m.iterate(defaults)
    if not whole or len(fields) < len(names) or not certain:
        return Opaque("a kind of named tuple")
    made = NamedType(name if isinstance(name, str) else "", fields)
    made.defaults.update(zip(fields[len(fields) - len(last) :], last, strict=False))
    return made


def named_class(cls: Class) -> NamedType | None:
    """What a class with the base `typing.NamedTuple` is; None for another class, and for one with methods."""
    bases = [base.path for base in cls.bases if isinstance(base, Symbol)]
    if bases != ["typing.NamedTuple"] or any(isinstance(member, Func) for member in cls.members.values()):
        return None
    fields = tuple(_annotated(cls.node))
    return NamedType(cls.name, fields, Dict({name: cls.members[name] for name in fields if name in cls.members}))


@method(Named, "_replace")
def replace(m: Evaluator, given: Named, args: Args) -> Value:
    if args.open:
        m.escape_all(args)
        return Opaque("a changed named tuple")
    known = dict(zip(given.of.fields, given, strict=True))
    return given.of.call(m, Args(args.spot, [], {**known, **args.keywords}))


@method(Named, "_asdict")
def named_dict(m: Evaluator, given: Named, args: Args) -> Value:
    return Dict(zip(given.of.fields, given, strict=True))


@method(NamedType, "_make")
def make(m: Evaluator, made: NamedType, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "iterable", ()))
    return made.call(m, Args(args.spot, items, open=not complete))


@dataclass(eq=False, slots=True)
class Signature(WithMethods):
    """`inspect.signature(function)`."""

    func: Func

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        if name != "parameters":
            return Method(self, name)
        stars = (self.func.node.params.star_arg, self.func.node.params.star_kwarg)
        names = [*self.func.params, *(star.name.value for star in stars if isinstance(star, cst.Param))]
        return Dict({name: Opaque(f"the parameter {name}", name) for name in names})


@symbol("inspect.signature")
def signature(m: Evaluator, args: Args) -> Value:
    given = m.settled(args.get(0, "obj"))
    plain = isinstance(given, Func) and given.owner is None
    return Signature(given) if isinstance(given, Func) and plain else Opaque("a signature", "inspect.signature")
