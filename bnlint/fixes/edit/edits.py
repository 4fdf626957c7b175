"""What differs between a text and the text it is to become, as edits; and edits put into a text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One replacement: `start` and `end` are offsets into the old text, in code points, the end exclusive."""

    start: int
    end: int
    text: str


def differences(old: str, new: str) -> list[Span]:
    """The replacements that make one text the other, each as short as can be within its lines."""
    lines = Lines(old)
    return lines.differences([(0, len(lines.all), lines_of(new))])


Opcode = tuple[str, int, int, int, int]

_WINDOW = 100
"""How many lines are compared at once: with lines that repeat, the work grows with the third power."""


def opcodes(old: Sequence[str], new: Sequence[str]) -> list[Opcode]:
    """What makes one row of lines the other, as SequenceMatcher says it; a window at a time where they are many."""
    found: list[Opcode] = []
    i = j = 0
    while i < len(old) or j < len(new):
        same = 0
        while i + same < len(old) and j + same < len(new) and old[i + same] == new[j + same]:
            same += 1
        if same:
            found.append(("equal", i, i + same, j, j + same))
            i, j = i + same, j + same
        codes = SequenceMatcher(None, old[i : i + _WINDOW], new[j : j + _WINDOW], autojunk=False).get_opcodes()
        if max(len(old) - i, len(new) - j) > _WINDOW:
            last = max((place for place, code in enumerate(codes) if code[0] == "equal"), default=len(codes))
            codes = codes[:last]  # What is behind it may look otherwise with the lines that follow.
        found += [(tag, i + a, i + b, j + c, j + d) for tag, a, b, c, d in codes]
        if codes:
            i, j = i + codes[-1][2], j + codes[-1][4]
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


def _ends_line(text: str, following: str) -> bool:
    """Whether a text ends where a line does, with this behind it."""
    return text.endswith("\n") or (text.endswith("\r") and not following.startswith("\n"))


def applied(text: str, spans: Iterable[Span]) -> str:
    """The text with the replacements made. They must not overlap."""
    parts, position = [], 0
    for span in sorted(set(spans)):
        parts += [text[position : span.start], span.text]
        position = span.end
    return "".join([*parts, text[position:]])


class Lines:
    """The lines of a text; offsets and positions in it: lines and columns count from 1, columns in code points."""

    def __init__(self, text: str) -> None:
        self.all = lines_of(text)
        self._starts = [0, *accumulate(map(len, self.all))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column."""
        return self._starts[line - 1] + column - 1

    def around(self, start: int, end: int, text: str) -> tuple[int, int, list[str]]:
        """A replacement as one of whole lines: the first, the one behind the last, and the new ones."""
        first = min(bisect_right(self._starts, start), len(self.all)) - 1
        last = bisect_left(self._starts, end)
        old = "".join(self.all[first:last])
        new = old[: start - self._starts[first]] + text + old[end - self._starts[first] :]
        while last < len(self.all) and new and not _ends_line(new, self.all[last]):
            new += self.all[last]
            last += 1
        return first, last, lines_of(new)

    def differences(self, changes: Sequence[tuple[int, int, list[str]]]) -> list[Span]:
        """The replacements that put other lines in the places of some, each as short as can be within its lines."""
        found: list[Span] = []
        for number, (first, last, new) in enumerate(changes):
            limit = changes[number + 1][0] if number + 1 < len(changes) else len(self.all)
            found += self._changed(first, last, new, limit)
        return found

    def _changed(self, first: int, last: int, new: list[str], limit: int) -> Iterator[Span]:
        """The replacements for one change. Lines up to the limit count as common ones where they repeat."""
        behind = limit - last
        olds, news = limit - first, len(new) + behind

        def after(index: int) -> str:
            return new[index] if index < len(new) else self.all[last + index - len(new)]

        head = 0
        while head < min(olds, news) and self.all[first + head] == after(head):
            head += 1
        most = min(olds, news) - head
        tail = min(behind, most)
        while tail < most and self.all[limit - 1 - tail] == after(news - 1 - tail):
            tail += 1
        middle = self.all[first + head : limit - tail], [after(index) for index in range(head, news - tail)]
        for tag, a, b, c, d in SequenceMatcher(None, *middle, autojunk=False).get_opcodes():
            if tag != "equal":
                start = self._starts[first + head + a]
                yield _narrowed(start, "".join(middle[0][a:b]), "".join(middle[1][c:d]))
