"""What assignments bind: names, attributes, items, and the parts of these."""

from __future__ import annotations

from typing import Any

import libcst as cst

from ....graph import Tensor
from ..values.code import Frame
from ..values.evaluator import Evaluator
from ..values.kind import Value, of


def assign(m: Evaluator, target: Any, value: Value, frame: Frame) -> None:
    """Bind an assignment target."""
    kind = type(target)
    if kind is cst.Name:
        scope = _outer(frame, target.value) if target.value in frame.outer else frame
        old = scope.variables.get(target.value)
        if type(old) is Tensor and type(value) is Tensor and old is not value and old.call and not old.users:
            old.overwritten = m.spot(target, frame), value
        m.store(scope.variables, target.value, value)
    elif kind is cst.Attribute:
        m.set_attribute(m.evaluate(target.value, frame), target.attr.value, value, m.spot(target, frame))
    elif kind in (cst.Tuple, cst.List):
        elements = target.elements
        star = next((i for i, element in enumerate(elements) if type(element) is cst.StarredElement), None)
        parts = of(m.settled(value)).unpack(m, len(elements), star)
        for element, part in zip(elements, parts, strict=False):
            assign(m, element.value, part, frame)
    elif kind is cst.Subscript:
        container = m.evaluate(target.value, frame)
        index = target.slice[0].slice
        plain = type(index) is cst.Index and len(target.slice) == 1
        of(container).set_item(m, m.evaluate(index.value, frame) if plain else slice(None), value)
    elif kind is cst.StarredElement:
        assign(m, target.value, value, frame)


def delete(m: Evaluator, target: Any, frame: Frame) -> None:
    """`del target`."""
    kind = type(target)
    if kind is cst.Name and target.value in frame.variables:
        m.journal.touch(frame.variables)
        m.escape(frame.variables.pop(target.value))
    elif kind is cst.Attribute:
        of(m.evaluate(target.value, frame)).delete_attribute(m, target.attr.value)
    elif kind in (cst.Tuple, cst.List):
        for element in target.elements:
            delete(m, element.value, frame)
    elif kind is cst.Subscript:
        index = target.slice[0].slice
        plain = type(index) is cst.Index and len(target.slice) == 1
        of(m.evaluate(target.value, frame)).delete_item(m, m.evaluate(index.value, frame) if plain else slice(None))


def _outer(frame: Frame, name: str) -> Frame:
    """The scope of a name that is declared global or nonlocal."""
    scope = frame.parent
    while scope is not None and scope.parent is not None and name not in scope.variables:
        scope = scope.parent
    return scope or frame
