"""Chains in the graph: which call is the only one in front of another, or behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .nodes import Call
from .program import Program
from .questions import users


def before(call: Call) -> Call | None:
    """The call whose output is all that a call takes, and which nothing else takes."""
    front = call.inputs[0].call if len(call.inputs) == 1 else None
    return front if front is not None and behind(front) is call else None


def behind(call: Call) -> Call | None:
    """The call that takes a call's output, where nothing else does, and which takes nothing else."""
    following = list(dict.fromkeys(users(call)))
    if len(following) != 1 or call.outputs or (call.output.escaped and not call.output.exported):
        return None
    user = following[0]
    alone = user.inputs == (call.output,) and user.parent is call.parent and user.optional == call.optional
    return user if alone else None


def back_to(call: Call, end: Callable[[Call], bool], through: Callable[[Call], bool]) -> tuple[Call, ...]:
    """The chain in front of a call up to the nearest of a kind, in the order of the data; () where there is none."""
    return tuple(reversed(_way(before(call), end, through, before)))


def on_to(call: Call, end: Callable[[Call], bool], through: Callable[[Call], bool]) -> tuple[Call, ...]:
    """The chain behind a call up to the nearest of a kind; () where there is none."""
    return _way(behind(call), end, through, behind)


def _way(
    call: Call | None,
    end: Callable[[Call], bool],
    through: Callable[[Call], bool],
    step: Callable[[Call], Call | None],
) -> tuple[Call, ...]:
    found: list[Call] = []
    while call is not None and len(found) < 50:
        found.append(call)
        if end(call):
            return tuple(found)
        if not through(call):
            break
        call = step(call)
    return ()


def alike(calls: tuple[Call, ...], program: Program) -> bool:
    """Whether wherever the code of the first of these calls runs, the others follow it in the same way.

    A helper's code that is used several times can be changed only where each of its uses has the same chain.
    """
    return all(_keys(chain) == _keys(calls) for chain in _chains(calls, program))


def _chains(calls: tuple[Call, ...], program: Program) -> Iterator[list[Call]]:
    for other in program.calls_at(calls[0].origin):
        chain = [other]
        while len(chain) < len(calls) and (following := behind(chain[-1])) is not None:
            chain.append(following)
        yield chain


def _keys(calls: tuple[Call, ...] | list[Call]) -> list[object]:
    return [call.origin.key for call in calls]
