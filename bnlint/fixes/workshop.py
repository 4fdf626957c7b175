"""Makes fixes: a rule's change carried out on the source, tried out, and cut down to edits."""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

import libcst as cst

from ..doors.source.draft import deep
from ..doors.source.module import Module, Spot
from ..findings import Edit, Fix
from ..graph import Origin, Program
from ..rulebook.change import Change, Step, Unfold
from .edit.edits import Lines, Span, applied, differences
from .edit.names import imported_names, without_unused
from .edit.regions import ERRORS, Region, regions
from .edit.steps import carry_out
from .edit.tree import NotFixed, Positions, Tree

_NEAR = 40
"""How many lines may be between two replacements that are compared as one."""


class Workshop:
    """Makes the fixes of one program, which its source must be at hand for."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._layouts: dict[int, Positions] = {}
        self._models = {model.origin.key for model in program.models}

    def fix(self, change: Change) -> Fix:
        """The fix that a change is. Raises NotFixed where it cannot be made, or would not parse."""
        from .proof.certificate import certify

        module = self._module(change)
        spans = self._spans(change, module)
        if not spans:
            raise NotFixed("it changes nothing")
        lines = self._layouts[id(module)].lines
        return Fix(change.title, tuple(_edits(module, lines, spans)), certify(change, self._program))

    def _module(self, change: Change) -> Module:
        for step in change.steps:
            for name in step.__slots__:
                value = getattr(step, name)
                origin = getattr(value, "origin", value)
                if isinstance(origin, Spot) and origin.module.path == self._program.path:
                    return origin.module
        raise NotFixed("what it would change stands in another file")

    def _spans(self, change: Change, module: Module) -> list[Span]:
        if id(module) not in self._layouts:
            whole = module.draft.tree()
            with deep():
                kept = module.text.startswith(whole.code)  # It drops a last line end that is a carriage return.
            if module.draft.unread or not kept:
                raise NotFixed("LibCST does not give the file's text back as it is")
            self._layouts[id(module)] = Positions(whole, module.text)
        tree = Tree(self._layouts[id(module)])

        def node(origin: Origin) -> cst.CSTNode:
            if not isinstance(origin, Spot) or origin.module is not module:
                raise NotFixed("a part of what it would change stands in another file")
            return origin.node

        for step in change.steps:
            self._see_elements(step)
            carry_out(step, tree, node)
        return [_in_its_cell(span, module, tree) for span in _differences(tree, module)]

    def _see_elements(self, step: Step) -> None:
        """Raise NotFixed where an element of a Sequential, put together elsewhere, has no place of its own."""
        places = [getattr(step, name).origin for name in ("call", "after") if hasattr(step, name)]
        if isinstance(step, Unfold):
            places.append(step.origin)
        if any(place.key in self._models for place in places):
            raise NotFixed("the source does not show which element of the Sequential it is")


def _differences(tree: Tree, module: Module) -> list[Span]:
    """What the replacements noted in a tree change. Raises NotFixed where the result would not parse."""
    layout, spans = tree.layout, tree.spans()
    found = regions(layout, spans)
    if found is not None and not _unused(layout, found):
        return layout.lines.differences(_by_lines(layout, found))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            new = applied(layout.text, spans)
            ast.parse(new)
            new = without_unused(layout.reads, new, module.path)
    except ERRORS as error:
        raise NotFixed(f"the result would not parse: {error}") from None
    return differences(layout.text, new)


def _by_lines(layout: Positions, changed: list[Region]) -> list[tuple[int, int, list[str]]]:
    """The regions as replacements of whole lines, near ones in one: lines may go from one to the other."""
    found: list[tuple[int, int, list[str]]] = []
    joined: list[tuple[int, int, str]] = []
    for one in changed:
        joined.append((one.start, one.end, one.text))
        found.append(layout.lines.around(*joined[-1]))
        while len(found) > 1 and found[-1][0] < found[-2][1] + _NEAR:
            (start, end, text), (following, last, more) = joined[-2:]
            joined[-2:] = [(start, last, text + layout.text[end:following] + more)]
            found[-2:] = [layout.lines.around(*joined[-1])]
    return found


def _unused(layout: Positions, changed: list[Region]) -> bool:
    """Whether an imported name is read no longer."""
    had, has = (sum((one.had for one in changed), Counter()), sum((one.has for one in changed), Counter()))
    gone = {name for name, count in had.items() if layout.reads[name] + has[name] <= count}
    return bool(gone and gone & imported_names(layout))


def _in_its_cell(span: Span, module: Module, tree: Tree) -> Span:
    """Lines that follow the last one of a notebook's cell, put there and not on top of the next cell."""
    end, text = span.start, span.text
    if not module.cells or end != span.end or end not in tree.behind or not text.endswith(tree.newline):
        return span
    before = end - len(tree.newline)
    return Span(before, before, tree.newline + text.removesuffix(tree.newline))


def _edits(module: Module, lines: Lines, spans: list[Span]) -> Iterator[Edit]:
    for span in spans:
        line, column = lines.position(span.start)
        end_line, end_column = lines.position(span.end)
        shift, end_shift = module.shifts.get(line, 0), module.shifts.get(end_line, 0)
        if "\n" in span.text and (shift or end_shift):
            raise NotFixed("the block stands further right, and the fix has lines of its own")
        cell = bisect_right(module.cells, line) if module.cells else None
        if module.cells and bisect_right(module.cells, end_line) != cell and end_column > 1:
            raise NotFixed("the fix reaches over two cells")
        above = module.cells[cell - 1] - 1 if cell else 0
        start = (line - above, column + shift)
        if start[1] < 1 or end_column + end_shift < 1:
            raise NotFixed("the line stands further left than it is indented")
        yield Edit(module.path, cell, start, (end_line - above, end_column + end_shift), span.text)
