"""What `bnlint check` does with a plan: run it, fix files, show what fixing would change, write the report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .command import UNUSABLE, CannotRun
from .console import Bar, colors, replace, say, stdout

if TYPE_CHECKING:
    from ..findings import Failure
    from ..run.config import Config
    from ..run.plan import Plan
    from ..run.result import Result

CLEAN, FINDINGS, INTERRUPTED = 0, 1, 130


def run(plan: Plan, paths: tuple[str, ...], jobs: int) -> Result:
    """A run with a progress bar, where there is somebody to see it."""
    from ..run import engine

    bar = Bar() if sys.stderr.isatty() else None
    try:
        return engine.run(plan, paths, jobs=jobs, progress=bar)
    finally:
        if bar:
            bar.close()


def fix(plan: Plan, paths: tuple[str, ...], jobs: int, given: dict[str, Any]) -> list[Failure]:
    """Fix the files, say how much was fixed, and return what could not be written."""
    from ..run.fixing import fixed_files, write

    failures: list[Failure] = []
    fixed = files = 0
    for file in fixed_files(run(plan.fixing(), paths, jobs), plan, unsafe=given["unsafe_fixes"]):
        failure = write(file)
        if failure is not None:
            failures.append(failure)
        elif file.count:
            fixed, files = fixed + file.count, files + 1
        for finding in file.refused:
            say(f"{finding.place}: {finding.rule} is left: its fix brings another finding, or leaves this one")
    say(f"fixed {fixed} finding{'s' * (fixed != 1)} in {files} file{'s' * (files != 1)}")
    return failures


def diff(plan: Plan, paths: tuple[str, ...], jobs: int, given: dict[str, Any]) -> int:
    """Show what fixing would change, and return the exit code: 1 where there is something."""
    from ..reporters.diff import render
    from ..run.fixing import fixed_files

    report = run(plan.fixing(), paths, jobs)
    fixed = 0
    for file in fixed_files(report, plan, unsafe=given["unsafe_fixes"]):
        report.failures += [file.failure] if file.failure else []
        stdout().write(render(file, color=colors()))
        fixed += file.count
    more = "" if given["unsafe_fixes"] else " (--unsafe-fixes shows those, too, that change what the model computes)"
    say_failures(report.failures)
    say(f"would fix {fixed} of {len(report)} findings{more}")
    return UNUSABLE if report.failures else FINDINGS if fixed else CLEAN


def say_failures(failures: Iterable[Failure]) -> None:
    for failure in failures:
        say(f"{failure.path}{'' if failure.line is None else f':{failure.line}'}: {failure.message}")


def including(config: Config, globs: tuple[str, ...]) -> Config:
    """The configuration with more files included; patterns with a slash are relative to the working folder here."""
    if not globs:
        return config
    from dataclasses import replace

    from ..inputs.files import compiled, relative
    from ..run.config import ConfigError

    here = relative(os.curdir, config.root)
    moved = tuple(f"{here}/{glob.lstrip('/')}" if "/" in glob[:-1] and here != "." else glob for glob in globs)
    try:
        compiled(moved)
    except ValueError as error:
        raise ConfigError(f"--extend-include: {error}") from None
    return replace(config, extend_include=(*config.extend_include, *moved))


def check_output(output: str | None, option: str = "--output") -> None:
    """Refuse an output that cannot be written before the work is done, not after."""
    if output is None:
        return
    folder = os.path.dirname(os.path.abspath(output))
    if os.path.isdir(output) or not os.path.isdir(folder):
        raise CannotRun(f"{option} {output}: {'is a folder' if os.path.isdir(output) else f'no folder {folder}'}")


def write_report(report: Result, rules: Iterable[Any], given: dict[str, Any]) -> None:
    from ..reporters import render

    form, output = given["form"] or "text", given["output"]
    text = render(
        form,
        report,
        rules,
        color=output is None and colors(),
        statistics=given["statistics"],
        verbose=given["verbose"],
    )
    if form != "text" and given["verbose"]:
        for note in report.notes:
            say(f"note: {note}")
    if not report.checked and not report.failures:
        say("warning: no files to check were found")
    if output is None:
        stdout().write(text)
        return
    say_failures(report.failures)
    try:
        replace(output, text)
    except OSError as error:
        raise CannotRun(f"--output {output}: {error.strerror or error}") from None
