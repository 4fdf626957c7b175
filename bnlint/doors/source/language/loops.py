"""Loops: each round of a known range, one symbolic round where the range is not known."""

from __future__ import annotations

from contextlib import nullcontext

import libcst as cst

from ..values.branches import BREAK, RAISE, RETURN, Completion
from ..values.code import Frame
from ..values.evaluator import Evaluator
from ..values.kind import Opaque, Value
from ..values.lifted import Assumed
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
        items = [Opaque("a loop variable")]
    rounds = _Rounds(m, len(items) if isinstance(value, range) else 0)
    if not cut:
        return _run(m, node, frame, items, rounds, complete)
    with m.journal.repeated():
        return _run(m, node, frame, items, rounds, complete, cut=True)


def _run(
    m: Evaluator, node: cst.For, frame: Frame, items: list[Value], rounds: _Rounds, complete: bool, *, cut: bool = False
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
    return _orelse(m, node, frame)


def _orelse(m: Evaluator, node: cst.For | cst.While, frame: Frame) -> Completion:
    return m.execute(node.orelse.body.body, frame) if node.orelse is not None else None


def _repeat(m: Evaluator, first: int) -> None:
    """Note that the events from this one on may happen again, in rounds that are not run."""
    for event in m.program.events[first:]:
        event.repeated = True


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
    first, facts = len(m.program.events), m.facts
    for index in range(UNROLL):
        truth = m.truth(m.evaluate(node.test, frame))
        if truth is False:
            return _orelse(m, node, frame)
        known = truth is True and type(node.test) not in (cst.Name, cst.Integer) and index + 1 < UNROLL
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
