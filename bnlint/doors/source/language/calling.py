"""Calling functions of the project: arguments bound, bodies evaluated in frames of their own."""

from __future__ import annotations

from typing import Any

import libcst as cst

from ..library.builtins import Iterator
from ..library.stdlib import note_loaded
from ..module import Spot
from ..purposes import purpose_of
from ..values.args import Args
from ..values.bound import Symbol
from ..values.branches import RETURN, Completion, Exit
from ..values.code import Frame, Func, Super
from ..values.containers import Scope
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value
from ..values.lifted import SIMPLE, Assumed
from .parameters import bind, bind_unknown

MAX_DEPTH = 40
MAX_RECURSION = 4
"""So often a function may call itself; closures of one function are functions of their own."""
DEEPEST = 100
"""So many calls may be under way where a program is followed exactly; Python has room for some more."""
HEAVY = 150
"""So many calls a function adds for functions that nobody calls: ResNet50 and ResNet101 call what ResNet152 calls."""
FOREIGN = 25
"""So many does a function of another file, which is checked by itself, add for all of them."""
STEPS = 100
"""As many steps count as much as a call."""
RECENT = 50
"""Among the functions defined last are those that a function itself defines."""


def call_function(m: Evaluator, func: Func, args: Args, receiver: Value = ABSENT) -> Value:
    """Evaluate a function's body with these arguments."""
    func.called = True
    note_loaded(func.name, args)
    foreign = func.frame.module.path != m.program.path
    counted = len(m.running) == 1 or foreign
    if counted and m.unasked and not m.exact and m.heavy.get(func.node, 0) > (FOREIGN if foreign else HEAVY):
        m.escape_all(args)
        return Opaque("what was looked at with other arguments")
    if _is_barren(m, func, args):
        return Opaque("what says nothing the second time")
    if _is_too_deep(m, func):
        m.escape_all(args)
        return Opaque("too deep a recursion")
    frame = Frame(func.frame.module, Scope(), func.frame, func.name, owner=func.owner, receiver=receiver)
    bind(func, args, receiver, frame)
    before, steps = _size(m), m.steps
    try:
        result = _run(m, func, frame, args.spot)
    finally:
        if counted:
            added = len(m.program.calls) - before[0] + (m.steps - steps) // STEPS
            m.heavy[func.node] = m.heavy.get(func.node, 0) + added
    if before == _size(m) and (result is None or isinstance(result, Opaque)):
        m.barren.add(func.node)
    return result


def _is_too_deep(m: Evaluator, func: Func) -> bool:
    if m.exact:
        return len(m.running) >= DEEPEST
    return len(m.running) >= MAX_DEPTH or sum(1 for other in m.running if other is func) >= MAX_RECURSION


def _size(m: Evaluator) -> tuple[int, int, int]:
    """How large the graph is."""
    return len(m.program.calls), len(m.program.layers), len(m.program.events)


def _is_barren(m: Evaluator, func: Func, args: Args) -> bool:
    """Whether a call with unknown arguments would say as little as the one before it did."""
    if func.node not in m.barren:
        return False
    plain = (*SIMPLE, Opaque, Assumed, Symbol)
    unknown = any(isinstance(value, Opaque) for value in args.values)
    return unknown and all(isinstance(value, plain) for value in args.values)


def enter(m: Evaluator, func: Func, receiver: Value = ABSENT) -> Value:
    """Evaluate a function that nobody calls, with unknown arguments; defaults are known only as such."""
    frame = Frame(func.frame.module, Scope(), func.frame, func.name, owner=func.owner, receiver=receiver)
    func.called = True
    bind_unknown(func, receiver, frame)
    result = _run(m, func, frame)
    m.escape(result)
    return result


def _run(m: Evaluator, func: Func, frame: Frame, spot: Spot | None = None) -> Value:
    """Evaluate the body in a frame whose parameters are bound; returns what it returns."""
    stack, facts = m.stack, m.facts
    if spot is not None:
        m.stack = (*m.stack, spot)
    m.running.append(func)
    try:
        with m.within(**_changes(m, func)):
            if isinstance(func.node, cst.Lambda):
                return m.evaluate(func.node.body, frame)
            body = func.frame.module.draft.body(func.node)
            completion, returns = m.region((RETURN,), lambda: m.execute(body, frame))
    finally:
        m.running.pop()
        m.stack, m.facts = stack, facts
    if any(other.frame is frame for other in m.functions[-RECENT:]):
        for value in frame.variables.values():
            m.escape(value)
    return _result(m, frame, completion, returns)


def _changes(m: Evaluator, func: Func) -> dict[str, Any]:
    """What the context of a function's body is, other than its caller's."""
    functions = m.context.functions
    changes: dict[str, Any] = {"functions": (*functions, func.name) if func.name != "<lambda>" else functions}
    if func.owner is not None and func.owner.testing:
        changes["testing"] = True
    purpose = purpose_of(func.name)
    if purpose is not None and m.context.kind != "call":
        changes |= {"purpose": purpose, "because": f"in {func.name}"}
    return changes


def _result(m: Evaluator, frame: Frame, completion: Completion, returns: list[Exit]) -> Value:
    """What a body gives that ended so: what it returned at its end, or in a branch before."""
    if frame.yields or frame.yields.open:
        return Iterator(frame.yields, open=frame.yields.open)
    result = frame.returned
    if result is ABSENT and (completion is None or not returns):
        result = None
    for one in reversed(returns):
        result = m.choose(one.condition, one.value, result)
    return result


def super_of(frame: Frame) -> Super:
    """What `super()` means in a frame."""
    scope: Frame | None = frame
    while scope is not None and scope.owner is None:
        scope = scope.parent
    return Super(scope.owner, scope.receiver) if scope is not None else Super(None, None)
