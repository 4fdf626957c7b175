"""Python's builtin functions, and those of the math module, on values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .args import Args
from .layers import layer_of
from .machine import Machine
from .operators import NUMBERS, SIMPLE, bare, computed, items_of
from .values import (
    ABSENT,
    Array,
    Assumed,
    Bound,
    Choice,
    Class,
    Dict,
    Func,
    Gradients,
    Instance,
    List,
    Opaque,
    Symbol,
    Value,
    Weights,
)


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
    values = [bare(value) for value in args.positional]
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

        return m.each(value, lambda value: _converted(convert, value))

    return call


def _converted(convert: Callable[[Any], Any], value: Value) -> Value:
    if isinstance(value, Assumed):
        return Assumed(_converted(convert, value.value))
    if isinstance(value, (*NUMBERS, str)):
        return computed(convert, value)
    return value if isinstance(value, Array) else Opaque("a number")


def _fold(combine: Callable[[Any], Any]) -> Callable[[Machine, Args], Value]:
    def call(m: Machine, args: Args) -> Value:
        values: list[Value] = list(args.positional)
        if len(values) == 1:
            values, complete = items_of(m, values[0])
            if not complete:
                return Opaque("of an unknown iterable")
        assumed = any(isinstance(value, Assumed) for value in values)
        values = [bare(value) for value in values]
        if not values or not all(isinstance(value, NUMBERS) for value in values):
            return Opaque("of unknown values")
        result = computed(combine, values)
        return Assumed(result) if assumed and not isinstance(result, Opaque) else result

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
        return False if isinstance(value, (*SIMPLE, List, tuple, Dict)) else None
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
    if isinstance(value, (*SIMPLE, List, tuple, Dict)):
        return False
    return True if isinstance(value, (Func, Bound, Class, Symbol)) else Opaque("callable")


def _rounded(number: Any, digits: list[Value]) -> Any:
    return round(number, *(digit for digit in digits if isinstance(digit, int) and abs(digit) < 20))


def _identity_call(m: Machine, args: Args) -> Value:
    return args.get(0, "x", None)


BUILTIN_CALLS: dict[str, Callable[[Machine, Args], Value]] = {
    "len": lambda m, args: m.each(args.get(0, "obj"), _len),
    "range": _range,
    "zip": _zip,
    "enumerate": _enumerate,
    "int": _number(int),
    "float": _number(float),
    "round": lambda m, args: _number(lambda x: _rounded(x, args.positional[1:]))(m, args),
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
    values = [bare(value) for value in args.positional]
    if len(values) == 1 and isinstance(values[0], (List, tuple)) and name == "prod":
        values = [list(values[0])]
        known = not getattr(args.positional[0], "open", False) and all(isinstance(item, NUMBERS) for item in values[0])
    else:
        known = bool(values) and all(isinstance(value, NUMBERS) for value in values)
    if not known:
        return next((value for value in values if isinstance(value, Array)), Opaque(f"math.{name}"))
    result = computed(MATH[name], *values)
    assumed = any(isinstance(value, Assumed) for value in args.positional)
    return Assumed(result) if assumed and not isinstance(result, Opaque) else result
