"""What fixing a file changes: a unified diff, and under each hunk the fixes that made it, with their certificates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from difflib import SequenceMatcher

from ..findings import Finding
from ..fixes.edit.edits import Opcode, lines_of, opcodes
from ..fixes.edit.splice import cell_sources
from ..inputs.reading import text_of
from ..run.result import FixedFile
from .escape import printable

CONTEXT = 3
_RED, _GREEN, _BLUE, _BOLD = "31", "32", "34", "1"

_Marks = list[tuple[int | None, int, Finding]]
"""Findings that were fixed, with the cell and the line, from 0, where that shows in the new file."""


def render(fixed: FixedFile, *, color: bool = False) -> str:
    """The diff of one file, for a notebook of the code cells that change; empty where nothing does.

    Each hunk has a header of its own, so that `patch -p0` takes what stands under it for a remark.
    """
    marks = _marks(fixed)
    parts: list[str] = []
    old, new = _texts(fixed.path, fixed.old), _texts(fixed.path, fixed.new)
    for cell, before in old.items():
        mine = [(line, finding) for where, line, finding in marks if where == cell]
        # Without a tab behind it, `patch` takes the first word for the name.
        name = printable(fixed.path) + (f":cell {cell}" if cell is not None else "\t" * (" " in fixed.path))
        parts += _hunks(name, before, new[cell], mine, color)
    return "".join(f"{line}\n" for line in parts)


def _texts(path: str, data: bytes) -> dict[int | None, list[str]]:
    """The lines of a file, or of each code cell of a notebook."""
    text = text_of(path, data)
    if path.endswith(".ipynb"):
        return {number: lines_of(source) for number, source in enumerate(cell_sources(text), 1)}
    return {None: lines_of(text)}


def _marks(fixed: FixedFile) -> _Marks:
    marks: _Marks = []
    before = _texts(fixed.path, fixed.old)
    for findings, data in fixed.rounds:
        after = _texts(fixed.path, data)
        edits = [(edit, finding) for finding in findings if finding.fix for edit in finding.fix.edits[:1]]
        marks += [(edit.cell, edit.start[0] - 1, finding) for edit, finding in edits]
        changes = {cell: opcodes(before[cell], after[cell]) for cell in dict.fromkeys(cell for cell, _, _ in marks)}
        marks = [(cell, _moved(line, changes[cell], len(after[cell])), finding) for cell, line, finding in marks]
        before = after
    return marks


def _moved(line: int, changes: list[Opcode], end: int) -> int:
    """Where a line of one text is found in the next, or where what has become of it begins."""
    place = bisect_right(changes, line, key=lambda change: change[1]) - 1
    for tag, a, b, c, _ in changes[max(place, 0) : place + 1]:
        if a <= line < b:
            return c + line - a if tag == "equal" else c
    return end


def _hunks(name: str, old: list[str], new: list[str], marks: list[tuple[int, Finding]], color: bool) -> Iterator[str]:
    def pen(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if color else text

    by_line: dict[int, list[tuple[int, Finding]]] = {}
    for number, (line, finding) in enumerate(marks):
        by_line.setdefault(line, []).append((number, finding))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    matcher.opcodes = opcodes(old, new)  # type: ignore[attr-defined]
    for group in matcher.get_grouped_opcodes(CONTEXT):
        first, last = group[0], group[-1]
        yield pen(_BOLD, f"--- {name}")
        yield pen(_BOLD, f"+++ {name}")
        yield pen(_BLUE, f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@")
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from (f" {_shown(line)}" for line in old[a:b])
                continue
            yield from (pen(_RED, f"-{_shown(line)}") for line in old[a:b])
            yield from (pen(_GREEN, f"+{_shown(line)}") for line in new[c:d])
        here = [pair for line in range(first[3], last[4] + 1) for pair in by_line.get(line, ())]
        for _, finding in sorted(here, key=lambda pair: pair[0]):
            if finding.fix is not None:
                yield f"# {finding.rule}: {printable(finding.fix.title)}"
                yield from (f"#   {printable(said)}" for said in finding.fix.certificate.lines())


def _shown(line: str) -> str:
    return "\t".join(map(printable, line.rstrip("\r\n").split("\t")))


def _range(start: int, end: int) -> str:
    return f"{start + 1 if end > start else start},{end - start}"
