"""Lists and dicts, which the journal can take back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ....graph import Tensor
from .about import Compare, Not
from .bound import Method
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


class List(list[Value], Kind):
    """A list or a set; `open` if it may hold more than is known."""

    __slots__ = ("open",)

    def __init__(self, items: Iterable[Value] = (), open: bool = False) -> None:
        super().__init__(items)
        self.open = open

    __hash__ = object.__hash__  # type: ignore[assignment]

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return Method(self, name)

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        return Opaque(f"list.{name}")

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return element(m, self, key)

    def set_item(self, m: Evaluator, key: Value, new: Value) -> None:
        m.journal.touch(self)
        if isinstance(key, int) and not self.open and -len(self) <= key < len(self):
            self[key] = new
            return
        m.escape(new)
        if isinstance(key, slice):
            m.escape(self)
            self.clear()
            self.open = True
        else:
            self[:] = [m.choose(m.derived(Compare("==", key, index)), new, old) for index, old in enumerate(self)]

    def delete_item(self, m: Evaluator, key: Value) -> None:
        m.journal.touch(self)
        if isinstance(key, int) and not self.open and -len(self) <= key < len(self):
            del self[key]
            return
        m.escape(self)
        self.clear()
        self.open = True

    def iterate(self, m: Evaluator) -> Items:
        m.spend(min(len(self), MAX_ITEMS))
        return present(self, self.open)

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        return spread(m, self, count, star) or super().unpack(m, count, star)

    def size(self) -> int | None:
        return None if self.open or any(map(may_be_absent, self)) else len(self)

    def truth(self, m: Evaluator) -> bool | Opaque:
        if all(map(may_be_absent, self)):
            return Opaque("open") if self or self.open else False
        return True

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        result = joined(op, self, right)
        return List(result, self.open or of(right).open) if isinstance(result, list) else result

    def contains(self, m: Evaluator, item: Value) -> bool | Opaque | None:
        return is_among(m, item, self)

    def held(self, calls: bool) -> Iterable[Value] | None:
        return self

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        return tuple(tensor for item in self for tensor in m.tensors(item))

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


class Dict(dict[Any, Value], Kind):
    """A dict, or an object's attributes; `open` if it may hold more than is known.

    A value may be absent where only one of two branches has set it.
    """

    __slots__ = ("open",)

    def __init__(self, items: Any = (), open: bool = False) -> None:
        super().__init__(items)
        self.open = open

    __hash__ = object.__hash__  # type: ignore[assignment]

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return Method(self, name)

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        return Opaque(f"dict.{name}")

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
        return list(sure), not self.open and len(sure) == len(self)

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        return spread(m, self, count, star) or super().unpack(m, count, star)

    def size(self) -> int | None:
        return None if self.open or any(map(may_be_absent, self.values())) else len(self)

    def truth(self, m: Evaluator) -> bool | Opaque:
        if all(map(may_be_absent, self.values())):
            return Opaque("open") if self or self.open else False
        return True

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

    def held(self, calls: bool) -> Iterable[Value] | None:
        return self.values()

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        return tuple(tensor for item in self.values() for tensor in m.tensors(item))

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
