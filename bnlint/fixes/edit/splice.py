"""Edits put into the bytes of a file, everything else left as it is: encoding, BOM, line ends, a notebook's JSON."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from json.decoder import scanstring  # type: ignore[attr-defined]

from ...findings import Edit
from ...inputs.reading import encoding_of
from .edits import Lines, Span, applied, lines_of
from .tree import NotFixed

_SPACE = " \t\n\r"
_Place = tuple[int, int]
"""Where a JSON value begins and ends in the text."""


def spliced(path: str, data: bytes, edits: Iterable[Edit]) -> bytes:
    """A file's bytes with the edits made, all others as they were. Raises NotFixed where its encoding prevents that."""
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    encoding = "utf-8" if mark else encoding_of(path, data)
    old, new, position = [mark], [mark], 0
    try:
        text = data[len(mark) :].decode(encoding)
        spans = sorted(set(_notebook(text, list(edits)) if path.endswith(".ipynb") else _placed(text, edits)))
        for span in (*spans, Span(len(text), len(text), "")):
            kept = text[position : span.start].encode(encoding)
            old += kept, text[span.start : span.end].encode(encoding)
            new += kept, span.text.encode(encoding)
            position = span.end
        given = b"".join(new)
        if b"".join(old) != data or given[len(mark) :].decode(encoding) != applied(text, spans):
            raise NotFixed(_unfaithful(encoding))
        return given
    except UnicodeError:
        raise NotFixed(f"the file's encoding, {encoding}, cannot hold it") from None


def obstacle(path: str, data: bytes) -> str:
    """Why nothing can be put into a file that can be read; "" where it can.

    Some encodings write one text in several ways: what is read and written again is another file.
    """
    encoding = encoding_of(path, data)
    try:
        same = data.decode(encoding).encode(encoding) == data
    except UnicodeError:
        same = False
    return "" if same else _unfaithful(encoding)


def _unfaithful(encoding: str) -> str:
    return f"written again in its encoding, {encoding}, it would not be the same file"


def cell_sources(text: str) -> list[str]:
    """The source of each code cell of a notebook."""
    values = (_value(text, start)[0] for start, _ in _sources(text))
    return ["".join(value) if isinstance(value, list) else str(value) for value in values]


def _placed(text: str, edits: Iterable[Edit]) -> list[Span]:
    lines = Lines(text)
    return [Span(lines.offset(*edit.start), lines.offset(*edit.end), edit.text) for edit in edits]


def _edited(text: str, edits: Iterable[Edit]) -> str:
    return applied(text, _placed(text, edits))


def _notebook(text: str, edits: list[Edit]) -> list[Span]:
    sources = list(_sources(text))
    spans: list[Span] = []
    for cell in sorted({edit.cell or 0 for edit in edits}):
        start, end = sources[cell - 1]
        mine = [edit for edit in edits if edit.cell == cell]
        if text[start] == '"':
            old, _ = scanstring(text, start + 1)
            spans.append(Span(start, end, _dumped(_edited(old, mine), text)))
        else:
            spans += _in_list(text, list(_elements(text, start)), mine)
    return spans


def _in_list(text: str, places: list[_Place], edits: list[Edit]) -> Iterator[Span]:
    """The changes to a source that is a list of strings, most often one a line."""
    old = [scanstring(text, start + 1)[0] for start, _ in places]
    new = lines_of(_edited("".join(old), edits))
    if old != lines_of("".join(old)):
        yield Span(places[0][0], places[-1][1], ", ".join(_dumped(line, text) for line in new))
        return
    before = text[: places[0][0]]
    gap = before[len(before.rstrip(_SPACE)) :]
    between = text[places[0][1] : places[1][0]] if len(places) > 1 else f",{gap}" if gap else ", "
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        written = between.join(_dumped(line, text) for line in new[c:d])
        if tag == "replace":
            yield Span(places[a][0], places[b - 1][1], written)
        elif tag == "insert" and a:
            yield Span(places[a - 1][1], places[a - 1][1], between + written)
        elif tag == "insert":
            yield Span(places[0][0], places[0][0], written + between)
        elif tag == "delete":
            first = places[a - 1][1] if a else places[a][0]
            last = places[b - 1][1] if a or b == len(places) else places[b][0]
            yield Span(first, last, "")


def _dumped(value: str, text: str) -> str:
    """A string as JSON, with escapes for what is not ASCII only where the notebook has them."""
    return json.dumps(value, ensure_ascii=text.isascii() and "\\u" in text)


def _sources(text: str) -> Iterator[_Place]:
    """Where the sources of the code cells stand."""
    top = _members(text, _skip(text, 0))
    groups = [top["cells"]] if "cells" in top else []
    if not groups and "worksheets" in top:
        sheets = [_members(text, start) for start, _ in _elements(text, top["worksheets"][0])]
        groups = [sheet["cells"] for sheet in sheets if "cells" in sheet]
    for start, _ in groups:
        for begin, _ in _elements(text, start):
            cell = _members(text, begin) if text[begin] == "{" else {}
            if "cell_type" in cell and _value(text, cell["cell_type"][0])[0] == "code":
                yield cell.get("source") or cell["input"]


def _members(text: str, start: int) -> dict[str, _Place]:
    """Where the values of an object stand, by their keys."""
    found: dict[str, _Place] = {}
    position = _skip(text, start + 1)
    while text[position] != "}":
        key, position = scanstring(text, position + 1)
        begin = _skip(text, _skip(text, position) + 1)
        end = _value(text, begin)[1]
        found[key] = (begin, end)
        position = _comma(text, end)
    return found


def _elements(text: str, start: int) -> Iterator[_Place]:
    """Where the elements of an array stand."""
    position = _skip(text, start + 1)
    while text[position] != "]":
        end = _value(text, position)[1]
        yield position, end
        position = _comma(text, end)


def _value(text: str, start: int) -> tuple[object, int]:
    value, end = json.JSONDecoder().raw_decode(text, start)
    return value, end


def _comma(text: str, position: int) -> int:
    position = _skip(text, position)
    return _skip(text, position + 1) if text[position] == "," else position


def _skip(text: str, position: int) -> int:
    while text[position] in _SPACE:
        position += 1
    return position
