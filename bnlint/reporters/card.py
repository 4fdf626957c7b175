"""A rule's card and the list of rules, for reading at a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from ..rule import Rule


def show_card(rule: Rule, file: TextIO, *, terminal: bool, color: bool) -> None:
    """Write the card: rendered when it goes to a terminal, as its Markdown otherwise."""
    head = f"{rule.name}: {_severity(rule)}, {rule.category}"
    if not terminal:
        file.write(f"{head}\n\n{rule.card.rstrip()}\n")
        return
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.text import Text

    console = Console(file=file, force_terminal=True, no_color=not color)
    console.print(Text(head, style="bold"), Markdown(rule.card), sep="\n\n")


def show_index(rules: Iterable[Rule], file: TextIO) -> None:
    """Write one line a rule: name, severity, category, summary."""
    rows = [(rule.name, _severity(rule), rule.category, rule.summary) for rule in rules]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for *columns, summary in rows:
        padded = (f"{text:{width}}" for text, width in zip(columns, widths, strict=True))
        file.write(f"{'  '.join(padded)}  {summary}\n")


def _severity(rule: Rule) -> str:
    return f"{rule.severity}{'' if rule.enabled else ' (off by default)'}"
