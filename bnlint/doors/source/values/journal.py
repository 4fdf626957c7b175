"""Taking back what a branch did, and joining what two branches left behind.

Every container the evaluator writes to (variables, attributes, lists, dicts) is a `List` or a `Dict`. Before a write
the journal keeps a copy, one for each open branch that has none yet, and in which it was not made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .bound import Symbol
from .containers import Dict, List, Scope, moment
from .guards import guards
from .kind import ABSENT, Opaque, Value
from .lifted import SIMPLE, Choice

Container = List | Dict
Left = dict[int, tuple[Container, Any, bool]]
"""What a branch left in each container that it wrote to: by identity, its content and whether it is open."""


class Journal:
    """The copies that open branches need to be taken back."""

    def __init__(self) -> None:
        self._levels: list[Left] = []
        self._begun: list[int] = []

    def touch(self, container: Container) -> None:
        """Must be called before every write to a container."""
        if not self._levels or container.born > self._begun[-1] or id(container) in self._levels[-1]:
            return  # What the innermost branch has made, or has a copy of, none around it needs a copy of.
        row = (container, _copy(container), container.open)
        for level, begun in zip(self._levels, self._begun, strict=True):
            if container.born < begun:
                level.setdefault(id(container), row)

    def reset(self) -> None:
        """Forget all open branches, keeping what they did."""
        self._levels.clear()
        self._begun.clear()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What the body does is no part of the open branches: a module that one of them imports stays imported."""
        saved = self._levels, self._begun
        self._levels, self._begun = [], []
        try:
            yield
        finally:
            self._levels, self._begun = saved

    @contextmanager
    def repeated(self) -> Iterator[None]:
        """The body runs once and happens an unknown number of times: what it makes longer, or counts, is not known."""
        self.begin()
        try:
            yield
        finally:
            for container, before, _ in self._pop().values():
                if isinstance(container, List):
                    container.open = container.open or len(container) != len(before)
                    continue
                for name, value in container.items():
                    old = before.get(name, ABSENT)
                    if isinstance(value, SIMPLE) and isinstance(old, SIMPLE) and old != value:
                        container[name] = Opaque("a value that a loop changes")

    @property
    def depth(self) -> int:
        """How many branches are open."""
        return len(self._levels)

    def begin(self) -> None:
        """Open a branch."""
        self._levels.append({})
        self._begun.append(moment())

    def _pop(self) -> Left:
        self._begun.pop()
        return self._levels.pop()

    def drop(self) -> None:
        """Close the branch, keeping what it did."""
        self._pop()

    def since(self, depth: int) -> Left:
        """What is now in each container that was written to since so many branches were open."""
        touched = {key: row[0] for level in self._levels[depth:] for key, row in level.items()}
        return {key: (container, _copy(container), container.open) for key, container in touched.items()}

    def end(self, keep: bool) -> Left:
        """Close the branch; returns what it left in each container it wrote to, and undoes it unless `keep`."""
        level = self._pop()
        left: Left = {}
        for key, (container, before, was_open) in level.items():
            left[key] = (container, _copy(container), container.open)
            if not keep:
                _fill(container, before)
                container.open = was_open
        return left

    def join(self, condition: Opaque, then: Left, other: Left) -> None:
        """Join what two branches left behind; both have been taken back."""
        self.adopt(merged(condition, then, other))

    def adopt(self, left: Left) -> None:
        """Make what one branch left the state of affairs."""
        for container, content, is_open in left.values():
            self.touch(container)
            _fill(container, content)
            container.open = is_open


def merged(condition: Opaque, then: Left, other: Left) -> Left:
    """What one of two branches left behind, as a condition decides; both have been taken back."""
    left: Left = {}
    for key in {**then, **other}:
        container = (then.get(key) or other[key])[0]
        here = (container, container, container.open)
        _, first, first_open = then.get(key, here)
        _, second, second_open = other.get(key, here)
        if isinstance(container, Dict):
            joined: Any = _join_dicts(condition, first, second, choose if type(container) is Scope else Choice)
        else:
            joined = _join_lists(condition, first, second)
        left[key] = (container, joined, first_open or second_open)
    return left


def _copy(container: Container) -> Any:
    return list(container) if isinstance(container, List) else dict(container)


def _fill(container: Container, content: Any) -> None:
    if isinstance(container, List):
        container[:] = content
    else:
        container.clear()
        container.update(content)


def choose(condition: Opaque, then: Value, other: Value) -> Value:
    """One of two values: itself where both are the same, and what is there where one is absent."""
    if isinstance(then, Choice) and then.condition is condition:
        then = then.then
    if isinstance(other, Choice) and other.condition is condition:
        other = other.other
    if then is other or other is ABSENT:
        return then
    if then is ABSENT:
        return other
    if isinstance(then, Symbol) and isinstance(other, Symbol):
        # Two libraries have the same name for it, or it is asked what there is: then both stand for one thing.
        same = then.last == other.last or guards(condition)
        return then if same else Choice(condition, then, other)
    if type(then) is type(other) and isinstance(then, SIMPLE) and then == other:
        return then
    return Choice(condition, then, other)


def _join_dicts(
    condition: Opaque, first: dict[Any, Value], second: dict[Any, Value], alone: Callable[[Opaque, Value, Value], Value]
) -> dict[Any, Value]:
    """Key by key; `alone` is what becomes of a value that one of them has alone."""
    joined: dict[Any, Value] = {}
    for key in {**first, **second}:
        then, other = first.get(key, ABSENT), second.get(key, ABSENT)
        join = alone if then is ABSENT or other is ABSENT else choose
        joined[key] = join(condition, then, other)
    return joined


def _join_lists(condition: Opaque, first: list[Value], second: list[Value]) -> list[Value]:
    """Common beginning, then what differs; where the lengths differ, each element beyond is one that may be missing."""
    common = 0
    for a, b in zip(first, second, strict=False):
        if a is not b and not (isinstance(a, (int, str, float)) and a == b):
            break
        common += 1
    head, one, two = first[:common], first[common:], second[common:]
    if len(one) == len(two):
        return head + [choose(condition, a, b) for a, b in zip(one, two, strict=False)]
    return head + [Choice(condition, a, ABSENT) for a in one] + [Choice(condition, ABSENT, b) for b in two]
