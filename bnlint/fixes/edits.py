"""What differs between a text and the text it is to become, as edits; and edits put into a text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One replacement: `start` and `end` are offsets into the old text, in code points, the end exclusive."""

    start: int
    end: int
    text: str


def differences(old: str, new: str) -> list[Span]:
    """The replacements that make one text the other, each as short as can be within its lines."""
    before, after = lines_of(old), lines_of(new)
    offsets = [0]
    for line in before:
        offsets.append(offsets[-1] + len(line))
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    found = []
    for tag, a, b, c, d in SequenceMatcher(None, *middle, autojunk=False).get_opcodes():
        if tag != "equal":
            start = offsets[head + a]
            found.append(_narrowed(start, "".join(middle[0][a:b]), "".join(middle[1][c:d])))
    return found


def _common(first: list[str], second: list[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _narrowed(start: int, old: str, new: str) -> Span:
    if not old or not new:
        return Span(start, start + len(old), new)
    head = _common(list(old), list(new))
    head -= _halves(old, head)
    tail = _common(list(old[head:][::-1]), list(new[head:][::-1]))
    tail -= _halves(old, len(old) - tail)
    return Span(start + head, start + len(old) - tail, new[head : len(new) - tail])


def _halves(text: str, cut: int) -> bool:
    """Whether a cut goes between the two characters of one line end."""
    return text[cut - 1 : cut + 1] == "\r\n" if cut else False


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them, each with its end."""
    return list(_lines(text))


def _lines(text: str) -> Iterator[str]:
    start = index = 0
    while index < len(text):
        character = text[index]
        index += 1
        if character == "\r" and text[index : index + 1] == "\n":
            index += 1
        if character in "\r\n":
            yield text[start:index]
            start = index
    if start < len(text):
        yield text[start:]


def applied(text: str, spans: Iterable[Span]) -> str:
    """The text with the replacements made. They must not overlap."""
    parts, position = [], 0
    for span in sorted(set(spans)):
        parts += [text[position : span.start], span.text]
        position = span.end
    return "".join([*parts, text[position:]])


class Lines:
    """Offsets and positions in a text: lines and columns count from 1, columns in code points."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        for line in _lines(text):
            self._starts.append(self._starts[-1] + len(line))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column."""
        return self._starts[line - 1] + column - 1
