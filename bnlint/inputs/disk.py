"""Files opened for reading: regular ones alone, for opening a pipe waits for ever, and a device need not end."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 1 << 20


def opened(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file, open for reading. Raises OSError for anything else, as for what cannot be opened."""
    if stat.S_ISREG(os.stat(path).st_mode):
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # Else it became another meanwhile.
            return file
        file.close()
    raise OSError("is not a regular file")


def read(path: str | os.PathLike[str], limit: int | None = None) -> bytes:
    """A regular file's bytes, those after the first `limit` left out. Raises OSError as `opened` does."""
    with opened(path) as file:
        return file.read() if limit is None else file.read(limit)


def pieces(path: str, limit: int) -> tuple[int, Iterator[bytes]]:
    """The size of a regular file, and its bytes: whole up to `limit` bytes, larger ones in overlapping pieces.

    Raises OSError as `opened` does.
    """
    file = opened(path)
    size = os.fstat(file.fileno()).st_size
    return size, _pieces(file, size <= limit)


def _pieces(file: BinaryIO, whole: bool) -> Iterator[bytes]:
    with file:
        if whole:
            yield file.read()
            return
        tail = b""
        while piece := file.read(CHUNK):
            yield tail + piece
            tail = piece[-64:]


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
