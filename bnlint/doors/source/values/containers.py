"""Lists and dicts, which the journal can take back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count
from typing import TYPE_CHECKING, Any

from ....graph import Tensor
from .about import Compare, Not
from .bound import Method
from .guards import asked
from .kind import ABSENT, Items, Kind, Opaque, Operator, Value, of
from .lifted import SIMPLE, Assumed, Choice, instead, may_be_absent, there
from .plain import (
    MAX_ITEMS,
    element,
    is_among,
    is_comparable,
    is_key,
    joined,
    present,
    shown,
    spread,
)

if TYPE_CHECKING:
    from ..module import Spot
    from .args import Args
    from .evaluator import Evaluator

FEW = 4
"""An unknown key of a dict with so many items chooses one of them."""


moment = count().__next__
"""When a container is made, or a branch begins: what is made in a branch is no other branch's."""


class Container(Kind):
    """What a list, a set and a dict have in common: items of which one may be absent. `born` is when it was made."""

    __slots__ = ()

    born: int

    def held(self, calls: bool) -> Collection[Value]:
        raise NotImplementedError

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return Method(self, name)

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        return Opaque(f"{type(self).__name__.lower()}.{name}")

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        parts = spread(m, self, count, star)
        if not parts:
            m.escape(self)
            parts = [Opaque("a part of it", asked((self,))) for _ in range(count)]
        return parts

    def size(self) -> int | None:
        return None if self.open or any(map(may_be_absent, self.held(False))) else len(self.held(False))

    def truth(self, m: Evaluator) -> bool | Opaque:
        if all(map(may_be_absent, self.held(False))):
            return Opaque("open") if self.held(False) or self.open else False
        return True

    def contains(self, m: Evaluator, item: Value) -> bool | Opaque | None:
        return is_among(m, item, self)

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        return tuple(tensor for item in self.held(False) for tensor in m.tensors(item))


class List(list[Value], Container):
    """A list; `open` if it may hold more than is known."""

    __slots__ = ("born", "open")

    def __init__(self, items: Iterable[Value] = (), open: bool = False) -> None:
        super().__init__(items)
        self.open = open
        self.born = moment()

    __hash__ = object.__hash__  # type: ignore[assignment]

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return element(m, self, key)

    def set_item(self, m: Evaluator, key: Value, new: Value) -> None:
        m.journal.touch(self)
        if isinstance(key, int) and (0 if self.open else -len(self)) <= key < len(self):
            self[key] = new
            return
        m.escape(new)
        if isinstance(key, (int, slice)):
            self.forget(m)
        else:
            self[:] = [m.choose(m.derived(Compare("==", key, index)), new, old) for index, old in enumerate(self)]

    def delete_item(self, m: Evaluator, key: Value) -> None:
        m.journal.touch(self)
        if isinstance(key, int) and not self.open and -len(self) <= key < len(self):
            del self[key]
        else:
            self.forget(m)

    def forget(self, m: Evaluator) -> None:
        """Which items are where is not known from now on; the journal must know of it."""
        m.escape(self)
        self.clear()
        self.open = True

    def iterate(self, m: Evaluator) -> Items:
        m.spend(min(len(self), MAX_ITEMS))
        return present(self, self.open)

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        result = joined(op, self, right)
        return List(result, self.open or of(right).open) if isinstance(result, list) else result

    def held(self, calls: bool) -> Collection[Value]:
        return self

    def as_arg(self) -> object:
        return shown(self, self.open)


class Set(List):
    """A set, its items in the order in which they came."""

    __slots__ = ()

    def __init__(self, items: Iterable[Value] = (), open: bool = False) -> None:
        super().__init__((), open)
        for item in items:
            self.append(item)

    def append(self, item: Value) -> None:
        if isinstance(item, (Opaque, Assumed, Choice)):
            self.open = True  # It may be one that is there.
        elif not is_comparable(item) or item not in self:
            super().append(item)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return Kind.item(self, m, key, spot)


class Dict(dict[Any, Value], Container):
    """A dict, or an object's attributes; `open` if it may hold more than is known.

    A value may be absent where only one of two branches has set it.
    """

    __slots__ = ("born", "open")

    def __init__(self, items: Any = (), open: bool = False) -> None:
        super().__init__(items)
        self.open = open
        self.born = moment()

    __hash__ = object.__hash__  # type: ignore[assignment]

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        if isinstance(key, (*SIMPLE, tuple)) and is_key(key) and key in self:
            return there(m.settled(self[key]))
        if isinstance(key, Opaque) and self and not self.open and len(self) <= FEW:
            result: Value = ABSENT
            for name, item in self.items():
                result = m.choose(m.derived(Compare("==", key, name)), item, result)
            return result
        return Opaque("an item of a dict")

    def set_item(self, m: Evaluator, key: Value, new: Value) -> None:
        if isinstance(key, (str, int, float, bool, type(None))):
            m.store(self, key, new)
            return
        m.journal.touch(self)
        self.open = True
        m.escape(new)

    def delete_item(self, m: Evaluator, key: Value) -> None:
        m.journal.touch(self)
        if isinstance(key, SIMPLE) and key in self:
            del self[key]
        else:
            self.open = True

    def iterate(self, m: Evaluator) -> Items:
        m.spend(min(len(self), MAX_ITEMS))
        sure = [key for key, value in self.items() if not may_be_absent(m.settled(value))]
        return sure, not self.open and len(sure) == len(self)

    def has(self, m: Evaluator, key: Value) -> bool | Opaque:
        """Whether there is such a key, among those that are known."""
        value = m.settled(self.get(key, ABSENT))
        if isinstance(value, Choice) and may_be_absent(value):
            if ABSENT not in (value.then, value.other):
                return Opaque("whether it is there")
            return value.condition if value.other is ABSENT else m.derived(Not(value.condition))
        return value is not ABSENT

    def contains(self, m: Evaluator, item: Value) -> bool | Opaque | None:
        found = is_among(m, item, self)
        return self.has(m, item) if found else found

    def held(self, calls: bool) -> Collection[Value]:
        return self.values()

    def merge(self, more: Value) -> None:
        """`self.update(more)`; the journal must know of it."""
        if isinstance(more, Dict):
            for key, value in more.items():
                self[key] = instead(value, self.get(key, ABSENT))
            self.open = self.open or more.open
        else:
            self.open = True


class Scope(Dict):
    """The variables of a frame. Who reads one says that it is set."""

    __slots__ = ()
