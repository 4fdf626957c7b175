"""The pipeline: find files, drop those that name no batch normalization, read the rest, run the rules, merge."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..findings import Failure
from ..inputs import files, suppressions
from ..inputs.suffixes import CODE, MODELS
from .checker import Checker, FileOutcome, file_of, guarded
from .merging import merge
from .plan import Plan
from .result import Result

if TYPE_CHECKING:
    from ..doors.live.training import Training
    from ..inputs.candidates import Sifted

Progress = Callable[[int, int], None]

SUFFIXES = (*CODE, *MODELS)

FORK_PAYS = (4, 75_000)
SPAWN_PAYS = (9, 200_000)
"""From how many candidate files, and bytes in them, other processes pay."""

SIFT_PAYS = 1_000
"""From how many files it pays to share out the reading of their bytes."""


def run_text(plan: Plan, text: str, filename: str) -> Result:
    """Carry out a plan on a text as if it stood in this file, which need not be there; in none for "<…>".

    For a notebook, the text is its JSON.
    """
    from ..inputs.candidates import size_limit, too_large
    from ..inputs.gate import names_batchnorm
    from ..inputs.imports import Imports

    text = text.removeprefix("\ufeff")
    result = _begun(plan, checked=1, texts={filename: text})
    data = text.encode("utf-8", "surrogatepass")
    limit = size_limit(filename, plan.config.max_size)
    if len(data) > limit:
        result.failures.append(too_large(filename, len(data), limit))
    elif (named := names_batchnorm(data)) or Imports(names_batchnorm, plan.config.max_size).reach(filename, data):
        comments = partial(suppressions.of_text, filename, text)
        merge(result, [_checked(text, filename, named, plan)], plan, {filename: comments})
    return result


def run_model(plan: Plan, model: Any, data: Any = None, training: Training | None = None) -> Result:
    """Carry out a plan on a model."""
    from ..doors.live import door

    with _uncollected():
        program = door.read(model, data=data, training=training, target=plan.target)
        path = program.path
        result = _begun(plan, checked=1, unit="model")
        merge(result, [Checker(plan).ask(program)], plan, {path: list})
    return result


def _checked(text: str, filename: str, named: bool, plan: Plan) -> FileOutcome:
    from ..inputs.gate import Refused
    from ..inputs.reading import code_of

    def check() -> FileOutcome:
        try:
            code = code_of(filename, text)
        except Refused as refusal:
            return FileOutcome(failures=[refusal.failure(filename)])
        return Checker(plan).read(filename, code, named, file_of(filename))

    return guarded("reading the text", filename, check)


def _begun(plan: Plan, **known: Any) -> Result:
    """A result that knows which rules run."""
    return Result(rules=plan.rules, folders=tuple(map(os.path.abspath, plan.folders)), **known)


def run(plan: Plan, paths: Sequence[str], *, jobs: int | None = None, progress: Progress | None = None) -> Result:
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


def _run(plan: Plan, paths: Sequence[str], jobs: int | None, progress: Progress | None) -> Result:
    listing = files.find(paths, plan.config.choice(SUFFIXES))
    jobs = jobs or plan.config.jobs or (processors() if _may_fork() else 1)
    sifted = _sifted(listing.files, plan, jobs)
    skipped = listing.skipped + sifted.skipped
    failures = listing.failures + sifted.failures
    result = _begun(plan, failures=failures, notes=sifted.notes, checked=sifted.checked, skipped=skipped)
    if sifted.candidates:
        plan.shown = {Path(os.path.abspath(path)): path for path in listing.files}
    outcomes = _outcomes(sifted.candidates, plan, jobs, progress)
    merge(result, outcomes, plan, {path: partial(suppressions.of_file, path) for path in listing.files})
    return result


def _sifted(paths: list[str], plan: Plan, jobs: int) -> Sifted:
    """What the bytes of the files tell; a great many are shared out to other processes."""
    from ..inputs.candidates import Sieve, Sifted, portions

    sieve = Sieve(plan.config.max_size)
    if jobs == 1 or len(paths) < SIFT_PAYS or not _may_fork():
        return sieve(paths)
    from . import workers

    shares = portions(paths, SIFT_PAYS // 8)
    done: dict[int, Sifted] = {}
    for index, part in workers.spread(shares, lambda: sieve, lambda share, death: sieve(share), jobs, "fork"):
        done[index] = part
        if part.candidates:
            _warm_up(plan)  # While the others are at it.
    sifted = Sifted()
    for index, share in enumerate(shares):
        sifted.add(done[index] if index in done else sieve(share))
    return sifted


def _outcomes(candidates: list[tuple[str, int]], plan: Plan, jobs: int, progress: Progress | None) -> list[FileOutcome]:
    """What became of each candidate, in their order, whatever the number of processes."""
    order = list(range(len(candidates)))
    if jobs > 1:
        order.sort(key=lambda index: -candidates[index][1])  # The largest keep nobody waiting.
    paths = [candidates[index][0] for index in order]
    outcomes: dict[int, FileOutcome] = {}
    for index, outcome in _results(paths, sum(size for _, size in candidates), plan, jobs, outcomes):
        outcomes[index] = outcome
        if progress is not None:
            progress(len(outcomes), len(paths))
    found = {order[index]: outcome for index, outcome in outcomes.items()}
    return [found[index] for index in range(len(candidates))]


def _results(
    paths: list[str], size: int, plan: Plan, jobs: int, done: Mapping[int, FileOutcome]
) -> Iterator[tuple[int, FileOutcome]]:
    """Each file's outcome as it comes; from this process for what no other has `done`."""
    forks = _may_fork()
    enough_files, enough_bytes = FORK_PAYS if forks else SPAWN_PAYS
    if jobs > 1 and len(paths) >= enough_files and size >= enough_bytes:
        from . import workers

        _warm_up(plan)
        method: workers.Method = "fork" if forks else "spawn"
        yield from workers.spread(paths, partial(Checker, plan), _lost, min(jobs, len(paths)), method)
    left = [index for index in range(len(paths)) if index not in done]
    if left:
        check = Checker(plan)
        yield from ((index, check(paths[index])) for index in left)


def _warm_up(plan: Plan) -> None:
    """Load what a file needs before a fork: once for all processes."""
    from ..doors.source import evaluate  # noqa: F401

    Checker(plan)


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


def _lost(path: str, death: str) -> FileOutcome:
    said = f"bnlint itself failed: the process that read this file died ({death}); please report it"
    return FileOutcome(failures=[Failure(path, said, kind="bnlint")])
