"""What goes through iterables: functools.reduce, filter, map and itertools."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from ..values.args import Args
from ..values.containers import List
from ..values.data import Gradients, Weights, WithMethods
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Items, Opaque, Value
from ..values.lifted import Choice
from ..values.plain import MAX_ITEMS
from ..values.registry import symbol
from .builtins import MAX_MAPPED, Iterator

Columns = list[list[Value]]


@dataclass(eq=False, slots=True)
class Endless(WithMethods):
    """What has no end: itertools.cycle, repeat and count. Its items come round, or grow by `step`."""

    items: list[Value]
    step: int | float | None = None

    def first(self, count: int) -> list[Value]:
        """So many of its items."""
        start = self.items[0] if self.items else None
        if self.step is not None and isinstance(start, (int, float)):
            return [start + index * self.step for index in range(count)]
        return list(itertools.islice(itertools.cycle(self.items), count))

    def iterate(self, m: Evaluator) -> Items:
        return [Opaque("an item of what has no end")], False

    def held(self, calls: bool) -> Iterable[Value] | None:
        return self.items


def columns(m: Evaluator, values: Iterable[Value]) -> tuple[Columns, bool]:
    """The items of several iterables, those without an end as long as the shortest; and whether these are certain."""
    given = [m.settled(value) for value in values]
    known = {index: m.iterate(value) for index, value in enumerate(given) if not isinstance(value, Endless)}
    complete = bool(known) and all(whole for _, whole in known.values())
    shortest = min((len(items) for items, _ in known.values()), default=1)
    found = [
        value.first(shortest) if isinstance(value, Endless) else known[index][0] for index, value in enumerate(given)
    ]
    return found, complete


@symbol("builtins.zip")
def zipped(m: Evaluator, args: Args) -> Value:
    if any(isinstance(value, (Gradients, Weights)) for value in args.positional):
        return List([tuple(args.positional)], open=True)
    found, complete = columns(m, args.positional)
    return Iterator(zip(*found, strict=False), open=not complete and bool(args.positional))


@symbol("builtins.map")
def mapped(m: Evaluator, args: Args) -> Value:
    found, complete = columns(m, args.positional[1:])
    rows = list(zip(*found, strict=False))
    results = [m.call(args.positional[0], Args(args.spot, list(row))) for row in rows[:MAX_MAPPED]]
    return Iterator(results, open=not complete or len(rows) > MAX_MAPPED)


@symbol("builtins.filter", "itertools.filterfalse")
def filtered(m: Evaluator, args: Args) -> Value:
    """The items that stay; one of which that is not known may be absent."""
    test, (items, complete) = args.get(0, "function"), m.iterate(args.get(1, "iterable", ()))
    wanted = args.callee == "builtins.filter"
    kept: list[Value] = []
    for item in items[:MAX_MAPPED]:
        truth = m.truth(item if test is None else m.call(test, Args(args.spot, [item])))
        if not isinstance(truth, bool):
            kept.append(Choice(truth, item, ABSENT) if wanted else Choice(truth, ABSENT, item))
        elif truth == wanted:
            kept.append(item)
    return Iterator(kept, open=not complete or len(items) > MAX_MAPPED)


@symbol("functools.reduce")
def reduced(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.get(1, "iterable", ()))
    start = args.get(2, "initial")
    rest = items if start is ABSENT else [start, *items]
    if not complete or not rest or len(rest) > MAX_MAPPED:
        m.escape_all(args)
        return Opaque("reduce", "reduce")
    result = rest[0]
    for item in rest[1:]:
        result = m.call(args.get(0, "function"), Args(args.spot, [result, item]))
    return result


@symbol("itertools.chain")
def chained(m: Evaluator, args: Args) -> Value:
    parts = [m.iterate(value) for value in args.positional]
    return _joined(parts)


@symbol("itertools.chain.from_iterable")
def chained_from(m: Evaluator, args: Args) -> Value:
    lists, complete = m.iterate(args.get(0, "iterable", ()))
    return _joined([*map(m.iterate, lists), ([], complete)])


def _joined(parts: Iterable[Items]) -> Value:
    found, complete = Iterator(), True
    for items, whole in parts:
        found.extend(items[: MAX_ITEMS - len(found)])
        complete = complete and whole
    found.open = not complete or len(found) >= MAX_ITEMS
    return found


@symbol("itertools.product")
def product(m: Evaluator, args: Args) -> Value:
    repeat = args.get(None, "repeat", 1)
    found = [m.iterate(value) for value in args.positional]
    times = repeat if isinstance(repeat, int) and 0 <= repeat <= MAX_MAPPED else 1
    count = 1
    for items, _ in found * times:
        count *= len(items)
    complete = all(whole for _, whole in found) and times == repeat and count <= MAX_ITEMS
    rows = itertools.product(*(items for items, _ in found), repeat=times) if complete else ()
    return Iterator(rows, open=not complete)


@symbol("itertools.zip_longest")
def zipped_to_the_longest(m: Evaluator, args: Args) -> Value:
    found = [m.iterate(value) for value in args.positional]
    rows = itertools.zip_longest(*(items for items, _ in found), fillvalue=args.get(None, "fillvalue", None))
    return Iterator(rows, open=not all(whole for _, whole in found))


@symbol("itertools.islice")
def part(m: Evaluator, args: Args) -> Value:
    value, bounds = m.settled(args.get(0, "iterable")), args.positional[1:]
    known = [one for one in bounds if one is None or (isinstance(one, int) and 0 <= one <= MAX_ITEMS)]
    cut = slice(*known) if known and len(known) == len(bounds) else None
    if cut is None or cut.step == 0:
        return Iterator([Opaque("an item")], open=True)
    if isinstance(value, Endless):
        items, complete = value.first(cut.stop or 0), cut.stop is not None
    else:
        items, complete = m.iterate(value)
    return Iterator(items[cut] if complete else items, open=not complete)


@symbol("itertools.cycle", "itertools.repeat", "itertools.count")
def endless(m: Evaluator, args: Args) -> Value:
    name, first = args.callee.rpartition(".")[2], args.get(0, "object", 0)
    if name == "cycle":
        items, complete = m.iterate(first)
        return Endless(items) if complete and items else Iterator([Opaque("an item of a cycle")], open=True)
    if name == "count":
        start, step = args.get(0, "start", 0), args.get(1, "step", 1)
        known = isinstance(start, (int, float)) and isinstance(step, (int, float))
        return Endless([start], step) if known and isinstance(step, (int, float)) else Opaque("a count")
    times = args.get(1, "times")
    if times is ABSENT:
        return Endless([first])
    known = isinstance(times, int) and 0 <= times <= MAX_ITEMS
    return Iterator([first] * times) if known and isinstance(times, int) else Iterator([first], open=True)


@symbol("itertools.starmap")
def starred(m: Evaluator, args: Args) -> Value:
    rows, complete = m.iterate(args.get(1, "iterable", ()))
    results = [m.call(args.get(0, "function"), Args(args.spot, list(m.iterate(row)[0]))) for row in rows[:MAX_MAPPED]]
    certain = all(m.iterate(row)[1] for row in rows)
    return Iterator(results, open=not (complete and certain) or len(rows) > MAX_MAPPED)


@symbol("itertools.accumulate")
def accumulated(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "iterable", ()))
    numbers = [item for item in items if isinstance(item, (int, float))]
    if not complete or len(numbers) < len(items) or len(args.positional) != 1 or args.keywords:
        m.escape_all(args)
        return Iterator([Opaque("a running total")], open=True)
    return Iterator(itertools.accumulate(numbers))


@symbol("itertools.combinations", "itertools.permutations")
def chosen(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "iterable", ()))
    size = args.get(1, "r")
    if not complete or not isinstance(size, int) or len(items) > 10 or not 0 <= size <= 3:  # At most 720 of them.
        return Iterator([Opaque("a combination")], open=True)
    combine = itertools.combinations if args.callee.endswith("combinations") else itertools.permutations
    return Iterator(combine(items, size))


@symbol("itertools.pairwise")
def pairs(m: Evaluator, args: Args) -> Value:
    items, complete = m.iterate(args.get(0, "iterable", ()))
    return Iterator(itertools.pairwise(items), open=not complete)


def flattened(m: Evaluator, lists: list[Value], start: Value) -> Value:
    """`sum(lists, [])`."""
    found = [m.iterate(one) for one in (start, *lists)]
    made = _joined(found)
    return List(made, open=made.open) if isinstance(made, Iterator) else made
