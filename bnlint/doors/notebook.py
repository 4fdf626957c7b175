"""The notebook door: a notebook's code cells as one Python text, in order, line for line.

Magics and shell lines become statements that do nothing, so that every line keeps its place in its cell.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass

from .gate import Refused, check_text, names_batchnorm

_FOREIGN = re.compile(r"%%(?!time|timeit|capture|prun|memit|tensorflow_version)\w+")
_MAGIC = re.compile(r"^(\s*)([%!].*|[\w.]+\?\??|\?\??[\w.]+)$")
_ASSIGNED = re.compile(r"^(\s*[\w, ]+=\s*)[!%].*$")


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook's code. `cells` are the lines, from 1, on which its code cells begin; `broken` the cells left out,
    each with its number from 1, the line in it and what is wrong there. `naming` are the cells that name a BN."""

    text: str
    cells: tuple[int, ...]
    naming: frozenset[int] = frozenset()
    broken: tuple[tuple[int, int | None, str], ...] = ()


def read_notebook(data: bytes) -> Notebook:
    """The code of a notebook of nbformat 3 or 4; Refused where it is none, or where its code is too much for LibCST."""
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused(f"not a notebook: not valid {error.encoding}") from None
    except RecursionError:
        raise Refused("not a notebook: too deeply nested") from None
    except ValueError as error:
        raise Refused(f"not a notebook: {error}", getattr(error, "lineno", None)) from None
    lines: list[str] = []
    starts: list[int] = []
    naming: set[int] = set()
    broken: list[tuple[int, int | None, str]] = []
    for number, source in enumerate(_sources(content), 1):
        starts.append(len(lines) + 1)
        code, problem = _python(source)
        if names_batchnorm(source.encode("utf-8", "replace")):
            naming.add(number)
        if problem is not None:
            broken.append((number, *problem))
        lines += code
    text = "\n".join([*lines, ""])
    check_text(text)
    return Notebook(text, tuple(starts), frozenset(naming), tuple(broken))


def _sources(content: object) -> list[str]:
    """The code cells' sources, in order."""
    if not isinstance(content, dict):
        raise Refused("not a notebook: no JSON object")
    cells = content.get("cells")
    if cells is None and isinstance(content.get("worksheets"), list):
        cells = [
            cell for sheet in content["worksheets"] if isinstance(sheet, dict) for cell in sheet.get("cells") or []
        ]
    if not isinstance(cells, list):
        raise Refused("not a notebook: no cells")
    found = []
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            found.append("".join(map(str, source)) if isinstance(source, list) else str(source))
    return found


def _python(source: str) -> tuple[list[str], tuple[int | None, str] | None]:
    """A cell's lines as Python, as many as it has; blank, and why, where it does not parse."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if _FOREIGN.match(source.lstrip()):
        return [""] * len(lines), None
    if _parses("\n".join(lines)) is None:
        return lines, None
    tidy: list[str] = []
    continued = False
    for line in lines:
        magic, assigned = _MAGIC.match(line), _ASSIGNED.match(line)
        if continued:
            continued = line.endswith("\\")
            tidy.append("")
        elif magic:
            continued = line.endswith("\\")
            tidy.append(f"{magic.group(1)}pass")
        else:
            tidy.append(f"{assigned.group(1)}None" if assigned else line)
    problem = _parses("\n".join(tidy))
    return (tidy, None) if problem is None else ([""] * len(lines), problem)


def _parses(text: str) -> tuple[int | None, str] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return error.lineno, f"syntax error: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return None, f"does not parse: {error}"
    return None
