"""The report as GitHub workflow commands, which become annotations on a change."""

from __future__ import annotations

from ..finding import Failure, Finding, Place, Report, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


def render(report: Report) -> str:
    """One command a line for every finding and failure."""
    lines = [_finding(finding) for finding in report] + [_failure(failure) for failure in report.failures]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding) -> str:
    message = [finding.message, *(f"{related.place}: {related.message}" for related in finding.related)]
    return _command(_COMMANDS[finding.severity], finding.place, f"bnlint {finding.rule}", "\n".join(message))


def _failure(failure: Failure) -> str:
    return _command("error", Place(failure.path, failure.cell, failure.line), "bnlint", failure.message)


def _command(command: str, place: Place, title: str, message: str) -> str:
    """Lines of a notebook cell or a model's layer mean nothing in the file: the message names them instead."""
    in_file = place.cell is None
    properties = {
        "file": place.path.replace("\\", "/"),
        "line": place.line if in_file else None,
        "col": place.column if in_file else None,
        "endLine": place.end_line if in_file else None,
        "endColumn": place.end_column if in_file else None,
        "title": title,
    }
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    where = _spot(place)
    return f"::{command} {given}::{_data(f'{where}: {message}' if where else message)}"


def _spot(place: Place) -> str:
    parts = []
    if place.cell is not None:
        parts.append(f"cell {place.cell}" + (f", line {place.line}" if place.line is not None else ""))
    if place.layer is not None:
        parts.append(f"layer {place.layer}")
    return ", ".join(parts)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
