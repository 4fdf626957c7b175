"""Numbers, strings, tuples and the like: Python's own values, which stay as they are."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from ....graph import Tensor, Unknown
from .about import Product, Sum
from .bound import Method
from .guards import asked
from .kind import ABSENT, Adapter, Items, Kind, Opaque, Operator, Value, adapts, derived_number, of
from .lifted import SIMPLE, may_be_absent

if TYPE_CHECKING:
    from ..module import Spot
    from .args import Args
    from .evaluator import Evaluator

NUMBERS = (bool, int, float)
MAX_ITEMS = 5_000
MAX_TEXT = 20_000
MAX_NUMBER = 10**15
MAX_TEMPLATE = 2_000
MAX_POWER = 64
"""Powers and shifts by more make numbers that no program needs."""
_WIDE = re.compile(r"\*|%[^a-zA-Z%]*\d{3,}|:[^{}]*(?:\d{3,}|\{)")
"""Formats that ask for much room, or whose width is a value."""


@adapts(type(None), bool, int, float, complex, bytes, EllipsisType)
class Constant(Adapter[Any]):
    """A number, None, or another value without parts."""

    __slots__ = ()

    def truth(self, m: Evaluator) -> bool | Opaque:
        return bool(self.value)

    def unary(self, m: Evaluator, op: Operator, spot: Spot) -> Value:
        value = self.value
        if isinstance(value, NUMBERS) and not (op.compute is operator.invert and isinstance(value, float)):
            return computed(op.compute, value)
        return super().unary(m, op, spot)

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        if isinstance(self.value, (*NUMBERS, bytes)) and isinstance(right, (*NUMBERS, str, bytes)):
            return _bounded(op, self.value, right)
        return derived_number(m, op, self.raw, right)

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        return () if self.value is None or isinstance(self.value, bytes) else super().tensors(m)

    def as_arg(self) -> object:
        return self.value if isinstance(self.value, SIMPLE) else super().as_arg()


class Ordered(Adapter[Any]):
    """A sequence that nobody changes."""

    __slots__ = ()

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return Method(self.value, name)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return element(m, self.value, key)

    def iterate(self, m: Evaluator) -> Items:
        m.spend(min(len(self.value), MAX_ITEMS))
        return list(self.value[: MAX_ITEMS + 1]), len(self.value) <= MAX_ITEMS

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        return spread(m, self.value, count, star) or super().unpack(m, count, star)

    def size(self) -> int | None:
        return len(self.value)

    def truth(self, m: Evaluator) -> bool | Opaque:
        return bool(self.value)


@adapts(str)
class Text(Ordered):
    """A string."""

    __slots__ = ()

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        return Opaque("a string")

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        if op.name == "Mod":
            return _percent(self.value, right)
        return _bounded(op, self.value, right) if isinstance(right, (*NUMBERS, str, bytes)) else ABSENT

    def contains(self, m: Evaluator, item: Value) -> bool | Opaque | None:
        if not isinstance(item, str):
            return None
        m.spend(len(self.value))
        return item in self.value

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        return ()

    def as_arg(self) -> object:
        return self.value


@adapts(tuple)
class Tuple(Ordered):
    """A tuple."""

    __slots__ = ()

    def iterate(self, m: Evaluator) -> Items:
        m.spend(min(len(self.value), MAX_ITEMS))
        return present(self.value, False)

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        return Opaque(f"tuple.{name}")

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        result = joined(op, self.value, right)
        return m.list(result, of(right).open) if isinstance(result, list) else result

    def contains(self, m: Evaluator, item: Value) -> bool | Opaque | None:
        return is_among(m, item, self.value)

    def held(self, calls: bool) -> Iterable[Value] | None:
        return self.value  # type: ignore[no-any-return]

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        return tuple(tensor for item in self.value for tensor in m.tensors(item))

    def as_arg(self) -> object:
        found = shown(self.value, False)
        return tuple(found) if isinstance(found, list) else found


class Sizes(tuple["Value", ...]):
    """What `tf.shape` gives: the sizes of a tensor, and the tensor of the graph that holds them."""

    source: Tensor


@adapts(Sizes)
class SizesValue(Tuple):
    """A tensor's sizes: who computes with them computes with a tensor."""

    __slots__ = ()

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        part = super().item(m, key, spot)
        if not isinstance(key, slice) or not isinstance(part, tuple):
            return part
        made = Sizes(part)
        made.source = m.apply_op("GetItem", [self.value.source], spot, (len(part),))
        return made

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        return ABSENT

    def tensors(self, m: Evaluator) -> tuple[Tensor, ...]:
        return (self.value.source,)


@adapts(range)
class Range(Ordered):
    """A range."""

    __slots__ = ()

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return Kind.attribute(self, m, name, spot)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return Kind.item(self, m, key, spot)


@adapts(slice)
class Slice(Adapter[Any]):
    """A slice, as an index."""

    __slots__ = ()

    def rows(self) -> int | None:
        """How long it is: `[a:b]`, `[i:i + n]`, `[i * n:(i + 1) * n]`."""
        start, stop = self.value.start or 0, self.value.stop
        if self.value.step is not None:
            return None
        if isinstance(start, int) and isinstance(stop, int) and 0 <= start <= stop:
            return stop - start
        return _stretch(start, stop.about) if isinstance(stop, Opaque) else None


def _stretch(start: Value, stop: object) -> int | None:
    """How far an unknown end lies behind its beginning."""
    if isinstance(stop, Sum) and stop.left is start and isinstance(stop.right, int):
        return stop.right
    first = start.about if isinstance(start, Opaque) else None
    if not (isinstance(stop, Product) and isinstance(first, Product) and isinstance(stop.left, Opaque)):
        return None
    size, more = stop.right, stop.left.about
    follows = isinstance(more, Sum) and more.left is first.left and more.right == 1
    return size if follows and isinstance(size, int) and first.right == size else None


def computed(operate: Callable[..., Any], *values: Any) -> Value:
    """What a function makes of known values; unknown where it raises, or makes a large number."""
    try:
        result: Value = operate(*values)
        large = isinstance(result, (int, complex)) and abs(result) >= MAX_NUMBER
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return Opaque("an operation that raises")
    return Opaque("a large number") if large else result


def _bounded(op: Operator, left: Any, right: Any) -> Value:
    """The same for an operator, where the result can not be huge."""
    if op.name in ("Power", "LeftShift") and not (_within(left, MAX_NUMBER) and _within(right, MAX_POWER)):
        return Opaque("a large number")
    grown = 0
    if isinstance(left, (str, bytes)):
        more = len(right) if isinstance(right, (str, bytes)) else 0
        grown = len(left) * right if isinstance(right, int) else len(left) + more
    elif isinstance(right, (str, bytes)) and isinstance(left, int):
        grown = left * len(right)
    return Opaque("a long string") if grown > MAX_TEXT else computed(op.compute, left, right)


def _within(value: Any, limit: float) -> bool:
    return isinstance(value, NUMBERS) and abs(value) <= limit


def _percent(text: str, right: Value) -> Value:
    values = right if isinstance(right, tuple) else (right,)
    if not all(isinstance(value, (*NUMBERS, str)) for value in values) or not modest(text, values):
        return Opaque("a formatted string")
    return computed(operator.mod, text, values)


def modest(text: str, values: Any) -> bool:
    """Whether formatting or replacing in a text cannot make a huge one."""
    grown = len(text) * (1 + max((len(value) for value in values if isinstance(value, str)), default=0))
    return grown <= MAX_TEXT and len(text) <= MAX_TEMPLATE and not _WIDE.search(text)


def present(items: Sequence[Value], is_open: bool) -> Items:
    """The items that are there for certain, and whether these are all."""
    there = [item for item in items if not may_be_absent(item)]
    return there, not is_open and len(there) == len(items)


def spread(m: Evaluator, sequence: Any, count: int, star: int | None) -> list[Value]:
    """The parts of a sequence for so many targets; none where they do not fit."""
    items, complete = m.iterate(sequence)
    if star is not None and complete and len(items) >= count - 1:
        after = len(items) - (count - star - 1)
        return [*items[:star], m.list(items[star:after]), *items[after:]]
    if complete and len(items) == count:
        return items
    whole = of(sequence).held(False)
    return list(sequence) if whole is not None and not isinstance(sequence, dict) and len(sequence) == count else []


def element(m: Evaluator, sequence: Any, key: Value) -> Value:
    """An element, or a slice, of a str, list or tuple."""
    is_open = of(sequence).open
    if isinstance(key, slice):
        return _slice(m, sequence, key, is_open)
    known = isinstance(key, int) and not (is_open and not 0 <= key < len(sequence))
    if known and not (isinstance(sequence, list) and _is_shifted(m, sequence, key)):
        try:
            return sequence[key]  # type: ignore[no-any-return]
        except IndexError:
            return Opaque("an index out of range")
    m.escape(sequence)  # It may be any of them.
    return Opaque("an element", asked((sequence,)))


def _slice(m: Evaluator, sequence: Any, key: slice, is_open: bool) -> Value:
    if (
        is_open
        or key.step == 0
        or not all(isinstance(part, (int, type(None))) for part in (key.start, key.stop, key.step))
    ):
        return Opaque("a part of a string") if isinstance(sequence, str) else m.list(sequence, is_open=True)
    cut: Any = list(sequence)[key] if isinstance(sequence, list) else sequence[key]
    return m.list(cut) if isinstance(cut, list) else cut


def _is_shifted(m: Evaluator, sequence: list[Value], key: Value) -> bool:
    """Whether an item that may be absent decides what stands at an index."""
    before = sequence[: key + 1] if isinstance(key, int) and key >= 0 else sequence
    m.spend(len(before))
    return any(map(may_be_absent, before))


def joined(op: Operator, left: Any, right: Value) -> Any:
    """Two sequences one behind the other, or one so many times; ABSENT for anything else."""
    if op.name == "Add" and isinstance(right, (list, tuple)):
        if len(left) + len(right) > MAX_ITEMS:
            return Opaque("a long list")
        return left + right if isinstance(left, tuple) and isinstance(right, tuple) else [*left, *right]
    if op.name == "Multiply" and isinstance(right, int) and len(left) * right < MAX_ITEMS:
        return left * right
    return ABSENT


def is_among(m: Evaluator, item: Value, container: Any) -> bool | None:
    """Whether a value is among those of a container that is known as a whole; None where that is not known."""
    if of(container).open or not (is_small(item) and is_comparable(item)):
        return None
    m.spend(16 * len(container))
    known = is_small(container, MAX_ITEMS) and all(map(is_comparable, container))
    return item in list(container) if known else None


def is_comparable(value: Value) -> bool:
    """Whether Python's own comparison says what the program's would."""
    if isinstance(value, (tuple, list)):
        return not of(value).open and all(map(is_comparable, value))
    return isinstance(value, SIMPLE)


def is_small(value: Value, limit: int = 1_000) -> bool:
    """Whether a value has at most this many parts, those of its parts counted in. One that holds itself has more."""
    count = 0
    stack: list[Any] = [value] if isinstance(value, (list, tuple, dict)) else []
    while stack:
        container = stack.pop()
        items = container.values() if isinstance(container, dict) else container
        count += len(items)
        if count > limit:
            return False
        stack += [item for item in items if isinstance(item, (list, tuple, dict))]
    return True


def is_key(key: Value) -> bool:
    """Whether a value can be the key of a dict."""
    if not is_small(key):
        return False
    try:
        hash(key)
    except TypeError:
        return False
    return True


def shown(sequence: Sequence[Value], is_open: bool) -> list[object] | Unknown:
    """A sequence as the graph shows it."""
    if not is_small(sequence):  # type: ignore[arg-type]
        return Unknown("a long sequence")
    items = [of(item).as_arg() for item in sequence]
    known = not is_open and not any(isinstance(item, Unknown) for item in items)
    return items if known else Unknown("a sequence not all known")
