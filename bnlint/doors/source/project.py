"""The files of a project, as one run knows them: looked for once, and parsed once as long as there is room."""

from __future__ import annotations

import pathlib
from collections import OrderedDict
from collections.abc import Mapping

from ...inputs import disk
from ...inputs.code import Code, whole
from ...inputs.gate import Refused, read
from .draft import Draft
from .module import Module

MAX_SIZE = 600_000
KEPT = 1_500_000
"""How many characters of other files' text are kept parsed."""
RECENT = 100_000
"""How many characters of the files last checked themselves are, for their neighbours may import them."""


class Project:
    """Finds and parses what files import.

    shown: the paths under which files are shown, where not their own. watched: the last parts of the library symbols of
    which every use is noted.
    """

    def __init__(self, shown: Mapping[pathlib.Path, str] | None = None, watched: frozenset[str] = frozenset()) -> None:
        self._shown = shown or {}
        self.watched = watched
        self._found: dict[tuple[pathlib.Path, str], pathlib.Path | None] = {}
        self._parsed: OrderedDict[pathlib.Path, tuple[int, Module | None]] = OrderedDict()
        self._kept = 0
        self._recent: OrderedDict[pathlib.Path, Draft] = OrderedDict()

    def find(self, module: Module, name: str) -> pathlib.Path | None:
        """The file that `import name` opens in a module, None for what is not of the project."""
        assert module.file is not None
        if name.startswith("."):
            level = len(name) - len(name.lstrip("."))
            folder = module.file.parent
            for _ in range(level - 1):
                folder = folder.parent
            return self.file_in(folder, name.lstrip("."))
        installed = module.package.split(".")[0] != name.split(".")[0]
        for folder in module.search:
            if installed and folder.name in ("site-packages", "dist-packages"):
                continue
            found = self.file_in(folder, name)
            if found is not None and (found != module.file or module.package == name):
                return found
        return None

    def file_in(self, folder: pathlib.Path, name: str) -> pathlib.Path | None:
        """The file of a module or package of this dotted name in a folder, None where there is none."""
        key = (folder, name)
        if key not in self._found:
            path = folder.joinpath(*name.split(".")) if name else folder
            places = (path.with_name(f"{path.name}.py"), path / "__init__.py")
            self._found[key] = next((place for place in places if place.is_file()), None)
        return self._found[key]

    def module(self, file: pathlib.Path, importer: Module) -> Module | None:
        """A file, parsed; None where it cannot be. One that was written to since is parsed anew."""
        try:
            modified = file.stat().st_mtime_ns
        except OSError:
            return None
        if file not in self._parsed or self._parsed[file][0] != modified:
            self._forget(file)
            module = self._read(file)
            if module is not None:
                module.search = list(dict.fromkeys([*module.search, *importer.search]))
                self._kept += len(module.text)
            self._parsed[file] = (modified, module)
            while self._kept > KEPT:
                self._forget(next(iter(self._parsed)))
            return module
        self._parsed.move_to_end(file)
        return self._parsed[file][1]

    def _forget(self, file: pathlib.Path) -> None:
        _, module = self._parsed.pop(file, (0, None))
        self._kept -= len(module.text) if module is not None else 0

    def _read(self, file: pathlib.Path) -> Module | None:
        shown, draft = self._shown.get(file, str(file)), self._recent.pop(file, None)
        try:
            data = disk.read(file, MAX_SIZE + 1)
            if draft is not None and data.decode("utf-8", "replace") == draft.text:
                return opened(Code(draft.text), shown, file, draft)
            if len(data) > MAX_SIZE:
                return None
            return opened(whole(*read(data)), shown, file)
        except (OSError, Refused):
            return None

    def draft(self, code: Code, file: pathlib.Path | None) -> Draft:
        """A text's draft: the one that importers of its file have met, or a new one."""
        _, module = self._parsed.get(file, (0, None)) if file is not None else (0, None)
        if module is not None and module.text == code.text:
            return module.draft
        draft = Draft(code.text, code.functions)
        if file is not None:
            self._recent[file] = draft
        while sum(len(recent.text) for recent in self._recent.values()) > RECENT:
            self._recent.popitem(last=False)
        return draft


def opened(code: Code, path: str, file: pathlib.Path | None, draft: Draft | None = None) -> Module:
    """A text as a module; `file` is where it was read, if it was."""
    module = Module(path, code.text, draft or Draft(code.text, code.functions), cells=code.cells, shifts=code.shifts)
    if file is not None:
        module.file, module.package, module.search = file, package_of(file), search_path(file)
    return module


def search_path(file: pathlib.Path) -> list[pathlib.Path]:
    """Where a file's absolute imports are looked up: its own folder, its package's parent, and src beside them."""
    folders = [file.parent]
    package = file.parent
    while (package / "__init__.py").is_file() and package.parent != package:
        package = package.parent
    folders.append(package)
    if not (file.parent / "__init__.py").is_file():
        folders.append(file.parent.parent)
    folders += [folder / "src" for folder in folders]
    return list(dict.fromkeys(folders))


def package_of(file: pathlib.Path) -> str:
    """The dotted name of the package that holds the file, "" where it is none."""
    parts: list[str] = []
    folder = file.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)
