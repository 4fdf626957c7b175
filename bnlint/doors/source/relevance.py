"""Which functions of a module can have to do with batch normalization at all, told by the names they use."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import libcst as cst

from ...graph import Layer, Tensor
from ..gate import bears_name
from .values import Class, Frame, Func, Instance, Pending, Value, parts

_WHITE = ("whitespace", "leading", "trailing", "lines_after", "lpar", "rpar", "comma", "semicolon", "header", "footer")
_PLAIN = (
    *_WHITE,
    "equal",
    "colon",
    "indent",
    "newline",
    "lbracket",
    "rbracket",
    "lbrace",
    "rbrace",
    "annotation",
    "returns",
)
_fields: dict[type, tuple[str, ...]] = {}


def nodes(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Every node below a node that is neither white space nor punctuation, in no particular order."""
    stack: list[cst.CSTNode] = [root]
    while stack:
        node = stack.pop()
        yield node
        names = _fields.get(type(node))
        if names is None:
            names = _fields[type(node)] = _fields_of(node)
        for name in names:
            value = getattr(node, name)
            kind = type(value)
            if kind is list or kind is tuple:
                stack += value
            elif kind in _fields or isinstance(value, cst.CSTNode):
                stack.append(value)


def _fields_of(node: cst.CSTNode) -> tuple[str, ...]:
    names = (field.name for field in dataclasses.fields(node))
    return tuple(name for name in names if not name.startswith(_PLAIN))


def names_in(root: cst.CSTNode) -> tuple[set[str], set[str]]:
    """The names that code uses, attributes included; and the attributes that it assigns."""
    used: set[str] = set()
    assigned: set[str] = set()
    for node in nodes(root):
        if isinstance(node, cst.Name):
            used.add(node.value)
        elif isinstance(node, cst.AssignTarget) and isinstance(node.target, cst.Attribute):
            assigned.add(node.target.attr.value)
    return used, assigned


class Relevance:
    """Answers, for the functions of one module, whether they can reach a batch normalization."""

    def __init__(self, functions: Iterable[Func], classes: Iterable[Class], frame: Frame) -> None:
        self._names = {func.node: names_in(func.node) for func in functions}
        self._known = {name for name, value in frame.variables.items() if _is_graph(value)}
        self._reaching: set[cst.CSTNode] = set()
        owners = {func: func.owner.name for func in functions if func.owner is not None}
        grown = True
        while grown:
            grown = False
            for func in functions:
                used, assigned = self._names[func.node]
                if func.node not in self._reaching and (used & self._known or any(map(bears_name, used))):
                    grown = True
                    self._reaching.add(func.node)
                    self._known |= assigned
                    self._known.add(func.name)
                    if func in owners:
                        self._known.add(owners[func])

    def concerns(self, func: Func) -> bool:
        """Whether the function names a batch normalization, or something that leads to one."""
        return func.node in self._reaching or func.node not in self._names

    def concerns_class(self, cls: Class) -> bool:
        """Whether a method of the class, or of one of its bases, does."""
        return any(
            isinstance(value, Func) and self.concerns(value) for one in cls.lineage() for value in one.members.values()
        )


def _is_graph(value: Value) -> bool:
    """Whether a value is, or holds, something of the graph."""
    opened: set[Instance] = set()
    stack = [value]
    while stack:
        for part in parts(stack.pop()):
            if isinstance(part, (Layer, Frame, Pending)) or (isinstance(part, Tensor) and not part.data):
                return True
            if isinstance(part, Instance) and part not in opened:
                if part.layer is not None:
                    return True
                opened.add(part)
                stack.append(part.attributes)
    return False
