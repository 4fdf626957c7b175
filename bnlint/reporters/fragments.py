"""Parts of a report as HTML: text made harmless, the code at a place, a fix as a diff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import unified_diff
from html import escape
from itertools import groupby

from ..findings import Edit, Fix, Place
from .escape import printable
from .sources import LINE_END, Sources

CONTEXT = 2
"""How many lines are shown around each that is spoken of."""


def escaped(text: str) -> str:
    """Text from anywhere, as the content of an element or an attribute."""
    return escape(printable(text))


def placed(place: Place) -> str:
    """A place, with the layer's path where it is one in a model."""
    return escaped(str(place)) + (f" ({escaped(place.layer)})" if place.layer is not None else "")


def frame(place: Place, said: str, sources: Sources) -> str:
    """The lines around a place, with what it spans marked."""
    head = f"<figcaption>{placed(place)}: {escaped(said)}</figcaption>" if said else ""
    if place.line is None or sources.line(place) is None:
        return f'<figure class="frame">{head}</figure>' if said else ""
    rows = []
    for line in range(max(1, place.line - CONTEXT), (place.end_line or place.line) + CONTEXT + 1):
        text = sources.line(replace(place, line=line))
        if text is not None and line <= place.line + 4 * CONTEXT:
            rows.append(f"<span>{line}</span>{_marked(text, line, place)}\n")
    return f'<figure class="frame">{head}<pre tabindex="0">{"".join(rows)}</pre></figure>'


def _marked(text: str, line: int, place: Place) -> str:
    """A line of code with the part of it marked that the place spans."""
    assert place.line is not None
    last = place.end_line or place.line
    if not place.line <= line <= last or not text.strip():
        return _code(text)
    start = (place.column or 1) - 1 if line == place.line else len(text) - len(text.lstrip())
    end = place.end_column - 1 if line == last and place.end_column else len(text)
    return f"{_code(text[:start])}<mark>{_code(text[start:end])}</mark>{_code(text[end:])}"


def _code(text: str) -> str:
    """Code on one line; a very long one is cut."""
    return escaped(text if len(text) <= 500 else f"{text[:500]}…")


def fix_shown(fix: Fix, sources: Sources) -> str:
    """A fix: its title, what it changes as a diff, its certificate."""
    safe = "safe" if fix.safe else "unsafe"
    rows = []
    for line in _diff(fix, sources):
        kind = {"+": "ins", "-": "del"}.get(line[:1], "span")
        rows.append(f"<{kind}>{_code(line)}</{kind}>")
    said = "".join(f"<li>{escaped(line)}" for line in fix.certificate.lines())
    diff = f'<pre class="diff" tabindex="0">{"".join(rows)}</pre>' if rows else ""
    return f'<div class="fix {safe}"><p><b>{safe} fix</b>: {escaped(fix.title)}</p>{diff}<ul>{said}</ul></div>'


def _diff(fix: Fix, sources: Sources) -> Iterator[str]:
    """What a fix changes, a few lines around it included."""
    for (path, cell), edits in groupby(sorted(fix.edits, key=_where), _where):
        group = sorted(edits, key=lambda edit: edit.start, reverse=True)
        first, last = max(1, group[-1].start[0] - CONTEXT), max(edit.end[0] for edit in group) + CONTEXT
        lines = [sources.line(Place(path, cell or None, line)) for line in range(first, last + 1)]
        old = [line for line in lines if line is not None]
        new = "\n".join(old)
        starts = [0]
        for line in old:
            starts.append(starts[-1] + len(line) + 1)
        for edit in group:
            start, end = (starts[min(row - first, len(old))] + column - 1 for row, column in (edit.start, edit.end))
            new = new[:start] + edit.text + new[end:]
        hunks = list(unified_diff(old, LINE_END.split(new), n=CONTEXT, lineterm=""))[3:]
        yield f"@@ {Place(path, cell or None, first)} @@"
        yield from hunks


def _where(edit: Edit) -> tuple[str, int]:
    return edit.path, edit.cell or 0
