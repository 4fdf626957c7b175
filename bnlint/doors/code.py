"""What of a file is Python: all of it, a notebook's code cells, or a document's Python blocks."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..finding import Kind
from .gate import Checked, Refused, check_text, names_batchnorm, read

DOCUMENTS = (".md", ".markdown", ".mdx", ".qmd", ".rmd")

_FOREIGN = re.compile(r"%%(?!time|timeit|capture|prun|memit|tensorflow_version)\w+")
_MAGIC = re.compile(r"^(\s*)([%!].*|[\w.]+\?\??|\?\??[\w.]+)$")
_FED = re.compile(r"[ \t\f]*\f(?=[ \t]*\S)")
_ASSIGNED = re.compile(r"^(\s*[\w,][\w, ]*=\s*)[!%].*$")


class Broken(NamedTuple):
    """A part that was left out: its cell, the line in it or in the file, what is wrong there, of which kind that is."""

    cell: int | None
    line: int | None
    why: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Code:
    """A file's code as one Python text.

    `named` and `functions`: see `gate.Checked`. `cells`: the lines, from 1, on which a notebook's code cells begin;
    none for other files, whose lines are those of the text. `shifts`: by how many columns a line stands further right
    in the file than in the text. `broken`: the parts left out that name a batch normalization. `pins`: which versions a
    notebook installs or has run on, as requirements, one a line.
    """

    text: str
    named: bool = True
    functions: tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...] = ()
    cells: tuple[int, ...] = ()
    shifts: Mapping[int, int] = field(default_factory=dict)
    broken: tuple[Broken, ...] = ()
    pins: str = ""


def in_parts(path: str) -> bool:
    """Whether only parts of such a file are Python."""
    return path.endswith(".ipynb") or is_document(path)


def is_document(path: str) -> bool:
    """Whether a file of this name is text with blocks of code in it."""
    return path.lower().endswith(DOCUMENTS)


def read_code(path: str, data: bytes) -> Code:
    """The code of a file with this name and content; Refused where it cannot be linted."""
    if path.endswith(".ipynb"):
        from .notebook import read_notebook

        return read_notebook(data)
    if is_document(path):
        from .markdown import read_document

        return read_document(data)
    text, checked = read(data)
    return whole(text, checked)


def whole(text: str, checked: Checked) -> Code:
    """A text that is Python from end to end, less the form feeds in front of statements, which LibCST loses."""
    if "\f" not in text:
        return Code(text, *checked)
    shifts: dict[int, int] = {}
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    for number, line in enumerate(lines, 1):
        if fed := _FED.match(line):
            shifts[number] = fed.end()
            lines[number - 1] = line[fed.end() :]
    return Code("".join(lines), *checked, shifts=shifts)


def joined(parts: list[Part], cells: tuple[int, ...] = (), shifts: Mapping[int, int] | None = None) -> Code:
    """The code of parts that follow each other line by line; Refused where it is too much for LibCST."""
    text = "\n".join([*(line for part in parts for line in part.lines), ""])
    broken = tuple(part.broken for part in parts if part.broken)
    return Code(text, *check_text(text), cells, shifts or {}, broken)


@dataclass(slots=True)
class Part:
    """A part's lines as Python; blank where it does not parse, and `broken` where it also names what matters."""

    lines: list[str]
    broken: Broken | None = None


def python_of(source: list[str], cell: int | None = None, line: int = 0) -> Part:
    """A part as Python, line for line: magics and shell lines become statements that do nothing.

    `line` is how many lines of the file stand above it, where it has no cell.
    """
    blank = [""] * len(source)
    if _FOREIGN.match("\n".join(source).lstrip()):
        return Part(blank)
    if _problem(source) is None:
        return Part(source)
    tidy: list[str] = []
    continued = False
    for text in source:
        magic, assigned = _MAGIC.match(text), _ASSIGNED.match(text)
        if continued:
            continued = text.endswith("\\")
            tidy.append("")
        elif magic:
            continued = text.endswith("\\")
            tidy.append(f"{magic.group(1)}pass")
        else:
            tidy.append(f"{assigned.group(1)}None" if assigned else text)
    problem = _problem(tidy)
    if problem is None:
        return Part(tidy)
    if not names_batchnorm("\n".join(source).encode("utf-8", "replace")):
        return Part(blank)
    within, why, kind = problem
    return Part(blank, Broken(cell, None if within is None else line + within, why, kind))


def _problem(lines: list[str]) -> tuple[int | None, str, Kind] | None:
    """The line, and what is wrong there; not the error itself, which holds on to all that was under way."""
    try:
        check_text("\n".join(lines))
    except Refused as refusal:
        return refusal.line, refusal.message, refusal.kind
    return None
