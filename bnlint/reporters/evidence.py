"""An experiment's table: for a terminal, and as Markdown."""

from __future__ import annotations

from typing import TextIO

from ..reference.experiment import Table


def show_table(title: str, table: Table, file: TextIO, *, terminal: bool, color: bool) -> None:
    """Write a table under its title: drawn when it goes to a terminal, as on the card otherwise."""
    if not terminal:
        file.write(f"{title}\n\n{table}\n")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    for name, form in table.columns.items():
        drawn.add_column(Text(name), justify="right" if form else "left")
    for row in table.text():
        drawn.add_row(*map(Text, row))
    Console(file=file, force_terminal=True, no_color=not color).print(drawn)
