"""What expressions evaluate to, beyond plain Python values and graph nodes.

Numbers, strings, None, tuples and slices stand for themselves. Mutable containers are `List` and `Dict`, which the
journal can take back. What is not known is an `Opaque`; what is known only as a default is an `Assumed`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import libcst as cst

    from ...graph import Arg, Layer, Model, Origin
    from .module import Module, Spot

Value = Any
MAX_LINEAGE = 100
"""How many bases a class is followed up to."""


class Opaque:
    """A value that is not known. `key` ties derived conditions to what they derive from, so that branches correlate."""

    __slots__ = ("batch", "key", "reason")

    def __init__(self, reason: str = "", key: tuple[object, ...] | None = None, batch: Dataset | None = None) -> None:
        self.reason = reason
        self.key = key
        self.batch = batch

    def __repr__(self) -> str:
        return f"Opaque({self.reason})"


@dataclass(frozen=True, slots=True)
class Assumed:
    """A value known only as the default of a parameter or a flag."""

    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of two values, as an unknown condition decides."""

    condition: Opaque
    then: Value
    other: Value

    def leaves(self, limit: int = 6) -> list[Value]:
        """The possible values; an Opaque in place of what is beyond the limit."""
        found: list[Value] = []
        stack: list[Value] = [self]
        while stack:
            value = stack.pop()
            if isinstance(value, Choice):
                stack += [value.other, value.then]
            elif not any(value is seen for seen in found):
                if len(found) == limit:
                    return [*found, Opaque("too many alternatives")]
                found.append(value)
        return found


class List(list[Any]):
    """A list; `open` if it may hold more than is known."""

    __slots__ = ("open",)

    def __init__(self, items: Any = (), open: bool = False) -> None:
        super().__init__(items)
        self.open = open

    __hash__ = object.__hash__  # type: ignore[assignment]


class Dict(dict[Any, Any]):
    """A dict; `open` if it may hold more than is known. Also a frame's variables and an object's attributes."""

    __slots__ = ("open",)

    def __init__(self, items: Any = (), open: bool = False) -> None:
        super().__init__(items)
        self.open = open

    __hash__ = object.__hash__  # type: ignore[assignment]


def parts(value: Value, calls: bool = False) -> Iterator[Value]:
    """What a value is or holds in containers and joined branches, in order, each of these opened once.

    `calls`: what bound methods and functools.partial hold, too.
    """
    opened: set[int] = set()
    stack = [value]
    while stack:
        part = stack.pop()
        items: Any
        if isinstance(part, (List, tuple)):
            items = part
        elif isinstance(part, Dict):
            items = part.values()
        elif isinstance(part, Choice):
            items = part.leaves()
        elif calls and isinstance(part, Bound):
            items = (part.receiver,)
        elif calls and isinstance(part, Partial):
            items = (part.func, *part.args, *part.keywords.values())
        else:
            yield part
            continue
        if id(part) not in opened:
            opened.add(id(part))
            stack += reversed(list(items))


def is_small(value: Value, limit: int = 1_000) -> bool:
    """Whether a value has at most this many parts, those of its parts counted in. One that holds itself has more."""
    count, stack = 0, [value] if isinstance(value, (List, tuple, Dict)) else []
    while stack:
        container = stack.pop()
        items = container.values() if isinstance(container, Dict) else container
        count += len(items)
        if count > limit:
            return False
        stack += [item for item in items if isinstance(item, (List, tuple, Dict))]
    return True


@dataclass(frozen=True, slots=True)
class Absent:
    """Stands in a join where one branch has no value."""


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name of a library, by its dotted path as written: `tensorflow.keras.layers.Dense`."""

    path: str


@dataclass(frozen=True, slots=True)
class Pending:
    """An import of the project's that nothing has used yet: `name` of the module `base`, or the module itself."""

    importer: Module
    base: str
    name: str = ""


@dataclass(eq=False, slots=True)
class Frame:
    """The variables of a running function, class body or module."""

    module: Module
    variables: Dict
    parent: Frame | None = None
    name: str = ""
    returns: list[Value] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)
    stars: list[Pending] = field(default_factory=list)
    outer: frozenset[str] = frozenset()
    owner: Class | None = None
    receiver: Value = None


@dataclass(eq=False, slots=True)
class Func:
    """A function of the project, with the frame it was defined in."""

    node: cst.FunctionDef | cst.Lambda
    frame: Frame
    name: str
    defaults: dict[str, Value]
    owner: Class | None = None
    decorators: tuple[str, ...] = ()
    called: bool = False


@dataclass(eq=False, slots=True)
class Bound:
    """A method bound to its object: of the project (a Func) or of a library value (a name)."""

    receiver: Value
    method: Func | str


@dataclass(eq=False, slots=True)
class Partial:
    """functools.partial."""

    func: Value
    args: list[Value]
    keywords: dict[str, Value]


@dataclass(eq=False, slots=True)
class Class:
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
        for cls in self.lineage():
            if name in cls.members:
                return cls.members[name]
        return ABSENT


@dataclass(eq=False, slots=True)
class Instance:
    """An object of a project class; `layer` is its node in the graph where the class is a Keras layer or model."""

    cls: Class
    attributes: Dict = field(default_factory=Dict)
    layer: Layer | None = None
    built: bool = False
    traced: bool = False
    made_by: Origin | None = None


@dataclass(eq=False, slots=True)
class Super:
    """super(): the bases of `cls` as seen from `receiver`."""

    cls: Class | None
    receiver: Value


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """Data: its shape with samples first, as far as known. `origin` is where a known literal slice cut it."""

    shape: tuple[Value, ...] | None = None

    @property
    def samples(self) -> int | None:
        """How many samples, if known."""
        return self.shape[0] if self.shape and isinstance(self.shape[0], int) else None


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """tf.data and the generators: batches of data. `batch` is None while there are none, `cut` is what makes them."""

    batch: Arg | None = None
    samples: int | None = None
    drop_remainder: bool = False
    cut: Spot | None = None


@dataclass(eq=False, slots=True)
class Thing:
    """A library object known by the symbol that made it and its arguments: an optimizer, a tape, a parser."""

    symbol: str
    args: dict[str, Arg] = field(default_factory=dict)
    attributes: Dict = field(default_factory=Dict)


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """`model.trainable_variables`, also of several models."""

    models: tuple[Layer, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """What `tape.gradient` returns."""

    tape: Value
    weights: Weights


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """`model.layers` of a model whose layers are not all known, or the slice `part` of it; None for an unknown part."""

    model: Model
    part: tuple[int | None, int | None] | None = (None, None)

    @property
    def whole(self) -> bool:
        """Whether these are all."""
        return self.part == (None, None)
