"""The methods of Python's own types: str, list, dict, tuple."""

from __future__ import annotations

from .args import Args
from .machine import Machine
from .operators import MAX_ITEMS, MAX_TEXT, NUMBERS, SIMPLE, computed, items_of, modest
from .values import (
    Dict,
    List,
    Opaque,
    Value,
)


def call_type_method(m: Machine, value: Value, name: str, args: Args) -> Value:
    """A method of a str, list, dict or tuple."""
    if isinstance(value, str):
        return _string_method(m, value, name, args)
    if isinstance(value, List):
        return _list_method(m, value, name, args)
    if isinstance(value, Dict):
        return _dict_method(m, value, name, args)
    first = args.get(0, "x")
    if isinstance(value, tuple) and name == "index" and isinstance(first, SIMPLE) and first in value:
        return value.index(first)
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
    known = all(isinstance(value, (*NUMBERS, str)) for value in everything) and modest(text, everything)
    if name == "format" and known:
        return computed(lambda: text.format(*values, **args.keywords))
    if name == "split" and known and not args.keywords:
        found = computed(text.split, *values)
        return List(found) if isinstance(found, list) else found
    if name in _PURE and known and not args.keywords:
        return computed(getattr(text, name), *values)
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
        if -len(items) <= index < len(items) and not items.open:
            return items.pop(index)
        m.escape(items)  # It may be any of them.
        return Opaque("an element")
    elif name == "reverse":
        items.reverse()
    elif name == "clear":
        items.clear()
    elif name == "copy":
        return List(items, open=items.open)
    elif name == "index" and not items.open and isinstance(first, SIMPLE) and first in items:
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
        if isinstance(key, SIMPLE):
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
        if isinstance(key, SIMPLE):
            if key in table:
                return table.pop(key) if name == "pop" else table[key]
            if name == "setdefault":
                table[key] = default
            return Opaque("an item") if table.open else default
        table.open = True
    return Opaque(f"dict.{name}")
