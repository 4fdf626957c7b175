"""`[tool.bnlint]` of a pyproject.toml: found, read, and every key and type in it checked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..findings import Severity
from ..inputs import disk, files
from ..rulebook.folders import closest

if TYPE_CHECKING:
    from ..rulebook.folders import Book
    from ..rulebook.rule import Options, Rule

NAME = "pyproject.toml"
TARGET = re.compile(r"auto|2|3(\.\d+)?")
MAX_SIZE = 1_500_000
LARGEST = 1_000_000
"""How many bytes a pyproject.toml may have."""


class ConfigError(ValueError):
    """What was asked for cannot be done: the message says where it stands and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Config:
    """What `[tool.bnlint]` says; the fields have the names of its keys.

    `root` is the folder that patterns are relative to. `select` None stands for the rules that are on by default,
    `fail_on` None for never. `max_size` counts bytes. `rules` are the tables of single rules, by the rule's name.
    """

    root: str = ""
    source: str = "configuration"
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] | None = None
    extend_include: tuple[str, ...] = ()
    exclude: tuple[str, ...] | None = None
    extend_exclude: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    target_keras: str = "auto"
    fail_on: Severity | None = Severity.WARNING
    max_size: int = MAX_SIZE
    jobs: int | None = None
    rules: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def check(self, book: Book) -> None:
        """Raise ConfigError unless every rule named exists, and takes the options it is given."""
        try:
            for names in (self.select or (), self.extend_select, self.ignore, *self.per_file_ignores.values()):
                book.select(names)
            for pattern in self.per_file_ignores:
                files.compiled([pattern])
        except ValueError as error:
            raise ConfigError(f"{self.source}: {error}") from None
        for name in self.rules:
            if name not in book:
                raise ConfigError(f"{self.source}: unknown key {name!r}{closest(name, (*_KEYS, *book))}")
            self._try(book[name])

    def options(self, rule: Rule) -> Options:
        """The rule's options: its defaults, and what its table says instead."""
        options = {**rule.options, **self.rules.get(rule.name, {})}
        options.pop("severity", None)
        return options

    def severity(self, rule: str) -> Severity | None:
        """The severity that the rule's table puts in place of the rule's own, if it does."""
        text = self.rules.get(rule, {}).get("severity")
        return None if text is None else Severity.parse(str(text))

    def ignored(self, path: str, book: Book) -> set[str]:
        """The names of the rules that `per-file-ignores` turns off for this file."""
        names: set[str] = set()
        for pattern, entries in self.per_file_ignores.items():
            spec = files.compiled([pattern])
            if spec and spec.verdict(files.relative(path, self.root), above=True):
                names |= set(book) - {rule.name for rule in book.select(["ALL"], ignore=entries)}
        return names

    def choice(self, suffixes: tuple[str, ...]) -> files.Wanted:
        """Which files below a folder are meant."""
        return files.Wanted(self.root, suffixes, self.include, self.extend_include, self.exclude, self.extend_exclude)

    def _try(self, rule: Rule) -> None:
        from ..graph import Program

        where = f"{self.source}: [tool.bnlint.{rule.name}]"
        for key, value in self.rules[rule.name].items():
            if key != "severity" and key not in rule.options:
                raise ConfigError(f"{where}: unknown option {key!r}{closest(key, ('severity', *rule.options))}")
            if key != "severity" and not _alike(value, rule.options[key]):
                raise ConfigError(f"{where}: {key} must be {_article(rule.options[key])}, not {_article(value)}")
        try:
            self.severity(rule.name)
            list(rule.check(Program(self.source), self.options(rule)))
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from None
        except Exception:
            return  # A fault of the rule, not of its table; it is reported where the rule runs.


def discover(paths: Sequence[str]) -> Config:
    """The configuration that holds for these paths: of the nearest pyproject.toml above them all that has one."""
    folders = [path if os.path.isdir(path) else os.path.dirname(path) for path in map(os.path.abspath, paths)]
    try:
        folder = os.path.commonpath(folders)
    except ValueError:
        folder = os.getcwd()
    while True:
        file = os.path.join(folder, NAME)
        if os.path.isfile(file):
            shown = file.removeprefix(os.path.join(os.getcwd(), ""))
            table = _table(shown)
            if table is not None:
                return parse(table, folder, shown)
        parent = os.path.dirname(folder)
        if parent == folder:
            return Config(root=os.getcwd())
        folder = parent


def load(file: str) -> Config:
    """The configuration in this file. Raises ConfigError also where it has no `[tool.bnlint]`."""
    table = _table(file)
    if table is None:
        raise ConfigError(f"{file}: has no [tool.bnlint] table")
    return parse(table, os.path.dirname(os.path.abspath(file)), file)


def parse(table: Mapping[str, object], root: str = "", source: str = "configuration") -> Config:
    """The configuration that a `[tool.bnlint]` table is. Raises ConfigError naming `source` and the key at fault."""
    values: dict[str, object] = {}
    rules: dict[str, Mapping[str, object]] = {}
    for key, value in table.items():
        try:
            if key in _KEYS:
                values[key.replace("-", "_")] = _KEYS[key](value)
            elif isinstance(value, Mapping):
                rules[key] = value
            else:
                raise ConfigError(f"{source}: unknown key {key!r}{closest(key, _KEYS)}")
        except TypeError as error:
            raise ConfigError(f"{source}: {key} must be {error}, not {_article(value)}") from None
    config = Config(root, source, rules=rules, **values)  # type: ignore[arg-type]
    try:
        for patterns in (config.include, config.extend_include, config.exclude, config.extend_exclude):
            files.compiled(patterns or ())
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from None
    return config


def _table(file: str) -> Mapping[str, object] | None:
    """The `[tool.bnlint]` table of a TOML file; None where it has none. A file is only parsed if it names bnlint."""
    try:
        data = disk.read(file, LARGEST + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: {files.reason(error)}") from None
    if b"bnlint" not in data:
        return None
    if len(data) > LARGEST:
        raise ConfigError(f"{file}: too large: over {LARGEST:,} bytes")
    try:
        table = _toml(data.decode("utf-8-sig")).get("tool", {})
    except ValueError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{file}: too deeply nested") from None
    table = table.get("bnlint") if isinstance(table, Mapping) else None
    if table is not None and not isinstance(table, Mapping):
        raise ConfigError(f"{file}: tool.bnlint must be a table, not {_article(table)}")
    return table


def _toml(text: str) -> dict[str, object]:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of strings")
    return tuple(value)


def _lists(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise TypeError("a table of patterns, each with a list of rules")
    try:
        return {pattern: _strings(names) for pattern, names in value.items()}
    except TypeError:
        raise TypeError("a table of patterns, each with a list of rules") from None


def version(value: object) -> str:
    """A Keras version as `target-keras` takes it; TypeError, saying which it takes, for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not TARGET.fullmatch(value):
        raise TypeError('"auto", "2", "3" or "3.N"')
    return value


def _fail_on(value: object) -> Severity | None:
    if value == "never":
        return None
    try:
        return Severity.parse(str(value))
    except ValueError:
        raise TypeError('"error", "warning", "advice" or "never"') from None


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError("a number from 1")
    return value


_KEYS: dict[str, Callable[[object], object]] = {
    "select": _strings,
    "extend-select": _strings,
    "ignore": _strings,
    "include": _strings,
    "extend-include": _strings,
    "exclude": _strings,
    "extend-exclude": _strings,
    "per-file-ignores": _lists,
    "target-keras": version,
    "fail-on": _fail_on,
    "max-size": _count,
    "jobs": _count,
}


_TYPES: dict[type, str] = {
    bool: "a boolean",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a table",
}


def _alike(value: object, default: object) -> bool:
    """Whether a configured value has the type of the default; a whole number will do for a float, but no boolean."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float))
    return default is None or isinstance(value, type(default))


def _article(value: object) -> str:
    """A value's type, as a person would say it; short values themselves."""
    name = _TYPES.get(type(value), type(value).__name__)
    return f"{name} ({value!r})" if isinstance(value, (bool, int, float, str)) and len(repr(value)) < 40 else name
