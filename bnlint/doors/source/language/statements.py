"""What each kind of statement does; those that define and import names are in `definitions`, loops in `loops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from ..library.methods import extend
from ..module import Spot
from ..values.args import Args
from ..values.branches import BREAK, CONTINUE, RAISE, RETURN, Completion, unless_raised
from ..values.code import Frame, Instance
from ..values.containers import List
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, layer_of, of
from ..values.operators import binary
from .definitions import DEFINITIONS, dotted_or, imports_what_is_there
from .expressions import OPERATORS
from .loops import run_for, run_while
from .patterns import bind_pattern, matches
from .targets import assign, delete

MAX_CASES = 40
"""Of a `match` with more cases, each is a branch of its own: they would nest too deep."""


def _simple_line(m: Evaluator, node: cst.SimpleStatementLine | cst.SimpleStatementSuite, frame: Frame) -> Completion:
    return m.execute(node.body, frame)


def _expression(m: Evaluator, node: cst.Expr, frame: Frame) -> Completion:
    value = m.evaluate(node.value, frame)
    layer = layer_of(value)
    if (
        layer is not None
        and not m.context.raises
        and not layer.calls
        and isinstance(layer.origin, Spot)
        and layer.origin.node is node.value
    ):
        layer.held = False
    return None


def _assign(m: Evaluator, node: cst.Assign, frame: Frame) -> Completion:
    value = m.evaluate(node.value, frame)
    for target in node.targets:
        assign(m, target.target, value, frame)
    return None


def _annotated(m: Evaluator, node: cst.AnnAssign, frame: Frame) -> Completion:
    if node.value is not None:
        assign(m, node.target, m.evaluate(node.value, frame), frame)
    return None


def _augmented(m: Evaluator, node: cst.AugAssign, frame: Frame) -> Completion:
    op = OPERATORS.get(type(node.operator))
    old = m.evaluate(node.target, frame)
    new = m.evaluate(node.value, frame)
    if isinstance(old, List) and op is not None and op.name == "Add":
        extend(m, old, new)
        return None
    value = binary(m, op, old, new, m.spot(node, frame)) if op is not None else Opaque("an unknown operator")
    assign(m, node.target, value, frame)
    return None


def _if(m: Evaluator, node: cst.If, frame: Frame) -> Completion:
    truth = m.truth(m.evaluate(node.test, frame))

    def other() -> Completion:
        if node.orelse is None:
            return None
        if type(node.orelse) is cst.If:
            return _if(m, node.orelse, frame)
        return m.execute(node.orelse.body.body, frame)

    if isinstance(truth, bool):
        return m.execute(node.body.body, frame) if truth else other()
    return m.fork(truth, lambda: m.execute(node.body.body, frame), other, frame)


def _try(m: Evaluator, node: Any, frame: Frame) -> Completion:
    """The body; then each handler, which may have run. Where both bind a library's name, the body's stays."""
    handlers = () if m.exact and imports_what_is_there(node.body.body) else node.handlers
    completion = _tried(m, node, frame) if handlers else m.execute(node.body.body, frame)
    if completion is None and node.orelse is not None:
        completion = m.execute(node.orelse.body.body, frame)
    for handler in handlers:
        completion = _handle(m, handler, completion, frame)
    if node.finalbody is not None:
        completion = m.execute(node.finalbody.body.body, frame) or completion
    return completion


def _tried(m: Evaluator, node: Any, frame: Frame) -> Completion:
    """The body of a `try` with handlers: what raises in one branch of it goes on in these."""
    ended: list[Completion] = []

    def body() -> Completion:
        ended.append(m.execute(node.body.body, frame))
        return ended[0]

    m.guarded += 1
    m.trying += 1
    try:
        completion, _ = m.region((RAISE,), body)
    finally:
        m.guarded -= 1
        m.trying -= 1
    return RAISE if ended[0] == RAISE else completion


def _handle(m: Evaluator, handler: Any, completion: Completion, frame: Frame) -> Completion:
    def run() -> Completion:
        if handler.name is not None and type(handler.name.name) is cst.Name:
            m.store(frame.variables, handler.name.name.value, Opaque("an exception"))
        return m.execute(handler.body.body, frame)

    ended = m.fork(unless_raised(), lambda: completion, run, frame)
    return completion if completion is not None and ended is not None else ended


def _with(m: Evaluator, node: cst.With, frame: Frame) -> Completion:
    changes: dict[str, Any] = {}
    tapes = len(m.recording)
    managers: list[tuple[Value, Spot]] = []
    for item in node.items:
        value = m.evaluate(item.item, frame)
        changes |= of(value).entered(m)
        name = dotted_or(item.item.func).rpartition(".")[2] if type(item.item) is cst.Call else ""
        if name.startswith(("assertRaises", "raises")):
            changes["raises"] = True
        entered = _call_if_there(m, value, "__enter__", [], m.spot(item.item, frame))
        if entered is not ABSENT:
            managers.append((value, m.spot(item.item, frame)))
        if item.asname is not None:
            assign(m, item.asname.name, value if entered is ABSENT else entered, frame)
    try:
        with m.within(**changes):
            completion = m.execute(node.body.body, frame)
    finally:
        del m.recording[tapes:]
    for value, spot in reversed(managers):
        raised: list[Value] = [Opaque("an exception") if completion == RAISE else None for _ in range(3)]
        if m.truth(_call_if_there(m, value, "__exit__", raised, spot)) is True and completion == RAISE:
            completion = None
    return completion


def _call_if_there(m: Evaluator, value: Value, name: str, given: list[Value], spot: Spot) -> Value:
    """A method of an object of the project's; ABSENT where it has none of this name."""
    func = value.cls.function(name) if isinstance(value, Instance) else None
    return ABSENT if func is None else m.call_function(func, Args(spot, given), value)


def _return(m: Evaluator, node: cst.Return, frame: Frame) -> Completion:
    frame.returned = None if node.value is None else m.evaluate(node.value, frame)
    return RETURN


def _raise(m: Evaluator, node: cst.Raise, frame: Frame) -> Completion:
    if node.exc is not None:
        m.escape(m.evaluate(node.exc, frame))
    return RAISE


def _break(m: Evaluator, node: cst.Break, frame: Frame) -> Completion:
    return BREAK


def _continue(m: Evaluator, node: cst.Continue, frame: Frame) -> Completion:
    return CONTINUE


def _assert(m: Evaluator, node: cst.Assert, frame: Frame) -> Completion:
    m.evaluate(node.test, frame)
    return None


def _global(m: Evaluator, node: cst.Global | cst.Nonlocal, frame: Frame) -> Completion:
    frame.outer = frame.outer | {item.name.value for item in node.names}
    return None


def _delete(m: Evaluator, node: cst.Del, frame: Frame) -> Completion:
    delete(m, node.target, frame)
    return None


def _match(m: Evaluator, node: cst.Match, frame: Frame) -> Completion:
    """Each case is a side of an unknown branch; of very many, each is a branch of its own."""
    subject = m.evaluate(node.subject, frame)

    def case(index: int, last: int) -> Completion:
        if index == last:
            return None
        given = node.cases[index]
        truth = matches(m, given, subject, frame)

        def body() -> Completion:
            bind_pattern(m, given.pattern, subject, frame)
            return m.execute(given.body.body, frame)

        if isinstance(truth, bool):
            return body() if truth else case(index + 1, last)
        return m.fork(truth, body, lambda: case(index + 1, last), frame)

    if len(node.cases) <= MAX_CASES:
        return case(0, len(node.cases))
    for index in range(len(node.cases)):
        case(index, index + 1)
    return None


STATEMENTS: dict[type, Callable[..., Completion]] = {
    **DEFINITIONS,
    cst.SimpleStatementLine: _simple_line,
    cst.SimpleStatementSuite: _simple_line,
    cst.Expr: _expression,
    cst.Assign: _assign,
    cst.AnnAssign: _annotated,
    cst.AugAssign: _augmented,
    cst.If: _if,
    cst.For: run_for,
    cst.While: run_while,
    cst.Try: _try,
    cst.TryStar: _try,
    cst.With: _with,
    cst.Return: _return,
    cst.Raise: _raise,
    cst.Break: _break,
    cst.Continue: _continue,
    cst.Assert: _assert,
    cst.Global: _global,
    cst.Nonlocal: _global,
    cst.Del: _delete,
    cst.Match: _match,
}
