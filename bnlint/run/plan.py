"""What a run is to do: the rules, the options, the target; decided from what is asked for and what is configured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypedDict, TypeVar

from ..rulebook.folders import Book, open_book
from .config import Config, ConfigError, discover, load, parse, version

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Plan:
    """What a run is to do. Worker processes are sent the names of rules and folders, and open the book themselves.

    `shown` gives the paths under which the files of the run are shown, by where they are. `fixes`: what would fix each
    finding is worked out, too. `scenes`: of which files the models are kept to be drawn: those with findings, or all.
    """

    config: Config
    folders: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    target: str = "auto"
    unused: bool = False
    fixes: bool = False
    scenes: Literal["", "findings", "all"] = ""
    shown: Mapping[Path, str] = field(default_factory=dict)

    @cached_property
    def book(self) -> Book:
        """The rules that the names stand for, and all others."""
        return open_book(*map(Path, self.folders))

    @property
    def watched(self) -> frozenset[str]:
        """The last parts of the library symbols that the rules of the run watch."""
        return frozenset().union(*(self.book[name].watches for name in self.rules))

    def fixing(self) -> Plan:
        """The same plan, with fixes worked out."""
        return replace(self, fixes=True)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "book"}


class Keywords(TypedDict, total=False):
    """The keywords of a Request, for functions that pass theirs on to one."""

    select: Iterable[str] | None
    extend_select: Iterable[str]
    ignore: Iterable[str]
    target: str | None
    config: Config | str | os.PathLike[str] | Mapping[str, object] | None
    rules: Iterable[str | os.PathLike[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks of a run.

    select, extend_select, ignore: rules by name, category or "ALL", as on the command line.
    target: the Keras the code is for: "2", "3", "3.N", or "auto" to tell it by each file's code. None: as configured.
    config: a pyproject.toml; or what would stand in its `[tool.bnlint]`, as a mapping ({} for the defaults). None: the
    nearest pyproject.toml above the paths that has such a table.
    rules: folders with rules of your own. Their code is executed.
    """

    select: Iterable[str] | None = None
    extend_select: Iterable[str] = ()
    ignore: Iterable[str] = ()
    target: str | None = None
    config: Config | str | os.PathLike[str] | Mapping[str, object] | None = None
    rules: Iterable[str | os.PathLike[str]] = ()

    def configuration(self, paths: Sequence[str] = (os.curdir,)) -> Config:
        """What is configured for these paths. Raises ConfigError."""
        if self.config is None:
            return discover(paths)
        if isinstance(self.config, Config):
            return self.config
        if isinstance(self.config, Mapping):
            return parse(self.config, os.getcwd())
        return load(os.fspath(self.config))

    def plan(self, paths: Sequence[str] = (os.curdir,), *, unused: bool = False, fixes: bool = False) -> Plan:
        """What a run over these paths does: what is asked for goes before what is configured. Raises ConfigError."""
        config = self.configuration(paths)
        plan = Plan(config, tuple(os.fspath(folder) for folder in self.rules), unused=unused, fixes=fixes)
        try:
            book = plan.book
            config.check(book)
            select = _names(self.select, "select") if self.select is not None else None
            if select is None:
                select = [rule.name for rule in book.select(config.select, config.extend_select, config.ignore)]
            found = book.select(select, _names(self.extend_select, "extend_select"), _names(self.ignore, "ignore"))
            plan.rules = tuple(rule.name for rule in found)
            plan.target = config.target_keras if self.target is None else version(self.target)
        except TypeError as error:
            raise ConfigError(f"unknown target {self.target!r}: expected {error}") from None
        except ValueError as error:
            raise error if isinstance(error, ConfigError) else ConfigError(str(error)) from error
        return plan


def asks(function: Callable[P, R]) -> Callable[P, R]:
    """Shows the keywords of a Request one by one, in `help` and in editors, where a function takes **asked."""

    own = signature(function)
    *parameters, _ = own.parameters.values()
    parameters += [
        Parameter(one.name, Parameter.KEYWORD_ONLY, default=getattr(_NOTHING, one.name), annotation=one.type)
        for one in fields(Request)
    ]
    shown: Any = function
    shown.__signature__ = own.replace(parameters=parameters)
    return function


_NOTHING = Request()


def _names(entries: Iterable[str], keyword: str) -> list[str]:
    """Rules as given to a keyword; a single string is taken apart by nobody, so it is refused."""
    if isinstance(entries, str):
        raise ConfigError(f"{keyword} must be a list of rules, not the string {entries!r}")
    return list(entries)
