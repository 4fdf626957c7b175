"""The pipeline: find files, drop those that name no batch normalization, read the rest, run the rules, settle."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from . import files, suppress
from .book import Book, open_book
from .config import Config, ConfigError, discover, load, parse, version
from .finding import Failure, Finding, Place, Related, Report, Severity

if TYPE_CHECKING:
    from .doors.code import Code
    from .graph import Program
    from .rule import Problem, Rule
    from .sieve import Sifted

Progress = Callable[[int, int], None]
Comments = Callable[[], list[suppress.Suppression]]

SUFFIXES = (".py", ".ipynb")
UNUSED = "unused-suppression"

FORK_PAYS = (4, 75_000)
SPAWN_PAYS = (9, 200_000)
"""From how many candidate files, and bytes in them, other processes pay."""

SIFT_PAYS = 1_000
"""From how many files it pays to share out the reading of their bytes."""


@dataclass
class Plan:
    """What a run is to do. Worker processes are sent the names of rules and folders, and open the book themselves.

    `shown` gives the paths under which the files of the run are shown, by where they are.
    """

    config: Config
    folders: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    target: str = "auto"
    unused: bool = False
    shown: Mapping[Path, str] = field(default_factory=dict)

    @cached_property
    def book(self) -> Book:
        """The rules that the names stand for, and all others."""
        return open_book(*map(Path, self.folders))

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "book"}


@dataclass(slots=True)
class Outcome:
    """What became of one file."""

    findings: list[Finding] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    coverage: tuple[int, int] = (0, 0)


def check_paths(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    select: Iterable[str] | None = None,
    extend_select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    target: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, object] | None = None,
    rules: Iterable[str | os.PathLike[str]] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check files, and folders with all Python files below them.

    select, extend_select, ignore: rules by name, category or "ALL", as on the command line.
    target: the Keras the code is for: "2", "3", "3.N", or "auto" to tell it by each file's code. None: as configured.
    config: a pyproject.toml; or what would stand in its `[tool.bnlint]`, as a mapping ({} for the defaults). None: the
    nearest pyproject.toml above the paths that has such a table.
    rules: folders with rules of your own. Their code is executed.
    jobs: how many processes to use at most. None: one a processor where forking is safe, else one.
    progress: called with the number of files done and the number of files to read.

    Returns a Report. Files that cannot be read are in its `failures`; they raise nothing. Raises ConfigError, a
    ValueError, for rules, options, patterns and versions that do not exist.

    >>> report = check_paths(["src"], select=["batch"], config={})
    >>> [finding.rule for finding in report]
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    names = [os.fspath(path) for path in given]
    found = _configuration(config, names)
    plan = make_plan(found, select=select, extend_select=extend_select, ignore=ignore, target=target, rules=rules)
    return run(plan, names, jobs=jobs, progress=progress)


def check_source(
    text: str,
    filename: str = "<string>",
    *,
    select: Iterable[str] | None = None,
    extend_select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    target: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, object] | None = None,
    rules: Iterable[str | os.PathLike[str]] = (),
) -> Report:
    """Check a Python text. `filename` is what findings show; it need not exist.

    The keywords are those of `check_paths`, and so are the result and the errors; with `config` None and a file name
    in angle brackets, the defaults hold.

    >>> check_source("import keras\\nkeras.layers.BatchNormalization()").findings[0].rule
    'discarded-batchnorm'
    """
    from .doors.gate import names_batchnorm
    from .sieve import too_large

    if config is None and filename.startswith("<"):
        config = {}
    text = text.removeprefix("\ufeff")
    found = _configuration(config, [filename])
    plan = make_plan(found, select=select, extend_select=extend_select, ignore=ignore, target=target, rules=rules)
    report = Report(checked=1)
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > plan.config.max_size:
        report.failures.append(too_large(filename, len(data), plan.config.max_size))
    elif names_batchnorm(data):
        _settle(report, [_checked(text, filename, plan)], plan, {filename: lambda: suppress.read(text)})
    return report


def _checked(text: str, filename: str, plan: Plan) -> Outcome:
    from .doors import gate
    from .doors.code import Code

    try:
        gate.check_text(text)
    except gate.Refused as refusal:
        return Outcome(failures=[Failure(filename, refusal.message, line=refusal.line)])
    return _Checker(plan).check(Code(text), filename)


def _configuration(config: str | os.PathLike[str] | Mapping[str, object] | None, paths: list[str]) -> Config:
    if config is None:
        return discover(paths)
    return parse(config, os.getcwd()) if isinstance(config, Mapping) else load(os.fspath(config))


def _names(entries: Iterable[str], keyword: str) -> list[str]:
    """Rules as given to a keyword; a single string is taken apart by nobody, so it is refused."""
    if isinstance(entries, str):
        raise ConfigError(f"{keyword} must be a list of rules, not the string {entries!r}")
    return list(entries)


def make_plan(
    config: Config,
    *,
    select: Iterable[str] | None = None,
    extend_select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    target: str | None = None,
    rules: Iterable[str | os.PathLike[str]] = (),
    unused: bool = False,
) -> Plan:
    """Decide what a run does: what is asked for here goes before what is configured. Raises ConfigError."""
    plan = Plan(config, tuple(os.fspath(folder) for folder in rules), unused=unused)
    try:
        book = plan.book
        config.check(book)
        if select is None:
            select = [rule.name for rule in book.select(config.select, config.extend_select, config.ignore)]
        chosen = book.select(_names(select, "select"), _names(extend_select, "extend_select"), _names(ignore, "ignore"))
        plan.rules = tuple(rule.name for rule in chosen)
        plan.target = config.target_keras if target is None else version(target)
    except TypeError as error:
        raise ConfigError(f"unknown target {target!r}: expected {error}") from None
    except ValueError as error:
        raise error if isinstance(error, ConfigError) else ConfigError(str(error)) from error
    return plan


def run(plan: Plan, paths: Sequence[str], *, jobs: int | None = None, progress: Progress | None = None) -> Report:
    """Carry out a plan on files and folders."""
    with _uncollected():
        return _run(plan, paths, jobs, progress)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection: it takes a third of the time, and programs are taken apart when they are done with."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _run(plan: Plan, paths: Sequence[str], jobs: int | None, progress: Progress | None) -> Report:
    listing = files.find(paths, plan.config.choice(SUFFIXES))
    jobs = jobs or plan.config.jobs or (processors() if _may_fork() else 1)
    sifted = _sifted(listing.files, plan.config.max_size, jobs)
    report = Report(
        failures=listing.failures + sifted.failures, checked=sifted.checked, skipped=listing.skipped + sifted.skipped
    )
    if sifted.candidates:
        plan.shown = {Path(os.path.abspath(path)): path for path in listing.files}
    outcomes = _outcomes(sifted.candidates, plan, jobs, progress)
    _settle(report, outcomes, plan, {path: partial(suppress.of_file, path) for path in listing.files})
    return report


def _sifted(paths: list[str], max_size: int, jobs: int) -> Sifted:
    """What the bytes of the files tell; a great many are shared out to other processes."""
    from .sieve import Sieve, Sifted, portions

    sieve = Sieve(max_size)
    if jobs == 1 or len(paths) < SIFT_PAYS or not _may_fork():
        return sieve(paths)
    from . import pool

    shares = portions(paths, SIFT_PAYS // 8)
    done: dict[int, Sifted] = {}
    for index, part in pool.spread(shares, lambda: sieve, lambda share, death: sieve(share), jobs, "fork"):
        done[index] = part
        if part.candidates:
            from .doors.source import evaluate  # noqa: F401 - while the others are at it
    sifted = Sifted()
    for index, share in enumerate(shares):
        sifted.add(done[index] if index in done else sieve(share))
    return sifted


def _outcomes(
    candidates: list[tuple[str, int]], plan: Plan, jobs: int, progress: Progress | None
) -> list[Outcome]:
    """What became of each candidate, in their order, whatever the number of processes."""
    order = sorted(range(len(candidates)), key=lambda index: -candidates[index][1])  # The largest keep nobody waiting.
    paths = [candidates[index][0] for index in order]
    outcomes: dict[int, Outcome] = {}
    for index, outcome in _results(paths, sum(size for _, size in candidates), plan, jobs, outcomes):
        outcomes[index] = outcome
        if progress is not None:
            progress(len(outcomes), len(paths))
    found = {order[index]: outcome for index, outcome in outcomes.items()}
    return [found[index] for index in range(len(candidates))]


def _results(
    paths: list[str], size: int, plan: Plan, jobs: int, done: Mapping[int, Outcome]
) -> Iterator[tuple[int, Outcome]]:
    """Each file's outcome as it comes; from this process for what no other has `done`."""
    forks = _may_fork()
    enough_files, enough_bytes = FORK_PAYS if forks else SPAWN_PAYS
    if jobs > 1 and len(paths) >= enough_files and size >= enough_bytes:
        from . import pool
        from .doors.source import evaluate  # noqa: F401 - before the fork, once for all processes

        method: pool.Method = "fork" if forks else "spawn"
        yield from pool.spread(paths, partial(_Checker, plan), _lost, min(jobs, len(paths)), method)
    left = [index for index in range(len(paths)) if index not in done]
    if left:
        check = _Checker(plan)
        yield from ((index, check(paths[index])) for index in left)


def _may_fork() -> bool:
    """Whether this process has no threads: a lock one of them holds would stay locked in a copy of the process."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _lost(path: str, death: str) -> Outcome:
    return Outcome(failures=[Failure(path, f"internal error: the process that read this file died ({death})")])


class _Checker:
    """Checks one file after the other, as planned."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        chosen = [plan.book[name] for name in plan.rules]
        self.rules = [(rule, plan.config.options(rule), plan.config.severity(rule.name)) for rule in chosen]

    def __call__(self, path: str) -> Outcome:
        from .doors import gate
        from .doors.code import is_document, read_code

        try:
            with open(path, "rb") as file:
                data = file.read()
            code = read_code(path, data)
        except OSError as error:
            return Outcome(failures=[Failure(path, files.reason(error))])
        except gate.Refused as refusal:
            return Outcome(failures=[Failure(path, refusal.message, line=refusal.line)])
        outcome = Outcome()
        if code.named or not gate.names_batchnorm(data):
            outcome = self.check(code, path, Path(os.path.abspath(path)))
        if is_document(path):  # What looks like Python there may be a fragment, or none.
            outcome.notes += [f"{path}:{line}: a block left out: {why}" for _, line, why in code.broken]
        else:
            outcome.failures += [Failure(path, why, cell, line) for cell, line, why in code.broken]
        return outcome

    def check(self, code: Code, path: str, file: Path | None = None) -> Outcome:
        """Evaluate code that passed the gate, and ask every rule about it."""
        from .doors.source import evaluate

        outcome = Outcome()
        try:
            program = evaluate(
                code.text,
                path,
                target=self.plan.target,
                file=file,
                shown=self.plan.shown,
                cells=code.cells,
                shifts=code.shifts,
            )
        except Exception as error:
            _crash(outcome, path, "internal error", error)
            return outcome
        outcome.notes += program.notes
        outcome.coverage = program.coverage
        for rule, options, severity in self.rules:
            try:
                outcome.findings += _findings(program, rule, options, severity)
            except Exception as error:
                _crash(outcome, path, f"internal error in rule {rule.name}", error)
        program.dissolve()
        return outcome


def _findings(program: Program, rule: Rule, options: Mapping[str, object], severity: Severity | None) -> list[Finding]:
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
        said = (problem.origin.place(), problem.message, rule.why, tuple(related))
        found.append(Finding(rule.name, rule.category, weight(problem), *said))
    return found


def _crash(outcome: Outcome, path: str, where: str, error: Exception) -> None:
    import traceback

    said = " ".join(str(error).split())
    outcome.failures.append(Failure(path, f"{where}: {type(error).__name__}{': ' if said else ''}{said}"))
    outcome.notes.append(f"{path}: {where}")
    outcome.notes += "".join(traceback.format_exception(error)).splitlines()


def _settle(report: Report, outcomes: Iterable[Outcome], plan: Plan, comments: Mapping[str, Comments]) -> None:
    """Add to the report what stands: findings in listed files, each once, that nobody has turned off, by place.

    `comments` reads the suppressions of each listed file.
    """
    found: dict[tuple[str, Place], Finding] = {}
    for outcome in outcomes:
        report.failures += outcome.failures
        report.notes += outcome.notes
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
            report.findings += _standing(path, by_path.get(path, []), plan, comments[path], path in failed)
    report.findings.sort(key=lambda finding: (*_order(finding.place), finding.rule))
    report.failures.sort(key=lambda failure: (failure.path.split(os.sep), failure.cell or 0, failure.line or 0))


def _standing(path: str, findings: list[Finding], plan: Plan, read: Comments, failed: bool) -> list[Finding]:
    """A file's findings, less what is configured or commented away; and the comments that do nothing, if asked for."""
    off = plan.config.ignored(path, plan.book) if plan.config.per_file_ignores else set()
    suppressions = read()
    left = suppress.silence([finding for finding in findings if finding.rule not in off], suppressions)
    if not plan.unused or failed:
        return left
    ran = set(plan.rules) - off
    everything = ran >= {rule.name for rule in plan.book.select()}
    for suppression in suppressions:
        place = Place(
            path, suppression.cell, suppression.line, suppression.column, suppression.line, suppression.end_column
        )
        for message in suppression.idle(ran, plan.book, everything):
            left.append(Finding(UNUSED, "suppression", Severity.WARNING, place, message))
    return left


def _order(place: Place) -> tuple[list[str], int, int, int]:
    return place.path.split(os.sep), place.cell or 0, place.line or 0, place.column or 0
