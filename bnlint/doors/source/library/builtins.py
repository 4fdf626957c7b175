"""Python's builtin functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....catalog.layers import in_keras
from ..symbols import canonical
from ..values.about import Index, IsInstance, Rounds
from ..values.args import Args
from ..values.bound import Method, Symbol
from ..values.code import Bound, Class, Frame, Func, Instance, Pending
from ..values.containers import Dict, List, Set
from ..values.data import Array
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Items, Opaque, Value, layer_of, of
from ..values.lifted import SIMPLE, Assumed, assumed_like, bare, instead, may_be_absent
from ..values.operators import instance_of
from ..values.plain import NUMBERS, computed
from ..values.registry import symbol

MAX_DIGITS = 20
MAX_MAPPED = 64
"""A function is called on so many items, as many as a loop has rounds."""


@symbol("builtins.*")
def other(m: Evaluator, args: Args) -> Value:
    m.escape_all(args)
    return Opaque(args.callee, args.callee)


@symbol("builtins.print")
def nothing(m: Evaluator, args: Args) -> Value:
    return None


class Iterator(List):
    """What `iter`, `zip` and their like give: whoever takes its items takes them away."""

    __slots__ = ()

    def iterate(self, m: Evaluator) -> Items:
        items, complete = List.iterate(self, m)
        if complete:
            m.journal.touch(self)
            self.clear()
        return items, complete

    def size(self) -> int | None:
        return None

    def truth(self, m: Evaluator) -> bool | Opaque:
        return True


@symbol("builtins.iter")
def iterator(m: Evaluator, args: Args) -> Value:
    value = args.get(0, "x", None)
    if isinstance(value, Iterator) or not isinstance(value, (list, tuple, dict, str, range)):
        return value
    items, complete = m.iterate(value)
    return Iterator(items, open=not complete)


@symbol("builtins.len")
def length(m: Evaluator, args: Args) -> Value:
    def of_one(value: Value) -> Value:
        length_of = value.cls.function("__len__") if isinstance(value, Instance) else None
        if length_of is not None:
            return m.call_function(length_of, Args(args.spot), value)
        size = of(value).size()
        return Opaque("a length") if size is None else size

    return m.each(args.get(0, "obj"), of_one)


@symbol("builtins.enumerate")
def enumerated(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "iterable"))
    start = args.get(1, "start", 0)
    first = start if isinstance(start, int) else 0
    if not complete:
        return Iterator([(Opaque("an index", about=Index(first)), item) for item in items], open=True)
    return Iterator(enumerate(items, first))


@symbol("builtins.range")
def ranged(m: Evaluator, args: Args) -> Value:
    values = [bare(value) for value in args.positional]
    if not values or not all(isinstance(value, int) for value in values):
        first = values[0] if len(values) > 1 else 0
        return Opaque("a range", about=Rounds(first) if isinstance(first, int) else None)
    try:
        result = range(*values)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return Opaque("a range")
    return assumed_like(args.positional, result)


def _number(m: Evaluator, args: Args, convert: Callable[..., Any]) -> Value:
    """A conversion of one number; what else is given is known, or the result is not."""
    more = [*args.values][1:]
    if not all(isinstance(value, SIMPLE) for value in more):
        return Opaque("a number")

    def converted(value: Value) -> Value:
        if isinstance(value, Assumed):
            return Assumed(converted(value.value))
        if isinstance(value, (*NUMBERS, str)):
            return computed(convert, value, *more)
        return value if isinstance(value, Array) else Opaque("a number")

    return m.each(args.get(0, "x", 0), converted)


@symbol("builtins.int", "builtins.float", "builtins.abs")
def converted(m: Evaluator, args: Args) -> Value:
    functions: dict[str, Callable[..., Any]] = {"int": int, "float": float, "abs": abs}
    return _number(m, args, functions[args.callee.partition(".")[2]])


@symbol("builtins.round")
def rounded(m: Evaluator, args: Args) -> Value:
    return _number(
        m, args, lambda number, digits=None: round(number, digits) if abs(digits or 0) < MAX_DIGITS else None
    )


@symbol("builtins.bool")
def truth(m: Evaluator, args: Args) -> Value:
    return m.truth(args.get(0, "x", False))


@symbol("builtins.all", "builtins.any")
def every(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "iterable"))
    answers = [m.truth(item) for item in items]
    decides = args.callee == "builtins.any"
    if decides in answers:
        return decides
    known = complete and all(isinstance(answer, bool) for answer in answers)
    return not decides if known else Opaque(args.callee, args.callee)


@symbol("builtins.min", "builtins.max", "builtins.sum")
def folded(m: Evaluator, args: Args) -> Value:
    values: list[Value] = list(args.positional)
    if len(values) == 1:
        values, complete = m.iterate(values[0])
        if not complete:
            return Opaque("of an unknown iterable")
    if set(args.keywords) == {"key"} and args.callee != "builtins.sum":
        ranks = _ranks(m, args, values)
        choose: Callable[..., int] = min if args.callee == "builtins.min" else max
        return values[choose(range(len(ranks)), key=ranks.__getitem__)] if ranks else Opaque("of unknown values")
    given, values = values, [bare(value) for value in values]
    if args.keywords or not values or not all(isinstance(value, NUMBERS) for value in values):
        return Opaque("of unknown values")
    combine: dict[str, Callable[[Any], Any]] = {"min": min, "max": max, "sum": sum}
    return assumed_like(given, computed(combine[args.callee.partition(".")[2]], values))


def _ranks(m: Evaluator, args: Args, items: list[Value]) -> list[Any]:
    """What `key` makes of each item, or the items themselves; empty where they have no known order."""
    key = args.get(None, "key", None)
    if len(items) > MAX_MAPPED and key is not None:
        return []
    ranks = items if key is None else [m.call(key, Args(args.spot, [item])) for item in items]
    ordered = all(isinstance(rank, NUMBERS) for rank in ranks) or all(isinstance(rank, str) for rank in ranks)
    return ranks if ordered else []


@symbol("builtins.list", "builtins.set", "builtins.frozenset")
def listed(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.positional[0]) if args.positional else ([], True)
    return (List if args.callee == "builtins.list" else Set)(items, open=not complete)


@symbol("builtins.tuple")
def fixed(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.positional[0]) if args.positional else ([], True)
    return tuple(items) if complete else List(items, open=True)


@symbol("builtins.dict", "collections.OrderedDict")
def table(m: Evaluator, args: Args) -> Value:
    result = Dict(open=args.open)
    if args.positional:
        source = args.positional[0]
        if isinstance(source, Dict):
            result.merge(source)
        else:
            items, complete = m.iterate(source)
            pairs = [item for item in items if isinstance(item, tuple) and len(item) == 2]
            known = [(key, value) for key, value in pairs if isinstance(key, (str, int))]
            result.update(known)
            result.open = not complete or len(known) < len(items)
    result.update(args.keywords)
    return result


@symbol("builtins.isinstance")
def is_instance(m: Evaluator, args: Args) -> Value:
    value, wanted = args.get(0, "object"), args.get(1, "class")
    if isinstance(wanted, tuple):
        answers = [instance_of(value, one) for one in wanted]
        if True in answers:
            return True
        return False if all(answer is False for answer in answers) else Opaque("isinstance")
    answer = instance_of(value, wanted)
    return m.derived(IsInstance(value, wanted)) if answer is None else answer


@symbol("builtins.getattr")
def get_attribute(m: Evaluator, args: Args) -> Value:
    value, name = args.get(0, "object"), args.get(1, "name")
    if not isinstance(name, str):
        m.escape(value)
        return Opaque("getattr of an unknown name", "getattr")
    default = args.get(2, "default")
    if default is not ABSENT and _in_module(m, value, name) is False:
        return default
    found = m.attribute(value, name, args.spot)
    if default is ABSENT or not isinstance(value, Instance):
        return found
    own = m.settled(value.attributes.get(name, ABSENT))
    return default if isinstance(found, Opaque) else instead(own, default) if may_be_absent(own) else found


def _in_module(m: Evaluator, value: Value, name: str) -> bool | None:
    """Whether a module of the project has a name; None for another value, and where that is not known."""
    value = m.settled(value)
    module = m.arrived(value) if isinstance(value, Pending) else value
    return m.has(module, name) if isinstance(module, Frame) else None


@symbol("builtins.setattr")
def set_attribute(m: Evaluator, args: Args) -> Value:
    value, name, new = args.get(0, "object"), args.get(1, "name"), args.get(2, "value")
    if isinstance(name, str):
        m.set_attribute(value, name, new, args.spot)
    else:
        m.escape(new)
        m.escape(value)
    return None


@symbol("builtins.hasattr")
def has_attribute(m: Evaluator, args: Args) -> Value:
    value, name = args.get(0, "object"), args.get(1, "name")
    if isinstance(value, Instance) and isinstance(name, str):
        own = value.attributes.has(m, name)
        return own if own is True or value.cls.find(name) is ABSENT else True
    found = _in_module(m, value, name) if isinstance(name, str) else None
    if found is not None:
        return found
    if isinstance(value, Symbol) and canonical(value.path) == "keras.layers" and m.exact and isinstance(name, str):
        return in_keras(name, m.program.keras)
    return Opaque("hasattr", "hasattr")


@symbol("builtins.sorted")
def in_order(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "iterable", ()))
    reverse = args.get(None, "reverse", False)
    known = complete and isinstance(reverse, bool)
    ranks = _ranks(m, args, items) if known else []
    if not known or len(ranks) < len(items):
        return List(items, open=True)
    return List(items[index] for index in sorted(range(len(items)), key=ranks.__getitem__, reverse=reverse is True))


@symbol("builtins.reversed")
def backwards(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "sequence", ()))
    return Iterator(reversed(items), open=not complete)


@symbol("builtins.next")
def next_item(m: Evaluator, args: Args) -> Value:
    given = args.get(0, "iterator")
    items, complete = m.iterate(given)
    if isinstance(given, Iterator) and complete:
        given.extend(items[1:])
    return items[0] if items else Opaque("next")


@symbol("builtins.str")
def text(m: Evaluator, args: Args) -> Value:
    value = args.get(0, "object", "")
    return str(value) if isinstance(value, (*NUMBERS, str)) else Opaque("a string")


@symbol("builtins.type")
def class_of(m: Evaluator, args: Args) -> Value:
    value = args.get(0, "object")
    if len(args.positional) != 1 or layer_of(value) is None:
        return value.cls if isinstance(value, Instance) and len(args.positional) == 1 else Opaque("a type")
    return m.attribute(value, "__class__", args.spot)


@symbol("builtins.callable")
def is_callable(m: Evaluator, args: Args) -> Value:
    value = args.get(0, "object")
    if isinstance(value, (*SIMPLE, List, tuple, Dict)):
        return False
    return True if isinstance(value, (Func, Bound, Method, Class, Symbol)) else Opaque("callable", "callable")


NAMES = frozenset(
    "abs all any bool bytes callable dict divmod enumerate eval filter float format frozenset getattr globals "
    "hasattr hash id input int isinstance issubclass iter len list locals map max min next object open pow print "
    "property range repr reversed round set setattr slice sorted str sum super tuple type vars zip "
    "Exception ValueError TypeError ImportError KeyError AttributeError RuntimeError".split()
)
"""The builtins that a name stands for where nothing else binds it."""
