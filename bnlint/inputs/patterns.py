"""Patterns as .gitignore has them, read as git reads them: byte by byte, in time that grows with pattern and name."""

from __future__ import annotations

import os
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

_SPECIAL = b"*?[\\"
_SLASH = 0x2F
_BYTES = range(256)
_CLASSES: dict[bytes, Callable[[str], bool]] = {
    b"alnum": str.isalnum,
    b"alpha": str.isalpha,
    b"blank": lambda char: char in " \t",
    b"cntrl": lambda char: char < " " or char == "\x7f",
    b"digit": str.isdigit,
    b"graph": lambda char: "!" <= char <= "~",
    b"lower": str.islower,
    b"print": lambda char: " " <= char <= "~",
    b"punct": lambda char: char in string.punctuation,
    b"space": lambda char: char in " \t\n\v\f\r",
    b"upper": str.isupper,
    b"xdigit": lambda char: char in string.hexdigits,
}


class Never(Exception):
    """A pattern that matches nothing, as one whose bracket is not closed."""


@dataclass(slots=True)
class _Glob:
    """A pattern with wildcards, as the states of a machine of which many can be on at once, each a bit.

    `accepts` says which states a byte leads on from, by byte; `stays` which it leaves on: those of a star. What reaches
    an `empties` state reaches the next as well, or those so many further on.
    """

    accepts: dict[int, int] = field(default_factory=dict)
    stays: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    empties: list[tuple[int, int]] = field(default_factory=list)
    size: int = 0

    def take(self, allowed: Iterable[int]) -> None:
        """Go on with one of these bytes."""
        for byte in allowed:
            self.accepts[byte] = self.accepts.get(byte, 0) | 1 << self.size
        self.size += 1

    def star(self, slashes: bool) -> None:
        """Go on with any number of bytes."""
        self.stays[False] |= 1 << self.size
        if slashes:
            self.stays[True] |= 1 << self.size
        self.empty(1)

    def empty(self, *further: int) -> None:
        """Go on with nothing, to each of the states so many further on."""
        self.empties += ((self.size, step) for step in further)
        self.size += 1

    def matches(self, text: bytes) -> bool:
        on = self._reached(1)
        for byte in text:
            on = self._reached((on & self.accepts.get(byte, 0)) << 1 | on & self.stays[byte == _SLASH])
            if not on:
                return False
        return bool(on >> self.size & 1)

    def _reached(self, on: int) -> int:
        for state, step in self.empties:
            if on >> state & 1:
                on |= 1 << state + step
        return on


def _glob(pattern: bytes) -> _Glob:
    """Raises Never."""
    glob, at = _Glob(), 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        if char == b"*":
            end = at
            while pattern[end : end + 1] == b"*":
                end += 1
            alone = (at == 0 or pattern[at - 1] == _SLASH) and pattern[end:].startswith((b"/", b"\\/"))
            last = (at == 0 or pattern[at - 1] == _SLASH) and end == len(pattern)
            if end - at > 1 and alone and pattern[end] == _SLASH:
                glob.empty(1, 3)  # Any folders and a slash, or neither.
            glob.star(end - at > 1 and (alone or last))
            at = end
        elif char == b"[":
            chosen, at = _set(pattern, at + 1)
            glob.take(byte for byte in chosen if byte != _SLASH)
        elif char == b"?":
            glob.take(byte for byte in _BYTES if byte != _SLASH)
            at += 1
        else:
            at += char == b"\\"
            if at == len(pattern):
                raise Never
            glob.take((pattern[at],))
            at += 1
    return glob


def _set(pattern: bytes, at: int) -> tuple[set[int], int]:
    """The bytes that a bracket stands for, and where it ends. Raises Never where that is nowhere."""

    def byte(at: int) -> int:
        if at >= len(pattern):
            raise Never
        return pattern[at]

    negated = byte(at) in b"^!"
    at += negated
    chosen: set[int] = set()
    previous, first = 0, True
    while first or byte(at) != 0x5D:
        first = False
        char = byte(at)
        if char == 0x5C:
            at += 1
            char = byte(at)
            chosen.add(char)
        elif char == 0x2D and previous and byte(at + 1) != 0x5D:
            at += 1
            if byte(at) == 0x5C:
                at += 1
            chosen.update(range(previous, byte(at) + 1))
            char = 0
        elif char == 0x5B and pattern[at + 1 : at + 2] == b":":
            end = pattern.find(b"]", at + 2)
            if end < 0:
                raise Never
            if end > at + 2 and pattern[end - 1] == 0x3A:
                if pattern[at + 2 : end - 1] not in _CLASSES:
                    raise Never
                belongs = _CLASSES[pattern[at + 2 : end - 1]]
                chosen.update(number for number in range(128) if belongs(chr(number)))
                at, char = end, 0
            else:
                chosen.add(char)
        else:
            chosen.add(char)
        previous = char
        at += 1
    return set(_BYTES) - chosen if negated else chosen, at + 1


@dataclass(slots=True)
class _Pattern:
    """One line. `start` is what stands in front of the first wildcard; `glob` None stands for nothing behind that."""

    index: int
    includes: bool
    folder: bool
    whole: bool
    start: bytes
    glob: _Glob | None
    end: bytes = b""

    def matches(self, path: bytes, name: bytes) -> bool:
        text = path if self.whole else name
        if self.end:
            return text.endswith(self.end)
        if not text.startswith(self.start):
            return False
        rest = text[len(self.start) :]
        return not rest if self.glob is None else self.glob.matches(rest)


def _pattern(index: int, line: bytes) -> _Pattern:
    """Raises Never."""
    excluded = line.startswith(b"!")
    line = line[1:] if excluded else line
    folder = line.endswith(b"/")
    line = line[:-1] if folder else line
    whole = b"/" in line
    line = line[1:] if line.startswith(b"/") else line
    if not line:
        raise Never
    plain = next((at for at, byte in enumerate(line) if byte in _SPECIAL), len(line))
    found = _Pattern(index, not excluded, folder, whole, line[:plain] if whole else b"", None)
    if plain == len(line):
        found.start = line
    elif not whole and plain == 0 and line[0] == 0x2A and not any(byte in _SPECIAL for byte in line[1:]) and line[1:]:
        found.end = line[1:]
    else:
        found.glob = _glob(line[len(found.start) :])
    return found


class Patterns:
    """Lines of patterns, of which the last that matches decides. Those that match nothing are passed over."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._exact: dict[bytes, list[_Pattern]] = {}
        self._others: list[_Pattern] = []
        self.idle: list[bytes] = []
        for index, line in enumerate(lines):
            try:
                found = _pattern(index, line)
            except Never:
                self.idle.append(line)
                continue
            if found.glob is None and not found.end:
                self._exact.setdefault((b"/" if found.whole else b"") + found.start, []).append(found)
            else:
                self._others.append(found)

    def __bool__(self) -> bool:
        return bool(self._exact or self._others)

    def verdict(self, path: str, *, above: bool = False) -> bool | None:
        """Whether a path, a folder's ending in a slash, is matched; None where no pattern says anything.

        `above`: it is also where a folder is that it lies in.
        """
        data = os.fsencode(path)
        found = self._last(data.rstrip(b"/"), data.endswith(b"/"), None)
        end = data.rstrip(b"/").rfind(b"/") if above else -1
        while end > 0:
            found = self._last(data[:end], True, found)
            end = data.rfind(b"/", 0, end)
        return None if found is None else found.includes

    def _last(self, path: bytes, folder: bool, found: _Pattern | None) -> _Pattern | None:
        """The last pattern that matches, or the one found already where that is later."""
        name = path[path.rfind(b"/") + 1 :]
        for pattern in (*self._exact.get(name, ()), *self._exact.get(b"/" + path, ())):
            if (folder or not pattern.folder) and (found is None or pattern.index > found.index):
                found = pattern
        for pattern in reversed(self._others):
            if found is not None and pattern.index < found.index:
                break
            if (folder or not pattern.folder) and pattern.matches(path, name):
                return pattern
        return found


def lines_of(data: bytes) -> Iterator[bytes]:
    """The patterns in a .gitignore."""
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        line = line.removesuffix(b"\r").partition(b"\0")[0]
        if line and not line.startswith(b"#"):
            yield trimmed(line)


def trimmed(line: bytes) -> bytes:
    """A pattern without spaces at its end, but for one that a backslash keeps."""
    bare = line.rstrip(b" ")
    backslashes = len(bare) - len(bare.rstrip(b"\\"))
    return line[: len(bare) + 1] if backslashes % 2 and len(bare) < len(line) else bare
