"""Which of the files found are worth parsing, told by their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..fault import Fault
from ..findings import Failure, Place
from . import disk, files
from .gate import names_batchnorm
from .imports import Imports
from .suffixes import is_model, may_hold_batchnorm

NOTEBOOK_OUTPUT = 20
"""How many times `max-size` a notebook may have, most of which is its output."""


@dataclass(slots=True)
class Sifted:
    """The files to parse, with their sizes in bytes; and what became of the others."""

    candidates: list[tuple[str, int]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: int = 0
    skipped: int = 0

    def add(self, other: Sifted) -> None:
        """Take in what became of further files."""
        self.candidates += other.candidates
        self.failures += other.failures
        self.notes += other.notes
        self.checked += other.checked
        self.skipped += other.skipped


class Sieve:
    """Sifts files; `max_size` is in bytes."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._imports = Imports(names_batchnorm, max_size)

    def __call__(self, paths: Iterable[str]) -> Sifted:
        sifted = Sifted()
        for path in paths:
            before = sifted.checked
            try:
                self._sift(path, sifted)
            except Exception as error:
                fault = Fault.of("telling whether it is to be checked", error, Place(path))
                sifted.failures.append(fault.failure())
                sifted.notes += fault.notes()
                sifted.checked = before + 1
        return sifted

    def _sift(self, path: str, sifted: Sifted) -> None:
        limit = size_limit(path, self._max_size)
        try:
            if is_model(path):
                sifted.checked += 1
                if may_hold_batchnorm(path):
                    sifted.candidates.append((path, os.stat(path).st_size))
                return
            size, pieces = disk.pieces(path, limit)
            data = next(pieces, b"")
            found = names_batchnorm(data) or any(map(names_batchnorm, pieces))
        except OSError as error:
            sifted.failures.append(Failure(path, files.reason(error)))
            return
        if found and size > limit:
            sifted.failures.append(too_large(path, size, limit))
            sifted.skipped += 1
            return
        sifted.checked += 1
        if found or (size <= limit and self._imports.reach(path, data)):
            sifted.candidates.append((path, size))


def size_limit(path: str, max_size: int) -> int:
    """How many bytes a file may have."""
    return max_size * (NOTEBOOK_OUTPUT if path.endswith(".ipynb") else 1)


def too_large(path: str, size: int, limit: int) -> Failure:
    """What is said of a file over `max-size`."""
    return Failure(path, f"too large: {size:,} bytes, over max-size ({limit:,})", kind="limit")


def portions(paths: Sequence[str], size: int) -> list[Sequence[str]]:
    """The paths, `size` at a time."""
    return [paths[begin : begin + size] for begin in range(0, len(paths), size)]
