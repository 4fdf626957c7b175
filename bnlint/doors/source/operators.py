"""What operators, items and iteration do to values."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from .layers import apply_op, is_tensor
from .machine import Machine
from .module import Spot
from .values import (
    ABSENT,
    Array,
    Assumed,
    Choice,
    Dataset,
    Dict,
    Func,
    Gradients,
    Instance,
    Layers,
    List,
    Opaque,
    Symbol,
    Value,
    Weights,
    is_small,
)

NUMBERS = (bool, int, float)
MAX_ITEMS = 5_000
MAX_TEXT = 20_000
MAX_NUMBER = 10**15
MAX_TEMPLATE = 2_000
_WIDE = re.compile(r"\*|%[^a-zA-Z%]*\d{3,}|:[^{}]*(?:\d{3,}|\{)")
"""Formats that ask for much room, or whose width is a value."""


def arithmetic(
    m: Machine, kind: str, operate: Callable[[Any, Any], Any], left: Value, right: Value, spot: Spot
) -> Value:
    """A binary operator: computed where both sides are known, a call in the graph where one is a tensor."""
    if is_tensor(left) or is_tensor(right):
        return apply_op(m, kind, [left, right], spot)
    if isinstance(left, Choice) or isinstance(right, Choice):
        if isinstance(left, Choice):
            return m.each(left, lambda value: arithmetic(m, kind, operate, value, right, spot))
        return m.each(right, lambda value: arithmetic(m, kind, operate, left, value, spot))
    if isinstance(left, Assumed) or isinstance(right, Assumed):
        result = arithmetic(m, kind, operate, bare(left), bare(right), spot)
        return result if isinstance(result, Opaque) else Assumed(result)
    if isinstance(left, Array) or isinstance(right, Array):
        array = left if isinstance(left, Array) else right
        return array if kind in ("Add", "Subtract", "Multiply", "TrueDivide") else Array()
    if isinstance(left, (List, tuple)) and isinstance(right, (List, tuple)) and kind == "Add":
        if len(left) + len(right) > MAX_ITEMS:
            return Opaque("a long list")
        if isinstance(left, tuple) and isinstance(right, tuple):
            return left + right
        return List([*left, *right], open=getattr(left, "open", False) or getattr(right, "open", False))
    if (
        isinstance(left, (List, tuple))
        and isinstance(right, int)
        and kind == "Multiply"
        and len(left) * right < MAX_ITEMS
    ):
        items = list(left) * right
        return List(items, open=left.open) if isinstance(left, List) else tuple(items)
    if isinstance(left, Weights) and isinstance(right, Weights):
        return Weights((*left.models, *right.models))
    if isinstance(left, str) and kind == "Mod":
        return _percent(left, right)
    if isinstance(left, (*NUMBERS, str, bytes)) and isinstance(right, (*NUMBERS, str, bytes)):
        return _compute(kind, operate, left, right)
    if kind in ("Add", "Multiply") and isinstance(left, (Opaque, int)) and isinstance(right, (Opaque, int)):
        return m.derived(kind, left, right)
    return Opaque(f"{kind} of unknown values")


def _compute(kind: str, operate: Callable[[Any, Any], Any], left: Any, right: Any) -> Value:
    if kind in ("Power", "LeftShift") and not (_within(left, MAX_NUMBER) and _within(right, 64)):
        return Opaque("a large number")
    if isinstance(left, (str, bytes)):
        grown = (
            len(left) * right
            if isinstance(right, int)
            else len(left) + (len(right) if isinstance(right, (str, bytes)) else 0)
        )
        if grown > MAX_TEXT:
            return Opaque("a long string")
    if isinstance(right, (str, bytes)) and isinstance(left, int) and left * len(right) > MAX_TEXT:
        return Opaque("a long string")
    return computed(operate, left, right)


def _within(value: Any, limit: float) -> bool:
    return isinstance(value, NUMBERS) and abs(value) <= limit


def computed(operate: Callable[..., Any], *values: Any) -> Value:
    """What a function makes of known values; unknown where it raises, or makes a large number."""
    try:
        result = operate(*values)
        large = isinstance(result, (int, complex)) and abs(result) >= MAX_NUMBER
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return Opaque("an operation that raises")
    return Opaque("a large number") if large else result


def _percent(text: str, right: Value) -> Value:
    values = right if isinstance(right, tuple) else (right,)
    if not all(isinstance(value, (*NUMBERS, str)) for value in values) or not modest(text, values):
        return Opaque("a formatted string")
    return computed(operator.mod, text, values)


def modest(text: str, values: Any) -> bool:
    """Whether formatting or replacing in a text cannot make a huge one."""
    grown = len(text) * (1 + max((len(value) for value in values if isinstance(value, str)), default=0))
    return grown <= MAX_TEXT and len(text) <= MAX_TEMPLATE and not _WIDE.search(text)


def bare(value: Value) -> Value:
    return value.value if isinstance(value, Assumed) else value


def absolute(m: Machine, kind: str, operate: Callable[[Any], Any], value: Value, spot: Spot) -> Value:
    """A unary operator."""
    if is_tensor(value):
        return apply_op(m, kind, [value], spot)
    if isinstance(value, Choice):
        return m.each(value, lambda one: absolute(m, kind, operate, one, spot))
    if isinstance(value, Assumed):
        return Assumed(absolute(m, kind, operate, value.value, spot))
    if isinstance(value, NUMBERS) and not (operate is operator.invert and isinstance(value, float)):
        return operate(value)
    return value if isinstance(value, Array) else Opaque(f"{kind} of an unknown value")


_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SIMPLE = (bool, int, float, str, bytes, type(None))


def compare(m: Machine, sign: str, left: Value, right: Value) -> bool | Opaque:
    """A comparison: True, False, or the condition that decides it."""
    left, right = m.settled(left), m.settled(right)
    if isinstance(left, Choice) or isinstance(right, Choice):
        choice = left if isinstance(left, Choice) else right
        sides = [
            compare(m, sign, *((leaf, right) if choice is left else (left, leaf)))
            for leaf in choice.leaves()
            if leaf is not ABSENT
        ]
        first = sides[0]
        if all(isinstance(side, bool) for side in sides) and all(side == first for side in sides):
            return first
        return m.derived("cmp", sign, _part(left), _part(right))
    if sign in ("is", "is not"):
        return _identity(m, sign == "is", left, right)
    if isinstance(left, Symbol) and isinstance(right, Symbol) and sign in ("==", "!="):
        return (left.path == right.path) == (sign == "==")
    if is_small(left) and is_small(right) and _comparable(left) and _comparable(right):
        try:
            return bool(_SIGNS[sign](left, right))
        except TypeError:
            return Opaque("a comparison that raises")
    if sign == "!=":
        return m.derived("not", m.derived("cmp", "==", _part(left), _part(right)))
    return m.derived("cmp", sign, _part(left), _part(right))


def _comparable(value: Value) -> bool:
    if isinstance(value, (tuple, List)):
        return not getattr(value, "open", False) and all(_comparable(item) for item in value)
    return isinstance(value, SIMPLE)


def _part(value: Value) -> object:
    return _part(value.value) if isinstance(value, Assumed) and isinstance(value.value, Opaque) else value


def _identity(m: Machine, same: bool, left: Value, right: Value) -> bool | Opaque:
    if (right is None and isinstance(left, Opaque)) or (left is None and isinstance(right, Opaque)):
        condition = m.derived("cmp", "is", left, right)
    elif isinstance(left, Assumed) or isinstance(right, Assumed):
        condition = m.derived("cmp", "is", bare(left), bare(right))
    elif isinstance(left, Opaque) or isinstance(right, Opaque):
        condition = m.derived("cmp", "is", left, right)
    else:
        equal = left is right or (isinstance(left, SIMPLE) and type(left) is type(right) and left == right)
        return equal == same
    fact = m.truth_of(condition)
    if fact is not None:
        return fact == same
    return condition if same else m.derived("not", condition)


def contains(m: Machine, item: Value, container: Value) -> bool | Opaque:
    """`item in container`."""
    closed = isinstance(container, (List, tuple, Dict)) and not getattr(container, "open", False)
    if closed and is_small(item) and _comparable(item):
        m.spend(16 * len(container))
        if is_small(container, MAX_ITEMS) and all(_comparable(one) for one in container):
            return item in list(container)
    if isinstance(container, str) and isinstance(item, str):
        m.spend(len(container))
        return item in container
    if isinstance(container, Instance):
        return Opaque("an object's items")
    return m.derived("in", _part(item), _part(container))


def subscript(m: Machine, value: Value, key: Value, spot: Spot) -> Value:
    """`value[key]`."""
    if is_tensor(value):
        return apply_op(m, "GetItem", [value], spot)
    if isinstance(value, Choice):
        return m.each(value, lambda one: subscript(m, one, key, spot))
    if isinstance(key, Choice):
        return m.each(key, lambda one: subscript(m, value, one, spot))
    if isinstance(value, Assumed):
        return Assumed(subscript(m, value.value, key, spot))
    if isinstance(key, Assumed):
        result = subscript(m, value, key.value, spot)
        return result if isinstance(result, (Opaque, Symbol, Func)) else Assumed(result)
    if isinstance(value, Dict):
        return _item(m, value, key)
    if isinstance(value, (List, tuple, str)):
        return _element(m, value, key)
    if isinstance(value, Array):
        return _cut(value, key)
    if isinstance(value, Layers):
        part = Layers(value.model, _part_of(key) if value.whole else None)
        return part if isinstance(key, slice) else Opaque("a layer of a model", key=("layer of", part))
    if isinstance(value, Opaque):
        size = _length(key) if isinstance(key, slice) else key.samples if isinstance(key, Array) else None
        return Opaque(f"an item of {value.reason}", batch=value.batch) if size is None else Array((size,))
    if isinstance(value, Instance):
        return m.call_method(value, "__getitem__", [key], spot)
    return Opaque("an item")


def _part_of(key: Value) -> tuple[int | None, int | None] | None:
    """Where the layers of a slice, or the one at an index, begin and end; None where that is not known."""
    if isinstance(key, int):
        return key, key + 1 or None
    if not isinstance(key, slice) or key.step is not None:
        return None
    bounds = (key.start, key.stop)
    return bounds if all(bound is None or isinstance(bound, int) for bound in bounds) else None


def _item(m: Machine, table: Dict, key: Value) -> Value:
    if isinstance(key, (*SIMPLE, tuple)) and is_key(key) and key in table:
        return m.settled(table[key])
    if isinstance(key, Opaque) and table and not table.open and len(table) <= 4:
        result: Value = ABSENT
        for name, item in table.items():
            result = m.choose(m.derived("cmp", "==", key, name), item, result)
        return result
    return Opaque("an item of a dict")


def is_key(key: Value) -> bool:
    """Whether a value can be the key of a dict."""
    if not is_small(key):
        return False
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _element(m: Machine, value: Any, key: Value) -> Value:
    if isinstance(key, slice):
        parts = (key.start, key.stop, key.step)
        known = all(part is None or isinstance(part, int) for part in parts) and key.step != 0
        if known and not getattr(value, "open", False):
            cut = value[key] if not isinstance(value, List) else list(value)[key]
            return List(cut) if isinstance(value, List) else cut
        return List(value, open=True) if not isinstance(value, str) else Opaque("a part of a string")
    if isinstance(key, int) and not (getattr(value, "open", False) and (key < 0 or key >= len(value))):
        try:
            return value[key]
        except IndexError:
            return Opaque("an index out of range")
    m.escape(value)  # It may be any of them.
    return Opaque("an element")


def _cut(array: Array, key: Value) -> Value:
    if array.shape is None or not array.shape:
        return Array()
    first = key[0] if isinstance(key, tuple) and key else key
    if isinstance(first, slice):
        size: Value = _length(first)
        bounds = (first.start, first.stop, first.step)
        if array.samples is not None and first.step != 0 and all(type(one) in (int, type(None)) for one in bounds):
            size = len(range(array.samples)[first])
        elif size is None:
            whole = first.start is None and first.stop is None and first.step is None
            size = array.shape[0] if whole else Opaque("a slice")
        elif array.samples is not None:
            size = min(size, array.samples)
        return Array((size, *array.shape[1:]))
    if isinstance(first, Array) and first.samples is not None:
        return Array((first.samples, *array.shape[1:]))
    if isinstance(first, int):
        return Array(array.shape[1:]) if len(array.shape) > 1 else Opaque("a number")
    return Array((Opaque("an index array"), *array.shape[1:]))


def _length(cut: slice) -> int | None:
    """How long a slice is: `[a:b]`, `[i:i + n]`, `[i * n:(i + 1) * n]`."""
    start, stop = cut.start or 0, cut.stop
    if cut.step is not None:
        return None
    if isinstance(start, int) and isinstance(stop, int) and 0 <= start <= stop:
        return stop - start
    if not isinstance(stop, Opaque) or stop.key is None:
        return None
    kind, left, right = (*stop.key, None, None)[:3]
    if kind == "Add" and left is start and isinstance(right, int):
        return right
    if (
        kind == "Multiply"
        and isinstance(start, Opaque)
        and start.key
        and start.key[0] == "Multiply"
        and start.key[2] == right
    ):
        stepped = getattr(left, "key", None)
        if (
            isinstance(right, int)
            and stepped
            and stepped[0] == "Add"
            and stepped[1] is start.key[1]
            and stepped[2] == 1
        ):
            return right
    return None


def items_of(m: Machine, value: Value) -> tuple[list[Value], bool]:
    """The items of an iterable, and whether these are all and certain."""
    value = m.settled(value)
    if isinstance(value, (List, tuple, range, str, Dict)):
        m.spend(min(len(value), MAX_ITEMS))
    if isinstance(value, (List, tuple)):
        present = [item for item in value if not (isinstance(item, Choice) and ABSENT in (item.then, item.other))]
        return present, not getattr(value, "open", False) and len(present) == len(value)
    if isinstance(value, range):
        return list(value[: MAX_ITEMS + 1]), len(value) <= MAX_ITEMS
    if isinstance(value, str):
        return list(value[:MAX_ITEMS]), len(value) <= MAX_ITEMS
    if isinstance(value, Dict):
        return list(value), not value.open
    if isinstance(value, Assumed):
        items, _ = items_of(m, value.value)
        return [Assumed(item) if isinstance(item, SIMPLE) else item for item in items], False
    if isinstance(value, Dataset):
        return [Opaque("a batch of a data set", batch=value)], False
    if isinstance(value, Layers):
        return [Opaque("a layer of a model", key=("layer of", value))], False
    if isinstance(value, (Gradients, Weights)):
        return [value], False
    if isinstance(value, Array) and value.shape:
        return [Array(value.shape[1:]) if len(value.shape) > 1 else Opaque("a number")], False
    batch = value.batch if isinstance(value, Opaque) else None
    return [Opaque("an item of an unknown iterable", batch=batch)], False
