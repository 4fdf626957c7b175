"""Loops of which one round stands for all: later rounds do not see what was there before the loop."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ....graph import Tensor
from .about import Both, Compare, Either, Index, Not
from .containers import Scope
from .kind import Opaque, Value

_SIGNS = {"==": int.__eq__, "is": int.__eq__, "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__}


class Round(NamedTuple):
    """The one round that is run: the variables around the loop, and what those held before that the loop assigns to."""

    variables: Scope
    before: Collection[Tensor]

    def changed(self, here: Scope | None) -> list[tuple[Scope, str]]:
        """The variables that still hold what was there before the loop."""
        scopes = [self.variables] if here is None or here is self.variables else [self.variables, here]
        pairs = [(scope, name, value) for scope in scopes for name, value in scope.items()]
        return [(scope, name) for scope, name, value in pairs if isinstance(value, Tensor) and value in self.before]


def index_of(condition: Value) -> Opaque | None:
    """The count of rounds that a condition is about."""
    if not isinstance(condition, Opaque):
        return None
    if isinstance(condition.about, Index):
        return condition
    parts = condition.about if isinstance(condition.about, (Not, Both, Either, Compare)) else ()
    return next(filter(None, map(index_of, parts)), None)


def in_first_round(condition: Value) -> bool | None:
    """Whether a condition holds in a loop's first round; None where that is not known."""
    if not isinstance(condition, Opaque):
        return condition if isinstance(condition, bool) else None
    about = condition.about
    if isinstance(about, Index):
        return about.first != 0
    if isinstance(about, Not):
        inner = in_first_round(about.condition)
        return None if inner is None else not inner
    if isinstance(about, (Both, Either)):
        sides = {in_first_round(about.left), in_first_round(about.right)}
        decisive = isinstance(about, Either)
        return decisive if decisive in sides else None if None in sides else not decisive
    if isinstance(about, Compare) and about.sign in _SIGNS:
        left, right = (_first(side) for side in (about.left, about.right))
        if left is not None and right is not None:
            return bool(_SIGNS[about.sign](left, right))
    return None


def _first(value: Value) -> int | None:
    if isinstance(value, Opaque) and isinstance(value.about, Index):
        return value.about.first
    return value if isinstance(value, int) else None
