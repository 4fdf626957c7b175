"""The mode table for reading, its equal rows and columns merged, and as JSON."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from ..reference.modes import CONDUCTS, STOCK, TRAINING, Level, Situation, mode

_LEGEND = """\
training: with the statistics of the batch, which also move the moving ones.
inference: with the moving statistics, which stay as they are.
Either way gamma and beta learn where gradients are applied; frozen is inference mode in which they do not.
model(x) is a call on data, also under a tape, or of self(x) in the model's own train_step.
"""
_ABOUT_FLAGS = "Which mode a trainable layer runs in"
_ABOUT_TRAINABLE = "When `trainable` counts"
_WAY = ("Keras", "model", "tells what\nis in it", "part", "tells what\nis in it", "told another\nbefore")
_MOMENT = ("Keras", "model", "tf.function", "trainable", "since")


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: sets of words under each head, then a cell under each column."""

    words: tuple[frozenset[str], ...]
    cells: tuple[str, ...]


_Facts = Iterator[tuple[tuple[str, ...], str, str]]
"""Words, the column, the cell."""


def show_modes(situations: Iterable[Situation], file: TextIO, *, terminal: bool, color: bool) -> None:
    """Write the table: who is told to train, when `trainable` counts, and what the words mean."""
    table = list(situations)
    for title, heads, facts in ((_ABOUT_FLAGS, _WAY, _flags(table)), (_ABOUT_TRAINABLE, _MOMENT, _moments(table))):
        columns, rows = _fold(facts)
        used = [number for number in range(len(heads)) if any(row.words[number] != {"-"} for row in rows)]
        lines = [[*(_joined(row.words[number]) for number in used), *row.cells] for row in rows]
        if lines:
            show = _show_rich if terminal else _show_plain
            show(title, [*(heads[number] for number in used), *columns], lines, file, color)
    file.write(_LEGEND)


def render_json(situations: Iterable[Situation]) -> str:
    """Every row by itself, its keys always in the same order, in ASCII."""
    import json

    rows = []
    for situation in situations:
        found = mode(situation)
        answer = {"mode": found.name, "statistics_move": found.training, "learns": found.learns}
        path = [level._asdict() for level in situation.path]
        rows.append({**situation._asdict(), "path": path, **answer, "raises": found.raises or None})
    return json.dumps({"version": 1, "rows": rows}, indent=1) + "\n"


def _show_plain(title: str, heads: list[str], lines: list[list[str]], file: TextIO, color: bool) -> None:
    height = max(head.count("\n") for head in heads) + 1
    stacked = [head.split("\n") + [""] * (height - head.count("\n") - 1) for head in heads]
    above = [list(line) for line in zip(*stacked, strict=True)]
    widths = [max(map(len, column)) for column in zip(*above, *lines, strict=True)]
    file.write(f"{title}\n\n")
    for line in (*above, ["-" * width for width in widths], *lines):
        file.write("  ".join(f"{text:{width}}" for text, width in zip(line, widths, strict=True)).rstrip() + "\n")
    file.write("\n")


def _show_rich(title: str, heads: list[str], lines: list[list[str]], file: TextIO, color: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"training": "green", "frozen": "blue"}
    table = Table(*heads, title=title, title_justify="left", show_lines=True)
    for line in lines:
        table.add_row(*(Text(text, styles.get(text, "red" if text.startswith("raises") else "")) for text in line))
    Console(file=file, force_terminal=True, no_color=not color).print(table)


def _flags(table: list[Situation]) -> _Facts:
    """What the rows say about the way of the flag."""
    for row in table:
        if row.trainable and row.since == "build" and not row.held and not row.traced:
            words = [_version(row)]
            for level in (*row.path, None, None)[:2]:
                words += [_level(level), "-" if level is None else _flag(level.flag)]
            words[1] = words[1] if row.path else "(none)"
            earlier = next((level.earlier for level in row.path if level.earlier is not None), None)
            yield (*words, _flag(earlier)), _column(row), mode(row).name


def _moments(table: list[Situation]) -> _Facts:
    """What the rows say about `trainable`, of plain models: in the others, only the flag differs."""
    since = {"build": "always", "compile": "after compile", "run": "after a first run"}
    for row in table:
        plain = len(row.path) == 1 and row.path[0] == Level(row.path[0].style)
        if plain and (row.flag or row.phase == "predict" or STOCK.get(row.phase)):
            found = mode(row)
            still = row.phase in TRAINING and not found.training and not found.learns and not found.raises
            words = (_level(row.path[0]), "yes" if row.traced else "no", str(row.trainable), since[row.since])
            cell = f"raises {found.raises}" if found.raises else "frozen" if still else found.name
            yield (_version(row), *words), _column(row, apart=True), cell


def _level(level: Level | None) -> str:
    if level is None:
        return "-"
    if level.style in ("sequential", "functional"):
        return level.style
    taken = f", training={level.default}" if level.parameter else ""
    return f"{'Model' if level.style == 'subclass' else 'Layer'}.call(x{taken})"


def _flag(flag: object) -> str:
    return "-" if flag is None else "its own" if flag == "forwarded" else str(flag)


def _column(row: Situation, apart: bool = False) -> str:
    if row.phase in STOCK:
        return row.phase
    call = "model(x)" if row.flag is None else f"model(x, training={row.flag})"
    where = {"tape": "tape: ", "train_step": "train_step: "}.get(row.phase, "") if apart else ""
    return where + call


def _version(row: Situation) -> str:
    starts = [each.since for each in CONDUCTS if each.since[0] == row.keras]
    version = (row.keras, row.minor if row.minor is not None else 1000)
    own = [start for start in starts if start <= version][-1]
    later = [start for start in starts if start > own]
    if later:
        return f"{own[0]}.{own[1]}-{later[0][0]}.{later[0][1] - 1}"
    return f"{own[0]}" if len(starts) == 1 else f"{own[0]}.{own[1]}+"


def _joined(words: frozenset[str]) -> str:
    """Words in one cell; signatures that differ in the default only are written once."""
    tails: dict[str, list[str]] = {}
    for word in sorted(words, key=lambda word: (word == "-", word)):
        head, equals, tail = word.partition("=")
        tails.setdefault(head + equals, []).append(tail.removesuffix(")"))
    several = ((head, "/".join(tail)) for head, tail in tails.items())
    return ", ".join(head + tail + ")" if head.endswith("=") else head for head, tail in several)


def _fold(facts: _Facts) -> tuple[list[str], list[_Row]]:
    """The columns' heads and the rows, in both of which equal ones are merged."""
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for words, column, cell in facts:
        cells.setdefault(words, {})[column] = cell
    columns: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys(name for row in cells.values() for name in row):
        columns.setdefault(tuple(row.get(name, "") for row in cells.values()), []).append(name)
    heads = [names[0] for names in columns.values()]
    rows = [
        _Row(tuple(frozenset({word}) for word in words), tuple(row.get(head, "") for head in heads))
        for words, row in cells.items()
    ]
    return [",\n".join(names) for names in columns.values()], _merged(rows)


def _merged(rows: list[_Row]) -> list[_Row]:
    """Rows that differ under one head only become one, until no two do."""
    before = len(rows) + 1
    while rows and len(rows) < before:
        before = len(rows)
        for number in range(len(rows[0].words)):
            groups: dict[Hashable, list[_Row]] = {}
            for row in rows:
                others = (*row.words[:number], *row.words[number + 1 :])
                groups.setdefault((others, row.cells), []).append(row)
            rows = [_union(group, number) for group in groups.values()]
    return rows


def _union(group: list[_Row], number: int) -> _Row:
    first, joined = group[0], frozenset[str]().union(*(row.words[number] for row in group))
    return _Row((*first.words[:number], joined, *first.words[number + 1 :]), first.cells)
