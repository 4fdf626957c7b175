"""The lines of linted files, for code frames and fingerprints."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Mapping
from pathlib import Path

from ..finding import Place

_LINE_END = re.compile(r"\r\n|\r|\n")


class Sources:
    """Lines of source text by place. `texts` holds what is not on the disk, by path; files are read once."""

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self._lines = {path: _LINE_END.split(text) for path, text in (texts or {}).items()}

    def line(self, place: Place) -> str | None:
        """The line at which the place starts; None where there is none, or it can no longer be read."""
        if place.line is None or place.cell is not None:
            return None
        if place.path not in self._lines:
            self._lines[place.path] = _read(place.path)
        lines = self._lines[place.path]
        return lines[place.line - 1] if 0 < place.line <= len(lines) else None


def _read(path: str) -> list[str]:
    """A file's lines, cut where Python cuts them; none where it cannot be read."""
    try:
        data = Path(path).read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return _LINE_END.split(data.decode(encoding))
    except (OSError, ValueError, SyntaxError):
        return []
