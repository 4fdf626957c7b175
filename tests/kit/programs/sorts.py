"""Blocks of statements; the sorts of statements add themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from hypothesis import strategies as st
from kit.programs.scope import Draw, Lines, Scope, joined, pick

Sort = Callable[[Draw, Scope], Lines]

_SORTS: list[tuple[Sort, bool, int, Callable[[Scope], bool]]] = []


def statement(
    weight: int = 1, nested: bool = False, when: Callable[[Scope], bool] = lambda scope: True
) -> Callable[[Sort], Sort]:
    """The decorated function draws a sort of statement. `nested`: it holds blocks. `when`: where it may stand."""

    def add(sort: Sort) -> Sort:
        _SORTS.append((sort, nested, weight, when))
        return sort

    return add


@cache
def _sorts(scope: Scope) -> tuple[Sort, ...]:
    return tuple(
        sort
        for sort, nested, weight, when in _SORTS
        if when(scope) and (not nested or scope.depth > 0)
        for _ in range(weight)
    )


@cache
def blocks(scope: Scope, most: int = 2, least: int = 1) -> st.SearchStrategy[Lines]:
    """The statements of a block."""
    return st.lists(statements(scope), min_size=least, max_size=most).map(joined)


@cache
def statements(scope: Scope) -> st.SearchStrategy[Lines]:
    """One statement, or a few that belong together."""
    return _statements(scope)


@st.composite
def _statements(draw: Draw, scope: Scope) -> Lines:
    sort: Sort = pick(draw, _sorts(scope))
    return sort(draw, scope)
