"""A rule's card and the list of rules, for reading at a terminal, at a prompt and in a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..rulebook.rule import Rule

if TYPE_CHECKING:
    from rich.console import RenderableType


class Card(str):
    """A rule's card as Markdown, under a line with its severity and category; notebooks and rich show it rendered."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        head, _, body = self.partition("\n\n")
        return f"**{head}**\n\n{body}"

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.markdown import Markdown
        from rich.text import Text

        head, _, body = self.partition("\n\n")
        return Group(Text(head, style="bold"), "", Markdown(body))


def explain(rule: str, *, rules: Iterable[str | os.PathLike[str]] = ()) -> Card:
    """A rule's card, as `bnlint explain` shows it: why, examples, when to ignore it.

    rule: its name, such as "tiny-batch". rules: folders with rules of your own. Their code is executed. Raises
    ValueError, naming the closest rule, for one that does not exist.
    """
    from ..rulebook.folders import open_book

    return card_of(open_book(*map(Path, rules)).find(rule))


def card_of(rule: Rule) -> Card:
    """The card of a rule."""
    where = f"\n\nFound in source only: {rule.source_only}." if rule.source_only else ""
    return Card(f"{rule.name}: {_severity(rule)}, {rule.category}{where}\n\n{rule.card.rstrip()}")


def show_card(rule: Rule, file: TextIO, *, terminal: bool, color: bool) -> None:
    """Write the card: rendered when it goes to a terminal, as its Markdown otherwise."""
    card = card_of(rule)
    if not terminal:
        file.write(f"{card}\n")
        return
    from rich.console import Console

    Console(file=file, force_terminal=True, no_color=not color).print(card.__rich__())


def show_index(rules: Iterable[Rule], file: TextIO) -> None:
    """Write one line a rule: name, severity, category, summary."""
    rows = [(rule.name, _severity(rule), rule.category, rule.summary) for rule in rules]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for *columns, summary in rows:
        padded = (f"{text:{width}}" for text, width in zip(columns, widths, strict=True))
        file.write(f"{'  '.join(padded)}  {summary}\n")


def _severity(rule: Rule) -> str:
    return f"{rule.severity}{'' if rule.enabled else ' (off by default)'}"
