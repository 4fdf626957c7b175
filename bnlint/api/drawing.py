"""Models from files and from memory, drawn with the findings on them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ..graph import Program
from ..inputs import suppressions as suppress
from ..reporters.picture import Picture, render
from ..run.checker import Checker
from ..run.config import Config
from ..run.engine import configuration
from ..run.merging import settle
from ..run.plan import Plan, Selection, make_plan
from ..run.report import Report


def draw(
    model: Any,
    *,
    entry: str | None = None,
    select: Iterable[str] | None = None,
    extend_select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    target: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, object] | None = None,
    rules: Iterable[str | os.PathLike[str]] = (),
) -> Picture:
    """Draw models as an SVG document, with the findings on them; in a notebook, it is shown.

    model: a model of Keras 3 or tf_keras, or the path of a Python file, a notebook or a saved model, which is not run.
    entry: an expression to be evaluated in the file, too, such as "build(depth=50)". The other keywords are those of
    `check_paths`.

    Raises ValueError for a file that cannot be read, ConfigError as `check_paths` does, TypeError for what is no Keras
    model, and ImportError where igraph is not installed (the extra `plots`).
    """
    from ..run.showing import read_program

    path = os.fspath(model) if isinstance(model, (str, os.PathLike)) else None
    found = configuration(config, [path or os.getcwd()])
    plan = make_plan(found, Selection(select, extend_select, ignore), target=target, rules=rules)
    if path is not None:
        _, program = read_program(path, found, entry, plan.target)
    elif entry is not None:
        raise TypeError("entry is for files")
    else:
        from ..doors.live import door as live

        program = live.read(model, target=plan.target)
    return Picture(_judged(program, plan))


def of_program(program: Program, config: Config) -> str:
    """The models of a program as one SVG document, with the findings of the configured rules. Raises Missing."""
    return _judged(program, make_plan(config))


def _judged(program: Program, plan: Plan) -> str:
    """A program drawn with what the plan's rules say of it; it is taken apart."""
    plan.scenes = "all"
    report = Report()
    outcome = Checker(plan).ask(program)
    paths = dict.fromkeys([program.path, *(finding.place.path for finding in outcome.findings)])
    comments = {path: partial(suppress.of_file, path) if os.path.isfile(path) else list for path in paths}
    settle(report, [outcome], plan, comments)
    if report.failures:
        raise RuntimeError(report.failures[0].message)
    return render(report.scenes, report.findings)
