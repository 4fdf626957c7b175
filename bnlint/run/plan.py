"""What a run is to do: the rules, the options, the target; decided from what is asked for and what is configured."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from ..rulebook.folders import Book, open_book
from .config import Config, ConfigError, version


@dataclass
class Plan:
    """What a run is to do. Worker processes are sent the names of rules and folders, and open the book themselves.

    `shown` gives the paths under which the files of the run are shown, by where they are. `fixes`: what would mend each
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

    def fixing(self) -> Plan:
        """The same plan, with fixes worked out."""
        return replace(self, fixes=True)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "book"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rules are asked for, by name, category or "ALL"; `select` None for those that are configured."""

    select: Iterable[str] | None = None
    extend: Iterable[str] = ()
    ignore: Iterable[str] = ()


def _names(entries: Iterable[str], keyword: str) -> list[str]:
    """Rules as given to a keyword; a single string is taken apart by nobody, so it is refused."""
    if isinstance(entries, str):
        raise ConfigError(f"{keyword} must be a list of rules, not the string {entries!r}")
    return list(entries)


def make_plan(
    config: Config,
    chosen: Selection | None = None,
    *,
    target: str | None = None,
    rules: Iterable[str | os.PathLike[str]] = (),
    unused: bool = False,
    fixes: bool = False,
) -> Plan:
    """Decide what a run does: what is asked for here goes before what is configured. Raises ConfigError."""
    plan = Plan(config, tuple(os.fspath(folder) for folder in rules), unused=unused, fixes=fixes)
    try:
        book = plan.book
        config.check(book)
        asked = chosen or Selection()
        select = _names(asked.select, "select") if asked.select is not None else None
        if select is None:
            select = [rule.name for rule in book.select(config.select, config.extend_select, config.ignore)]
        found = book.select(select, _names(asked.extend, "extend_select"), _names(asked.ignore, "ignore"))
        plan.rules = tuple(rule.name for rule in found)
        plan.target = config.target_keras if target is None else version(target)
    except TypeError as error:
        raise ConfigError(f"unknown target {target!r}: expected {error}") from None
    except ValueError as error:
        raise error if isinstance(error, ConfigError) else ConfigError(str(error)) from error
    return plan
