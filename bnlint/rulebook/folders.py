"""The rulebook: opens folders of rules, chooses among them, writes new ones and the index."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import FunctionType, MappingProxyType, ModuleType
from typing import TypeVar

from ..findings import Severity
from .card import Example, examples
from .rule import CATEGORIES, Rule

__all__ = ["ALL", "Book", "Example", "examples", "index", "open_book", "read_folders", "scaffold", "shipped_folder"]

ALL = "ALL"

_STEM = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TEMPLATE_NAME = "rule-name"
_T = TypeVar("_T")


class Book(Mapping[str, Rule]):
    """Rules by name, in the order of their names. A rule's module is loaded when the rule is first asked for."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(sorted(files.items()))
        self._rules: dict[str, Rule] = {}

    def __getitem__(self, name: str) -> Rule:
        if name not in self._rules:
            self._rules[name] = _load(name, self._files[name])
        return self._rules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def find(self, name: str) -> Rule:
        """The rule called `name`; ValueError, naming the closest one, if there is none."""
        if name not in self:
            raise ValueError(f"unknown rule {name!r}{closest(name, self)}")
        return self[name]

    def select(
        self,
        select: Iterable[str] | None = None,
        extend_select: Iterable[str] = (),
        ignore: Iterable[str] = (),
    ) -> list[Rule]:
        """The rules to run: those selected (None: all that are on by default), and the extended ones, less the ignored.

        Each entry is a rule's name, a category (its rules that are on by default) or ALL (the others too). Raises
        ValueError for an entry that is none of these.
        """
        chosen = {name for entry in (select or ()) for name in self._meant(entry)}
        if select is None:
            chosen = {name for name in self if self[name].enabled}
        chosen |= {name for entry in extend_select for name in self._meant(entry)}
        for entry in ignore:
            known = set(self._meant(entry))
            chosen = {name for name in chosen if name not in known and self[name].category != entry}
        return [self[name] for name in self if name in chosen]

    def _meant(self, entry: str) -> Iterator[str]:
        if entry in self:
            yield entry
        elif entry == ALL:
            yield from self
        elif entry in CATEGORIES:
            yield from (name for name in self if self[name].category == entry and self[name].enabled)
        else:
            raise ValueError(f"unknown rule or category {entry!r}{closest(entry, (*self, *CATEGORIES, ALL))}")


def open_book(*folders: Path) -> Book:
    """The shipped rules and those of the given folders. Raises ValueError as `read_folders` does."""
    return read_folders(shipped_folder(), *folders)


def shipped_folder() -> Path:
    """Where bnlint's own rules stand: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "rules"
    return inside if inside.is_dir() else package.parent / "rules"


def read_folders(*folders: Path) -> Book:
    """The rules of these folders alone: every `<name>.py` but those that start with an underscore.

    Raises ValueError for a folder that is not there, for what is no file, for a file name that cannot be a rule's, and
    for a name that is taken.
    """
    files: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"rules folder not found: {folder}")
        for path in sorted(folder.glob("*.py")):
            if path.name.startswith("_"):
                continue
            name = _name(path)
            if not path.is_file():  # To import a pipe would wait for ever.
                raise ValueError(f"{path}: is not a regular file")
            if name in files:
                raise ValueError(f"rule {name!r} stands twice: {files[name]} and {path}")
            files[name] = path
    return Book(files)


def scaffold(name: str, folder: Path) -> tuple[Path, Path]:
    """Write a new rule's module and card from the template; returns their paths.

    Raises ValueError if `name` is not kebab-case or taken by a category, FileExistsError rather than overwrite.
    """
    stem = name.replace("-", "_")
    if "_" in name or not _possible(stem):
        raise ValueError(f"{name!r} cannot be a rule's name: use lower-case words joined by hyphens, and no category")
    module, card = folder / f"{stem}.py", folder / f"{stem}.md"
    for path in (module, card):
        if path.exists():
            raise FileExistsError(f"{path} exists already")
    folder.mkdir(parents=True, exist_ok=True)
    for path in (module, card):
        template = (shipped_folder() / f"_template{path.suffix}").read_text(encoding="utf-8")
        path.write_text(template.replace(_TEMPLATE_NAME, name), encoding="utf-8")
    return module, card


def index(book: Book) -> str:
    """The rules as a Markdown page, by category; `rules/README.md` is this of the shipped rules."""
    lines = ["# Rules", "", "Generated from the cards by `python docs/scripts/make_index.py`.", ""]
    for category in CATEGORIES:
        rules = [rule for rule in book.values() if rule.category == category]
        if rules:
            lines += [f"## {category}", "", "| rule | severity | what it finds |", "|---|---|---|"]
            lines += [_row(rule) for rule in rules]
            lines.append("")
    return "\n".join(lines)


def _row(rule: Rule) -> str:
    severity = f"{rule.severity}{'' if rule.enabled else ' (off by default)'}"
    return f"| [{rule.name}]({rule.name.replace('-', '_')}.md) | {severity} | {rule.summary.replace('|', '&#124;')} |"


def _name(path: Path) -> str:
    if not _possible(path.stem):
        raise ValueError(f"{path}: a rule's file is named in lower-case words joined by underscores, and no category")
    return path.stem.replace("_", "-")


def _possible(stem: str) -> bool:
    return _STEM.fullmatch(stem) is not None and stem not in CATEGORIES and stem != ALL.lower()


@cache
def _load(name: str, path: Path) -> Rule:
    """The rule in this file, executed once a process."""
    module = _execute(path)
    category = _attribute(module, path, "category", str)
    if category not in CATEGORIES:
        raise ValueError(f"{path}: unknown category {category!r}{closest(category, CATEGORIES)}")
    return Rule(
        name,
        category,
        severity=_attribute(module, path, "severity", Severity),
        check=_attribute(module, path, "check", FunctionType),
        enabled=_attribute(module, path, "enabled", bool, True),
        options=MappingProxyType(_attribute(module, path, "options", dict, {})),
        source_only=_attribute(module, path, "source_only", str, ""),
        watches=_attribute(module, path, "watches", frozenset, frozenset()),
        path=path,
    )


def _execute(path: Path) -> ModuleType:
    """The rule's module, run as a module of its own. Whatever it raises becomes a ValueError that names the file."""
    name = f"bnlint.rules.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ValueError(f"{path}: the rule cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def _attribute(module: ModuleType, path: Path, name: str, kind: type[_T], default: _T | None = None) -> _T:
    value = getattr(module, name, default)
    if not isinstance(value, kind):
        raise ValueError(f"{path}: a rule needs `{name}`, of type {kind.__name__}")
    return value


def closest(name: str, known: Iterable[str]) -> str:
    """For an error message: which known name is meant, or which there are."""
    from difflib import get_close_matches

    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f": did you mean {close[0]!r}?" if close else f": expected one of {', '.join(names)}"
