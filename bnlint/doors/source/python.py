"""What plain Python does to values: operators, items, iteration, the builtins and the methods of its types."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from .layers import apply_op, is_tensor, layer_of
from .machine import Args, Machine
from .module import Spot
from .values import (
    ABSENT,
    Array,
    Assumed,
    Bound,
    Choice,
    Class,
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
)

NUMBERS = (bool, int, float)
MAX_ITEMS = 5_000
MAX_TEXT = 20_000
MAX_NUMBER = 10**15
_WIDE = re.compile(r"\d{5,}|\*")


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
        result = arithmetic(m, kind, operate, _bare(left), _bare(right), spot)
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
    if kind in ("Power", "LeftShift") and (abs(right) > 64 or abs(left) > MAX_NUMBER):
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
    try:
        result = operate(left, right)
    except (ArithmeticError, TypeError, ValueError):
        return Opaque("an operation that raises")
    return result if not isinstance(result, (int, complex)) or abs(result) < MAX_NUMBER else Opaque("a large number")


def _percent(text: str, right: Value) -> Value:
    values = right if isinstance(right, tuple) else (right,)
    if not all(isinstance(value, (*NUMBERS, str)) for value in values) or not _modest(text, values):
        return Opaque("a formatted string")
    try:
        return text % values
    except (TypeError, ValueError):
        return Opaque("a formatted string")


def _modest(text: str, values: Any) -> bool:
    """Whether formatting or replacing in a text cannot make a huge one."""
    grown = len(text) * (1 + max((len(value) for value in values if isinstance(value, str)), default=0))
    return grown <= MAX_TEXT and not _WIDE.search(text)


def _bare(value: Value) -> Value:
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
_SIMPLE = (bool, int, float, str, bytes, type(None))


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
    if _comparable(left) and _comparable(right):
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
    return isinstance(value, _SIMPLE)


def _part(value: Value) -> object:
    return _part(value.value) if isinstance(value, Assumed) and isinstance(value.value, Opaque) else value


def _identity(m: Machine, same: bool, left: Value, right: Value) -> bool | Opaque:
    if (right is None and isinstance(left, Opaque)) or (left is None and isinstance(right, Opaque)):
        condition = m.derived("cmp", "is", left, right)
    elif isinstance(left, Assumed) or isinstance(right, Assumed):
        condition = m.derived("cmp", "is", _bare(left), _bare(right))
    elif isinstance(left, Opaque) or isinstance(right, Opaque):
        condition = m.derived("cmp", "is", left, right)
    else:
        equal = left is right or (isinstance(left, _SIMPLE) and type(left) is type(right) and left == right)
        return equal == same
    fact = m.truth_of(condition)
    if fact is not None:
        return fact == same
    return condition if same else m.derived("not", condition)


def contains(m: Machine, item: Value, container: Value) -> bool | Opaque:
    """`item in container`."""
    closed = isinstance(container, (List, tuple, Dict)) and not getattr(container, "open", False)
    if closed and _comparable(item) and all(_comparable(one) for one in container):
        return item in list(container)
    if isinstance(container, str) and isinstance(item, str):
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
        return _element(value, key)
    if isinstance(value, Array):
        return _cut(value, key)
    if isinstance(value, Layers):
        return Layers(value.model, whole=False) if isinstance(key, slice) else Opaque("a layer of a model")
    if isinstance(value, Opaque):
        size = _length(key) if isinstance(key, slice) else key.samples if isinstance(key, Array) else None
        return Opaque(f"an item of {value.reason}", batch=value.batch) if size is None else Array((size,))
    if isinstance(value, Instance):
        return m.call_method(value, "__getitem__", [key], spot)
    return Opaque("an item")


def _item(m: Machine, table: Dict, key: Value) -> Value:
    if isinstance(key, (*_SIMPLE, tuple)) and _is_key(key) and key in table:
        return m.settled(table[key])
    if isinstance(key, Opaque) and table and not table.open and len(table) <= 4:
        result: Value = ABSENT
        for name, item in table.items():
            result = m.choose(m.derived("cmp", "==", key, name), item, result)
        return result
    return Opaque("an item of a dict")


def _is_key(key: Value) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _element(value: Any, key: Value) -> Value:
    if isinstance(key, slice):
        parts = (key.start, key.stop, key.step)
        if all(part is None or isinstance(part, int) for part in parts) and not getattr(value, "open", False):
            cut = value[key] if not isinstance(value, List) else list(value)[key]
            return List(cut) if isinstance(value, List) else cut
        return List(value, open=True) if not isinstance(value, str) else Opaque("a part of a string")
    if isinstance(key, int) and not (getattr(value, "open", False) and (key < 0 or key >= len(value))):
        try:
            return value[key]
        except IndexError:
            return Opaque("an index out of range")
    return Opaque("an element")


def _cut(array: Array, key: Value) -> Value:
    if array.shape is None or not array.shape:
        return Array()
    first = key[0] if isinstance(key, tuple) and key else key
    if isinstance(first, slice):
        size: Value = _length(first)
        if size is None:
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
        return [Assumed(item) if isinstance(item, _SIMPLE) else item for item in items], False
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


def _len(value: Value) -> Value:
    if isinstance(value, (List, tuple, Dict, str, range)) and not getattr(value, "open", False):
        return len(value)
    if isinstance(value, Array) and value.samples is not None:
        return value.samples
    return Opaque("a length")


def _zip(m: Machine, args: Args) -> Value:
    if any(isinstance(value, (Gradients, Weights)) for value in args.positional):
        return List([tuple(args.positional)], open=True)
    columns = [items_of(m, value) for value in args.positional]
    return List(zip(*[items for items, _ in columns], strict=False), open=not all(complete for _, complete in columns))


def _enumerate(m: Machine, args: Args) -> Value:
    value = args.get(0, "iterable")
    items, complete = items_of(m, value)
    start = args.get(1, "start", 0)
    if not isinstance(start, int):
        start = 0
    index = (lambda i: i + start) if complete else (lambda i: Opaque("an index"))
    return List([(index(i), item) for i, item in enumerate(items)], open=not complete)


def _range(m: Machine, args: Args) -> Value:
    values = [_bare(value) for value in args.positional]
    if not values or not all(isinstance(value, int) for value in values):
        return Opaque("a range")
    try:
        result = range(*values)
    except (TypeError, ValueError):
        return Opaque("a range")
    return result if not any(isinstance(value, Assumed) for value in args.positional) else Assumed(result)


def _number(convert: Callable[[Any], Any]) -> Callable[[Machine, Args], Value]:
    def call(m: Machine, args: Args) -> Value:
        value = args.get(0, "x", 0)

        def one(value: Value) -> Value:
            if isinstance(value, Assumed):
                return Assumed(one(value.value))
            if isinstance(value, (*NUMBERS, str)):
                try:
                    return convert(value)
                except (ValueError, OverflowError):
                    return Opaque("a number that does not parse")
            return value if isinstance(value, Array) else Opaque("a number")

        return m.each(value, one)

    return call


def _fold(combine: Callable[[Any], Any]) -> Callable[[Machine, Args], Value]:
    def call(m: Machine, args: Args) -> Value:
        values: list[Value] = list(args.positional)
        if len(values) == 1:
            values, complete = items_of(m, values[0])
            if not complete:
                return Opaque("of an unknown iterable")
        assumed = any(isinstance(value, Assumed) for value in values)
        values = [_bare(value) for value in values]
        if not values or not all(isinstance(value, NUMBERS) for value in values):
            return Opaque("of unknown values")
        result = combine(values)
        return Assumed(result) if assumed else result

    return call


def _collection(m: Machine, args: Args) -> Value:
    if not args.positional:
        return List()
    items, complete = items_of(m, args.positional[0])
    return List(items, open=not complete)


def _tuple(m: Machine, args: Args) -> Value:
    if not args.positional:
        return ()
    items, complete = items_of(m, args.positional[0])
    return tuple(items) if complete else List(items, open=True)


def _dict(m: Machine, args: Args) -> Value:
    result = Dict(open=args.open)
    if args.positional:
        source = args.positional[0]
        if isinstance(source, Dict):
            result.update(source)
            result.open = source.open
        else:
            items, complete = items_of(m, source)
            for item in items:
                if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], (str, int)):
                    result[item[0]] = item[1]
                else:
                    complete = False
            result.open = not complete
    result.update(args.keywords)
    return result


def _isinstance(m: Machine, args: Args) -> Value:
    value, wanted = args.get(0, "object"), args.get(1, "class")
    if isinstance(wanted, tuple):
        answers = [_is_instance(m, value, one) for one in wanted]
        if True in answers:
            return True
        return False if all(answer is False for answer in answers) else Opaque("isinstance")
    answer = _is_instance(m, value, wanted)
    return m.derived("isinstance", value, wanted) if answer is None else answer


_TYPES: dict[str, tuple[type, ...]] = {
    "builtins.str": (str,),
    "builtins.int": (int,),
    "builtins.float": (float,),
    "builtins.bool": (bool,),
    "builtins.list": (List,),
    "builtins.tuple": (tuple,),
    "builtins.dict": (Dict,),
}


def _is_instance(m: Machine, value: Value, wanted: Value) -> bool | None:
    if isinstance(value, (Opaque, Assumed, Choice)) or value is ABSENT:
        return None
    if isinstance(wanted, Symbol):
        if wanted.path in _TYPES:
            return isinstance(value, _TYPES[wanted.path])
        layer = layer_of(value)
        if layer is not None:
            return m.is_kind(layer, wanted.path)
        return False if isinstance(value, (*_SIMPLE, List, tuple, Dict)) else None
    if isinstance(wanted, Class):
        return isinstance(value, Instance) and wanted in value.cls.lineage()
    return None


def _getattr(m: Machine, args: Args) -> Value:
    value, name = args.get(0, "object"), args.get(1, "name")
    if isinstance(name, str):
        found = m.attribute(value, name, args.spot)
        default = args.get(2, "default")
        return default if isinstance(found, Opaque) and default is not ABSENT and isinstance(value, Instance) else found
    m.escape(value)
    return Opaque("getattr of an unknown name")


def _setattr(m: Machine, args: Args) -> Value:
    value, name, new = args.get(0, "object"), args.get(1, "name"), args.get(2, "value")
    if isinstance(name, str):
        m.set_attribute(value, name, new, args.spot)
    else:
        m.escape(new)
        m.escape(value)
    return None


def _hasattr(m: Machine, args: Args) -> Value:
    value, name = args.get(0, "object"), args.get(1, "name")
    if isinstance(value, Instance) and isinstance(name, str):
        return name in value.attributes or value.cls.find(name) is not ABSENT
    return Opaque("hasattr")


def _map(m: Machine, args: Args) -> Value:
    if len(args.positional) != 2:
        return Opaque("map")
    items, complete = items_of(m, args.positional[1])
    results = [m.call(args.positional[0], Args(args.spot, [item])) for item in items[:64]]
    return List(results, open=not complete or len(items) > 64)


def _sorted(m: Machine, args: Args) -> Value:
    items, complete = items_of(m, args.get(0, "iterable", ()))
    if complete and args.get(None, "key") is ABSENT and all(isinstance(item, (int, float)) for item in items):
        return List(sorted(items, reverse=args.get(None, "reverse") is True))
    return List(items, open=True)


def _reversed(m: Machine, args: Args) -> Value:
    items, complete = items_of(m, args.get(0, "sequence", ()))
    return List(reversed(items), open=not complete)


def _next(m: Machine, args: Args) -> Value:
    items, _ = items_of(m, args.get(0, "iterator"))
    return items[0] if items else Opaque("next")


def _str(m: Machine, args: Args) -> Value:
    value = args.get(0, "object", "")
    return str(value) if isinstance(value, (*NUMBERS, str)) else Opaque("a string")


def _type(m: Machine, args: Args) -> Value:
    value = args.get(0, "object")
    return value.cls if isinstance(value, Instance) and len(args.positional) == 1 else Opaque("a type")


def _callable(m: Machine, args: Args) -> Value:
    value = args.get(0, "object")
    if isinstance(value, (*_SIMPLE, List, tuple, Dict)):
        return False
    return True if isinstance(value, (Func, Bound, Class, Symbol)) else Opaque("callable")


def _identity_call(m: Machine, args: Args) -> Value:
    return args.get(0, "x", None)


BUILTIN_CALLS: dict[str, Callable[[Machine, Args], Value]] = {
    "len": lambda m, args: m.each(args.get(0, "obj"), _len),
    "range": _range,
    "zip": _zip,
    "enumerate": _enumerate,
    "int": _number(int),
    "float": _number(float),
    "round": lambda m, args: _number(lambda x: round(x, *[a for a in args.positional[1:] if isinstance(a, int)]))(
        m, args
    ),
    "abs": _number(abs),
    "bool": lambda m, args: m.truth(args.get(0, "x", False)),
    "min": _fold(min),
    "max": _fold(max),
    "sum": _fold(sum),
    "list": _collection,
    "set": _collection,
    "sorted": _sorted,
    "reversed": _reversed,
    "tuple": _tuple,
    "dict": _dict,
    "map": _map,
    "next": _next,
    "iter": _identity_call,
    "str": _str,
    "isinstance": _isinstance,
    "getattr": _getattr,
    "setattr": _setattr,
    "hasattr": _hasattr,
    "type": _type,
    "callable": _callable,
    "print": lambda m, args: None,
}

MATH: dict[str, Callable[..., Any]] = {
    name: getattr(math, name)
    for name in ("ceil", "floor", "sqrt", "log", "log2", "log10", "exp", "pow", "prod", "fabs", "trunc", "gcd")
}


def call_math(m: Machine, name: str, args: Args) -> Value:
    """A function of the math module, or NumPy's of the same name, on known numbers."""
    values = [_bare(value) for value in args.positional]
    if len(values) == 1 and isinstance(values[0], (List, tuple)) and name == "prod":
        values = [list(values[0])]
        known = not getattr(args.positional[0], "open", False) and all(isinstance(item, NUMBERS) for item in values[0])
    else:
        known = bool(values) and all(isinstance(value, NUMBERS) for value in values)
    if not known:
        return next((value for value in values if isinstance(value, Array)), Opaque(f"math.{name}"))
    try:
        result = MATH[name](*values)
    except (ArithmeticError, ValueError, TypeError):
        return Opaque(f"math.{name} raises")
    return Assumed(result) if any(isinstance(value, Assumed) for value in args.positional) else result


def call_type_method(m: Machine, value: Value, name: str, args: Args) -> Value:
    """A method of a str, list, dict or tuple."""
    if isinstance(value, str):
        return _string_method(m, value, name, args)
    if isinstance(value, List):
        return _list_method(m, value, name, args)
    if isinstance(value, Dict):
        return _dict_method(m, value, name, args)
    if isinstance(value, tuple) and name == "index" and args.positional and args.positional[0] in value:
        return value.index(args.positional[0])
    return Opaque(f"{type(value).__name__}.{name}")


_PURE = frozenset(
    {"lower", "upper", "strip", "lstrip", "rstrip", "replace", "startswith", "endswith", "capitalize", "title", "find"}
)


def _string_method(m: Machine, text: str, name: str, args: Args) -> Value:
    values = list(args.positional)
    if name == "join" and values:
        items, complete = items_of(m, values[0])
        known = complete and all(isinstance(item, str) for item in items)
        return (
            text.join(items)
            if known and sum(len(text) + len(item) for item in items) <= MAX_TEXT
            else Opaque("a string")
        )
    everything = [*values, *args.keywords.values()]
    known = all(isinstance(value, (*NUMBERS, str)) for value in everything) and _modest(text, everything)
    if name == "format" and known:
        try:
            return text.format(*values, **args.keywords)
        except (ValueError, IndexError, KeyError, AttributeError):
            return Opaque("a string")
    if name == "split" and known and not args.keywords:
        return List(text.split(*values))
    if name in _PURE and known and not args.keywords:
        try:
            return getattr(text, name)(*values)
        except (TypeError, ValueError):
            return Opaque("a string")
    return Opaque("a string")


def _list_method(m: Machine, items: List, name: str, args: Args) -> Value:
    first = args.get(0, "x")
    if name in ("append", "extend", "insert", "pop", "reverse", "clear", "remove", "sort", "add", "update"):
        m.journal.touch(items)
    if len(items) > MAX_ITEMS:
        items.open = True
    elif name in ("append", "add"):
        items.append(first)
    elif name in ("extend", "update"):
        extend(m, items, first)
    elif name == "insert" and isinstance(first, int):
        items.insert(first, args.get(1, "object"))
    elif name == "pop":
        index = first if isinstance(first, int) else -1
        return (
            items.pop(index) if items and -len(items) <= index < len(items) and not items.open else Opaque("an element")
        )
    elif name == "reverse":
        items.reverse()
    elif name == "clear":
        items.clear()
    elif name == "copy":
        return List(items, open=items.open)
    elif name == "index" and not items.open and first in items:
        return items.index(first)
    elif name in ("remove", "sort"):
        items.open = True
    else:
        return Opaque(f"list.{name}")
    return None


def extend(m: Machine, items: List, more: Value) -> None:
    """`items += more`, as far as there is room."""
    added, complete = items_of(m, more)
    m.journal.touch(items)
    if len(items) + len(added) > MAX_ITEMS:
        added, complete = [], False
    items.extend(added)
    items.open = items.open or not complete


def _dict_method(m: Machine, table: Dict, name: str, args: Args) -> Value:
    if name == "get":
        key = args.get(0, "key")
        default = args.get(1, "default", None)
        if isinstance(key, _SIMPLE):
            return table[key] if key in table else (Opaque("an item") if table.open else default)
        return Opaque("an item")
    if name in ("keys", "__iter__"):
        return List(table, open=table.open)
    if name == "values":
        return List(table.values(), open=table.open)
    if name == "items":
        return List(table.items(), open=table.open)
    if name == "copy":
        return Dict(table, open=table.open)
    if name == "update":
        m.journal.touch(table)
        for value in args.positional:
            if isinstance(value, Dict):
                table.update(value)
                table.open = table.open or value.open
            else:
                table.open = True
        table.update(args.keywords)
        return None
    if name in ("pop", "setdefault"):
        key, default = args.get(0, "key"), args.get(1, "default", Opaque("an item"))
        m.journal.touch(table)
        if isinstance(key, _SIMPLE):
            if key in table:
                return table.pop(key) if name == "pop" else table[key]
            if name == "setdefault":
                table[key] = default
            return Opaque("an item") if table.open else default
        table.open = True
    return Opaque(f"dict.{name}")
