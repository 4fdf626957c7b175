"""What of a file is Python: all of it, a notebook's code cells, or a document's Python blocks."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..findings import Kind
from .decoding import Refused
from .gate import Checked, check_text, names_batchnorm

_FOREIGN = re.compile(r"%%(?!time|timeit|capture|prun|memit|tensorflow_version)\w+")
_MAGIC = re.compile(r"^(\s*)([%!].*|[\w.]+\?\??|\?\??[\w.]+)$")
_FED = re.compile(r"[ \t\f]*\f(?=[ \t]*\S)")
_BACKSLASHES = re.compile(r"(?<![^\r\n])[ \t\f]*\\[\r\n]")
_LED = re.compile(
    r"(?<![^\r\n])(?P<led>(?:[ \t\f]*\\(?:\r\n|\r|\n))+)(?P<margin>[ \t\f]*)(?=[^\s\\])"
    r"|(?:\\(?:\r\n|\r|\n)[ \t\f]*)+"
    r"|(?P<quotes>\"{3}|'{3})(?:\\.|.)*?(?P=quotes)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|\#[^\r\n]*|[()\[\]{}]",
    re.DOTALL,
)
"""Lines with nothing but a backslash that a statement begins with; and what may hold such that are none."""
_LINE_END = re.compile(r"\r\n|\r|\n")
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


def whole(text: str, checked: Checked) -> Code:
    """A text that is Python from end to end, less what LibCST does not keep."""
    return _kept(Code(text, *checked))


def joined(parts: list[Part], cells: tuple[int, ...] = (), shifts: Mapping[int, int] | None = None) -> Code:
    """The code of parts that follow each other line by line; Refused where it is too much for LibCST."""
    text = "\n".join([*(line for part in parts for line in part.lines), ""])
    broken = tuple(part.broken for part in parts if part.broken)
    return _kept(Code(text, *check_text(text), cells, shifts or {}, broken))


def _kept(code: Code) -> Code:
    """The code without form feeds in front of statements, which LibCST loses, and without lines of a backslash there.

    What follows such a line is indented as that line is.
    """
    fed = "\f" in code.text
    led = ("\\\n" in code.text or "\\\r" in code.text) and _BACKSLASHES.search(code.text) is not None
    if not fed and not led:
        return code
    shifts = Counter(code.shifts)
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", code.text)
    if led:
        for number, margin in _led(code.text):
            text = lines[number - 1].lstrip(" \t\f")
            shifts[number] += len(lines[number - 1]) - len(text) - len(margin)
            lines[number - 1] = margin + text
            while number > 1 and _BACKSLASHES.match(lines[number - 2]):
                number -= 1
                lines[number - 1] = lines[number - 1].lstrip(" \t\f\\")
    for number, line in enumerate(lines, 1) if fed else ():
        if match := _FED.match(line):
            shifts[number] += match.end()
            lines[number - 1] = line[match.end() :]
    text = "".join(lines)
    checked = check_text(text) if led else Checked(code.named, code.functions)
    if led and list(_nodes(text)) != list(_nodes(code.text)):
        raise Refused("a line holds nothing but a backslash, which LibCST does not read there")
    return replace(code, text=text, named=checked.named, functions=checked.functions, shifts=shifts)


def _led(text: str) -> Iterator[tuple[int, str]]:
    """The lines whose statement begins with lines of a backslash, and how Python takes it to be indented."""
    line, above, depth = 1, 0, 0
    for match in _LED.finditer(text):
        bracket = match[0] if len(match[0]) == 1 else ""
        depth += (bracket in "([{") - (bracket in ")]}") if bracket else 0
        if match["led"] and not depth:
            line += len(_LINE_END.findall(text, above, match.end()))
            above = match.end()
            margins = [*re.split(r"\\[\r\n]+", match["led"])[:-1], match["margin"]]
            yield line, next(filter(None, (margin.rpartition("\f")[2] for margin in margins)), "")


def _nodes(text: str) -> Iterator[object]:
    """What is in a text's tree, level by level, with the number of nodes in each list."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    for node in ast.walk(tree):
        yield type(node)
        for _, value in ast.iter_fields(node):
            yield type(value) if isinstance(value, ast.AST) else len(value) if isinstance(value, list) else value


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
