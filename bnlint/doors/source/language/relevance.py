"""Which functions of a module can have to do with batch normalization at all, told by the names they use."""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

import libcst as cst

from ....graph import Layer, Tensor
from ....inputs.gate import bears_name
from ..values.code import Class, Frame, Func, Instance, Pending
from ..values.kind import Value, parts

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


def _names_of(func: Func) -> tuple[set[str], set[str]]:
    """The names that a function uses, attributes included; and the attributes that it assigns."""
    body = func.frame.module.draft.missing.get(func.node)
    return _names_in(func.node) if body is None else _names_by_ast(body.function)


def _names_by_ast(root: ast.AST) -> tuple[set[str], set[str]]:
    used: set[str] = set()
    assigned: set[str] = set()
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        kind: Any = type(node)
        if kind is ast.Name:
            used.add(node.id)
            continue
        if kind is str:
            used.update(node.split("."))
            continue
        if kind is ast.Assign:
            assigned |= {target.attr for target in node.targets if type(target) is ast.Attribute}
        for name in _fields(kind):
            value = getattr(node, name)
            if type(value) is list:
                stack += filter(None, value)  # A dict's `**`, a keyword without a default.
            elif value is not None:
                stack.append(value)
    return used, assigned


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a node in which names can stand."""
    return () if kind is ast.Constant else tuple(name for name in kind._fields if name not in _NAMELESS)


def _names_in(root: cst.CSTNode) -> tuple[set[str], set[str]]:
    used: set[str] = set()
    assigned: set[str] = set()
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        kind: Any = type(node)
        if kind is cst.Name:
            used.add(node.value)
            continue
        if kind is cst.AssignTarget and type(node.target) is cst.Attribute:
            assigned.add(node.target.attr.value)
        for name in _branches(kind):
            value = getattr(node, name)
            if isinstance(value, (list, tuple)):
                stack += value
            elif _is_node(value.__class__):
                stack.append(value)
    return used, assigned


@cache
def _branches(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    """The fields of a node in which names can stand: neither white space nor punctuation, nor annotations."""
    names = (field.name for field in dataclasses.fields(kind))
    return () if issubclass(kind, _BARE) else tuple(name for name in names if not name.startswith(_PLAIN))


_NAMELESS = (*("annotation", "returns", "ctx", "op", "ops", "level"), *("kind", "conversion", "is_async", "simple"))
_BARE = (cst.SimpleString, cst.BaseNumber, cst.BaseUnaryOp, cst.BaseBinaryOp, cst.BaseAugOp, cst.BaseCompOp)


@cache
def _is_node(kind: type) -> bool:
    return issubclass(kind, cst.CSTNode)


class Relevance:
    """Answers, for the functions of one module, whether they can reach a batch normalization."""

    def __init__(self, functions: Iterable[Func], classes: Iterable[Class], frame: Frame) -> None:
        self._names = {func.node: _names_of(func) for func in functions}
        self._known = {name for name, value in frame.variables.items() if _is_graph(value)}
        self._naming = Counter(name for used, _ in self._names.values() for name in used)
        self._learnt: set[cst.CSTNode] = set()
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

    def is_named(self, func: Func) -> bool:
        """Whether another function of the module, or one learnt of since, names this one."""
        return self._naming[func.name] > 1

    def learn(self, functions: Iterable[Func]) -> None:
        """Take in what functions of other modules name."""
        for func in functions:
            if func.node not in self._names and func.node not in self._learnt:
                self._learnt.add(func.node)
                self._naming.update(_names_of(func)[0])

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
                if part.node is not None:
                    return True
                opened.add(part)
                stack.append(part.attributes)
    return False
