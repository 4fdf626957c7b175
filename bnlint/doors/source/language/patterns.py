"""The patterns of `match`: which is known to fit, and the names that they bind."""

from __future__ import annotations

from typing import Any

import libcst as cst

from ..values.code import Frame
from ..values.evaluator import Evaluator
from ..values.kind import Opaque, Value
from ..values.operators import compare


def matches(m: Evaluator, case: cst.MatchCase, subject: Value, frame: Frame) -> bool | Opaque:
    """Whether a case fits, or the condition that decides it."""
    fits = _fits(m, case.pattern, subject, frame)
    if case.guard is None or fits is False:
        return fits
    bind_pattern(m, case.pattern, subject, frame)
    return m.truth(m.evaluate(case.guard, frame)) if fits is True else Opaque("a match")


def _fits(m: Evaluator, pattern: cst.MatchPattern, subject: Value, frame: Frame) -> bool | Opaque:
    """Whether the pattern of a case fits."""
    if isinstance(pattern, cst.MatchAs) and pattern.pattern is None:
        return True
    if isinstance(pattern, (cst.MatchValue, cst.MatchSingleton)):
        return compare(m, "==", subject, m.evaluate(pattern.value, frame))
    if isinstance(pattern, cst.MatchOr):
        answers = [_fits(m, one.pattern, subject, frame) for one in pattern.patterns]
        return True if True in answers else False if all(answer is False for answer in answers) else Opaque("a match")
    return Opaque("a match")


def bind_pattern(m: Evaluator, pattern: Any, subject: Value, frame: Frame) -> None:
    """Bind the names of a pattern: the whole subject where it is one name, else a part of it."""
    if isinstance(pattern, cst.MatchAs) and pattern.name is not None:
        m.store(frame.variables, pattern.name.value, subject)
    stack = [pattern]
    while stack:
        node = stack.pop()
        name = getattr(node, "name", None)
        if node is not pattern and isinstance(node, (cst.MatchAs, cst.MatchStar)) and name is not None:
            m.store(frame.variables, name.value, Opaque("a part of what is matched"))
        rest = node.rest if isinstance(node, cst.MatchMapping) else None
        if rest is not None:
            m.store(frame.variables, rest.value, Opaque("a part of what is matched"))
        stack += [child for child in node.children if not isinstance(child, cst.BaseExpression)]
