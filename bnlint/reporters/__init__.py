"""Reports as text: one module a format, each one pure function of the report, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from ..rulebook.rule import Rule
from ..run.result import Result
from .sources import Sources

FORMATS = ("text", "json", "github", "sarif", "html")


def render(
    form: str,
    report: Result,
    rules: Iterable[Rule] = (),
    *,
    color: bool = False,
    statistics: bool = False,
    verbose: bool = False,
    sources: Sources | None = None,
) -> str:
    """The report in one of the FORMATS, ending in a line break; empty where there is nothing to say.

    rules: those that ran (SARIF lists them, HTML shows their cards). color, statistics and verbose are for "text".
    sources: where the lines of the linted files come from; the disk, unless given. JSON and SARIF are pure ASCII.
    Raises ValueError for another format.
    """
    sources = sources or Sources()
    if form == "text":
        from . import text

        return text.render(report, sources, color=color, statistics=statistics, verbose=verbose)
    if form == "json":
        from . import json

        return json.render(report)
    if form == "github":
        from . import github

        return github.render(report)
    if form == "sarif":
        from . import sarif

        return sarif.render(report, rules, sources)
    if form == "html":
        from . import html

        return html.render(report, rules, sources)
    raise ValueError(f"unknown format {form!r}: expected one of {', '.join(FORMATS)}")
