"""Rows of things between brackets, with commas: elements, arguments, parameters, imported names.

One is taken out or put in as the others are laid out: on a line of its own where they have such, else beside them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from .tree import NotFixed, Range, Tree

_WIDTH = 88
_COMMA = re.compile(r"\s*,")
_REST = re.compile(r"[ \t]*,?(?P<comment>[ \t]*(?:#[^\r\n]*)?)(?:\r\n|\r|\n|$)")


@dataclass(frozen=True, slots=True)
class Items:
    """The things in a pair of brackets, by where each stands in the text. `start` is where the first would stand."""

    tree: Tree
    items: tuple[Range, ...]
    start: int

    def insert(self, index: int, *texts: str, remarks: tuple[str, str] = ("", "")) -> None:
        """Put things in front of the one with this index, or behind all, with what `remarks` says of them."""
        tree = self.tree
        if not texts:
            return
        before = index - 1
        above = before if self._starts(before) else index if self._starts(index) else None
        if index == len(self.items) > 1 and not any(remarks) and self._has_room(", ".join(texts)):
            above = None
        elif before > 0 and above == index and not any(remarks):
            above = None  # Side by side with the one in front.
        if above is not None and index and self._ends(before):
            indent = tree.indent(self.items[above][0])
            self._insert_line(before, indent + f",{tree.newline}{indent}".join(texts), remarks)
        elif any(remarks):
            raise NotFixed("a comment has no line to go to")
        elif not self.items:
            tree.replace(self.start, self.start, ", ".join(texts))
        elif index == 0:
            start = self.items[0][0]
            between = f"{tree.newline}{tree.indent(start)}" if self._starts(0) else " "
            tree.replace(start, start, "".join(f"{text},{between}" for text in texts))
        else:
            end = self.items[before][1]
            between = " " if above is None else f"{tree.newline}{tree.indent(self.items[above][0])}"
            tree.replace(end, end, "".join(f",{between}{text}" for text in texts))

    def _has_room(self, text: str) -> bool:
        """Whether the things stand side by side, and the last one's line can take this text too."""
        packed = not all(map(self._starts, range(1, len(self.items))))
        line = self.tree.text[slice(self.tree.line_start(self.items[-1][1]), self.tree.line_end(self.items[-1][1]))]
        return packed and "#" not in line and len(line.rstrip()) + len(text) + 2 <= _WIDTH

    def _insert_line(self, before: int, line: str, remarks: tuple[str, str]) -> None:
        tree, end = self.tree, self.items[before][1]
        behind, comma = tree.line_end(end), self._comma(before)
        if comma is None:
            tree.replace(end, end, ",")
        lead, trail = remarks
        tree.replace(behind, behind, f"{lead}{line}{',' if comma else ''}{trail}{tree.newline}")

    def remove(self, index: int) -> None:
        """Take a thing out, with its comma, and with its line where it has one to itself."""
        tree, (start, end) = self.tree, self.items[index]
        last = index == len(self.items) - 1
        if self._starts(index) and self._ends(index):
            if last and index and self._comma(index) is None:
                self._remove_comma(index - 1)
            tree.replace(self._first_line(index), tree.line_end(end), "")
        elif not last and (index == 0 or not self._starts(index + 1)):
            self._cut(start, self.items[index + 1][0])
        elif index:
            self._cut(self.items[index - 1][1], end)
        else:
            comma = self._comma(index)
            tree.replace(start, comma[1] if comma else end, "")

    def remarks(self, index: int) -> tuple[str, str]:
        """The comments on a thing that has its line to itself: the lines above it, and what stands behind it."""
        found = _REST.match(self.tree.text, self.items[index][1])
        if not found or not self._starts(index):
            return "", ""
        lead = self.tree.text[self._first_line(index) : self.tree.line_start(self.items[index][0])]
        return lead, found["comment"].rstrip()

    def _first_line(self, index: int) -> int:
        """Where the lines of a thing begin: its own, and those of a comment above that speaks of it."""
        start = self.tree.line_start(self.items[index][0])
        return comment_above(self.tree, start, self.tree.text[slice(*self.items[index])])

    def _cut(self, start: int, end: int) -> None:
        inside = [item for item in self.items if start <= item[0] and item[1] <= end]
        text = self.tree.text
        gaps = text[start : inside[0][0]] + text[inside[0][1] : end]
        if "#" in gaps:
            raise NotFixed("a comment stands between the layers")
        self.tree.replace(start, end, "")

    def _starts(self, index: int) -> bool:
        """Whether a thing is the first on its line."""
        if not 0 <= index < len(self.items):
            return False
        start = self.items[index][0]
        return self.tree.text[self.tree.line_start(start) : start].strip() == ""

    def _ends(self, index: int) -> bool:
        """Whether a thing is the last on its line."""
        return _REST.match(self.tree.text, self.items[index][1]) is not None

    def _comma(self, index: int) -> Range | None:
        found = _COMMA.match(self.tree.text, self.items[index][1])
        return (found.end() - 1, found.end()) if found else None

    def _remove_comma(self, index: int) -> None:
        comma = self._comma(index)
        if comma is None:
            raise NotFixed("a comment stands in front of a comma")
        self.tree.replace(*comma, "")


def comment_above(tree: Tree, start: int, code: str) -> int:
    """Where the comment directly above a line begins if it speaks of this code; the line's own start if not."""
    first = start
    while first:
        above = tree.line_above(first)
        if not tree.text[above:first].strip().startswith("#"):
            break
        first = above
    return first if speaks_of(tree.text[first:start], code) else start


def speaks_of(comment: str, code: str) -> bool:
    """Whether a comment is about what some code makes: both name the same kind of layer."""
    return any(topic.search(comment) and topic.search(code) for topic in _TOPICS)


_TOPICS = [re.compile(words, re.IGNORECASE) for words in ("norm|\\bbn", "drop|regulari", "activat|relu|tanh|sigmoid")]


def elements(tree: Tree, row: cst.List | cst.Tuple) -> Items:
    """The elements of a list or tuple."""
    return _row(tree, row.elements, 0)


def arguments(tree: Tree, call: cst.Call) -> Items:
    """The arguments of a call."""
    behind = tree.range(call.func)[1]
    return _row(tree, call.args, tree.text.index("(", behind) + 1)


def imported(tree: Tree, names: Sequence[cst.ImportAlias]) -> Items:
    """The names of an import."""
    return _row(tree, names, 0)


def parameters(tree: Tree, names: Sequence[cst.Param], start: int) -> Items:
    """Parameters of a function."""
    return _row(tree, names, start)


def _row(tree: Tree, nodes: Sequence[cst.CSTNode], start: int) -> Items:
    rows = tree.layout.rows
    if id(nodes) not in rows:
        rows[id(nodes)] = tuple(tree.range(node) for node in nodes)
    return Items(tree, rows[id(nodes)], start)
