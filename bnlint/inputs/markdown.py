"""The Markdown door: a document's fenced Python blocks as one Python text, in order, on the lines they stand on.

Fences are those of CommonMark. Console sessions lose their prompts and their output. A block that is no Python, such as
a fragment, is left out alone; so is one that does nothing but name layers with their arguments, as a reference does.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import dedent

from .code import Code, Part, joined, python_of

_LINE_END = re.compile(r"\r\n|\r|\n")
_FENCE = re.compile(
    r"(?P<quotes>(?:[ \t]*>)*)(?P<indent>[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)"
    r"(?P<fence>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)"
)
_PYTHON = re.compile(r"\{?\s*\.?(?:python-repl|pycon3?|i?python3?|py3?)(?![\w.+#-])", re.IGNORECASE)
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |$)")


@dataclass(slots=True)
class _Block:
    """A fenced block: what its opening line says, where that stands, and the lines below it, cut on the left."""

    info: str
    line: int
    lines: list[str] = field(default_factory=list)

    def python(self) -> list[str] | None:
        """The lines at the left margin and without prompts; None where the block does not claim to be Python."""
        lines = dedent("\n".join(self.lines)).split("\n") if self.lines else []
        first = next((line for line in lines if line.strip()), "")
        if self.info and not _PYTHON.match(self.info):
            return None
        if first.startswith(">>>"):
            prompts = [_PROMPT.match(line) for line in lines]
            return [line[prompt.end() :] if prompt else "" for line, prompt in zip(lines, prompts, strict=True)]
        return lines if self.info else None


def read_document(data: bytes) -> Code:
    """The Python of a Markdown document; Refused where its code is too much for LibCST."""
    lines = _LINE_END.split(data.decode("utf-8-sig", "replace"))
    parts: list[Part] = []
    shifts: dict[int, int] = {}
    above = 0
    for block in _blocks(lines):
        source = block.python()
        if source:
            part = python_of(source, line=block.line)
            parts += [Part([""] * (block.line - above)), Part([""] * len(source)) if _lists(part.lines) else part]
            above = block.line + len(source)
            shifts.update((n, len(lines[n - 1]) - len(text)) for n, text in enumerate(source, block.line + 1) if text)
    return joined([*parts, Part([""] * (len(lines) - above))], shifts=shifts)


def _lists(lines: list[str]) -> bool:
    """Whether all that the code does is to make objects which it does nothing with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        body = ast.parse("\n".join(lines)).body
    return bool(body) and all(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, (ast.Name, ast.Attribute))
        and ast.unparse(node.value.func).rpartition(".")[2][:1].isupper()
        for node in body
    )


def _blocks(lines: list[str]) -> Iterator[_Block]:
    """The fenced blocks of a document. One that nothing closes goes on to the end of its quotation or the document."""
    block: _Block | None = None
    depth = indent = 0
    fence = ""
    comment = False
    for number, line in enumerate(lines, 1):
        if block is not None:
            text = _unquoted(line, depth)
            if text is not None and not _closes(text, fence, indent):
                block.lines.append(text[_leading(text, indent) :])
                continue
            yield block
            block = None
            if text is not None:
                continue
        if comment or line.lstrip().startswith("<!--"):
            comment = "-->" not in line
        elif opening := _FENCE.match(line):
            block = _Block(opening["info"].strip(), number)
            depth, fence = opening["quotes"].count(">"), opening["fence"]
            indent = len(opening["indent"].expandtabs(4))
    if block is not None:
        yield block


def _unquoted(line: str, depth: int) -> str | None:
    """A line of a quotation so deep without its marks; None where it is none."""
    for _ in range(depth):
        line = line.lstrip(" \t")
        if not line.startswith(">"):
            return None
        line = line[1:].removeprefix(" ")
    return line


def _closes(text: str, fence: str, indent: int) -> bool:
    """Whether a line is a fence that closes: one at least as long, at most three columns further in."""
    mark = text.strip(" \t")
    if len(mark) < len(fence) or mark.strip(fence[0]):
        return False
    return len(text[: text.index(fence[0])].expandtabs(4)) <= indent + 3


def _leading(text: str, most: int) -> int:
    """How many characters of white space a line begins with, as far as they take up at most so many columns."""
    count = width = 0
    for char in text:
        step = 4 - width % 4 if char == "\t" else 1
        if char not in " \t" or width + step > most:
            break
        count, width = count + 1, width + step
    return count
