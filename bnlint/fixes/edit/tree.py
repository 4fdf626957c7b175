"""A LibCST tree, where its nodes stand in the text, and the replacements that are to be made there."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import libcst as cst
from libcst._nodes.internal import CodegenState

from ...doors.source.draft import deep
from .edits import Lines, Span, applied

N = TypeVar("N", bound=cst.CSTNode)
Range = tuple[int, int]
"""Where something begins and ends in the text, in code points."""


class NotFixed(Exception):
    """The change cannot be made, and why."""


class Positions:
    """Which node of a module holds which, and where each stands in its text."""

    def __init__(self, module: cst.Module, text: str) -> None:
        self.module = module
        self.text = text
        self.newline = module.default_newline
        self.parents: dict[int, cst.CSTNode] = {}
        stack: list[cst.CSTNode] = [module]
        while stack:
            node = stack.pop()
            for child in children(node):
                self.parents[id(child)] = node
                stack.append(child)
        state = _Spans(module.default_indent, module.default_newline)
        with deep():
            module._codegen(state)
        self.ranges = state.ranges
        self._starts: dict[int, list[int]] = {}
        self.rows: dict[int, tuple[Range, ...]] = {}
        self.loads: dict[tuple[int, str], list[int]] = {}
        self.alike: dict[tuple[int, type[cst.CSTNode]], dict[str, list[cst.CSTNode]]] = {}

    def starts(self, row: Sequence[cst.CSTNode]) -> list[int]:
        """Where the nodes of a row begin."""
        if id(row) not in self._starts:
            self._starts[id(row)] = [self.ranges[id(node)][0] for node in row]
        return self._starts[id(row)]

    @cached_property
    def lines(self) -> Lines:
        """The lines of the text."""
        return Lines(self.text)

    @cached_property
    def imports(self) -> list[cst.Import | cst.ImportFrom]:
        """All imports, in the order of the text."""
        return [node for node in walk(self.module) if isinstance(node, (cst.Import, cst.ImportFrom))]

    @cached_property
    def named(self) -> dict[str, list[cst.Name]]:
        """The names that stand for variables, those that are the same in the order of the text."""
        found: dict[str, list[cst.Name]] = {}
        for name in sorted(names_in(self.module), key=lambda name: self.ranges[id(name)]):
            found.setdefault(name.value, []).append(name)
        return found

    @cached_property
    def quote(self) -> str:
        """The quotes that stand in the text more often."""
        return '"' if self.text.count('"') >= self.text.count("'") else "'"

    @cached_property
    def reads(self) -> Counter[str]:
        """How often each name is read, or stands in a string by itself."""
        return reads(ast.parse(self.text))


def reads(tree: ast.AST) -> Counter[str]:
    """How often each name is read, or stands in a string by itself, as in `__all__`."""
    return Counter(_reads(tree))


def _reads(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


class Tree:
    """A module to which one change is made: replacements are noted, and made when `rebuilt` is asked for."""

    def __init__(self, layout: Positions) -> None:
        self.layout = layout
        self.module, self.text, self.newline = layout.module, layout.text, layout.newline
        self._parents, self._ranges = layout.parents, layout.ranges
        self._spans: list[Span] = []
        self.behind: set[int] = set()
        """Where lines were put that belong to what stands in front of them."""

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node that holds this one, None for the module."""
        return self._parents.get(id(node))

    def above(self, node: cst.CSTNode, kind: type[N] | tuple[type[N], ...]) -> N | None:
        """The nearest node of a kind that is this one or holds it."""
        current: cst.CSTNode | None = node
        while current is not None and not isinstance(current, kind):
            current = self.parent(current)
        return current

    def holds(self, outer: cst.CSTNode, node: cst.CSTNode) -> bool:
        """Whether one node is, or holds, the other."""
        current: cst.CSTNode | None = node
        while current is not None and current is not outer:
            current = self.parent(current)
        return current is outer

    def range(self, node: cst.CSTNode) -> Range:
        """Where a node's own text stands: an expression with its parentheses, an element without its comma."""
        start, end = self._ranges[id(node)]
        if isinstance(node, (cst.Arg, cst.BaseElement)):
            end = self.range(node.value)[1]
        elif isinstance(node, cst.ImportAlias):
            end = self.range(node.asname.name if node.asname else node.name)[1]
        elif isinstance(node, cst.Param):
            last = node.default or (node.annotation.annotation if node.annotation else node.name)
            end = self.range(last)[1]
        return start, min(end, len(self.text))

    def code(self, node: cst.CSTNode) -> str:
        """The node's own text."""
        start, end = self.range(node)
        return self.text[start:end]

    def replace(self, start: int, end: int, text: str) -> None:
        """Put a text in the place of another."""
        self._spans.append(Span(start, end, text))

    def put(self, node: cst.CSTNode, text: str) -> None:
        """Put a text in the place of a node's own."""
        self.replace(*self.range(node), text)

    def put_behind(self, end: int, lines: str) -> None:
        """Put whole lines, the last without its end, behind the line that ends at an offset."""
        broken = self.text[:end].endswith(("\n", "\r"))
        self.replace(end, end, f"{lines}{self.newline}" if broken else f"{self.newline}{lines}")
        self.behind.add(end)

    def spans(self) -> list[Span]:
        """All replacements. Raises NotFixed where two of them meet."""
        spans = sorted(set(self._spans))
        for one, other in pairwise(spans):
            if other.start < one.end or (one.start == other.start and one.end == other.end):
                raise NotFixed("two parts of the change meet at one place")
        return spans

    def rebuilt(self) -> str:
        """The text with all replacements made. Raises NotFixed where two of them meet."""
        return applied(self.text, self.spans())

    def line_start(self, offset: int) -> int:
        """Where the line of an offset begins."""
        return max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1

    def line_above(self, start: int) -> int:
        """Where the line above one begins that begins at `start`."""
        return self.line_start(start - (2 if self.text[start - 2 : start] == "\r\n" else 1))

    def line_end(self, offset: int) -> int:
        """Where the line of an offset ends, behind its line end."""
        found = _NEWLINE.search(self.text, offset)
        return found.end() if found else len(self.text)

    def column(self, offset: int) -> int:
        """How many characters stand in front of an offset on its line."""
        return offset - self.line_start(offset)

    def indent(self, offset: int) -> str:
        """What stands in front of the first character of an offset's line."""
        start = self.line_start(offset)
        found = _SPACES.match(self.text, start)
        return found.group() if found else ""


_NEWLINE = re.compile(r"\r\n|\r|\n")
_SPACES = re.compile(r"[ \t\f]*")


class _Spans(CodegenState):
    """Writes the code to nowhere, noting at which offsets each node begins and ends, parentheses included."""

    __slots__ = ("offset", "ranges")

    def __init__(self, default_indent: str, default_newline: str) -> None:
        super().__init__(default_indent, default_newline)
        self.offset = 0
        self.ranges: dict[int, Range] = {}

    def add_indent_tokens(self) -> None:
        self.offset += sum(map(len, self.indent_tokens))

    def add_token(self, value: str) -> None:
        self.offset += len(value)

    def before_codegen(self, node: cst.CSTNode) -> None:
        self.ranges[id(node)] = (self.offset, self.offset)

    def after_codegen(self, node: cst.CSTNode) -> None:
        self.ranges[id(node)] = (self.ranges[id(node)][0], self.offset)


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes that a node holds."""
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if isinstance(value, cst.CSTNode):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from (item for item in value if isinstance(item, cst.CSTNode))


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all that it holds, in the order of the text."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack += reversed(list(children(current)))


def names_in(node: cst.CSTNode) -> Iterator[cst.Name]:
    """The names in a node that stand for variables: no attributes, keywords or imported names."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, cst.Name):
            yield current
            continue
        below = list(children(current))
        if isinstance(current, (cst.Attribute, cst.Arg)):
            below = [current.value]
        elif isinstance(current, (cst.Import, cst.ImportFrom)):
            below = []
        stack += reversed(below)
