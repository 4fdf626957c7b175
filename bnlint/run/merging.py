"""Which findings stand: each once, in listed files, less what is configured or commented away."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from ..fault import Fault
from ..findings import Finding, Place, Severity
from ..inputs import suppressions
from .checker import FileOutcome
from .plan import Plan
from .result import Result

Comments = Callable[[], list[suppressions.Suppression]]
UNUSED = "unused-suppression"


def merge(report: Result, outcomes: Iterable[FileOutcome], plan: Plan, comments: Mapping[str, Comments]) -> None:
    """Add to the report what stands: findings in listed files, each once, that nobody has turned off, by place.

    `comments` reads the suppressions of each listed file.
    """
    found: dict[tuple[str, Place], Finding] = {}
    for outcome in outcomes:
        report.failures += outcome.failures
        report.notes += outcome.notes
        report.scenes += outcome.scenes
        report.coverage = (report.coverage[0] + outcome.coverage[0], report.coverage[1] + outcome.coverage[1])
        for finding in outcome.findings:
            key = (finding.rule, finding.place)
            if key not in found or finding.severity > found[key].severity:
                found[key] = finding
    by_path: dict[str, list[Finding]] = {}
    for finding in found.values():
        by_path.setdefault(finding.place.path, []).append(finding)
    failed = {failure.path for failure in report.failures}
    for path in comments if plan.unused else by_path:
        if path in comments:
            found_there = by_path.get(path, [])
            report.findings += _guarded(report, path, found_there, plan, comments[path], path in failed)
    report.findings.sort(key=lambda finding: (*_order(finding.place), finding.rule))
    report.failures.sort(key=lambda failure: (failure.path.split(os.sep), failure.cell or 0, failure.line or 0))


def _guarded(
    report: Result, path: str, findings: list[Finding], plan: Plan, read: Comments, failed: bool
) -> list[Finding]:
    """The same as `_standing`; where bnlint fails in it, the report says so, and has none of the file's findings."""
    try:
        return _standing(path, findings, plan, read, failed)
    except Exception as error:
        fault = Fault.of("reading its comments", error, Place(path))
        report.failures.append(fault.failure())
        report.notes += fault.notes()
        return []


def _standing(path: str, findings: list[Finding], plan: Plan, read: Comments, failed: bool) -> list[Finding]:
    """A file's findings, less what is configured or commented away; and the comments that do nothing, if asked for."""
    off = plan.config.ignored(path, plan.book) if plan.config.per_file_ignores else set()
    comments = read()
    left = suppressions.silence([finding for finding in findings if finding.rule not in off], comments)
    if not plan.unused or failed:
        return left
    ran = set(plan.rules) - off
    everything = ran >= {rule.name for rule in plan.book.select()}
    for suppression in comments:
        place = Place(
            path, suppression.cell, suppression.line, suppression.column, suppression.line, suppression.end_column
        )
        for message in suppression.idle(ran, plan.book, everything):
            left.append(Finding(UNUSED, "suppression", Severity.WARNING, place, message))
    return left


def _order(place: Place) -> tuple[list[str], int, int, int]:
    return place.path.split(os.sep), place.cell or 0, place.line or 0, place.column or 0
