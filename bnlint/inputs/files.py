"""Finding the files to check: one walk with os.scandir, whatever is excluded left out, every file once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..findings import Failure
from . import disk
from .patterns import Patterns, lines_of

EXCLUDED = frozenset(
    ".bzr .direnv .eggs .git .hg .ipynb_checkpoints .mypy_cache .nox .pytest_cache .pytype .ruff_cache .svn .tox .venv "
    ".vscode __pycache__ __pypackages__ build dist node_modules venv".split()
)
"""Folders that hold no code of the project, by name."""

ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
"""What marks a folder as an installed environment, whatever its name."""

LARGEST_IGNORES = 500_000
"""How many bytes a .gitignore may have that is obeyed: each name below it is held against every line."""

Identity = tuple[int, int]
Specs = tuple[tuple[Patterns, str], ...]
"""Patterns, and the path from the folder they stand in to the folder looked at ("" or ending in a slash)."""


@dataclass(slots=True)
class Listing:
    """What a walk found.

    `files` are paths as given on the command line plus the rest, sorted; each can be opened as it stands. `skipped`
    counts files that were left out by name (those in excluded folders, which are not entered, do not count).
    """

    files: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which names count, below the paths given.

    Patterns are written as in .gitignore, relative to `root` ("" for the working folder). `include` None stands for
    names ending in one of `suffixes`, `exclude` None for the folders that never hold a project's own code.
    """

    root: str = ""
    suffixes: tuple[str, ...] = (".py",)
    include: tuple[str, ...] | None = None
    extend_include: tuple[str, ...] = ()
    exclude: tuple[str, ...] | None = None
    extend_exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Folder:
    shown: str
    identity: Identity
    parent: _Folder | None
    include: Specs
    exclude: Specs
    ignore: Specs

    def lineage(self) -> Iterator[Identity]:
        folder: _Folder | None = self
        while folder is not None:
            yield folder.identity
            folder = folder.parent


def find(paths: Sequence[str], choice: Wanted | None = None) -> Listing:
    """The files at and below `paths`.

    A path given is always taken; excludes and .gitignore apply below it. A file reached in two ways is listed once,
    links to folders are followed, and a link back to a folder it stands in is a failure. Raises ValueError for a
    pattern that is none.
    """
    walk = _Walk(choice or Wanted())
    for path in paths:
        walk.start(path)
    walk.finish()
    walk.listing.files.sort(key=lambda path: path.split(os.sep))
    return walk.listing


def compiled(patterns: Iterable[str]) -> Patterns | None:
    """Patterns written as in .gitignore, ready to match; None for none. Raises ValueError for what matches nothing."""
    found = Patterns(line for pattern in patterns for line in lines_of(os.fsencode(pattern)))
    if found.idle:
        raise ValueError(f"not a pattern: {os.fsdecode(found.idle[0])!r}")
    return found or None


def relative(path: str, root: str) -> str:
    """`path` as seen from `root`, with slashes; what lies outside keeps its whole path."""
    whole = os.path.abspath(path)
    try:
        rest = os.path.relpath(whole, root or os.curdir)
    except ValueError:
        rest = os.pardir
    if rest == os.pardir or rest.startswith(os.pardir + os.sep):
        rest = os.path.splitdrive(whole)[1].lstrip(os.sep)
    return rest.replace(os.sep, "/")


def reason(error: OSError | ValueError) -> str:
    """Why a path cannot be read, in one line."""
    text = getattr(error, "strerror", None) or str(error)
    return f"cannot be read: {text[:1].lower()}{text[1:]}"


class _Walk:
    def __init__(self, choice: Wanted) -> None:
        self.listing = Listing()
        self.choice = choice
        self.include = compiled((*(choice.include or ()), *choice.extend_include))
        self.exclude = compiled((*(choice.exclude or ()), *choice.extend_exclude))
        self.entered: set[Identity] = set()
        self.taken: set[tuple[Identity, str]] = set()
        self.links: list[tuple[str, _Folder]] = []

    def start(self, path: str) -> None:
        """Take a path from the command line: a file as it is, a folder with all below it."""
        try:
            status = os.stat(path)
            real = os.path.realpath(path)
        except (OSError, ValueError) as error:
            self.fail(path, error)
            return
        if not stat.S_ISDIR(status.st_mode):
            self.take_real(path)
            return
        identity = (status.st_dev, status.st_ino)
        prefix = f"{relative(path, self.choice.root)}/".removeprefix("./")
        include: Specs = ((self.include, prefix),) if self.include else ()
        exclude: Specs = ((self.exclude, prefix),) if self.exclude else ()
        if prefix and _matches(exclude, "", above=True):
            exclude = ()
        self.descend(_Folder(path, identity, None, include, exclude, _inherited(real)))

    def finish(self) -> None:
        """Follow the links, now that everything real has been seen."""
        while self.links:
            self.links.sort(key=lambda link: link[0], reverse=True)
            path, folder = self.links.pop()
            if not os.path.isdir(path):
                self.take_real(path)
                continue
            status = os.stat(path)
            identity = (status.st_dev, status.st_ino)
            if identity in folder.lineage():
                message = "directory loop: this link leads back to a folder above it; not followed"
                self.listing.failures.append(Failure(path, message))
            else:
                self.descend(_below(folder, os.path.basename(path), identity))

    def descend(self, top: _Folder) -> None:
        stack = [top]
        while stack:
            folder = stack.pop()
            if folder.identity in self.entered:
                continue
            try:
                with os.scandir(folder.shown) as scan:
                    entries = {entry.name: entry for entry in scan}
            except OSError as error:
                self.fail(folder.shown, error)
                continue
            if folder.parent and self.choice.exclude is None and any(name in entries for name in ENVIRONMENTS):
                continue
            self.entered.add(folder.identity)
            if ".gitignore" in entries:
                folder = _with_ignores(folder)
            for entry in entries.values():
                self.look(folder, entry, stack)

    def look(self, folder: _Folder, entry: os.DirEntry[str], stack: list[_Folder]) -> None:
        """Decide about one entry of a folder: enter it, take it, or leave it."""
        name = entry.name
        try:
            if entry.is_dir():
                if self.leaves_out(folder, name + "/"):
                    return
                if entry.is_symlink():
                    self.links.append((entry.path, folder))
                else:
                    status = os.stat(entry.path)
                    stack.append(_below(folder, name, (status.st_dev, status.st_ino)))
            elif self.wants(folder, name):
                if self.leaves_out(folder, name):
                    self.listing.skipped += 1
                elif entry.is_symlink():
                    self.links.append((entry.path, folder))
                else:
                    self.take(entry.path, folder.identity, name)
        except OSError as error:
            self.fail(entry.path, error)

    def wants(self, folder: _Folder, name: str) -> bool:
        if name.startswith(".#"):  # the lock of an editor: a link to nowhere that ends as the file does
            return False
        if self.choice.include is None and name.endswith(self.choice.suffixes):
            return True
        return _matches(folder.include, name, above=True)

    def leaves_out(self, folder: _Folder, name: str) -> bool:
        if self.choice.exclude is None and name.endswith("/") and name[:-1] in EXCLUDED:
            return True
        return _matches(folder.exclude, name) or _matches(folder.ignore, name)

    def take_real(self, path: str) -> None:
        """Take a file that may be a link, known by where it really stands."""
        try:
            head, name = os.path.split(os.path.realpath(path))
            status = os.stat(head)
        except (OSError, ValueError) as error:
            self.fail(path, error)
            return
        self.take(path, (status.st_dev, status.st_ino), name)

    def take(self, path: str, folder: Identity, name: str) -> None:
        if (folder, name) not in self.taken:
            self.taken.add((folder, name))
            self.listing.files.append(path)

    def fail(self, path: str, error: OSError | ValueError) -> None:
        self.listing.failures.append(Failure(path, reason(error)))


def _below(folder: _Folder, name: str, identity: Identity) -> _Folder:
    shown = os.path.join(folder.shown, name)
    return _Folder(
        shown,
        identity,
        folder,
        _deeper(folder.include, name),
        _deeper(folder.exclude, name),
        _deeper(folder.ignore, name),
    )


def _deeper(specs: Specs, name: str) -> Specs:
    return tuple((spec, f"{prefix}{name}/") for spec, prefix in specs)


def _with_ignores(folder: _Folder) -> _Folder:
    spec = _ignores(os.path.join(folder.shown, ".gitignore"))
    if spec is None:
        return folder
    ignore = (*folder.ignore, (spec, ""))
    return _Folder(folder.shown, folder.identity, folder.parent, folder.include, folder.exclude, ignore)


def _matches(specs: Specs, name: str, *, above: bool = False) -> bool:
    """What the nearest file of patterns says that has an opinion; `above`: on the folders above, too."""
    for spec, prefix in reversed(specs):
        verdict = spec.verdict(prefix + name, above=above)
        if verdict is not None:
            return verdict
    return False


def _ignores(path: str) -> Patterns | None:
    """The patterns of one .gitignore, which git does not follow where it is a link."""
    if os.path.islink(path):
        return None
    try:
        data = disk.read(path, LARGEST_IGNORES + 1)
    except OSError:
        return None
    return Patterns(lines_of(data)) or None if len(data) <= LARGEST_IGNORES else None


def _inherited(real: str) -> Specs:
    """The .gitignore files above a folder, up to the top of its repository; none where they ignore the folder."""
    above: list[str] = []
    folder = real
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ()
        above.append(os.path.basename(folder))
        folder = parent
    specs: Specs = ()
    for file in (os.path.join(folder, ".git", "info", "exclude"), os.path.join(folder, ".gitignore")):
        if above or file.endswith("exclude"):
            spec = _ignores(file)
            specs += ((spec, ""),) if spec else ()
    while above:
        name = above.pop()
        if _matches(specs, name + "/"):
            return ()
        folder = os.path.join(folder, name)
        specs = _deeper(specs, name)
        if above and (spec := _ignores(os.path.join(folder, ".gitignore"))):
            specs += ((spec, ""),)
    return specs
