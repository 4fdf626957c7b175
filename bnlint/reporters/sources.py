"""The lines of linted files, for code frames and fingerprints."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..findings import Place
from ..inputs import disk

LINE_END = re.compile(r"\r\n|\r|\n")


class Sources:
    """Lines of source text by place. `texts` holds what is not on the disk, by path; files are read once."""

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self._texts = texts or {}
        self._lines = {path: LINE_END.split(text) for path, text in self._texts.items()}
        self._cells: dict[str, list[list[str]]] = {}

    def line(self, place: Place) -> str | None:
        """The line at which the place starts; None where there is none, or it can no longer be read."""
        if place.line is None:
            return None
        lines = self._file(place.path) if place.cell is None else self._cell(place.path, place.cell)
        return lines[place.line - 1] if 0 < place.line <= len(lines) else None

    def _file(self, path: str) -> list[str]:
        if path not in self._lines:
            self._lines[path] = _read(path)
        return self._lines[path]

    def _cell(self, path: str, number: int) -> list[str]:
        if path not in self._cells:
            self._cells[path] = _read_cells(path, self._texts.get(path))
        cells = self._cells[path]
        return cells[number - 1] if 0 < number <= len(cells) else []


def _read(path: str) -> list[str]:
    """A file's lines, cut where Python cuts them; none where it cannot be read."""
    from ..inputs.decoding import Refused
    from ..inputs.reading import text_of

    try:
        return LINE_END.split(text_of(path, disk.read(path)))
    except (OSError, Refused):
        return []


def _read_cells(path: str, text: str | None) -> list[list[str]]:
    """The lines of each code cell of a notebook; none where it cannot be read."""
    from ..inputs.decoding import Refused
    from ..inputs.reading import code_of, read_code

    try:
        notebook = code_of(path, text) if text is not None else read_code(path, disk.read(path))
    except (OSError, Refused):
        return []
    lines = notebook.text.split("\n")
    ends = [*notebook.cells[1:], len(lines)]
    return [lines[start - 1 : end - 1] for start, end in zip(notebook.cells, ends, strict=True)]
