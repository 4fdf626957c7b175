"""Loops: each round of a known range, one symbolic round where the range is not known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import libcst as cst

from ....graph import Tensor
from ..values.about import Index
from ..values.branches import BREAK, CONTINUE, RAISE, RETURN, Completion
from ..values.code import Frame
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, parts
from ..values.lifted import Assumed
from ..values.rounds import Round
from .targets import assign

UNROLL = 64
"""More rounds than this run as one symbolic round."""
TRAINING_ROUNDS = 8
"""Rounds of a loop that trains models; the rest would say the same again."""
FEW = 4
"""A loop of so few rounds runs all of them, whatever they repeat."""


def run_for(m: Evaluator, node: cst.For, frame: Frame) -> Completion:
    """`for`: each round of a known range; a single one with an unknown variable where the range is not known."""
    value = m.evaluate(node.iter, frame)
    items, complete = m.iterate(value)
    if not complete and len(items) > 1 and not all(isinstance(item, Assumed) for item in items):
        complete = len(items) <= UNROLL
    cut = not complete or len(items) > UNROLL
    if len(items) > UNROLL or (not complete and len(items) > 1):
        first = items[0] if isinstance(value, range) else None
        items = [Opaque("a loop variable", about=Index(first) if isinstance(first, int) else None)]
    rounds = _Rounds(m, len(items) if isinstance(value, range) else 0)

    def run() -> Completion:
        with m.journal.repeated() if cut else nullcontext(), _one_for_all(m, node, frame, items):
            completion = _run(m, node, frame, items, rounds, complete, cut)
        return completion if completion is not None else _orelse(m, node, frame)

    completion, _ = m.region((BREAK,), run)
    return completion


@contextmanager
def _one_for_all(m: Evaluator, node: cst.For, frame: Frame, items: list[Value]) -> Iterator[None]:
    """While a round with an unknown index runs, the evaluator knows what was there before the loop."""
    found = [part for item in items for part in parts(item) if isinstance(part, Opaque)]
    index = next((part for part in found if isinstance(part.about, Index)), None)
    if index is None:
        yield
        return
    values = (frame.variables.get(name) for name in _assigned(node))
    m.rounds[index] = Round(frame.variables, {value for value in values if isinstance(value, Tensor)})
    try:
        yield
    finally:
        del m.rounds[index]


def _assigned(node: cst.CSTNode) -> Iterator[str]:
    """The names that a statement assigns to."""
    stack = [node]
    while stack:
        current = stack.pop()
        target = current.target if isinstance(current, (cst.AssignTarget, cst.AnnAssign, cst.AugAssign)) else None
        if isinstance(target, cst.Name):
            yield target.value
        elif isinstance(target, (cst.Tuple, cst.List)):
            yield from (one.value.value for one in target.elements if isinstance(one.value, cst.Name))
        stack += current.children


def _run(
    m: Evaluator, node: cst.For, frame: Frame, items: list[Value], rounds: _Rounds, complete: bool, cut: bool
) -> Completion:
    """Run the body for each item; `cut`: there are rounds beyond these."""
    first, begun = len(m.program.events), m.time
    for index, item in enumerate(items):
        if rounds.repeats(index):
            cut = True
            continue
        events = len(m.program.events)
        completion = _round(m, node, frame, item)
        if completion == BREAK:
            return BREAK
        if completion in (RETURN, RAISE):
            if complete or index > 0 or (len(items) == 1 and completion == RETURN):
                return completion
            m.may_end(completion, "whether a loop runs", frame.returned)
            frame.returned = ABSENT
            return None
        if len(m.program.events) > events and index + 1 >= TRAINING_ROUNDS:
            cut = cut or index + 1 < len(items)
            break
    if cut:
        _repeat(m, first, begun)
    return None


def _round(m: Evaluator, node: cst.For | cst.While, frame: Frame, item: Value = ABSENT) -> Completion:
    """One round of a loop."""
    facts = m.facts
    if isinstance(node, cst.For):
        assign(m, node.target, item, frame)
    completion, _ = m.region((CONTINUE,), lambda: m.execute(node.body.body, frame))
    m.facts = facts
    return completion


def _orelse(m: Evaluator, node: cst.For | cst.While, frame: Frame) -> Completion:
    return m.execute(node.orelse.body.body, frame) if node.orelse is not None else None


def _repeat(m: Evaluator, first: int, begun: int) -> None:
    """Note that the events from this one on may happen again, in rounds that are not run.

    A model that a round makes is another one in each.
    """
    for event in m.program.events[first:]:
        event.repeated = event.repeated or event.model.time <= begun


class _Rounds:
    """Notices when the rounds of a long loop add the same calls with the same shapes over and over.

    From then on only the last round is worth running; an exact evaluation runs all.
    """

    def __init__(self, m: Evaluator, count: int) -> None:
        self.m = m
        self.last = count - 1
        self.start = len(m.program.calls)
        self.before: list[object] = []
        self.steady = False

    def repeats(self, index: int) -> bool:
        """Whether round `index` may be passed over; called before each round."""
        if self.last < FEW or self.m.exact:
            return False
        if self.steady:
            return index != self.last
        added = [(call.origin.key, call.layer.kind, call.output.shape) for call in self.m.program.calls[self.start :]]
        self.start = len(self.m.program.calls)
        self.steady = bool(added) and added == self.before
        self.before = list(added)
        return self.steady and index != self.last


def run_while(m: Evaluator, node: cst.While, frame: Frame) -> Completion:
    """`while`: round by round, while the condition is known; where it is not, one more round."""
    completion, _ = m.region((BREAK,), lambda: _rounds_of(m, node, frame))
    return completion


def _rounds_of(m: Evaluator, node: cst.While, frame: Frame) -> Completion:
    first, begun = len(m.program.events), m.time
    for index in range(UNROLL):
        truth = m.truth(m.evaluate(node.test, frame))
        if truth is False:
            return _orelse(m, node, frame)
        known = truth is True and type(node.test) not in (cst.Name, cst.Integer) and index + 1 < UNROLL
        with nullcontext() if known else m.journal.repeated():
            completion = _round(m, node, frame)
        if completion is not None:
            return completion
        if not known:
            break
    _repeat(m, first, begun)
    return None
