"""Where a statement of a generated program stands, and what may stand there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from hypothesis import strategies as st
from kit.exclusions import EXCLUSIONS

Draw = Callable[..., Any]
Lines = list[str]
Block = list[Lines]
"""Statements, each with its lines."""

FIRST = {
    "n0": "0",
    "n1": "1",
    "n2": "2",
    "s0": "'a'",
    "s1": "'b'",
    "l0": "[1, 2]",
    "l1": "[]",
    "d0": "{'a': 1}",
    "d1": "{}",
    "t0": "(1, 2)",
    "t1": "()",
}
"""What the variables of a module are at first, and those of a function where it has them as parameters."""
FIRST |= {name[0] + str(int(name[1]) + 5): value for name, value in FIRST.items()}
NO_YES = (False, True)
GROWING = (
    "a key of one branch",
    "the length of a list that is longer in one branch",
    "the truth of a list that is longer in one branch",
    "an item of a list that is longer in one branch",
    "a loop over a list that is longer in one branch",
)
AGAIN = ("a function that is called again", "an object that is made again")
CHANGING = "a condition on a list that changes"
SETTING = "an item set in one of two containers"
UNCOUNTED = ("a loop over an unknown number of items", "a comprehension over an unknown number of items")
LEAVING = ("what a branch that returns does to a list", "what a function does after an unknown return")

_below = cache(lambda count: st.integers(0, count - 1))


def pick(draw: Draw, options: Sequence[Any]) -> Any:
    """One of the options; the first is the simplest. A strategy of its own would take longer to make."""
    return options[draw(_below(len(options)))]


def rarely(draw: Draw) -> bool:
    """Whether to do what is done once in a while."""
    return bool(pick(draw, range(5)) == 4)


def mended(*names: str) -> bool:
    """Whether bnlint gets all of these constructs right, or did not get them wrong ever."""
    return EXCLUSIONS.keys().isdisjoint(names)


@dataclass(frozen=True)
class Scope:
    """What a statement may be where it stands.

    unknowns: the program's unknown booleans. sure: no condition of the program is unknown. branch: it may not run.
    inner: in a function. returns, loop: it may leave a function, a loop. repeated: it is in a loop. inside: in a
    comprehension. effects: it may change what is outside of the function. depth: how deep statements may still be
    nested. level: how deep functions, classes and loops stand in each other, so that each has names of its own.
    """

    unknowns: tuple[str, ...] = ()
    sure: bool = True
    branch: bool = False
    inner: bool = False
    returns: bool = False
    loop: bool = False
    repeated: bool = False
    effects: bool = True
    inside: bool = False
    depth: int = 2
    level: int = 0

    def names(self, kind: str) -> list[str]:
        """The variables of a kind that can be assigned here."""
        return [name for name in FIRST if name[0] == kind and (int(name[1]) >= 5) == self.inner]

    def read(self, kind: str) -> list[str]:
        """The variables of a kind that can be read here: in a function those of the module, too."""
        return [*self.names(kind), *([name for name in FIRST if name[0] == kind and name[1] == "0"] * self.inner)]

    def may(self, *names: str) -> bool:
        """Whether something may stand here that goes wrong only where conditions are unknown."""
        return self.sure or mended(*names)

    @property
    def grows(self) -> bool:
        """Whether containers may become longer or shorter here."""
        return self.effects and (not (self.branch or self.inner) or self.may(*GROWING))

    @property
    def binds(self) -> str:
        """The kinds of variables that can be bound here: of numbers and texts twice as often."""
        return "nnsst" + "ld" * (not self.branch or self.may(CHANGING, *GROWING))

    def deeper(self, **changes: Any) -> Scope:
        """The scope of a block in this one."""
        return replace(self, depth=self.depth - 1, **changes)


def joined(block: Sequence[Lines]) -> Lines:
    """The lines of these statements."""
    return [line for lines in block for line in lines]


def indented(lines: Lines) -> Lines:
    """The lines of a block."""
    return [f"    {line}" for line in lines]
