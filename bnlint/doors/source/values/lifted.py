"""Values of which something is known: one of two, and what is known only as a default."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....graph import Layer, Tensor
from .about import Truth
from .kind import ABSENT, Items, Kind, Opaque, Operator, Value, layer_of, of

if TYPE_CHECKING:
    from ..module import Spot
    from .args import Args
    from .evaluator import Evaluator

ALL = 1_000
"""More alternatives than a value has that is worth a look."""
SIMPLE = (bool, int, float, str, bytes, type(None))


@dataclass(frozen=True, slots=True)
class Assumed(Kind):
    """A value known only as the default of a parameter or a flag."""

    value: Value

    @property
    def layer(self) -> Layer | None:
        return layer_of(self.value)

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        if isinstance(self.value, (bool, int, float)):
            return Kind.attribute(self, m, name, spot)
        found = m.attribute(self.value, name, spot)
        return Assumed(found) if isinstance(self.value, str) else found

    def call(self, m: Evaluator, args: Args) -> Value:
        result = of(self.value).call(m, args)
        return Assumed(result) if isinstance(result, (*SIMPLE, tuple, list)) else result

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return Assumed(m.item(self.value, key, spot))

    def iterate(self, m: Evaluator) -> Items:
        items, _ = m.iterate(self.value)
        return [Assumed(item) if isinstance(item, SIMPLE) else item for item in items], False

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        return [Assumed(part) for part in of(self.value).unpack(m, count, star)]

    def truth(self, m: Evaluator) -> bool | Opaque:
        return m.derived(Truth(self))

    def unary(self, m: Evaluator, operator: Operator, spot: Spot) -> Value:
        return Assumed(of(self.value).unary(m, operator, spot))

    def as_arg(self) -> object:
        return of(self.value).as_arg()


def bare(value: Value) -> Value:
    """The value itself, be it known only as a default."""
    return value.value if isinstance(value, Assumed) else value


def assumed_like(values: Iterable[Value], result: Value) -> Value:
    """What follows from these values: known only as a default where one of them is."""
    unsure = any(isinstance(value, Assumed) for value in values) and not isinstance(result, Opaque)
    return Assumed(result) if unsure else result


@dataclass(frozen=True, slots=True, eq=False)
class Choice(Kind):
    """One of two values, as an unknown condition decides."""

    condition: Opaque
    then: Value
    other: Value
    partial: bool = field(init=False)
    """Whether it may be absent."""

    def __post_init__(self) -> None:
        partial = any(side is ABSENT or may_be_absent(side) for side in (self.then, self.other))
        object.__setattr__(self, "partial", partial)

    def leaves(self, limit: int = 6) -> list[Value]:
        """The possible values; an Opaque in place of what is beyond the limit."""
        found: list[Value] = []
        stack: list[Value] = [self]
        opened: set[int] = set()  # Branches share what they chose from.
        while stack:
            value = stack.pop()
            if isinstance(value, Choice):
                if id(value) not in opened:
                    opened.add(id(value))
                    stack += [value.other, value.then]
            elif not any(value is seen for seen in found):
                if len(found) == limit:
                    return [*found, Opaque("too many alternatives")]
                found.append(value)
        return found

    def mapped(self, act: Callable[[Value], Value]) -> Value:
        """The same choice between what a function makes of the alternatives; of these, none that is ABSENT."""
        made: dict[int, Value] = {}
        stack: list[Value] = [self]
        while stack:
            value = stack[-1]
            sides = [value.then, value.other] if isinstance(value, Choice) else []
            ahead = [side for side in sides if id(side) not in made]
            if ahead:
                stack += ahead
                continue
            stack.pop()
            if not isinstance(value, Choice):
                made[id(value)] = act(value)
                continue
            then, other = made[id(value.then)], made[id(value.other)]
            if then is value.then and other is value.other and ABSENT not in (then, other):
                made[id(value)] = value
            elif then is other or other is ABSENT:
                made[id(value)] = then
            else:
                made[id(value)] = other if then is ABSENT else Choice(value.condition, then, other)
        return made[id(self)]

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return m.each(self, lambda one: m.attribute(one, name, spot))

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        def write(one: Value) -> Value:
            m.set_attribute(one, name, new, spot)
            return None

        m.each(self, write)

    def call(self, m: Evaluator, args: Args) -> Value:
        return m.each(self, lambda one: of(one).call(m, args))

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return m.each(self, lambda one: m.item(one, key, spot))

    def set_item(self, m: Evaluator, key: Value, new: Value) -> None:
        def write(one: Value) -> Value:
            of(one).set_item(m, key, new)
            return None

        m.each(self, write)

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        parts = {id(leaf): of(leaf).unpack(m, count, star) for leaf in self.leaves(ALL)}
        return [self.mapped(lambda leaf, i=i: parts[id(leaf)][i]) for i in range(count)]  # type: ignore[misc]

    def truth(self, m: Evaluator) -> bool | Opaque:
        sides = {m.truth(leaf) if not isinstance(leaf, Opaque) else None for leaf in self.leaves()}
        if len(sides) == 1 and isinstance(only := sides.pop(), bool):
            return only
        then, other = (self._truth_of(m, side) for side in (True, False))
        if then is True and other is False:
            return self.condition
        if then is other and isinstance(then, bool):
            return then
        return m.derived(Truth(self))

    def _truth_of(self, m: Evaluator, side: bool) -> bool | Opaque:
        """Whether one of the two values is true, where the condition chooses it."""
        with m.assuming(self.condition, side):
            value = m.settled(self.then if side else self.other)
            return Opaque("several alternatives") if isinstance(value, Choice) else m.truth(value)

    def unary(self, m: Evaluator, operator: Operator, spot: Spot) -> Value:
        return m.each(self, lambda one: of(one).unary(m, operator, spot))

    def held(self, calls: bool) -> Iterable[Value] | None:
        return self.leaves()

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        leaves = self.leaves()
        if any(of(leaf).held(False) is not None for leaf in leaves):
            return tuple(dict.fromkeys(tensor for leaf in leaves for tensor in m.tensors(leaf)))
        return (m.tensor(self),)


def may_be_absent(value: Value) -> bool:
    """Whether a value is there in some branches only."""
    return isinstance(value, Choice) and value.partial


def there(value: Value) -> Value:
    """The value where it may be absent, for code that runs only where it is there."""
    return value.mapped(lambda leaf: leaf) if isinstance(value, Choice) and value.partial else value


def instead(value: Value, other: Value) -> Value:
    """The value, or another one where it is absent."""
    if isinstance(value, Choice) and value.partial:
        return value.mapped(lambda leaf: other if leaf is ABSENT else leaf)
    return other if value is ABSENT else value
