"""The pipeline: find files, drop those that name no batch normalization, read the rest, run the rules, settle."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..findings import Failure
from ..inputs import files
from ..inputs import suppressions as suppress
from ..inputs.suffixes import CODE, MODELS
from .checker import Checker, Outcome, guarded
from .config import Config, discover, load, parse
from .merging import settle
from .plan import Plan, Selection, make_plan
from .report import Report

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


def check_paths(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    select: Iterable[str] | None = None,
    extend_select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    target: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, object] | None = None,
    rules: Iterable[str | os.PathLike[str]] = (),
    fixes: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check files, and folders with all Python files below them.

    select, extend_select, ignore: rules by name, category or "ALL", as on the command line.
    target: the Keras the code is for: "2", "3", "3.N", or "auto" to tell it by each file's code. None: as configured.
    config: a pyproject.toml; or what would stand in its `[tool.bnlint]`, as a mapping ({} for the defaults). None: the
    nearest pyproject.toml above the paths that has such a table.
    rules: folders with rules of your own. Their code is executed.
    fixes: also work out each finding's `fix`, with its certificate.
    jobs: how many processes to use at most. None: one a processor where forking is safe, else one.
    progress: called with the number of files done and the number of files to read.

    Returns a Report. Files that cannot be read are in its `failures`; they raise nothing. Raises ConfigError, a
    ValueError, for rules, options, patterns and versions that do not exist.

    >>> report = check_paths(["src"], select=["batch"], config={})
    >>> [finding.rule for finding in report]
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    names = [os.fspath(path) for path in given]
    found = configuration(config, names)
    chosen = Selection(select, extend_select, ignore)
    plan = make_plan(found, chosen, target=target, rules=rules, fixes=fixes)
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
    fixes: bool = False,
) -> Report:
    """Check a Python text. `filename` is what findings show; it need not exist.

    The keywords are those of `check_paths`, and so are the result and the errors; with `config` None and a file name
    in angle brackets, the defaults hold.

    >>> check_source("import keras\\nkeras.layers.BatchNormalization()").findings[0].rule
    'discarded-batchnorm'
    """
    from ..inputs.candidates import too_large
    from ..inputs.gate import names_batchnorm

    if config is None and filename.startswith("<"):
        config = {}
    text = text.removeprefix("\ufeff")
    found = configuration(config, [filename])
    chosen = Selection(select, extend_select, ignore)
    plan = make_plan(found, chosen, target=target, rules=rules, fixes=fixes)
    report = _begun(plan, checked=1, texts={filename: text})
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > plan.config.max_size:
        report.failures.append(too_large(filename, len(data), plan.config.max_size))
    elif names_batchnorm(data):
        settle(report, [_checked(text, filename, plan)], plan, {filename: lambda: suppress.read(text)})
    return report


def check_model(
    model: Any,
    data: Any = None,
    *,
    training: Training | None = None,
    select: Iterable[str] | None = None,
    extend_select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    target: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, object] | None = None,
    rules: Iterable[str | os.PathLike[str]] = (),
) -> Report:
    """Check a model of Keras 3 or tf_keras as it stands in memory. It is neither trained nor changed.

    What a subclass's `call` does is traced: on the JAX and PyTorch backends the layers it calls, on TensorFlow also
    what it does with tensors in between.

    data: a batch of inputs, as the model takes them, of some hundred samples: with it, the two modes of each batch
    normalization are compared. training: how the model is going to be trained, such as Training(batch_size=8): with it,
    the rules on batches apply. The other keywords are those of `check_paths`.

    Findings stand at layers: `finding.place.layer` is the layer's path. Raises TypeError for what is no Keras model,
    ValueError for one that is not built, and ConfigError as `check_paths` does.
    """
    found = configuration(config, [os.getcwd()])
    plan = make_plan(found, Selection(select, extend_select, ignore), target=target, rules=rules)
    return judge(plan, model, data, training)


def judge(plan: Plan, model: Any, data: Any = None, training: Training | None = None) -> Report:
    """Carry out a plan on a model."""
    from ..doors.live import door as live

    with _uncollected():
        program = live.read(model, data=data, training=training, target=plan.target)
        path = program.path
        report = _begun(plan, checked=1, unit="model")
        settle(report, [Checker(plan).ask(program)], plan, {path: list})
    return report


def _checked(text: str, filename: str, plan: Plan) -> Outcome:
    from ..inputs import gate
    from ..inputs.code import whole

    def check() -> Outcome:
        try:
            code = whole(text, gate.check_text(text))
        except gate.Refused as refusal:
            return Outcome(failures=[refusal.failure(filename)])
        return Checker(plan).check(code, filename)

    return guarded("reading the text", filename, check)


def _begun(plan: Plan, **known: Any) -> Report:
    """A report that knows which rules run."""
    return Report(rules=plan.rules, folders=tuple(map(os.path.abspath, plan.folders)), **known)


def configuration(config: str | os.PathLike[str] | Mapping[str, object] | None, paths: list[str]) -> Config:
    """What is configured: as given, or by the nearest pyproject.toml above the paths."""
    if config is None:
        return discover(paths)
    return parse(config, os.getcwd()) if isinstance(config, Mapping) else load(os.fspath(config))


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
    sifted = _sifted(listing.files, plan, jobs)
    skipped = listing.skipped + sifted.skipped
    failures = listing.failures + sifted.failures
    report = _begun(plan, failures=failures, notes=sifted.notes, checked=sifted.checked, skipped=skipped)
    if sifted.candidates:
        plan.shown = {Path(os.path.abspath(path)): path for path in listing.files}
    outcomes = _outcomes(sifted.candidates, plan, jobs, progress)
    settle(report, outcomes, plan, {path: partial(suppress.of_file, path) for path in listing.files})
    return report


def _sifted(paths: list[str], plan: Plan, jobs: int) -> Sifted:
    """What the bytes of the files tell; a great many are shared out to other processes."""
    from ..inputs.candidates import Sieve, Sifted, portions

    sieve = Sieve(plan.config.max_size)
    if jobs == 1 or len(paths) < SIFT_PAYS or not _may_fork():
        return sieve(paths)
    from . import workers as pool

    shares = portions(paths, SIFT_PAYS // 8)
    done: dict[int, Sifted] = {}
    for index, part in pool.spread(shares, lambda: sieve, lambda share, death: sieve(share), jobs, "fork"):
        done[index] = part
        if part.candidates:
            _warm_up(plan)  # While the others are at it.
    sifted = Sifted()
    for index, share in enumerate(shares):
        sifted.add(done[index] if index in done else sieve(share))
    return sifted


def _outcomes(candidates: list[tuple[str, int]], plan: Plan, jobs: int, progress: Progress | None) -> list[Outcome]:
    """What became of each candidate, in their order, whatever the number of processes."""
    order = list(range(len(candidates)))
    if jobs > 1:
        order.sort(key=lambda index: -candidates[index][1])  # The largest keep nobody waiting.
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
        from . import workers as pool

        _warm_up(plan)
        method: pool.Method = "fork" if forks else "spawn"
        yield from pool.spread(paths, partial(Checker, plan), _lost, min(jobs, len(paths)), method)
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


def _lost(path: str, death: str) -> Outcome:
    said = f"bnlint itself failed: the process that read this file died ({death}); please report it"
    return Outcome(failures=[Failure(path, said, kind="bnlint")])
