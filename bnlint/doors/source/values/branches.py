"""What is known of conditions, and how branches on the others are run and joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ....graph import Model, Program
from .about import About, Completed, Not
from .code import Frame
from .containers import Dict, List
from .guards import guards
from .journal import Journal, Left, choose
from .kind import ABSENT, Opaque, Value, of
from .lifted import Choice

RETURN, BREAK, CONTINUE, RAISE = "return", "break", "continue", "raise"
Completion = str | None
"""How a statement ended: None, or one of RETURN, BREAK, CONTINUE, RAISE."""

BULK = 32
"""How many items of a container are worth a step of fuel."""
MAX_DEPTH, MAX_LEAVES = 3, 4
"""Where one of more values is meant, nothing is done to each of them."""
_ITSELF = frozenset({str, int, float, bool, type(None)})


class OutOfFuel(Exception):
    """The program is larger than what is spent on one file."""


class Branches:
    """The state that branches share, and each changes for itself."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.journal = Journal()
        self.facts: dict[Opaque, bool] = {}
        self._guards: dict[Opaque, bool] = {}
        self._derived: dict[tuple[object, ...], Opaque] = {}
        self.optional = 0
        self.guarded = 0
        self.steps = 0
        self.limit = 0

    def spend(self, items: int) -> None:
        """One step of fuel, and more for work on many items."""
        self.steps += 1 + items // BULK
        if self.steps > self.limit:
            raise OutOfFuel("too many steps")

    def store(self, variables: Dict, name: Any, value: Value) -> None:
        """Write a variable, an attribute or an item, so that a branch can take it back."""
        self.journal.touch(variables)
        variables[name] = value

    def settled(self, value: Value) -> Value:
        """The value under what is known about conditions here."""
        while isinstance(value, Choice):
            fact = self.truth_of(value.condition)
            if fact is None:
                return value
            value = value.then if fact else value.other
        return value

    def truth_of(self, condition: Opaque) -> bool | None:
        """What is known of a condition here."""
        if not self.facts:
            return None
        if condition in self.facts:
            return self.facts[condition]
        if isinstance(condition.about, Not):
            fact = self.truth_of(condition.about.condition)
            return None if fact is None else not fact
        return None

    def suppose(self, condition: Opaque, truth: bool) -> None:
        """Take a condition for true, or for false, until the function or the round of a loop ends."""
        self.facts = {**self.facts, condition: truth}
        if isinstance(condition.about, Not):
            self.facts[condition.about.condition] = not truth

    def assuming(self, condition: Opaque, truth: bool) -> Assuming:
        """Run the body under a condition."""
        return Assuming(self, condition, truth)

    @property
    def is_guarded(self) -> bool:
        """Whether the code here runs only where something asked for is there."""
        return self.guarded > 0 or any(map(self._is_guard, self.facts))

    def _is_guard(self, condition: Opaque) -> bool:
        found = self._guards.get(condition)
        if found is None:
            found = self._guards[condition] = guards(condition)
        return found

    def truth(self, value: Value) -> bool | Opaque:
        """Whether a value is true, or the condition that decides it."""
        if type(value) is bool:
            return value
        return of(self.settled(value)).truth(self)  # type: ignore[arg-type]

    def derived(self, about: About) -> Opaque:
        """The unknown that follows from these values: the same object whenever it follows again."""
        key = (type(about), *[part if type(part) in _ITSELF else id(part) for part in about])
        found = self._derived.get(key)
        if found is None:
            found = self._derived[key] = Opaque("a condition", about=about)
        return found

    def choose(self, condition: Opaque, then: Value, other: Value) -> Value:
        """One of two values."""
        return choose(condition, then, other)

    def each(self, value: Value, act: Callable[[Value], Value], depth: int = 0) -> Value:
        """Do the same to each alternative of a Choice, in branches of their own."""
        choice = self.settled(value)
        if not isinstance(choice, Choice):
            return act(choice)
        if depth > MAX_DEPTH or len(choice.leaves()) > MAX_LEAVES:
            return Opaque("too many alternatives")

        def side(alternative: Value) -> Value:
            return ABSENT if alternative is ABSENT else self.each(alternative, act, depth + 1)

        return self.either(choice.condition, lambda: side(choice.then), lambda: side(choice.other))

    def either(self, condition: Opaque, then: Callable[[], Value], other: Callable[[], Value]) -> Value:
        """What one of two expressions gives, each evaluated in a branch of its own."""
        results: list[Value] = []

        def side(evaluate: Callable[[], Value]) -> Completion:
            results.append(evaluate())
            return None

        self.fork(condition, lambda: side(then), lambda: side(other))
        return self.choose(condition, results[0], results[1])

    def fork(
        self,
        condition: Opaque,
        then: Callable[[], Completion],
        other: Callable[[], Completion],
        frame: Frame | None = None,
    ) -> Completion:
        """Run both sides of an unknown branch from the same state, and join what they leave behind."""
        first, left_first = self._side(condition, True, then, frame)
        second, left_second = self._side(condition, False, other, frame)
        self.spend(sum(len(row[1]) for row in (*left_first.values(), *left_second.values())))
        if first is None and second is None:
            self.journal.join(condition, left_first, left_second)
            return None
        if first is not None and second is not None:
            self.journal.join(condition, _outside(left_first, frame), _outside(left_second, frame))
            return first if first == second else (RETURN if RETURN in (first, second) else BREAK)
        goes_on, ends = (left_first, left_second) if first is None else (left_second, left_first)
        self.journal.adopt(goes_on)
        self.suppose(condition, first is None)  # Until the function, or the round of the loop, ends.
        if first == RETURN or second == RETURN:
            lost = {key: row for key, row in _outside(ends, frame).items() if key not in goes_on}
            self.journal.join(condition, lost, {})
        return None

    def _side(
        self, condition: Opaque, truth: bool, run: Callable[[], Completion], frame: Frame | None
    ) -> tuple[Completion, Left]:
        returned = len(frame.returns) if frame is not None else 0
        self.journal.begin()
        done = False
        try:
            with self.assuming(condition, truth):
                completion = run()
            done = True
        finally:
            left = self.journal.end(keep=not done)
        if completion == RETURN and frame is not None:
            for index in range(returned, len(frame.returns)):
                frame.returns[index] = self._detached(frame.returns[index], left)
        return completion, left

    def _detached(self, value: Value, left: Left) -> Value:
        """A returned model as it was where the branch returned it; the original goes on as it was before the branch."""
        entries = value.entries if isinstance(value, Model) else None
        row = left.pop(id(entries), None) if entries is not None else None
        if row is None or not isinstance(value, Model):
            return value
        copy = replace(value, calls=[], nodes=[], events=list(value.events), writes=list(value.writes))
        copy.entries = List(row[1])  # type: ignore[assignment]
        self.program.models.append(copy)
        self.program.layers.append(copy)
        return copy


def _outside(left: Left, frame: Frame | None) -> Left:
    """What a branch left elsewhere than in the variables of a function that it ended, and of those around it."""
    inside = set()
    while frame is not None:
        inside.add(id(frame.variables))
        frame = frame.parent
    return {key: row for key, row in left.items() if key not in inside}


def unless_raised() -> Opaque:
    """The condition that the body of a `try` ran to its end."""
    return Opaque("no exception", about=Completed())


class Assuming:
    """A condition is taken for true, or for false, while the body runs. A generator costs three times as much."""

    __slots__ = ("_before", "_condition", "_state", "_truth")

    def __init__(self, state: Branches, condition: Opaque, truth: bool) -> None:
        self._state, self._before, self._condition, self._truth = state, state.facts, condition, truth

    def __enter__(self) -> None:
        self._state.suppose(self._condition, self._truth)
        self._state.optional += 1

    def __exit__(self, *_: object) -> None:
        self._state.facts = self._before
        self._state.optional -= 1
