"""Values of which something is known: one of two, and what is known only as a default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....graph import Layer, Tensor
from .about import Truth
from .kind import ABSENT, Items, Kind, Opaque, Operator, Value, layer_of, of

if TYPE_CHECKING:
    from ..module import Spot
    from .args import Args
    from .evaluator import Evaluator

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
        return m.attribute(self.value, name, spot)

    def call(self, m: Evaluator, args: Args) -> Value:
        return of(self.value).call(m, args)

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
        then, other = (of(leaf).unpack(m, count, star) for leaf in (self.then, self.other))
        return [m.choose(self.condition, *pair) for pair in zip(then, other, strict=False)]

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
            return m.truth(self.then if side else self.other)

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
    return isinstance(value, Choice) and any(
        side is ABSENT or may_be_absent(side) for side in (value.then, value.other)
    )


def there(value: Value) -> Value:
    """The value where it may be absent, for code that runs only where it is there."""
    if not isinstance(value, Choice) or not may_be_absent(value):
        return value
    if ABSENT in (value.then, value.other):
        return there(value.other if value.then is ABSENT else value.then)
    return Choice(value.condition, there(value.then), there(value.other))


def instead(value: Value, other: Value) -> Value:
    """The value, or another one where it is absent."""
    if value is ABSENT:
        return other
    if not isinstance(value, Choice) or not may_be_absent(value):
        return value
    return Choice(value.condition, instead(value.then, other), instead(value.other, other))
