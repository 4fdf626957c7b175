"""The methods of Python's own types: str, list, dict, tuple."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..module import Spot
from ..symbols import misplaced
from ..values.args import Args
from ..values.bound import Symbol
from ..values.containers import Dict, List
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, layer_of
from ..values.lifted import SIMPLE, instead
from ..values.plain import MAX_ITEMS, MAX_TEXT, NUMBERS, computed, is_among, modest
from ..values.registry import method


@method(tuple, "index")
def index_in_tuple(m: Evaluator, items: tuple[Value, ...], args: Args) -> Value:
    first = args.get(0, "x")
    return items.index(first) if isinstance(first, SIMPLE) and first in items else Opaque("tuple.index")


@method(str, "join")
def join(m: Evaluator, text: str, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "iterable", ()))
    texts = [item for item in items if isinstance(item, str)]
    known = args.positional and complete and len(texts) == len(items)
    short = sum(len(text) + len(item) for item in texts) <= MAX_TEXT
    return text.join(texts) if known and short else Opaque("a string")


@method(str, "format")
def formatted(m: Evaluator, text: str, args: Args) -> Value:
    return (
        computed(lambda: text.format(*args.positional, **args.keywords)) if _known(text, args) else Opaque("a string")
    )


@method(str, "split", "rsplit", "splitlines")
def split(m: Evaluator, text: str, args: Args) -> Value:
    if not _known(text, args):
        return Opaque("a string")
    return computed(lambda: List(getattr(text, args.callee)(*args.positional, **args.keywords)))


@method(str, *"lower upper strip lstrip rstrip replace startswith endswith capitalize title find rfind count".split())
@method(str, *"casefold swapcase partition rpartition removeprefix removesuffix isalpha isdigit isdecimal".split())
@method(str, *"isnumeric isalnum isupper islower isidentifier isspace zfill index rindex".split())
def pure(m: Evaluator, text: str, args: Args) -> Value:
    known = _known(text, args) and not args.keywords
    return computed(getattr(text, args.callee), *args.positional) if known else Opaque("a string")


def _known(text: str, args: Args) -> bool:
    plain = all(isinstance(value, (*NUMBERS, str, type(None))) or _are_texts(value) for value in args.values)
    wide = args.callee == "zfill" and not all(isinstance(value, int) and value <= MAX_WIDTH for value in args.values)
    return plain and not wide and modest(text, args.values)


def _are_texts(value: Value) -> bool:
    """Whether a value is several texts, as `startswith` takes them."""
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


@method(tuple, "as_list")
def shape_list(m: Evaluator, shape: tuple[Value, ...], args: Args) -> Value:
    """`x.shape.as_list()`."""
    return List(shape)


@method(tuple, "count")
def counted(m: Evaluator, items: tuple[Value, ...], args: Args) -> Value:
    first = args.get(0, "x")
    known = is_among(m, first, items)
    return 0 if known is False else items.count(first) if known else Opaque("tuple.count")


MAX_WIDTH = 100
"""Texts that are filled up to more are no names."""


def _has_room(m: Evaluator, items: List) -> bool:
    """Must be asked before a list is changed; one without room is not known from then on."""
    m.journal.touch(items)
    items.open = items.open or len(items) > MAX_ITEMS
    return len(items) <= MAX_ITEMS


@method(List, "append", "add")
def append(m: Evaluator, items: List, args: Args) -> Value:
    if _has_room(m, items):
        items.append(args.get(0, "x"))
        note_unmade(m, items, [args.spot_of(0, "x")])
    return None


def note_unmade(m: Evaluator, items: Sequence[Value], spots: Sequence[Spot]) -> None:
    """Note where the class of a layer stands among layers; the spots are those of the last items."""
    for item, spot in zip(reversed(items), reversed(spots), strict=False):
        if isinstance(item, Symbol) and misplaced(item.path) == "class" and any(map(layer_of, items)):
            m.unmade[item.path] = spot


@method(List, "extend", "update")
def extend_list(m: Evaluator, items: List, args: Args) -> Value:
    if _has_room(m, items):
        extend(m, items, args.get(0, "x"))
    return None


def extend(m: Evaluator, items: List, more: Value) -> None:
    """`items += more`, as far as there is room."""
    added, complete = m.iterate(more)
    m.journal.touch(items)
    if len(items) + len(added) > MAX_ITEMS:
        added, complete = [], False
    items.extend(added)
    items.open = items.open or not complete


@method(List, "insert")
def insert(m: Evaluator, items: List, args: Args) -> Value:
    index = args.get(0, "index")
    if _has_room(m, items):
        if not isinstance(index, int):
            return Opaque("list.insert")
        items.insert(index, args.get(1, "object"))
    return None


@method(List, "pop")
def pop(m: Evaluator, items: List, args: Args) -> Value:
    first = args.get(0, "x")
    index = first if isinstance(first, int) else -1
    if _has_room(m, items) and -len(items) <= index < len(items) and not items.open:
        return items.pop(index)
    items.forget(m)
    return Opaque("an element")


@method(List, "reverse", "clear")
def reverse(m: Evaluator, items: List, args: Args) -> Value:
    if _has_room(m, items):
        items.reverse() if args.callee == "reverse" else items.clear()
    return None


@method(List, "remove", "discard")
def remove(m: Evaluator, items: List, args: Args) -> Value:
    first = args.get(0, "x")
    m.journal.touch(items)
    same = [index for index, item in enumerate(items) if item is first]
    if is_among(m, first, items):
        items.pop(items.index(first))
    elif same and not isinstance(first, SIMPLE):
        items.pop(same[0])
    else:
        items.forget(m)
    return None


@method(List, "sort")
def sort(m: Evaluator, items: List, args: Args) -> Value:
    m.journal.touch(items)
    known = not items.open and all(isinstance(item, (*NUMBERS, str)) for item in items)
    if known and all(isinstance(value, bool) for value in args.values) and "key" not in args.keywords:
        plain: list[Any] = list(items)
        found = computed(lambda: List(sorted(plain, reverse=args.get(None, "reverse") is True)))
        if isinstance(found, List):
            items[:] = found
            return None
    items.forget(m)
    return None


@method(List, "copy")
def copied(m: Evaluator, items: List, args: Args) -> Value:
    return List(items, open=items.open)


@method(List, "index")
def index_in_list(m: Evaluator, items: List, args: Args) -> Value:
    first = args.get(0, "x")
    known = not items.open and isinstance(first, SIMPLE) and first in items
    return items.index(first) if known else Opaque("list.index")


@method(Dict, "get")
def get(m: Evaluator, table: Dict, args: Args) -> Value:
    key = args.get(0, "key")
    if not isinstance(key, SIMPLE):
        return Opaque("an item")
    otherwise = Opaque("an item") if table.open else args.get(1, "default", None)
    return instead(m.settled(table.get(key, ABSENT)), otherwise)


@method(Dict, "keys", "__iter__")
def keys(m: Evaluator, table: Dict, args: Args) -> Value:
    found, complete = m.iterate(table)
    return List(found, open=not complete)


@method(Dict, "values")
def values(m: Evaluator, table: Dict, args: Args) -> Value:
    found, complete = m.iterate(table)
    return List([table[key] for key in found], open=not complete)


@method(Dict, "items")
def pairs(m: Evaluator, table: Dict, args: Args) -> Value:
    found, complete = m.iterate(table)
    return List([(key, table[key]) for key in found], open=not complete)


@method(Dict, "copy")
def copied_dict(m: Evaluator, table: Dict, args: Args) -> Value:
    return Dict(table, open=table.open)


@method(Dict, "update")
def update(m: Evaluator, table: Dict, args: Args) -> Value:
    m.journal.touch(table)
    for value in args.positional:
        table.merge(value)
    table.update(args.keywords)
    return None


@method(Dict, "pop", "setdefault")
def take(m: Evaluator, table: Dict, args: Args) -> Value:
    key, default = args.get(0, "key"), args.get(1, "default", Opaque("an item"))
    m.journal.touch(table)
    if not isinstance(key, SIMPLE):
        table.open = True
        return Opaque(f"dict.{args.callee}")
    if args.callee == "pop":
        return instead(m.settled(table.pop(key, ABSENT)), Opaque("an item") if table.open else default)
    table[key] = instead(m.settled(table.get(key, ABSENT)), Opaque("an item") if table.open else default)
    return table[key]
