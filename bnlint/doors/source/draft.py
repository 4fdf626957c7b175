"""A text as a LibCST tree in which the bodies of long functions are parsed when they are asked for.

Half of a run goes to LibCST, and of large trees a fifth to a third of the text stands in functions never entered.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import libcst as cst

from ...inputs.decoding import Refused

Function = ast.FunctionDef | ast.AsyncFunctionDef
LONG = 300
"""How many characters a body must have to be worth a parse of its own."""

DEEPEST = 8_000
"""LibCST parses up to 3,000 levels, and writes each with two calls."""

_MARK = "_bnlint_body"
_LINE_END = re.compile(r"\r\n|\r|\n")
_INDENT = re.compile(r"[ \t]*")


class Body(NamedTuple):
    """The lines of a body in the text, and its function as `ast` has it."""

    start: int
    end: int
    function: Function


class Draft:
    """The tree of a text. `functions` are those that `ast` finds at its top level and in its classes, in order.

    Raises Refused where LibCST does not parse what `ast` does. `unread` are bodies of which that is so, each left as
    one unknown name.
    """

    def __init__(self, text: str, functions: Iterable[Function] = ()) -> None:
        self.text = text
        self.unread: list[Refused] = []
        bodies = [] if _MARK in text else list(_bodies(text, functions))
        try:
            self._module = cst.parse_module(_without(text, bodies))
        except cst.ParserSyntaxError:
            bodies = []
            self._module = _parsed(text)
        marked = _marked(self._module.body) if bodies else ()
        self.missing: dict[cst.CSTNode, Body] = dict(zip(marked, bodies, strict=True))
        """The functions whose bodies are still to be parsed."""

    @property
    def statements(self) -> Sequence[cst.BaseStatement]:
        """What stands at the top level; a function there may still lack its body."""
        return self._module.body

    def body(self, node: cst.FunctionDef) -> Sequence[Any]:
        """The statements of a function."""
        if node in self.missing:
            self._fill(node)
        return node.body.body

    def tree(self) -> cst.Module:
        """The whole tree. What has been given out before is part of it."""
        while self.missing:
            self._fill(next(iter(self.missing)))
        return self._module

    def _fill(self, node: Any) -> None:
        body, block = self.missing.pop(node), node.body
        text, newline = self.text[body.start : body.end], self._module.default_newline
        # LibCST takes a module's first indentation for its default, and leaves it out where a block has it.
        framed = f"if 1:{newline}{self._module.default_indent}0{newline}if 1:{newline}{text}"
        mark: Any = block.body[0]
        above = self.text.count(newline, 0, body.start)
        try:
            statements: list[Any] = list(_parsed(framed, above - 3).body[1].body.body)  # type: ignore[union-attr]
        except Refused as refusal:
            self.unread.append(refusal)
            object.__setattr__(mark.body[0].value, "value", text.lstrip(" \t").rstrip("\r\n"))
            return
        statements[0] = statements[0].with_changes(leading_lines=mark.leading_lines)
        object.__setattr__(block, "body", statements)  # In place: others hold this node by now.


def _parsed(text: str, above: int = 0) -> cst.Module:
    """A text's tree; Refused, with the line in a text that has so many lines above, where LibCST does not parse it."""
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        said = "LibCST does not parse it: too deeply nested, or written in a way that it does not know"
        raise Refused(said, error.raw_line + above) from None


@contextmanager
def deep(most: int = DEEPEST) -> Iterator[None]:
    """Room for deep recursion, by default for what goes down each level of a tree."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, most))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _bodies(text: str, functions: Iterable[Function]) -> Iterator[Body]:
    starts = [*line_starts(text), len(text)]
    for function in functions:
        first = function.body[0]
        line = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", ()))])
        start, end = starts[line - 1], starts[function.end_lineno or line]
        indent = _INDENT.match(text, start)
        alone = indent is not None and indent.end() - start == first.col_offset > 0
        if end - start >= LONG and alone and not _goes_on(text, start) and not _goes_on(text, end):
            yield Body(start, end, function)


def line_starts(text: str) -> list[int]:
    """At which offsets the lines of a text begin."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def _goes_on(text: str, offset: int) -> bool:
    """Whether the line that ends at an offset is joined to the next."""
    return text[max(0, offset - 3) : offset].rstrip("\r\n").endswith("\\")


def _without(text: str, bodies: Sequence[Body]) -> str:
    """The text with one statement, a mark, in the place of each body."""
    pieces: list[str] = []
    above = 0
    for body in bodies:
        indent, ending = _INDENT.match(text, body.start), _LINE_END.search(text, body.end - 2, body.end)
        assert indent is not None
        pieces += (text[above : body.start], indent.group(), _MARK, ending.group() if ending else "")
        above = body.end
    return "".join((*pieces, text[above:]))


def _marked(statements: Iterable[Any]) -> Iterator[cst.FunctionDef]:
    """The functions whose body is a mark, in order."""
    for statement in statements:
        if isinstance(statement, cst.ClassDef):
            yield from _marked(statement.body.body)
        elif isinstance(statement, cst.FunctionDef):
            line: Any = statement.body.body[0]
            small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
            if isinstance(small, cst.Expr) and isinstance(small.value, cst.Name) and small.value.value == _MARK:
                yield statement
