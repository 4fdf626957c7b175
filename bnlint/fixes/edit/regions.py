"""The smallest parts of a file that a change touches: what is parsed, and compared, in the place of the whole file.

A part stands for the file where the file parses whenever the part does: whole statements of a block, elements of a list
with untouched ones around them, or a call that stays a call.
"""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import libcst as cst

from .edits import Span, applied
from .tree import Positions, children, reads

_BLOCKS = (cst.Module, cst.IndentedBlock)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the old text, and what makes it a program: the text in front of it and behind it."""

    start: int
    end: int
    head: str = ""
    tail: str = ""
    call: bool = False

    def parsed(self, text: str) -> ast.AST:
        """The tree of a text in the place of this part. Raises SyntaxError and the like where there is none."""
        if not self.call:
            return ast.parse(f"{self.head}{text}{self.tail}")
        tree = ast.parse(text, mode="eval")
        if not isinstance(tree.body, ast.Call):
            raise SyntaxError("a call becomes something else")
        return tree


@dataclass(frozen=True, slots=True)
class Region:
    """A part as a change leaves it: the new text, and how often names are read in it before and after."""

    start: int
    end: int
    text: str
    had: Counter[str]
    has: Counter[str]


ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What parsing raises."""


def regions(layout: Positions, spans: Sequence[Span]) -> list[Region] | None:
    """The regions that replacements touch, in order; None where only the whole file can tell whether they parse."""
    found = []
    for group in _apart(layout, sorted(spans)):
        whole = Span(group[0].start, max(span.end for span in group), "")
        region = next(filter(None, (_region(layout, part, group) for part in _parts(layout, whole))), None)
        if region is None:
            return None
        found.append(region)
    clear = all(one.end <= other.start for one, other in pairwise(found))
    return found if clear else None


def _apart(layout: Positions, spans: list[Span]) -> list[list[Span]]:
    """The replacements in groups, so that no two groups' parts meet."""
    groups: list[list[Span]] = []
    for span in spans:
        groups.append([span])
        while len(groups) > 1 and _meet(layout, groups[-2], groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _meet(layout: Positions, one: list[Span], other: list[Span]) -> bool:
    parts = [list(_parts(layout, Span(group[0].start, max(span.end for span in group), ""))) for group in (one, other)]
    return any(not part for part in parts) or parts[0][0].end > parts[1][0].start


def _region(layout: Positions, part: Piece, spans: list[Span]) -> Region | None:
    old = layout.text[part.start : part.end]
    new = applied(old, (Span(span.start - part.start, span.end - part.start, span.text) for span in spans))
    try:
        return Region(part.start, part.end, new, reads(part.parsed(old)), reads(part.parsed(new)))
    except ERRORS:
        return None


def _parts(layout: Positions, span: Span) -> Iterator[Piece]:
    """The parts that hold a place, the smallest first."""
    found: list[Piece] = []
    node: cst.CSTNode | None = layout.module
    plain = True
    while node is not None:
        plain = plain and not isinstance(node, cst.BaseString)  # In which quotes may mean something else.
        if isinstance(node, _BLOCKS):
            found += _statements(layout, node, span)
        elif plain and isinstance(node, (cst.List, cst.Tuple)) and (node.lpar or isinstance(node, cst.List)):
            found += _elements(layout, node, span)
        elif plain and isinstance(node, cst.Call) and not node.lpar:
            start, end = layout.ranges[id(node)]
            found.append(Piece(start, end, call=True))
        node = _holder(layout, node, span)
    return reversed(found)


def _holder(layout: Positions, node: cst.CSTNode, span: Span) -> cst.CSTNode | None:
    """The node below one in which a place is, its ends left out."""
    row: Iterable[cst.CSTNode] = children(node)
    if isinstance(node, _BLOCKS):
        row = _at(layout, node.body, span.start)
    elif isinstance(node, (cst.List, cst.Tuple)):
        row = _at(layout, node.elements, span.start)
    for child in row:
        start, end = layout.ranges[id(child)]
        if start < span.start and span.end < end:
            return child
    return None


def _at(layout: Positions, row: Sequence[cst.CSTNode], offset: int) -> Sequence[cst.CSTNode]:
    """Of nodes that follow each other, the one that an offset is in."""
    place = bisect_right(layout.starts(row), offset) - 1
    return row[place : place + 1] if place >= 0 else ()


def _statements(layout: Positions, block: cst.Module | cst.IndentedBlock, span: Span) -> Iterator[Piece]:
    """The statements of a block that a place touches, and one beside them, so that something is always left."""
    body, starts = block.body, layout.starts(block.body)
    if not body or span.start < starts[0] or span.end > layout.ranges[id(body[-1])][1]:
        return
    first = max(bisect_right(starts, span.start) - 1, 0)
    last = max(bisect_left(starts, span.end) - 1, first)
    if first:
        first -= 1
    elif last + 1 < len(body):
        last += 1
    head = "" if isinstance(block, cst.Module) else "if 1:\n"
    end = layout.ranges[id(body[last])][1]  # LibCST ends the last line even where the file does not.
    yield Piece(starts[first], min(end, len(layout.text)), head)


def _elements(layout: Positions, row: cst.List | cst.Tuple, span: Span) -> Iterator[Piece]:
    """The elements that a place touches, and one on either side."""
    starts = layout.starts(row.elements)
    if len(starts) < 3:
        return
    first, last = bisect_right(starts, span.start) - 2, bisect_left(starts, span.end)
    if first < 0 or last >= len(starts):
        return
    end = layout.ranges[id(row.elements[last].value)][1]
    yield Piece(starts[first], end, "[", "]")
