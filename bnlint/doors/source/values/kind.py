"""What every value answers, and how it answers where nothing is known of it.

Numbers, strings, None, tuples, ranges and slices, and the nodes of the graph, are values as they are; an `Adapter`
answers for each. All other values are objects of a subclass of `Kind`, and answer themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar, Union

from ....graph import Entry, Layer, PerReplica, Tensor, Unknown
from .about import About, Devices, Index, Member, Parameter, Product, Rounds, Sum, Truth
from .registry import method_handler

if TYPE_CHECKING:
    from ..module import Spot
    from .args import Args
    from .data import Dataset
    from .evaluator import Evaluator

Value: TypeAlias = Union[
    "Kind", Tensor, Layer, bool, int, float, complex, str, bytes, "tuple[Value, ...]", range, slice, EllipsisType, None
]
Items: TypeAlias = "tuple[list[Value], bool]"
"""What an iterable gives, and whether that is all and certain."""


class Operator(NamedTuple):
    """An operator: its name as in keras.ops, and what Python computes by it."""

    name: str
    compute: Callable[..., Any]


class Kind:
    """One kind of value. The answers here are those of a value of which nothing is known."""

    __slots__ = ()

    open: bool = False
    """Whether it may hold more than is known."""

    @property
    def raw(self) -> Value:
        """The value itself."""
        return self

    @property
    def layer(self) -> Layer | None:
        """The graph's layer behind it."""
        return None

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        """`value.name`."""
        return Opaque(f"the attribute {name}", name)

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        """`value.name = new`."""
        m.escape(new)

    def call(self, m: Evaluator, args: Args) -> Value:
        """`value(…)`."""
        m.escape_all(args)
        return Opaque("the result of an unknown function")

    def method(self, m: Evaluator, name: str, args: Args) -> Value:
        """`value.name(…)`, where that is no code of the project."""
        kind: type = type(self.raw)
        handler = method_handler(kind, name)
        if handler is None:
            return self.other_method(m, name, args)
        args.callee = name
        return handler(m, self.raw, args)

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        """A method that nobody knows."""
        m.escape_all(args)
        return Opaque(f"the result of {name}", name)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        """`value[key]`."""
        return Opaque("an item")

    def set_item(self, m: Evaluator, key: Value, new: Value) -> None:
        """`value[key] = new`."""
        m.escape(new)

    def delete_item(self, m: Evaluator, key: Value) -> None:
        """`del value[key]`."""

    def delete_attribute(self, m: Evaluator, name: str) -> None:
        """`del value.name`."""

    def iterate(self, m: Evaluator) -> Items:
        """What a loop over it sees."""
        return [Opaque("an item of an unknown iterable")], False

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        """The parts for so many targets; `star` is the index of the one with a star."""
        m.escape(self.raw)
        return [Opaque("a part of it") for _ in range(count)]

    def size(self) -> int | None:
        """Its length, None where that is not known."""
        return None

    def rows(self) -> int | None:
        """How many rows it cuts out of data, as an index; None where that is not known."""
        return None

    def truth(self, m: Evaluator) -> bool | Opaque:
        """Whether it is true, or the condition that decides it. What has no length is true, as objects are."""
        size = self.size()
        if size is not None:
            return size > 0
        return True if type(self).size is Kind.size else m.derived(Truth(self.raw))

    def unary(self, m: Evaluator, operator: Operator, spot: Spot) -> Value:
        """`-value`, `~value`."""
        return Opaque(f"{operator.name} of an unknown value")

    def binary(self, m: Evaluator, operator: Operator, right: Value) -> Value:
        """`value + right`; ABSENT where the other side has to say."""
        return ABSENT

    def reflected(self, m: Evaluator, operator: Operator, left: Value) -> Value:
        """`left + value`, where the left side does not know."""
        return ABSENT

    def contains(self, m: Evaluator, item: Value) -> bool | Opaque | None:
        """`item in value`; None where that is not known."""
        return None

    def entered(self, m: Evaluator) -> dict[str, Any]:
        """What changes in the context of the code that runs `with value:`."""
        return {}

    def held(self, calls: bool) -> Iterable[Value] | None:
        """What it holds, None for what is no container; `calls`: what it would call, too."""
        return None

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        """The tensors that it is, or holds, as the input of a call."""
        return (m.tensor(self.raw),)

    def escape(self, m: Evaluator) -> None:
        """It goes where the door cannot follow: what is done with it is not known from here on."""

    def as_arg(self) -> object:
        """The value as the graph shows it: plain Python, Function, Layer or Unknown."""
        return Unknown(type(self.raw).__name__.lower())

    def as_entry(self, m: Evaluator, spot: Spot) -> Entry:
        """The value as one element of a Sequential: a layer, or a mistake."""
        layer = self.layer
        if layer is not None:
            layer.held = True
        return Entry(self.raw, spot, layer)


class Absent(Kind):
    """What is there in a join where one branch has no value."""

    __slots__ = ()

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        return ()


ABSENT = Absent()


class Opaque(Kind):
    """A value that is not known. `reason` is for people.

    `name` is the name in the code that it comes from: a path of a library, a parameter, an attribute. `about` is what
    it follows from. `batch` is the data that it is a batch of, or a part of one.
    """

    __slots__ = ("about", "batch", "name", "reason")

    def __init__(
        self, reason: str = "", name: str = "", about: About | None = None, batch: Dataset | None = None
    ) -> None:
        self.reason = reason
        self.name = name
        self.about = about
        self.batch = batch

    def __repr__(self) -> str:
        return f"Opaque({self.reason})"

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        if self.batch:
            return Opaque(f"{name} of {self.reason}", f"{self.name}.{name}", batch=self.batch)
        return m.derived(Member(self, name))

    def call(self, m: Evaluator, args: Args) -> Value:
        member = self.about
        handler = method_handler(Opaque, member.name) if isinstance(member, Member) else None
        if handler is not None and isinstance(member, Member):
            args.callee = member.name
            result = handler(m, self, args)
            if result is not ABSENT:
                return result
        return super().call(m, args)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        count = of(key).rows()
        if count is not None:
            return m.cut(self, count)
        return Opaque(f"an item of {self.reason}", self.name, batch=self.batch)

    def iterate(self, m: Evaluator) -> Items:
        about = Index(*self.about) if isinstance(self.about, Rounds) else None
        return [Opaque("an item of an unknown iterable", self.name, about, self.batch)], False

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        return [Opaque(f"a part of {self.reason}", self.name, batch=self.batch) for _ in range(count)]

    def truth(self, m: Evaluator) -> bool | Opaque:
        fact = m.truth_of(self)
        return self if fact is None else fact

    def binary(self, m: Evaluator, operator: Operator, right: Value) -> Value:
        return derived_number(m, operator, self, right)

    def reflected(self, m: Evaluator, operator: Operator, left: Value) -> Value:
        return derived_number(m, operator, left, self)

    def as_arg(self) -> object:
        if isinstance(self.about, Product):
            pair = (self.about.left, self.about.right)
            samples = next((one for one in pair if isinstance(one, int)), None)
            counts = any(isinstance(one, Opaque) and isinstance(one.about, Devices) for one in pair)
            if samples is not None and counts:
                return PerReplica(samples)
        return Unknown(self.reason, self.name)


def derived_number(m: Evaluator, operator: Operator, left: Value, right: Value) -> Value:
    """A sum or a product of unknown numbers; ABSENT for another operation."""
    if operator.name in ("Add", "Multiply") and isinstance(left, (Opaque, int)) and isinstance(right, (Opaque, int)):
        return m.derived(Sum(left, right) if operator.name == "Add" else Product(left, right))
    return ABSENT


def parameter(name: str) -> Opaque:
    """What a function that nobody calls is given under this name."""
    return Opaque(f"the parameter {name}", name, Parameter(name))


T = TypeVar("T")


class Adapter(Kind, Generic[T]):
    """Answers for a value that is no Kind."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    @property
    def raw(self) -> Value:
        return self.value  # type: ignore[return-value]

    def as_arg(self) -> object:
        return self.value


A = TypeVar("A", bound=type[Adapter[Any]])
ADAPTERS: dict[type, type[Adapter[Any]]] = {}
"""Who answers for which type."""


def adapts(*types: type) -> Callable[[A], A]:
    """The class answers for values of these types."""

    def register(adapter: A) -> A:
        ADAPTERS.update(dict.fromkeys(types, adapter))
        return adapter

    return register


def of(value: Value) -> Kind:
    """Who answers for a value."""
    return value if isinstance(value, Kind) else ADAPTERS.get(type(value), Adapter)(value)


def layer_of(value: Value) -> Layer | None:
    """The graph's layer behind a value."""
    return of(value).layer


_HOLD_NOTHING = frozenset({Opaque, Tensor, Layer, bool, int, float, str, type(None)})
"""Most values are of these types."""


def parts(value: Value, calls: bool = False) -> Iterator[Value]:
    """What a value is or holds in containers and joined branches, in order, each of these opened once.

    `calls`: what bound methods and functools.partial hold, too.
    """
    opened: set[int] = set()
    stack = [value]
    while stack:
        part = stack.pop()
        held = None if type(part) in _HOLD_NOTHING else of(part).held(calls)
        if held is None:
            yield part
        elif id(part) not in opened:
            opened.add(id(part))
            stack += reversed(list(held))
