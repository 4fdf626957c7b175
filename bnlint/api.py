"""The public functions: files, texts and models checked, drawn and fixed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from .reporters.report import Report
from .run import engine
from .run.engine import Progress
from .run.plan import Keywords, Plan, Request, asks
from .run.result import Result

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .doors.live.training import Training
    from .graph import Program
    from .reporters.picture import Picture


@asks
def check_paths(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    fixes: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
    **asked: Unpack[Keywords],
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
    plan = Request(**asked).plan(names, fixes=fixes)
    return Report.of(engine.run(plan, names, jobs=jobs, progress=progress))


@asks
def check_source(text: str, filename: str = "<string>", *, fixes: bool = False, **asked: Unpack[Keywords]) -> Report:
    """Check a Python text. `filename` is what findings show; it need not exist.

    The keywords are those of `check_paths`, and so are the result and the errors; with `config` None and a file name
    in angle brackets, the defaults hold.

    >>> check_source("import keras\\nkeras.layers.BatchNormalization()").findings[0].rule
    'discarded-batchnorm'
    """
    return Report.of(engine.run_text(_plan_for(filename, fixes, asked), text, filename))


@asks
def fix_source(text: str, filename: str = "<string>", *, unsafe: bool = False, **asked: Unpack[Keywords]) -> str:
    """A Python text with the safe fixes made; with `unsafe`, all fixes. The other keywords are those of `check_source`.

    Raises ConfigError as `check_source` does, and ValueError for a text that cannot be linted.
    """
    from .run.fixing import fixed_text

    return fixed_text(_plan_for(filename, True, asked), text, filename, unsafe=unsafe)


def _plan_for(filename: str, fixes: bool, asked: Keywords) -> Plan:
    if asked.get("config") is None and filename.startswith("<"):
        asked = {**asked, "config": {}}
    return Request(**asked).plan([filename], fixes=fixes)


@asks
def check_model(model: Any, data: Any = None, *, training: Training | None = None, **asked: Unpack[Keywords]) -> Report:
    """Check a model of Keras 3 or tf_keras as it stands in memory. It is neither trained nor changed.

    What a subclass's `call` does is traced: on the JAX and PyTorch backends the layers it calls, on TensorFlow also
    what it does with tensors in between.

    data: a batch of inputs, as the model takes them, of some hundred samples: with it, the two modes of each batch
    normalization are compared. training: how the model is going to be trained, such as Training(batch_size=8): with it,
    the rules on batches apply. The other keywords are those of `check_paths`.

    Findings stand at layers: `finding.place.layer` is the layer's path. Raises TypeError for what is no Keras model,
    ValueError for one that is not built, and ConfigError as `check_paths` does.
    """
    return Report.of(engine.run_model(Request(**asked).plan(), model, data, training))


@asks
def draw(model: Any, *, entry: str | None = None, **asked: Unpack[Keywords]) -> Picture:
    """Draw models as an SVG document, with the findings on them; in a notebook, it is shown.

    model: a model of Keras 3 or tf_keras, or the path of a Python file, a notebook or a saved model, which is not run.
    entry: an expression to be evaluated in the file, too, such as "build(depth=50)". The other keywords are those of
    `check_paths`.

    Raises ValueError for a file that cannot be read, ConfigError as `check_paths` does, TypeError for what is no Keras
    model, and ImportError where igraph is not installed (the extra `plots`).
    """
    from .run.showing import read_program

    path = os.fspath(model) if isinstance(model, (str, os.PathLike)) else None
    plan = Request(**asked).plan([path or os.curdir])
    if path is not None:
        _, program = read_program(path, plan.config, entry, plan.target, plan.watched)
    elif entry is not None:
        raise TypeError("entry is for files")
    else:
        from .doors.live import door

        program = door.read(model, target=plan.target)
    return draw_program(program, plan)


def draw_program(program: Program, plan: Plan) -> Picture:
    """A program's models drawn with what the plan's rules say of it; it is taken apart. Raises ImportError."""
    from .inputs import suppressions
    from .reporters.picture import Picture, render
    from .run.checker import Checker
    from .run.merging import merge

    plan.scenes = "all"
    result = Result()
    outcome = Checker(plan).ask(program)
    paths = dict.fromkeys([program.path, *(finding.place.path for finding in outcome.findings)])
    comments = {path: partial(suppressions.of_file, path) if os.path.isfile(path) else list for path in paths}
    merge(result, [outcome], plan, comments)
    if result.failures:
        raise RuntimeError(result.failures[0].message)
    return Picture(render(result.scenes, result.findings))
