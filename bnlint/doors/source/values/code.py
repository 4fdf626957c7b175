"""What the project's own code defines: modules, functions, classes, and objects of these."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....graph import Entry, Function, Layer, Tensor
from ..module import Module, Spot
from .about import Member
from .args import Args
from .bound import Method, Symbol
from .containers import Dict, List, Scope
from .kind import ABSENT, Items, Kind, Opaque, Value, of, parts
from .lifted import there
from .nodes import own

if TYPE_CHECKING:
    import libcst as cst

    from ....graph import Origin
    from .evaluator import Evaluator

MAX_LINEAGE = 100
"""How many bases a class is followed up to."""


@dataclass(frozen=True, slots=True)
class Pending(Kind):
    """An import of the project's that nothing has used yet: `name` of the module `base`, or the module itself."""

    importer: Module
    base: str
    name: str = ""

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return m.attribute(m.arrived(self), name, spot)


@dataclass(eq=False, slots=True)
class Frame(Kind):
    """The variables of a running function, class body or module. As a value: the module.

    stars, libraries: what `from … import *` brings, of the project and of others.
    """

    module: Module
    variables: Scope
    parent: Frame | None = None
    name: str = ""
    returned: Value = ABSENT
    yields: List = field(default_factory=List)
    stars: list[Pending] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)
    outer: frozenset[str] = frozenset()
    owner: Class | None = None
    receiver: Value = None
    is_comprehension: bool = False

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return m.member(self, name)

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        m.store(self.variables, name, new)


@dataclass(eq=False, slots=True)
class Func(Kind):
    """A function of the project, with the frame it was defined in."""

    node: cst.FunctionDef | cst.Lambda
    frame: Frame
    name: str
    defaults: dict[str, Value]
    owner: Class | None = None
    decorators: tuple[str, ...] = ()
    called: bool = False

    @property
    def is_static(self) -> bool:
        """Whether it is given no receiver."""
        return "staticmethod" in self.decorators

    @property
    def params(self) -> list[str]:
        """The names of the parameters, those that start with a star left out."""
        params = self.node.params
        return [param.name.value for param in (*params.posonly_params, *params.params, *params.kwonly_params)]

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return self.name if name == "__name__" else Kind.attribute(self, m, name, spot)

    def call(self, m: Evaluator, args: Args) -> Value:
        return m.call_function(self, args)

    def as_arg(self) -> object:
        return Function(self.name, keras=False)

    def as_entry(self, m: Evaluator, spot: Spot) -> Entry:
        return Entry(self, spot, problem="function", name=self.name, function=Spot(self.frame.module, self.node))


@dataclass(eq=False, slots=True)
class Bound(Kind):
    """A method of the project's, bound to its object."""

    receiver: Value
    func: Func

    def call(self, m: Evaluator, args: Args) -> Value:
        return m.call_function(self.func, args, self.receiver)

    def held(self, calls: bool) -> Iterable[Value] | None:
        return (self.receiver,) if calls else None

    def as_arg(self) -> object:
        return self.func.as_arg()

    def as_entry(self, m: Evaluator, spot: Spot) -> Entry:
        return Entry(self, spot, problem="function", name=self.func.name)


@dataclass(eq=False, slots=True)
class Class(Kind):
    """A class of the project. `keras` is the canonical name of the nearest Keras class it inherits, "" for none.

    `testing`: it is a unit test's.
    """

    name: str
    node: cst.ClassDef
    frame: Frame
    bases: list[Value]
    members: Dict
    keras: str = ""
    testing: bool = False
    instantiated: bool = False
    factories: dict[str, Value] = field(default_factory=dict)
    """What makes the defaults of a dataclass's fields, where a function does."""
    enumerated: list[Instance] | None = None
    """The members of an enumeration, in order."""

    def lineage(self) -> Iterator[Class]:
        """The class and its project bases, nearest first, as far as they are followed."""
        seen: dict[Class, None] = {self: None}
        queue = deque([self])
        while queue:
            current = queue.popleft()
            yield current
            for base in current.bases:
                if isinstance(base, Class) and base not in seen and len(seen) < MAX_LINEAGE:
                    seen[base] = None
                    queue.append(base)

    def find(self, name: str) -> Value:
        """The member as the method resolution order finds it, ABSENT if there is none in the project."""
        return next((cls.members[name] for cls in self.lineage() if name in cls.members), ABSENT)

    def function(self, name: str) -> Func | None:
        """The same, where it is a function."""
        found = self.find(name)
        return found if isinstance(found, Func) else None

    def is_test_case(self) -> bool:
        """Whether it is a unittest.TestCase, or one of the kinds that TensorFlow, Keras and absl derive from it."""
        bases = (base for one in self.lineage() for base in one.bases)
        return any(isinstance(base, Symbol) and base.path.endswith("TestCase") for base in bases)

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        member = self.find(name)
        if name == "__name__":
            return self.name
        if isinstance(member, Func):
            return Bound(self, member) if "classmethod" in member.decorators else member
        if member is not ABSENT:
            return member
        if name == "from_config" and self.keras:
            return Method(self, name)
        base = next((base for base in self.bases if isinstance(base, Symbol)), None)
        return Symbol(f"{base.path}.{name}") if base is not None else m.derived(Member(self, name))

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        m.store(self.members, name, new)

    def call(self, m: Evaluator, args: Args) -> Value:
        return m.instantiate(self, args)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        if isinstance(key, str) and self.enumerated is not None:
            return next((one for one in self.enumerated if one.attributes["_name_"] == key), Opaque("no member"))
        return self if self.enumerated is None else Opaque("a member of an enumeration")  # A generic class.

    def iterate(self, m: Evaluator) -> Items:
        return Kind.iterate(self, m) if self.enumerated is None else (list(self.enumerated), True)

    def size(self) -> int | None:
        return None if self.enumerated is None else len(self.enumerated)

    def truth(self, m: Evaluator) -> bool | Opaque:
        return True

    def as_entry(self, m: Evaluator, spot: Spot) -> Entry:
        return Entry(self, spot, problem="class" if self.keras else None, name=self.name)


@dataclass(eq=False, slots=True)
class Instance(Kind):
    """An object of a project class; `node` is its node in the graph where the class is a Keras layer or model."""

    cls: Class
    attributes: Dict = field(default_factory=Dict)
    node: Layer | None = None
    built: bool = False
    traced: bool = False
    made_by: Origin | None = None

    @property
    def layer(self) -> Layer | None:
        return self.node

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        if self.cls.enumerated is not None and name in ("name", "value"):
            name = f"_{name}_"
        if name in self.attributes:
            return there(m.settled(self.attributes[name]))
        if name == "__class__":
            return self.cls
        if name == "__dict__":
            return self.attributes
        member = self.cls.find(name)
        if isinstance(member, Func):
            if "property" in member.decorators or "cached_property" in member.decorators:
                return m.call_function(member, Args(spot), self)
            return Bound(self.cls if "classmethod" in member.decorators else self, member)
        if member is not ABSENT:
            return m.settled(member)
        return m.derived(Member(self, name)) if self.node is None else of(self.node).attribute(m, name, spot)

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        setter = self.cls.function(f"{name}.setter")
        if setter is not None:
            m.call_function(setter, Args(spot, [new]), self)
            return
        m.store(self.attributes, name, new)
        if self.node is not None:
            own(m, self.node, name, new, spot)

    def delete_attribute(self, m: Evaluator, name: str) -> None:
        m.journal.touch(self.attributes)
        m.escape(self.attributes.pop(name, None))

    def call(self, m: Evaluator, args: Args) -> Value:
        if self.node is not None:
            return m.apply(self.node, args)
        return self._call_own(m, "__call__", args, "the result of an object's call")

    def _call_own(self, m: Evaluator, name: str, args: Args, otherwise: str) -> Value:
        func = self.cls.function(name)
        if func is not None:
            return m.call_function(func, args, self)
        m.escape_all(args)
        return Opaque(otherwise)

    def truth(self, m: Evaluator) -> bool | Opaque:
        for name in ("__bool__", "__len__"):
            func = self.cls.function(name)
            if func is not None:
                return m.truth(m.call_function(func, Args(Spot(func.frame.module, func.node)), self))
        return True

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return self._call_own(m, "__getitem__", Args(spot, [key]), "__getitem__")

    def iterate(self, m: Evaluator) -> Items:
        func = self.cls.function("__iter__")
        if func is None:
            return Kind.iterate(self, m)
        return m.iterate(m.call_function(func, Args(Spot(func.frame.module, func.node)), self))

    def contains(self, m: Evaluator, item: Value) -> bool | Opaque | None:
        return Opaque("an object's items")

    def escape(self, m: Evaluator) -> None:
        if self in m.escaping:
            return
        m.escaping.add(self)
        if self.node is not None:
            self.node.escaped = self.node.held = True
        for kept in parts(self.attributes):  # Its tensors are not lost; its layers are still the object's.
            if isinstance(kept, Tensor):
                m.escape(kept)

    def as_arg(self) -> object:
        return self.node if self.node is not None else Kind.as_arg(self)


@dataclass(eq=False, slots=True)
class Super(Kind):
    """super(): the bases of `cls` as seen from `receiver`."""

    cls: Class | None
    receiver: Value

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        found = self._find(name)
        return Bound(self.receiver, found) if isinstance(found, Func) else Method(self, name)

    def _find(self, name: str) -> Value:
        """A member of the next class of the project, ABSENT where the next is a library's."""
        if self.cls is None or not isinstance(self.receiver, Instance):
            return ABSENT
        lineage = list(self.receiver.cls.lineage())
        after = lineage[lineage.index(self.cls) + 1 :] if self.cls in lineage else []
        return next((cls.members[name] for cls in after if name in cls.members), ABSENT)

    def method(self, m: Evaluator, name: str, args: Args) -> Value:
        if isinstance(self.receiver, Instance) or name == "__new__":
            return Kind.method(self, m, name, args)
        m.escape_all(args)
        return self.other_method(m, name, args)

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        return Opaque(f"super().{name}", name)
