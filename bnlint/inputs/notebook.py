"""The notebook door: a notebook's code cells as one Python text, in order, line for line.

Magics and shell lines become statements that do nothing, so that every line keeps its place in its cell. What they
install, and what the stored output says of versions, is kept as requirements.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from .code import Code, Part, joined, python_of
from .gate import Refused

_INSTALL = re.compile(r"^\s*[!%].*?\binstall\s(.*)$", re.MULTILINE)
_MAGIC_VERSION = re.compile(r"^\s*%tensorflow_version\s+1", re.MULTILINE)
_ASKED = re.compile(r"([\w.]+)\.(?:__version__|VERSION)\b")
_ANSWERED = re.compile(r"(?<![\w.])(\d+\.\d+)(?:\.\d+)?")
_PACKAGES = {"tf": "tensorflow", "tensorflow": "tensorflow", "keras": "keras", "tf.keras": "keras"}
_MULTI_BACKEND = re.compile(r"^Using (?:TensorFlow|Theano|CNTK) backend\.$", re.MULTILINE)
"""What Keras printed when it was imported, until 2.3."""


def read_notebook(data: bytes) -> Code:
    """The code of a notebook of nbformat 3 or 4; Refused where it is none, or where its code is too much for LibCST."""
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused(f"not a notebook: not valid {error.encoding}") from None
    except RecursionError:
        raise Refused("not a notebook: too deeply nested", kind="limit") from None
    except ValueError as error:
        raise Refused(f"not a notebook: {error}", getattr(error, "lineno", None)) from None
    parts: list[Part] = []
    starts: list[int] = []
    shifts: dict[int, int] = {}
    above = 0
    cells = _cells(content)
    for number, source in enumerate(map(_source, cells), 1):
        starts.append(above + 1)
        lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        indent = _indent(lines)
        indented = [line for line, text in enumerate(lines, above + 1) if indent and text.startswith(indent)]
        shifts |= dict.fromkeys(indented, len(indent))
        parts.append(python_of([text.removeprefix(indent) for text in lines], number))
        above += len(lines)
    return replace(joined(parts, tuple(starts), shifts), pins="\n".join(_pins(cells)))


def _indent(lines: list[str]) -> str:
    """The white space in front of a cell's first line, which IPython takes from all lines that begin with it."""
    first = next(filter(str.strip, lines), "")
    return first[: len(first) - len(first.lstrip(" \t"))]


def _cells(content: object) -> list[dict[str, object]]:
    """The code cells, in order."""
    if not isinstance(content, dict):
        raise Refused("not a notebook: no JSON object")
    cells = content.get("cells")
    if cells is None and isinstance(content.get("worksheets"), list):
        cells = [
            cell for sheet in content["worksheets"] if isinstance(sheet, dict) for cell in sheet.get("cells") or []
        ]
    if not isinstance(cells, list):
        raise Refused("not a notebook: no cells")
    return [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def _source(cell: dict[str, object]) -> str:
    return _text(cell.get("source", cell.get("input", "")))


def _text(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _pins(cells: list[dict[str, object]]) -> Iterator[str]:
    """What the notebook installs, then what it has run on."""
    for source in map(_source, cells):
        for line in _INSTALL.findall(source):
            yield from (word.strip("\"'") for word in line.split() if not word.startswith("-"))
        if _MAGIC_VERSION.search(source):
            yield "tensorflow==1.15"
    for cell in cells:
        asked = _ASKED.findall(_source(cell))
        output = "\n".join(_printed(cell)) if asked or "import" in _source(cell) else ""
        if _MULTI_BACKEND.search(output):
            yield "keras<3"
        answered = _ANSWERED.findall(output)
        if len(asked) == len(answered):
            versions = zip(asked, answered, strict=True)
            yield from (f"{_PACKAGES[name]}=={version}" for name, version in versions if name in _PACKAGES)


def _printed(cell: dict[str, object]) -> Iterator[str]:
    """A cell's stored output, as text."""
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        if isinstance(output, dict):
            data = output.get("data")
            yield _text(output.get("text", data.get("text/plain", "") if isinstance(data, dict) else ""))
