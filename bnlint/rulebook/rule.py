"""What a rule is: a checker over the graph, named after its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from ..findings import Severity
from ..graph import Origin, Program
from ..inputs import disk
from .card import summary, why
from .change import Change

Options = Mapping[str, object]

CATEGORIES = ("placement", "batch", "mode", "construction", "state")


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule reports: an origin in the graph and a message; the engine makes a Finding of it.

    `severity` overrides the rule's own. `related` are further origins, each with a sentence. `change` is what would
    fix it, where the rule knows.
    """

    origin: Origin
    message: str
    severity: Severity | None = None
    related: tuple[tuple[Origin, str], ...] = ()
    change: Change | None = None


Check = Callable[[Program, Options], Iterable[Problem]]


@dataclass(frozen=True)
class Rule:
    """One rule, as its two files give it.

    `options` are the defaults of `[tool.bnlint.<name>]`; a configured value must have the default's type.
    `enabled` is False for rules that only `--select NAME` or `ALL` turns on. `source_only` says why the rule finds
    nothing in a built model, "" where it does. `watches` are the last parts of the library symbols of which the rule
    wants every use in `program.uses`: "set_seed" for `tf.random.set_seed`. `path` is the rule's module; the card beside
    it is read when it is first asked for.
    """

    name: str
    category: str
    severity: Severity
    check: Check
    enabled: bool = True
    options: Options = field(default_factory=lambda: MappingProxyType({}))
    source_only: str = ""
    watches: frozenset[str] = frozenset()
    path: Path | None = None

    @cached_property
    def card(self) -> str:
        """The whole card; empty where there is none."""
        beside = self.path and self.path.with_suffix(".md")
        return disk.read(beside).decode("utf-8").replace("\r\n", "\n") if beside and beside.is_file() else ""

    @property
    def summary(self) -> str:
        """The card's title."""
        return summary(self.card)

    @property
    def why(self) -> str:
        """The card's first paragraph: the reason in one line."""
        return why(self.card)
