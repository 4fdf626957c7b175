"""The report as GitHub workflow commands, which become annotations on a change."""

from __future__ import annotations

from pathlib import PurePath

from ..findings import Failure, Finding, Place, Severity
from ..run.result import Result
from .escape import printable, well_formed

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


def render(report: Result) -> str:
    """One command a line for every finding and failure."""
    lines = [_finding(finding) for finding in report] + [_failure(failure) for failure in report.failures]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding) -> str:
    said = [finding.message, *(f"{related.place}: {related.message}" for related in finding.related)]
    return _command(_COMMANDS[finding.severity], finding.place, f"bnlint {finding.rule}", *said)


def _failure(failure: Failure) -> str:
    return _command("error", Place(failure.path, failure.cell, failure.line), "bnlint", failure.message)


def _command(command: str, place: Place, title: str, *said: str) -> str:
    """Lines of a notebook cell or a model's layer mean nothing in the file: the message names them instead."""
    in_file = place.cell is None
    properties = {
        "file": well_formed(PurePath(place.path).as_posix()),
        "line": place.line if in_file else None,
        "col": place.column if in_file else None,
        "endLine": place.end_line if in_file else None,
        "endColumn": place.end_column if in_file else None,
        "title": title,
    }
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    message = "\n".join(printable(text) for text in said)
    return f"::{command} {given}::{_data(_spot(place) + message)}"


def _spot(place: Place) -> str:
    parts = []
    if place.cell is not None:
        parts.append(f"cell {place.cell}" + (f", line {place.line}" if place.line is not None else ""))
    if place.layer is not None:
        parts.append(f"layer {printable(place.layer)}")
    return f"{', '.join(parts)}: " if parts else ""


def _data(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
