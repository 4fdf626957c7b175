"""What each kind of statement does; those that define and import names are in `definitions`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import libcst as cst

from .definitions import DEFINITIONS, dotted_or
from .expressions import OPERATORS
from .layers import layer_of
from .machine import BREAK, CONTINUE, RAISE, RETURN, Completion, Machine
from .methods import extend
from .module import Spot
from .operators import arithmetic, items_of
from .values import (
    Array,
    Assumed,
    Choice,
    Dict,
    Frame,
    List,
    Opaque,
    Thing,
    Value,
)

UNROLL = 64
"""More rounds than this run as one symbolic round."""
MAX_CASES = 40
TRAINING_ROUNDS = 8
"""Rounds of a loop that trains models; the rest would say the same again."""


def assign(m: Machine, target: Any, value: Value, frame: Frame) -> None:
    """Bind an assignment target."""
    if type(target) is cst.Name:
        scope = frame
        if target.value in frame.outer:
            scope = _outer(frame, target.value)
        m.store(scope.variables, target.value, value)
    elif type(target) is cst.Attribute:
        m.set_attribute(m.evaluate(target.value, frame), target.attr.value, value, m.spot(target, frame))
    elif type(target) in (cst.Tuple, cst.List):
        _unpack(m, target, value, frame)
    elif type(target) is cst.Subscript:
        container = m.evaluate(target.value, frame)
        index = target.slice[0].slice
        key = (
            m.evaluate(index.value, frame) if type(index) is cst.Index and len(target.slice) == 1 else Opaque("a slice")
        )
        _set_item(m, container, key, value)
    elif type(target) is cst.StarredElement:
        assign(m, target.value, value, frame)


def _outer(frame: Frame, name: str) -> Frame:
    scope = frame.parent
    while scope is not None and scope.parent is not None and name not in scope.variables:
        scope = scope.parent
    return scope or frame


def _set_item(m: Machine, container: Value, key: Value, value: Value) -> None:
    if isinstance(container, Dict):
        if isinstance(key, (str, int, float, bool, type(None))):
            m.store(container, key, value)
            return
        m.journal.touch(container)
        container.open = True
    elif isinstance(container, List):
        m.journal.touch(container)
        if isinstance(key, int) and -len(container) <= key < len(container):
            container[key] = value
            return
        container.open = True
    m.escape(value)


def _unpack(m: Machine, target: cst.Tuple | cst.List, value: Value, frame: Frame) -> None:
    elements = target.elements
    value = m.settled(value)
    if isinstance(value, Choice):
        halves = [_parts(m, leaf, elements) for leaf in (value.then, value.other)]
        for element, first, second in zip(elements, *halves, strict=False):
            assign(m, element.value, m.choose(value.condition, first, second), frame)
        return
    for element, part in zip(elements, _parts(m, value, elements), strict=False):
        assign(m, element.value, part, frame)


def _parts(m: Machine, value: Value, elements: Any) -> list[Value]:
    count = len(elements)
    star = next((i for i, element in enumerate(elements) if type(element) is cst.StarredElement), None)
    if isinstance(value, Assumed):
        return [Assumed(part) for part in _parts(m, value.value, elements)]
    if isinstance(value, Array) and value.shape and len(value.shape) == 1:
        return [Opaque("a number")] * count
    items, complete = items_of(m, value) if isinstance(value, (tuple, List, Dict, str, range)) else ([], False)
    if star is not None and complete and len(items) >= count - 1:
        after = count - star - 1
        middle = items[star : len(items) - after]
        return [*items[:star], List(middle), *items[len(items) - after :]]
    if complete and len(items) == count:
        return items
    if isinstance(value, (tuple, List)) and len(value) == count:
        return list(value)
    m.escape(value)
    batch = value.batch if isinstance(value, Opaque) else None
    return [Opaque(f"a part of {getattr(value, 'reason', '')}", batch=batch) for _ in elements]


def _simple_line(m: Machine, node: cst.SimpleStatementLine | cst.SimpleStatementSuite, frame: Frame) -> Completion:
    return m.execute(node.body, frame)


def _expression(m: Machine, node: cst.Expr, frame: Frame) -> Completion:
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


def _assign(m: Machine, node: cst.Assign, frame: Frame) -> Completion:
    value = m.evaluate(node.value, frame)
    for target in node.targets:
        assign(m, target.target, value, frame)
    return None


def _annotated(m: Machine, node: cst.AnnAssign, frame: Frame) -> Completion:
    if node.value is not None:
        assign(m, node.target, m.evaluate(node.value, frame), frame)
    return None


def _augmented(m: Machine, node: cst.AugAssign, frame: Frame) -> Completion:
    kind, operate = OPERATORS.get(type(node.operator), ("", None))
    old = m.evaluate(node.target, frame)
    new = m.evaluate(node.value, frame)
    if isinstance(old, List) and kind == "Add":
        extend(m, old, new)
        return None
    value = (
        Opaque("an unknown operator")
        if operate is None
        else arithmetic(m, kind, operate, old, new, m.spot(node, frame))
    )
    assign(m, node.target, value, frame)
    return None


def _if(m: Machine, node: cst.If, frame: Frame) -> Completion:
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


def _for(m: Machine, node: cst.For, frame: Frame) -> Completion:
    """Each round of a known range; a single one with an unknown variable where the range is not known."""
    value = m.evaluate(node.iter, frame)
    items, complete = items_of(m, value)
    if not complete and len(items) > 1 and not all(isinstance(item, Assumed) for item in items):
        complete = len(items) <= UNROLL
    cut = not complete or len(items) > UNROLL
    if len(items) > UNROLL or (not complete and len(items) > 1):
        items = [Opaque("a loop variable")]
    rounds = _Rounds(m, len(items) if isinstance(value, range) else 0)
    if not cut:
        return _run(m, node, frame, items, rounds, complete)
    with m.journal.repeated():
        return _run(m, node, frame, items, rounds, complete, cut=True)


def _run(
    m: Machine, node: cst.For, frame: Frame, items: list[Value], rounds: _Rounds, complete: bool, *, cut: bool = False
) -> Completion:
    """Run the body for each item, and what follows the last round; `cut`: there are rounds beyond these."""
    first, facts = len(m.program.events), m.facts
    for index, item in enumerate(items):
        if rounds.repeats(index):
            cut = True
            continue
        events = len(m.program.events)
        assign(m, node.target, item, frame)
        completion = m.execute(node.body.body, frame)
        m.facts = facts
        if completion == BREAK:
            return None
        if completion in (RETURN, RAISE):
            return completion if complete or index > 0 or (len(items) == 1 and completion == RETURN) else None
        if len(m.program.events) > events and index + 1 >= TRAINING_ROUNDS:
            cut = cut or index + 1 < len(items)
            break
    if cut:
        _repeat(m, first)
    return m.execute(node.orelse.body.body, frame) if node.orelse is not None else None


def _repeat(m: Machine, first: int) -> None:
    """Note that the events from this one on may happen again, in rounds that are not run."""
    for event in m.program.events[first:]:
        event.repeated = True


class _Rounds:
    """Notices when the rounds of a long loop add the same calls with the same shapes over and over.

    From then on only the last round is worth running; an exact evaluation runs all.
    """

    def __init__(self, m: Machine, count: int) -> None:
        self.m = m
        self.last = count - 1
        self.start = len(m.program.calls)
        self.before: list[object] = []
        self.steady = False

    def repeats(self, index: int) -> bool:
        """Whether round `index` may be passed over; called before each round."""
        if self.last < 4 or self.m.exact:
            return False
        if self.steady:
            return index != self.last
        added = [(call.origin.key, call.layer.kind, call.output.shape) for call in self.m.program.calls[self.start :]]
        self.start = len(self.m.program.calls)
        self.steady = bool(added) and added == self.before
        self.before = list(added)
        return self.steady and index != self.last


def _while(m: Machine, node: cst.While, frame: Frame) -> Completion:
    """Round by round, while the condition is known; where it is not, one more round."""
    first, facts = len(m.program.events), m.facts
    for _ in range(UNROLL):
        truth = m.truth(m.evaluate(node.test, frame))
        if truth is False:
            return None
        known = truth is True and type(node.test) not in (cst.Name, cst.Integer)
        with nullcontext() if known else m.journal.repeated():
            completion = m.execute(node.body.body, frame)
        m.facts = facts
        if completion == BREAK:
            return None
        if completion in (RETURN, RAISE):
            return completion
        if not known:
            break
    _repeat(m, first)
    return None


def _try(m: Machine, node: Any, frame: Frame) -> Completion:
    """The body; then each handler, which may have run. Where both bind a library's name, the body's stays."""
    m.guarded += bool(node.handlers)
    completion = m.execute(node.body.body, frame)
    m.guarded -= bool(node.handlers)
    if completion is None and node.orelse is not None:
        completion = m.execute(node.orelse.body.body, frame)
    for handler in node.handlers:
        completion = _handle(m, handler, completion, frame)
    if node.finalbody is not None:
        completion = m.execute(node.finalbody.body.body, frame) or completion
    return completion


def _handle(m: Machine, handler: Any, completion: Completion, frame: Frame) -> Completion:
    def run() -> Completion:
        if handler.name is not None and type(handler.name.name) is cst.Name:
            m.store(frame.variables, handler.name.name.value, Opaque("an exception"))
        return m.execute(handler.body.body, frame)

    ended = m.fork(Opaque("no exception"), lambda: completion, run, frame)
    return completion if completion is not None and ended is not None else ended


def _with(m: Machine, node: cst.With, frame: Frame) -> Completion:
    changes: dict[str, Any] = {}
    tapes = len(m.recording)
    for item in node.items:
        value = m.evaluate(item.item, frame)
        if isinstance(value, Thing):
            if value.symbol == "tf.GradientTape":
                changes["tape"] = value
                m.recording.append(value)
            elif value.symbol.endswith(".scope"):
                changes |= {"strategy": value.attributes.get("name", ""), "replicas": value.attributes.get("devices")}
        if type(item.item) is cst.Call and dotted_or(item.item.func).rsplit(".", 1)[-1].startswith(
            ("assertRaises", "raises")
        ):
            changes["raises"] = True
        if item.asname is not None:
            assign(m, item.asname.name, value, frame)
    try:
        with m.within(**changes):
            return m.execute(node.body.body, frame)
    finally:
        del m.recording[tapes:]


def _return(m: Machine, node: cst.Return, frame: Frame) -> Completion:
    frame.returns.append(None if node.value is None else m.evaluate(node.value, frame))
    return RETURN


def _raise(m: Machine, node: cst.Raise, frame: Frame) -> Completion:
    return RAISE


def _break(m: Machine, node: cst.Break, frame: Frame) -> Completion:
    return BREAK


def _continue(m: Machine, node: cst.Continue, frame: Frame) -> Completion:
    return CONTINUE


def _assert(m: Machine, node: cst.Assert, frame: Frame) -> Completion:
    m.evaluate(node.test, frame)
    return None


def _global(m: Machine, node: cst.Global | cst.Nonlocal, frame: Frame) -> Completion:
    frame.outer = frame.outer | {item.name.value for item in node.names}
    return None


def _delete(m: Machine, node: cst.Del, frame: Frame) -> Completion:
    targets = node.target.elements if type(node.target) is cst.Tuple else [node.target]
    for target in targets:
        name = getattr(target, "value", target)
        if isinstance(name, str) and name in frame.variables:
            m.journal.touch(frame.variables)
            m.escape(frame.variables.pop(name))
    return None


def _match(m: Machine, node: cst.Match, frame: Frame) -> Completion:
    """Each case is a side of an unknown branch; of very many, each is a branch of its own."""
    m.evaluate(node.subject, frame)

    def case(index: int, last: int) -> Completion:
        if index == last:
            return None
        body = node.cases[index].body.body
        return m.fork(Opaque("a match"), lambda: m.execute(body, frame), lambda: case(index + 1, last), frame)

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
    cst.For: _for,
    cst.While: _while,
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
