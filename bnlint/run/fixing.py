"""Files fixed: fixes are put in until none is left, and after each round the file is read and judged anew."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from ..fault import Fault
from ..findings import Edit, Failure, Finding, Place
from ..fixes.edit.edits import lines_of
from ..fixes.edit.splice import obstacle, spliced
from ..fixes.edit.tree import NotFixed
from ..fixes.edit.write import Changed, rewrite
from ..inputs import disk, suppressions
from ..inputs.gate import Refused, names_batchnorm
from ..inputs.reading import encoding_of, read_code
from .checker import Checker, file_of
from .merging import merge
from .plan import Plan
from .result import FixedFile, Result

ROUNDS, FAILURES = 10, 16
"""How many rounds a file gets at most; and how many fixes that do not help, each found by halves among all."""

_Spot = tuple[str, int | None, int]
"""A finding's rule and line."""


class Fixer:
    """Fixes files, one after the other; with `unsafe`, also by fixes that are not safe."""

    def __init__(self, plan: Plan, *, unsafe: bool) -> None:
        self._plan = plan
        self._unsafe = unsafe
        self._check = Checker(plan)

    def __call__(self, path: str, data: bytes) -> FixedFile:
        """Fix one file's content. Nothing is written. Raises gate.Refused where it cannot be linted."""
        fixed = FixedFile(path, data, data)
        findings, faults = self._found(path, data)
        hopeless: set[_Spot] = set()
        most, better = len(findings), False
        for _ in range(ROUNDS + FAILURES * len(findings).bit_length()):
            wanted = [finding for finding in findings if self._wants(finding) and _spot(finding) not in hopeless]
            chosen = list(islice(_apart(wanted), most))
            found = self._tried(path, fixed.new, (findings, faults), chosen) if chosen else None
            if found is not None:
                fixed.new, findings = found
                fixed.rounds.append((chosen, fixed.new))
                hopeless = _moved(hopeless, chosen)
                most, better = 2 * most, True
            elif len(chosen) > 1:
                most = len(chosen) // 2
            elif chosen:
                hopeless.add(_spot(chosen[0]))
            elif hopeless and better:  # What did not help before may do so now.
                hopeless.clear()
                most, better = len(findings), False
            else:
                break
        fixed.refused = [finding for finding in findings if self._wants(finding)]
        return fixed

    def _wants(self, finding: Finding) -> bool:
        return finding.fix is not None and (finding.fix.safe or self._unsafe)

    def _tried(
        self, path: str, data: bytes, before: tuple[list[Finding], set[str]], chosen: list[Finding]
    ) -> tuple[bytes, list[Finding]] | None:
        """The bytes and the findings after these fixes; None where they do not help, or make it worse.

        Where bnlint itself fails on the new text, nobody knows what became of the findings.
        """
        findings, faults = before
        edits = dict.fromkeys(edit for finding in chosen if finding.fix for edit in finding.fix.edits)
        try:
            new = spliced(path, data, edits)
            after, failed = self._found(path, new)
        except (NotFixed, Refused):
            return None
        return None if failed - faults or _worse(findings, after, chosen) else (new, after)

    def _found(self, path: str, data: bytes) -> tuple[list[Finding], set[str]]:
        """The findings of a file with this content that stand, and what is said of bnlint's own faults."""
        outcome = self._check.read(path, read_code(path, data), names_batchnorm(data), file_of(path))
        report = Result()
        merge(report, [outcome], self._plan, {path: lambda: suppressions.of_bytes(path, data)})
        return report.findings, {failure.message for failure in report.failures if failure.kind == "bnlint"}


def _worse(before: list[Finding], after: list[Finding], chosen: list[Finding]) -> bool:
    """Whether a fix left its finding, or brought another rule's: no harm only where the code raised before."""
    had, has = (Counter(finding.rule for finding in findings) for findings in (before, after))
    fixed = Counter(finding.rule for finding in chosen)
    raised = all(finding.fix is not None and finding.fix.certificate.same is None for finding in chosen)
    if any(has[rule] > had[rule] - count for rule, count in fixed.items()):
        return True
    return not raised and any(has[rule] > had[rule] for rule in has.keys() - fixed.keys())


def _spot(finding: Finding) -> _Spot:
    return finding.rule, finding.place.cell, finding.place.line or 0


def _moved(spots: set[_Spot], chosen: list[Finding]) -> set[_Spot]:
    """Where findings stand after these fixes."""
    edits = {edit for finding in chosen if finding.fix for edit in finding.fix.edits} if spots else set()
    return {
        (rule, cell, line + sum(_growth(edit) for edit in edits if edit.cell == cell and edit.start[0] < line))
        for rule, cell, line in spots
    }


def _growth(edit: Edit) -> int:
    """How many lines more there are with an edit."""
    return len(lines_of(f"{edit.text}.")) - 1 - (edit.end[0] - edit.start[0])


def _apart(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Those findings whose fixes do not meet an earlier one's."""
    taken: dict[int | None, list[Edit]] = {}
    for finding in findings:
        edits = finding.fix.edits if finding.fix else ()
        if not any(_meets(edit, taken.get(edit.cell, [])) for edit in edits):
            for edit in edits:
                insort(taken.setdefault(edit.cell, []), edit, key=_start)
            yield finding


def _start(edit: Edit) -> tuple[int, int]:
    return edit.start


def _meets(edit: Edit, taken: list[Edit]) -> bool:
    """Whether an edit meets another one of these, which are in order, and do not overlap."""
    first, last = bisect_left(taken, edit.start, key=_start), bisect_right(taken, edit.end, key=_start)
    near = taken[max(first - 1, 0) : last]
    return any(one != edit and one.start <= edit.end and edit.start <= one.end for one in near)


def fixed_files(report: Result, plan: Plan, *, unsafe: bool) -> Iterator[FixedFile]:
    """Each file with findings that can be fixed, fixed; nothing is written."""
    fixer = Fixer(plan.fixing(), unsafe=unsafe)
    wanted = (finding for finding in report if finding.fix is not None and (finding.fix.safe or unsafe))
    for path in dict.fromkeys(finding.place.path for finding in wanted):
        try:
            data = disk.read(path)
            problem = obstacle(path, data)
            failure = Failure(path, f"not fixed: {problem}") if problem else None
            fixed = FixedFile(path, data, data, failure=failure) if problem else fixer(path, data)
        except (OSError, Refused):
            continue  # It was there when the report was made, and what has become of it the next report tells.
        except Exception as error:
            fixed = FixedFile(path, b"", b"", failure=Fault.of("fixing it", error, Place(path)).failure())
        yield fixed


def write(fixed: FixedFile) -> Failure | None:
    """Put a fixed file in the place of the old one; a Failure where that cannot be done, or nothing was fixed."""
    if fixed.failure is not None:
        return fixed.failure
    if fixed.new == fixed.old:
        return None
    try:
        rewrite(fixed.path, fixed.old, fixed.new)
    except Changed:
        return Failure(fixed.path, "not fixed: the file has changed meanwhile")
    except OSError as error:
        return Failure(fixed.path, f"not fixed: cannot be written: {error.strerror or error}")
    return None


def fixed_text(plan: Plan, text: str, filename: str, *, unsafe: bool) -> str:
    """A Python text with the fixes made. Raises ValueError where it cannot be linted."""
    try:
        encoding = encoding_of(filename, text.encode("utf-8", "surrogatepass")).removesuffix("-sig")
        return Fixer(plan, unsafe=unsafe)(filename, text.encode(encoding)).new.decode(encoding)
    except Refused as refusal:
        raise ValueError(refusal.message) from None
