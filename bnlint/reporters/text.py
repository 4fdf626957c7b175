"""The report for people: location, severity, rule and message; a code frame; the related places; one line of why."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..findings import Failure, Finding, Place, Severity
from ..run.result import Result
from .escape import printable, whole_line
from .sources import Sources

_COLORS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.ADVICE: "36"}
_BOLD, _BLUE = "1", "34"
_NOUNS = {
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.ADVICE: ("piece of advice", "pieces of advice"),
}
_LONGEST = 200
_WINDOW = 160


def render(report: Result, sources: Sources, *, color: bool, statistics: bool, verbose: bool) -> str:
    """Findings, failures, on request the statistics and what the run noted, and a summary in one line."""
    pen = _Pen(color)
    blocks = ["\n".join(_finding(finding, sources, pen)) for finding in report]
    if report.failures:
        blocks.append("\n".join(_failure(failure, pen) for failure in report.failures))
    if statistics and report.findings:
        blocks.append("\n".join(_statistics(report)))
    if verbose and (lines := list(_notes(report))):
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, summary(report)]) + "\n"


def summary(report: Result) -> str:
    """One line: how many findings of which severity, in how many files."""
    counts = Counter(finding.severity for finding in report)
    parts = [_count(counts[severity], *_NOUNS[severity]) for severity in sorted(counts, reverse=True)]
    total = f"{_count(len(report), 'finding', 'findings')} ({', '.join(parts)})" if parts else "No findings"
    line = f"{total} in {_count(report.checked, report.unit, f'{report.unit}s')}"
    faulty = {failure.path for failure in report.failures if failure.kind == "bnlint"}
    unread = sum(failure.kind != "bnlint" for failure in report.failures)
    left = [f"{unread} could not be read"] if unread else []
    left += [f"{len(faulty)} checked only in part"] if faulty else []
    left += [f"{report.skipped} skipped"] if report.skipped else []
    fixable = sum(bool(finding.fixable) for finding in report if finding.place.layer is None)
    safe = sum(finding.fix.safe for finding in report if finding.fix)
    tried = any(finding.fix for finding in report)
    left += [_fixable(safe, fixable - safe) if tried else f"{fixable} fixable, as --diff shows"] if fixable else []
    return f"{line}; {', '.join(left)}" if left else line


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place to show: the mark under it, what is said beside the marks, and in which color."""

    place: Place
    mark: str
    label: str
    color: str


class _Pen:
    """Writes with or without color."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self.color and text else text


def _finding(finding: Finding, sources: Sources, pen: _Pen) -> Iterator[str]:
    severity = pen(str(finding.severity), _BOLD, _COLORS[finding.severity])
    yield f"{_head(finding.place, pen)}: {severity} {pen(finding.rule, _BOLD)} {printable(finding.message)}"
    spots = [_Spot(finding.place, "^", "", _COLORS[finding.severity])]
    spots += [_Spot(related.place, "-", related.message, _BLUE) for related in finding.related]
    shown = [(spot, line) for spot in spots if (line := sources.line(spot.place)) is not None]
    width = max((len(str(spot.place.line)) for spot, _ in shown), default=1)
    bar = pen(" " * width + " |", _BLUE)
    if shown:
        yield bar
    path = finding.place.path
    for spot, line in shown:
        if spot.place.path != path:
            yield f"{pen(' ' * width + '-->', _BLUE)} {_head(spot.place, pen)}"
            path = spot.place.path
        text, marks = _frame(line, spot)
        yield f"{pen(f'{spot.place.line:>{width}} |', _BLUE)} {text}".rstrip()
        yield f"{bar} {pen(f'{marks} {printable(spot.label)}'.rstrip(), spot.color)}"
    for spot in spots[1:]:
        if sources.line(spot.place) is None:
            yield f"{' ' * width} = {_head(spot.place, pen)}: {printable(spot.label)}"
    if finding.why:
        yield f"{' ' * width} = why: {printable(finding.why)}"
    if finding.fixable:
        yield f"{' ' * width} = fixable: {printable(finding.fixable)}"
    if finding.fix is not None:
        yield from (f"{' ' * width}   {printable(line)}" for line in finding.fix.certificate.lines())
    if finding.withheld:
        yield f"{' ' * width} = not fixable: {printable(finding.withheld)}"


def _head(place: Place, pen: _Pen) -> str:
    layer = f" ({printable(place.layer)})" if place.layer is not None else ""
    return pen(whole_line(str(place)), _BOLD) + layer


def _frame(line: str, spot: _Spot) -> tuple[str, str]:
    """A source line, and under its range the marks. A range over several lines is marked on its first one."""
    place = spot.place
    start = min((place.column or 1) - 1, len(line))
    ends_here = place.end_line in (None, place.line) and place.end_column is not None
    end = min((place.end_column or 1) - 1, len(line)) if ends_here else len(line.rstrip())
    front = behind = ""
    if len(line) > _LONGEST:
        cut = max(0, start - _WINDOW // 4)
        front, behind = "..." if cut else "", "..." if cut + _WINDOW < len(line) else ""
        line, start, end = line[cut : cut + _WINDOW], start - cut, min(end - cut, _WINDOW)
    before, marked, after = printable(line[:start]), printable(line[start:end]), printable(line[end:])
    indent = " " * (len(front) + _width(before))
    return front + before + marked + after + behind, indent + spot.mark * max(1, _width(marked))


def _width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _failure(failure: Failure, pen: _Pen) -> str:
    place = Place(failure.path, failure.cell, failure.line)
    return f"{_head(place, pen)}: {pen(failure.state, _BOLD, _COLORS[Severity.ERROR])}: {printable(failure.message)}"


def _fixable(safe: int, unsafe: int) -> str:
    """How many findings can be fixed, and with which option."""
    counts = [f"{safe} fixable with --fix"] if safe else []
    counts += [f"{unsafe} {'more' if safe else 'fixable'} with --unsafe-fixes"] if unsafe else []
    return ", ".join(counts)


def _statistics(report: Result) -> Iterator[str]:
    counts = Counter((finding.rule, finding.severity) for finding in report)
    width = max(5, *(len(str(count)) for count in counts.values()))
    yield f"{'count':>{width}}  severity  rule"
    for (rule, severity), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{count:>{width}}  {severity!s:8}  {rule}"
    yield from _coverage(report)


def _notes(report: Result) -> Iterator[str]:
    yield from (f"note: {printable(note)}" for note in report.notes)
    yield from (f"note: {line}" for line in _coverage(report))


def _coverage(report: Result) -> Iterator[str]:
    calls, known = report.coverage
    if calls:
        yield f"the input is known for {known} of {_count(calls, 'batch normalization', 'batch normalizations')}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
