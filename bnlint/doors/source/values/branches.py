"""What is known of conditions, and how branches on the others are run and joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ....graph import Program
from .about import About, Both, Completed, Not
from .code import Frame
from .containers import Dict
from .guards import guards
from .journal import Journal, Left, choose, merged
from .kind import ABSENT, Opaque, Value, of
from .lifted import Choice
from .rounds import Round, in_first_round, index_of

RETURN, BREAK, CONTINUE, RAISE = "return", "break", "continue", "raise"
Completion = str | None
"""How a statement ended: None, or one of RETURN, BREAK, CONTINUE, RAISE."""

BULK = 32
"""How many items of a container are worth a step of fuel."""
MAX_DEPTH, MAX_LEAVES = 3, 4
"""Where one of more values is meant, nothing is done to each of them."""
_ITSELF = frozenset({str, int, float, bool, type(None)})


class Exit(NamedTuple):
    """How a branch ended: its completion, the condition under which it did, what it left behind, what it returned."""

    kind: Completion
    condition: Opaque
    left: Left
    value: Value = ABSENT


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
        self._exits: list[Exit] = []
        self._base = 0
        self.rounds: dict[Opaque, Round] = {}
        self.optional = 0
        self.guarded = 0
        self.trying = 0
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

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What the body does is no part of the open branches: a module that one of them imports stays imported."""
        saved = self.facts, self.optional, self._exits, self._base, self.trying
        self.facts, self.optional, self._exits, self._base, self.trying = {}, 0, [], 0, 0
        try:
            with self.journal.aside():
                yield
        finally:
            self.facts, self.optional, self._exits, self._base, self.trying = saved

    def forget(self) -> None:
        """Leave all branches, keeping what they did."""
        self.facts, self.optional, self.guarded, self.trying = {}, 0, 0, 0
        self._exits, self._base = [], 0
        self.journal.reset()

    def fork(
        self,
        condition: Opaque,
        then: Callable[[], Completion],
        other: Callable[[], Completion],
        frame: Frame | None = None,
    ) -> Completion:
        """Run both sides of an unknown branch from the same state, and join what they leave behind.

        A side that does not fall through is joined where it goes on: see `region`.
        """
        first = self._side(condition, True, then, frame)
        second = self._side(condition, False, other, frame)
        self.spend(sum(len(row[1]) for row in (*first.left.values(), *second.left.values())))
        if first.kind == second.kind:
            self.journal.join(condition, first.left, second.left)
            if frame is not None and first.kind == RETURN:
                frame.returned = self.choose(condition, first.value, second.value)
            return first.kind
        ends, goes_on = (second, first) if first.kind is None else (first, second)
        self._hand_on([ends])
        self.journal.adopt(goes_on.left)
        if frame is not None and goes_on.kind == RETURN:
            frame.returned = goes_on.value
        self.suppose(condition, goes_on is first)  # Until the function, or the round of the loop, ends.
        return goes_on.kind

    def _side(self, condition: Opaque, truth: bool, run: Callable[[], Completion], frame: Frame | None) -> Exit:
        outer, base = self._exits, self._base
        self._exits, self._base = [], self.journal.depth
        self.journal.begin()
        done = False
        try:
            with self.assuming(condition, truth):
                self._leave_first_round(condition, truth, frame)
                completion = run()
            done = True
        finally:
            exits, self._exits, self._base = self._exits, outer, base
            left = self.journal.end(keep=not done)
        holds = condition if truth else self.derived(Not(condition))
        self._hand_on([one._replace(condition=self.derived(Both(holds, one.condition))) for one in exits])
        if frame is None:
            return Exit(completion, holds, left)
        value, frame.returned = frame.returned if completion == RETURN else ABSENT, ABSENT
        return Exit(completion, holds, left, value)

    def _leave_first_round(self, condition: Opaque, truth: bool, frame: Frame | None) -> None:
        """In a branch for later rounds of a loop, what was there before it is another value by then."""
        index = index_of(condition) if self.rounds else None
        if index is not None and index in self.rounds and in_first_round(condition) is (not truth):
            variables = frame.variables if frame is not None else None
            for scope, name in self.rounds[index].changed(variables):
                self.store(scope, name, Opaque("what an earlier round gives"))

    def _hand_on(self, exits: list[Exit]) -> None:
        """Keep these until the region ends in which they are caught; the state is as it was before them."""
        exits = [one for one in exits if one.kind != RAISE or self.trying]
        if exits:
            around = self.journal.since(self._base)
            self.spend(sum(len(row[1]) for row in around.values()))
            self._exits += [one._replace(left={**around, **one.left}) for one in exits]

    def may_end(self, kind: Completion, reason: str, value: Value = ABSENT) -> None:
        """What runs may end so here, or go on."""
        self._hand_on([Exit(kind, Opaque(reason), {}, value)])

    def region(self, kinds: tuple[Completion, ...], run: Callable[[], Completion]) -> tuple[Completion, list[Exit]]:
        """Run what some completions do not leave: a round, a loop, a function, the body of a `try`.

        Returns how it ended, None for one of these kinds, and in which branches it ended so. What these left behind is
        joined with what is there at its end.
        """
        outer, base = self._exits, self._base
        self._exits, self._base = [], self.journal.depth
        self.journal.begin()
        try:
            completion = run()
        finally:
            exits, self._exits, self._base = self._exits, outer, base
            if not exits:
                self.journal.drop()
        ended = None if completion in kinds else completion
        if not exits:
            return ended, []
        left = self.journal.end(keep=False)
        caught = [one for one in exits if one.kind in kinds]
        self._hand_on([one for one in exits if one.kind not in kinds])
        if not caught:
            self.journal.adopt(left)
            return ended, []
        if ended is not None:
            self._hand_on([Exit(ended, self.derived(Not(caught[0].condition)), left)])
            left = caught[-1].left
        for one in reversed(caught if ended is None else caught[:-1]):
            left = merged(one.condition, one.left, left)
        self.journal.adopt(left)
        return None, caught


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
