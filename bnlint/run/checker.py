"""One file through the pipeline: read, evaluated, asked about by every rule."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..fault import Fault
from ..findings import Failure, Finding, Place, Related, Severity
from ..inputs import disk, files
from ..rulebook.folders import shipped_folder
from .plan import Plan

if TYPE_CHECKING:
    from ..doors.source.project import Project
    from ..findings import Fix
    from ..graph import Program
    from ..graph.picture import Scene
    from ..inputs.code import Code
    from ..rulebook.rule import Problem, Rule

    Fixes = Callable[[Problem], Fix | str]


@dataclass(slots=True)
class FileOutcome:
    """What became of one file."""

    findings: list[Finding] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    coverage: tuple[int, int] = (0, 0)
    scenes: list[Scene] = field(default_factory=list)

    def fail(self, fault: Fault) -> None:
        """Note a fault of bnlint's own, once."""
        failure = fault.failure()
        if failure not in self.failures:
            self.failures.append(failure)
            self.notes += fault.notes()


def guarded(step: str, path: str, act: Callable[[], FileOutcome]) -> FileOutcome:
    """What a step comes to that is for one file; an outcome that holds the fault where bnlint fails in it."""
    try:
        return act()
    except Exception as error:
        outcome = FileOutcome()
        outcome.fail(Fault.of(step, error, Place(path)))
        return outcome


def file_of(name: str) -> Path | None:
    """The file that a text is said to stand in; None for a name in angle brackets."""
    return None if name.startswith("<") else Path(os.path.abspath(name))


def _no_text(problem: Problem) -> str:
    """The fixes of a model, in which there is no text to change."""
    return ""


class Checker:
    """Checks one file after the other, as planned."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        chosen = [plan.book[name] for name in plan.rules]
        self.rules = [(rule, plan.config.options(rule), plan.config.severity(rule.name)) for rule in chosen]
        self._project: Project | None = None

    def __call__(self, path: str) -> FileOutcome:
        """What becomes of a file. A fault of bnlint's own is a failure, too, and raises nothing."""
        return guarded("reading the file", path, lambda: self._read(path))

    def _read(self, path: str) -> FileOutcome:
        from ..inputs import gate
        from ..inputs.reading import read_code
        from ..inputs.suffixes import is_model

        if is_model(path):
            return self._saved(path)
        try:
            data = disk.read(path)
            code = read_code(path, data)
        except OSError as error:
            return FileOutcome(failures=[Failure(path, files.reason(error))])
        except gate.Refused as refusal:
            return FileOutcome(failures=[refusal.failure(path)])
        return self.read(path, code, gate.names_batchnorm(data), Path(os.path.abspath(path)))

    def read(self, path: str, code: Code, named: bool, file: Path | None) -> FileOutcome:
        """What becomes of a file's code, its broken parts included. `named`: some of its bytes name what matters."""
        from ..inputs.suffixes import is_document

        outcome = FileOutcome()
        if code.named or not named:  # Else it only looks as if it did: in prose, or a broken cell.
            outcome = self.check(code, path, file)
        if is_document(path):  # What looks like Python there may be a fragment, or none.
            outcome.notes += [f"{path}:{line}: a block left out: {why}" for _, line, why, _ in code.broken]
        else:
            outcome.failures += [Failure(path, why, cell, line, kind) for cell, line, why, kind in code.broken]
        return outcome

    def _saved(self, path: str) -> FileOutcome:
        """Read a saved model, and ask every rule about it."""
        from ..doors.saved import door
        from ..inputs import gate

        try:
            program = door.read(path, target=self.plan.target)
        except OSError as error:
            return FileOutcome(failures=[Failure(path, files.reason(error))])
        except gate.Refused as refusal:
            return FileOutcome(failures=[refusal.failure(path)])
        return self.ask(program)

    def check(self, code: Code, path: str, file: Path | None = None) -> FileOutcome:
        """Evaluate code that passed the gate, and ask every rule about it."""
        from ..doors.source import evaluate
        from ..doors.source.project import Project
        from ..inputs import gate

        outcome = FileOutcome()
        self._project = self._project or Project(self.plan.shown, self.plan.watched)
        try:
            program = evaluate(code, path, target=self.plan.target, file=file, project=self._project)
        except gate.Refused as refusal:
            outcome.failures.append(refusal.failure(path))
            return outcome
        return self.ask(program, outcome, _fixer(program, outcome) if self.plan.fixes else None)

    def ask(self, program: Program, outcome: FileOutcome | None = None, fixes: Fixes | None = _no_text) -> FileOutcome:
        """Ask every rule about a program, which is taken apart after that. Without text, there is nothing to fix."""
        outcome = outcome or FileOutcome()
        outcome.notes += program.notes
        outcome.coverage = program.coverage
        for fault in program.faults:
            outcome.fail(fault)
        for rule, options, severity in self.rules:
            try:
                outcome.findings += _findings(program, rule, options, severity, fixes)
            except Exception as error:
                foreign = rule.path is None or rule.path.parent != shipped_folder()
                outcome.fail(Fault.of(f"rule {rule.name}", error, Place(program.path), foreign))
        if self.plan.scenes == "all" or (self.plan.scenes and outcome.findings):
            outcome.scenes = self._scenes(program, outcome)
        program.dissolve()
        return outcome

    def _scenes(self, program: Program, outcome: FileOutcome) -> list[Scene]:
        """The models to be drawn, with the findings' places on them; those without, unless all are kept, left out."""
        from ..graph.picturing import scenes_of

        try:
            scenes = scenes_of(program, {finding.place for finding in outcome.findings})
        except Exception as error:
            outcome.fail(Fault.of("a picture", error, Place(program.path)))
            return []
        return [scene for scene in scenes if scene.marked() or self.plan.scenes == "all"]


def _fixer(program: Program, outcome: FileOutcome) -> Fixes:
    """Makes the fixes of one program's problems, or says why one cannot be made."""
    from ..fixes.edit.tree import NotFixed
    from ..fixes.workshop import Workshop

    workshop = Workshop(program)

    def made(problem: Problem) -> Fix | str:
        assert problem.change is not None
        try:
            return workshop.fix(problem.change)
        except NotFixed as refusal:
            outcome.notes.append(f"{problem.origin.place()}: not fixed ({problem.change.title}): {refusal}")
            return f"{problem.change.title}: {refusal}"
        except Exception as error:
            outcome.fail(Fault.of("a fix", error, Place(program.path)))
            return ""

    return made


def _findings(
    program: Program, rule: Rule, options: Mapping[str, object], severity: Severity | None, fixes: Fixes | None
) -> list[Finding]:
    """A rule's findings. Problems at the same spot, as a helper used several times makes them, are one: the worst."""

    def weight(problem: Problem) -> Severity:
        own = problem.severity or rule.severity
        if severity is None:
            return own
        return severity if own >= rule.severity else min(own, severity)  # What the rule is less sure of is not lifted.

    worst: dict[object, Problem] = {}
    for problem in rule.check(program, options):
        key = problem.origin.key
        if key not in worst or weight(problem) > weight(worst[key]):
            worst[key] = problem
    found = []
    for problem in worst.values():
        related = dict.fromkeys(Related(origin.place(), message) for origin, message in problem.related)
        made = fixes(problem) if fixes and problem.change else None
        fix, withheld = (None, made) if isinstance(made, str) else (made, "")
        fixable = problem.change.title if problem.change and not isinstance(made, str) else ""
        said = (problem.origin.place(), problem.message, rule.why, tuple(related), fixable, fix, withheld)
        found.append(Finding(rule.name, rule.category, weight(problem), *said))
    return found
