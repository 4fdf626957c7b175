"""A parsed file, and where in it things stand."""

from __future__ import annotations

import pathlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

import libcst as cst
from libcst._nodes.internal import CodegenState

from ...findings import Place
from ...graph import Origin
from .draft import Draft, deep, line_starts


@dataclass(eq=False, slots=True, repr=False)
class Module:
    """A source text, with its tree as far as it is parsed.

    `path` is what findings show, `file` where it was read, `package` the dotted name of the package that holds it, and
    `search` the folders in which its imports are looked up. `cells` are the lines on which a notebook's cells begin,
    `shifts` the columns by which a line stands further right in the file than in the text.
    """

    path: str
    text: str
    draft: Draft
    package: str = ""
    file: pathlib.Path | None = None
    search: list[pathlib.Path] = field(default_factory=list)
    cells: tuple[int, ...] = ()
    shifts: Mapping[int, int] = field(default_factory=dict)
    _ranges: dict[int, tuple[int, int]] | None = None
    _starts: list[int] = field(default_factory=list)

    def place(self, node: cst.CSTNode) -> Place:
        """The node's range. Positions are computed for the whole file when the first is asked for."""
        if self._ranges is None:
            tree = self.draft.tree()
            state = _Ranges(tree.default_indent, tree.default_newline)
            with deep():
                tree._codegen(state)
            self._ranges = state.ranges
            self._starts = line_starts(self.text)
        start, end = self._ranges.get(id(node), (0, 0))
        line, column = self._position(start)
        end_line, end_column = self._position(end)
        if not self.cells:
            return Place(self.path, None, line, column, end_line, end_column)
        cell = bisect_right(self.cells, line)
        above = self.cells[cell - 1] - 1 if cell else 0
        return Place(self.path, cell, line - above, column, end_line - above, end_column)

    def _position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1 + self.shifts.get(line, 0)


class _Ranges(CodegenState):
    """Writes the code to nowhere, noting at which offsets each node's own text begins and ends."""

    __slots__ = ("offset", "ranges")

    def __init__(self, default_indent: str, default_newline: str) -> None:
        super().__init__(default_indent, default_newline)
        self.offset = 0
        self.ranges: dict[int, tuple[int, int]] = {}

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.offset += len(token)

    def add_token(self, value: str) -> None:
        self.offset += len(value)

    def record_syntactic_position(  # type: ignore[override]
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> _Recorded:
        return _Recorded(self, node, start_node, end_node)


class _Recorded:
    """Notes where a node begins and ends as it is written. A class, for a generator costs three times as much."""

    __slots__ = ("_end", "_node", "_offset", "_start", "_state")

    def __init__(self, state: _Ranges, node: cst.CSTNode, start: cst.CSTNode | None, end: cst.CSTNode | None) -> None:
        self._state, self._node, self._start, self._end = state, node, start, end

    def __enter__(self) -> None:
        self._offset = self._state.offset

    def __exit__(self, *_: object) -> None:
        ranges, start, end = self._state.ranges, self._offset, self._state.offset
        if self._start is not None:
            start = ranges.get(id(self._start), (start, end))[0]
        if self._end is not None:
            end = ranges.get(id(self._end), (start, end))[1]
        ranges[id(self._node)] = (start, end)


@dataclass(slots=True, eq=False, repr=False)  # Not frozen: that costs three times as much to make.
class Spot:
    """A node of a module, reached through these calls: the source door's Origin."""

    module: Module
    node: cst.CSTNode
    stack: tuple[Origin, ...] = ()

    @property
    def path(self) -> str:
        """The module's path, as findings show it."""
        return self.module.path

    @property
    def key(self) -> object:
        """Equal for the same node of the same file."""
        return (self.module.path, id(self.node))

    def place(self) -> Place:
        """Path, line and columns of the node."""
        return self.module.place(self.node)
