"""The command line: arguments in, a report and an exit code out."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from .. import __version__
from .command import UNUSABLE, CannotRun, Commands
from .console import Bar, colors, say, stdout

if TYPE_CHECKING:
    from ..rulebook.experiments import Experiment
    from ..rulebook.folders import Book


def _names(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str] | None:
    """Rules given one by one or with commas between; None where the option is not given."""
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    if values and not names:
        raise click.BadParameter("names no rule", ctx, parameter)
    return names or None


def _version(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    from ..run.config import version

    try:
        return None if value is None else version(value)
    except TypeError as error:
        raise click.BadParameter(f"{value!r}: expected {error}", ctx, parameter) from None


_TARGET = click.option(
    "--target-keras", metavar="auto|2|3|3.N", callback=_version, help="The Keras the code is for.  [default: auto]"
)
_FOLDERS = click.option("--rules", "folders", metavar="DIR", multiple=True, help="Also use the rules in this folder.")


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    subcommand_metavar="PATH... | COMMAND [ARGS]...",
)
@click.version_option(__version__, prog_name="bnlint", message="%(prog)s %(version)s")
def main() -> None:
    """Find mistakes with batch normalization in Keras code.

    `bnlint PATH...` is short for `bnlint check PATH...`. Exit code: 0 clean, 1 findings, 2 bad input or usage.
    """


@main.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--select", metavar="RULES", multiple=True, callback=_names, help="Only these: names, categories, ALL.")
@click.option("--extend-select", metavar="RULES", multiple=True, callback=_names, help="These rules as well.")
@click.option("--ignore", metavar="RULES", multiple=True, callback=_names, help="Not these rules.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github", "sarif", "html"]), help="[default: text]"
)
@click.option("--output", metavar="FILE", help="Write the report to this file.")
@click.option("--fix", is_flag=True, help="Make the safe fixes, and report what is left.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also what changes what the model computes.")
@click.option("--diff", is_flag=True, help="Show what --fix would do, with its certificates, and write nothing.")
@click.option("--certify", is_flag=True, help="Try each finding's fix out, and say what it changes.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "advice", "never"]),
    help="The least severity that makes the exit code 1.  [default: warning]",
)
@_TARGET
@click.option("--extend-include", metavar="GLOB", multiple=True, help="Check files named like this, too.")
@_FOLDERS
@click.option("--config", "config_file", metavar="FILE", help="Use this pyproject.toml instead of the nearest one.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many processes to use.  [default: one a processor]")
@click.option("--statistics", is_flag=True, help="Count the findings of each rule.")
@click.option("--unused-suppressions", is_flag=True, help="Report `# bnlint: ignore` comments that ignore nothing.")
@click.option("--verbose", is_flag=True, help="Say what was not understood, and where bnlint itself failed.")
@click.pass_context
def check(ctx: click.Context, /, paths: tuple[str, ...], **given: Any) -> None:
    """Check files, and folders with all that is below them."""
    from ..findings import Severity
    from ..run import engine
    from ..run.config import ConfigError, discover, load
    from ..run.plan import Request
    from . import checking

    checking.check_output(given["output"])
    try:
        config = load(given["config_file"]) if given["config_file"] else discover(paths)
        request = Request(
            select=given["select"],
            extend_select=given["extend_select"] or (),
            ignore=given["ignore"] or (),
            target=given["target_keras"],
            config=checking.including(config, given["extend_include"]),
            rules=given["folders"],
        )
        fixes = given["form"] in ("json", "html") or given["certify"]
        plan = request.plan(unused=given["unused_suppressions"], fixes=fixes)
        plan.scenes = "findings" if given["form"] == "html" else ""
    except ConfigError as error:
        raise CannotRun(str(error)) from None
    jobs = given["jobs"] or config.jobs or engine.processors()
    try:
        if given["diff"]:
            ctx.exit(checking.diff(plan, paths, jobs, given))
        unwritten = checking.fix(plan, paths, jobs, given) if given["fix"] else []
        report = checking.run(plan, paths, jobs)
    except KeyboardInterrupt:
        say("interrupted")
        ctx.exit(checking.INTERRUPTED)
    report.failures += unwritten
    checking.write_report(report, [plan.book[name] for name in plan.rules], given)
    gc.freeze()  # Else the interpreter goes through all that is left once more as it ends.
    if report.failures:
        ctx.exit(UNUSABLE)
    fail_on = given["fail_on"]
    least = config.fail_on if fail_on is None else None if fail_on == "never" else Severity.parse(fail_on)
    worst = report.worst()
    ctx.exit(checking.FINDINGS if least and worst and worst >= least else checking.CLEAN)


@main.command()
@click.argument("rule")
@_FOLDERS
def explain(rule: str, folders: tuple[str, ...]) -> None:
    """Show a rule's card: why, examples, when to ignore it."""
    from ..reporters.card import show_card

    book = _book(folders)
    try:
        found = book.find(rule)
    except ValueError as error:
        raise CannotRun(str(error)) from None
    show_card(found, stdout(), terminal=sys.stdout.isatty(), color=colors())


@main.command()
@click.argument("rule", required=False)
@click.option("--list", "listed", is_flag=True, help="List the experiments instead.")
@click.option("--plot", metavar="FILE", help="Draw it, too: .png or .svg. Needs matplotlib.")
@_FOLDERS
def evidence(rule: str | None, listed: bool, plot: str | None, folders: tuple[str, ...]) -> None:
    """Run the experiments on a rule's card, and show what they measure."""
    from ..rulebook.experiments import Failed, experiments

    if listed == (rule is not None):
        raise click.UsageError("give a RULE or --list")
    book = _book(folders)
    try:
        found = experiments(book.values() if rule is None else [book.find(rule)])
        if listed:
            stdout().write("".join(f"{one.rule.name}: {one.title}\n" for one in found))
        elif not found:
            raise ValueError(f"{rule} has no experiment; `bnlint evidence --list` names those that have")
        else:
            _experiment(found, plot)
    except (ValueError, Failed) as error:
        raise CannotRun(str(error)) from None


@main.command()
@click.argument("path")
@click.option("--entry", metavar="EXPR", help="Evaluate this expression in the file, too; its model comes last.")
@click.option("--format", "form", type=click.Choice(["text", "json", "svg"]), default="text", show_default=True)
@_TARGET
def graph(path: str, entry: str | None, form: str, target_keras: str | None) -> None:
    """Show the models in a file, node by node, as bnlint understands them; as svg, as a picture with findings on it.

    The file is not run. A path that is called `graph` is checked with `bnlint check graph`.
    """
    from ..api import draw_program
    from ..findings import Place
    from ..reporters.graph import render
    from ..reporters.picture import Missing
    from ..reporters.picture.layout import spare_matplotlib
    from ..run.config import ConfigError, discover
    from ..run.plan import Request
    from ..run.showing import Unreadable, read_program

    try:
        config = discover([path])
        plan = Request(config=config, target=target_keras).plan() if form == "svg" else None
        watched = plan.watched if plan else frozenset()
        code, program = read_program(path, config, entry, target_keras or config.target_keras, watched)
        notes = [f"{Place(path, cell, line)}: left out: {why}" for cell, line, why, _ in code.broken]
        for note in (*notes, *program.notes):
            say(f"note: {note}")
        if plan:
            spare_matplotlib()
            stdout().write(draw_program(program, plan))
        else:
            stdout().write(render(form, program))
    except (ConfigError, Unreadable, Missing) as error:
        raise CannotRun(str(error)) from None


@main.command()
@_FOLDERS
def rules(folders: tuple[str, ...]) -> None:
    """List the rules."""
    from ..reporters.card import show_index

    show_index(_book(folders).values(), stdout())


@main.command()
@click.option("--keras", metavar="2|3|3.N", callback=_version, help="Only this version.  [default: all]")
@click.option(
    "--style",
    type=click.Choice(["sequential", "functional", "subclass", "layer"]),
    help="Only models that are, or hold, one written like this; layer: a subclass of Layer.",
)
@click.option("--nested", is_flag=True, help="Models in models, too.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def modes(keras: str | None, style: str | None, nested: bool, form: str) -> None:
    """Show when batch normalization runs in training mode, and when it learns.

    A path that is called `modes` is checked with `bnlint check modes`.
    """
    from ..reference.modes import select
    from ..reporters.modes import render_json, show_modes

    major, _, minor = (keras or "auto").partition(".")
    version = None if major == "auto" else (int(major), int(minor) if minor else None)
    table = select(version, style, nested=nested)
    if form == "json":
        stdout().write(render_json(table))
    else:
        show_modes(table, stdout(), terminal=sys.stdout.isatty(), color=colors())


@main.command()
@click.argument("name")
@click.option("--rules", "folder", metavar="DIR", default="rules", show_default=True, help="Where to write it.")
def new_rule(name: str, folder: str) -> None:
    """Write a new rule's two files, its code and its card, from the template."""
    from pathlib import Path

    from ..rulebook.folders import scaffold

    if name in _book(()):
        raise CannotRun(f"bnlint has a rule {name!r} already")
    try:
        files = scaffold(name, Path(folder))
    except (ValueError, OSError) as error:
        raise CannotRun(str(error)) from None
    for file in files:
        say(f"wrote {file}", err=False)


def _experiment(found: list[Experiment], plot: str | None) -> None:
    """Run experiments one after the other; draw them when all are done."""
    from ..reporters.evidence import show_table

    if plot:
        from importlib.util import find_spec

        from .checking import check_output

        if not plot.endswith((".png", ".svg")):
            raise CannotRun(f"--plot {plot}: expected a name that ends in .png or .svg")
        if find_spec("matplotlib") is None:
            raise CannotRun("--plot needs matplotlib: pip install 'bnlint[plots]'")
        check_output(plot, "--plot")
    tables = []
    for one in found:
        bar = Bar("running") if sys.stderr.isatty() else None
        try:
            tables.append((one.title, one.run(bar)))
        finally:
            if bar:
                bar.close()
        show_table(*tables[-1], stdout(), terminal=sys.stdout.isatty(), color=colors())
    if plot:
        from ..reporters.plot import draw

        try:
            draw(tables, plot)
        except OSError as error:
            raise CannotRun(f"--plot {plot}: {error.strerror or error}") from None


def _book(folders: Iterable[str]) -> Book:
    from pathlib import Path

    from ..rulebook.folders import open_book

    try:
        book = open_book(*map(Path, folders))
        list(book.values())
    except ValueError as error:
        raise CannotRun(str(error)) from None
    return book
