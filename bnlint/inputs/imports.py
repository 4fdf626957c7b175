"""Which files train what other files of the project build, as far as their bytes tell."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from ..catalog.modules import PACKAGES
from . import disk

DEPTH = 3
_USES = (b".fit(", b"training=", b"GradientTape(", b"train_on_batch(")
_IMPORT = re.compile(rb"^[ \t\"]*(?:from[ \t]+([\w.]+)[ \t]+)?import\b[ \t]*(\([^)]*|[^\n]*)", re.MULTILINE)
"""An import line; in a notebook, which is JSON, it is a string."""
_COMMENT = re.compile(r"#.*")
_NAME = re.compile(r"[\w.]+")
_LIBRARIES = frozenset((*PACKAGES, *"matplotlib numpy os pandas scipy sklearn sys tensorflow torch".split()))


class Imports:
    """Follows imports to files of the project, reading each file once."""

    def __init__(self, counts: Callable[[bytes], bool], limit: int) -> None:
        self._counts = counts
        self._limit = limit
        self._known: dict[str, bool] = {}
        self._places: dict[tuple[str, str], list[str]] = {}

    def reach(self, path: str, data: bytes) -> bool:
        """Whether a file that trains or calls models imports one that counts, at most DEPTH files away."""
        path = os.path.abspath(path)
        if _package(os.path.dirname(path)) in _LIBRARIES or not any(use in data for use in _USES):
            return False
        return self._leads(path, data, DEPTH)

    def _leads(self, path: str, data: bytes, depth: int) -> bool:
        folder = os.path.dirname(path)
        return any(self._good(found, depth) for name in _imported(data) for found in self._files(folder, name))

    def _files(self, folder: str, name: str) -> list[str]:
        key = (folder, name)
        if key not in self._places:
            self._places[key] = list(_files(folder, name))
        return self._places[key]

    def _good(self, path: str, depth: int) -> bool:
        if path not in self._known:
            self._known[path] = False
            try:
                data = disk.read(path, self._limit)
            except OSError:
                return False
            self._known[path] = self._counts(data) or (depth > 1 and self._leads(path, data, depth - 1))
        return self._known[path]


@lru_cache(maxsize=4096)
def _package(folder: str) -> str:
    """The name of the outermost package that a folder belongs to, "" for none."""
    if not os.path.isfile(os.path.join(folder, "__init__.py")):
        return ""
    return _package(os.path.dirname(folder)) or os.path.basename(folder)


def _imported(data: bytes) -> Iterator[str]:
    """The modules that a file imports, and what it imports from them, where its import lines look as most do."""
    for match in _IMPORT.finditer(data):
        source, rest = (group.decode("ascii", "ignore") if group else "" for group in match.groups())
        names = _NAME.findall(_COMMENT.sub("", rest))
        if source:
            joint = "" if source.endswith(".") else "."
            names = [source, *(f"{source}{joint}{name}" for name in names)]
        yield from names


def _files(folder: str, name: str) -> Iterator[str]:
    """The files of the project that an import of this name, in a file of this folder, may open."""
    level = len(name) - len(name.lstrip("."))
    if level:
        bases = [os.path.normpath(os.path.join(folder, *[os.pardir] * (level - 1)))]
    elif name.split(".")[0] in _LIBRARIES:
        return
    else:
        top = folder
        while os.path.isfile(os.path.join(top, "__init__.py")) and os.path.dirname(top) != top:
            top = os.path.dirname(top)
        bases = list(dict.fromkeys((folder, top, os.path.dirname(folder))))
    for base in bases:
        place = os.path.join(base, *name.strip(".").split("."))
        for candidate in (f"{place}.py", os.path.join(place, "__init__.py")):
            if os.path.isfile(candidate):
                yield candidate
                return
