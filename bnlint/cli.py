"""The command line: arguments in, a report and an exit code out."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from . import __version__

if TYPE_CHECKING:
    from .book import Book
    from .config import Config
    from .finding import Report
    from .graph import Program

CLEAN, FINDINGS, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


class _Problem(click.ClickException):
    """What cannot be done, in one line."""

    exit_code = UNUSABLE


class _Commands(click.Group):
    """The commands, of which `check` need not be named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help", "-h", "--version"):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        rows = [row for parameter in check.params[1:] if (row := parameter.get_help_record(ctx))]
        with formatter.section("Options of check"):
            formatter.write_dl(rows)


def _names(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str] | None:
    """Rules given one by one or with commas between; None where the option is not given."""
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    if values and not names:
        raise click.BadParameter("names no rule", ctx, parameter)
    return names or None


def _version(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    from .config import version

    try:
        return None if value is None else version(value)
    except TypeError as error:
        raise click.BadParameter(f"{value!r}: expected {error}", ctx, parameter) from None


_FOLDERS = click.option("--rules", "folders", metavar="DIR", multiple=True, help="Also use the rules in this folder.")


@click.group(
    cls=_Commands,
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
@click.option("--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), help="[default: text]")
@click.option("--output", metavar="FILE", help="Write the report to this file.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "advice", "never"]),
    help="The least severity that makes the exit code 1.  [default: warning]",
)
@click.option(
    "--target-keras", metavar="auto|2|3|3.N", callback=_version, help="The Keras the code is for.  [default: auto]"
)
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
    from . import engine
    from .config import ConfigError, discover, load
    from .finding import Severity

    _check_output(given["output"])
    try:
        config = load(given["config_file"]) if given["config_file"] else discover(paths)
        plan = engine.make_plan(
            _including(config, given["extend_include"]),
            select=given["select"],
            extend_select=given["extend_select"] or (),
            ignore=given["ignore"] or (),
            target=given["target_keras"],
            rules=given["folders"],
            unused=given["unused_suppressions"],
        )
    except ConfigError as error:
        raise _Problem(str(error)) from None
    bar = _Bar() if sys.stderr.isatty() else None
    try:
        jobs = given["jobs"] or config.jobs or engine.processors()
        report = engine.run(plan, paths, jobs=jobs, progress=bar)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        ctx.exit(INTERRUPTED)
    finally:
        if bar:
            bar.close()
    _write(report, [plan.book[name] for name in plan.rules], given)
    gc.freeze()  # Else the interpreter goes through all that is left once more as it ends.
    if report.failures:
        ctx.exit(UNUSABLE)
    fail_on = given["fail_on"]
    least = config.fail_on if fail_on is None else None if fail_on == "never" else Severity.parse(fail_on)
    worst = report.worst()
    ctx.exit(FINDINGS if least and worst and worst >= least else CLEAN)


@main.command()
@click.argument("rule")
@_FOLDERS
def explain(rule: str, folders: tuple[str, ...]) -> None:
    """Show a rule's card: why, examples, when to ignore it."""
    from .reporters.card import show_card

    book = _book(folders)
    try:
        found = book.find(rule)
    except ValueError as error:
        raise _Problem(str(error)) from None
    show_card(found, _stdout(), terminal=sys.stdout.isatty(), color=_colors())


@main.command()
@click.argument("path")
@click.option("--entry", metavar="EXPR", help="Evaluate this expression in the file, too; its model comes last.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def graph(path: str, entry: str | None, form: str) -> None:
    """Show the models in a file, node by node, as bnlint understands them.

    The file is not run. A path that is called `graph` is checked with `bnlint check graph`.
    """
    from .reporters.graph import render

    program = _program(path, entry)
    click.echo("".join(f"note: {note}\n" for note in program.notes), err=True, nl=False)
    _stdout().write(render(form, program))


@main.command()
@_FOLDERS
def rules(folders: tuple[str, ...]) -> None:
    """List the rules."""
    from .reporters.card import show_index

    show_index(_book(folders).values(), _stdout())


@main.command()
@click.argument("name")
@click.option("--rules", "folder", metavar="DIR", default="rules", show_default=True, help="Where to write it.")
def new_rule(name: str, folder: str) -> None:
    """Write a new rule's two files, its code and its card, from the template."""
    from pathlib import Path

    from .book import scaffold

    if name in _book(()):
        raise _Problem(f"bnlint has a rule {name!r} already")
    try:
        files = scaffold(name, Path(folder))
    except (ValueError, OSError) as error:
        raise _Problem(str(error)) from None
    for file in files:
        click.echo(f"wrote {file}")


def _program(path: str, entry: str | None) -> Program:
    """What a file comes to, and an expression in it, unless that is None."""
    from pathlib import Path

    from .doors import gate, notebook, source
    from .doors.source.machine import OutOfFuel
    from .files import reason

    file = Path(os.path.abspath(path))
    cells: tuple[int, ...] = ()
    try:
        data = file.read_bytes()
        if path.endswith(".ipynb"):
            read = notebook.read_notebook(data)
            text, cells = read.text, read.cells
        else:
            text = gate.read_text(data)
    except (OSError, gate.Refused) as error:
        line = getattr(error, "line", None)
        why = error.message if isinstance(error, gate.Refused) else reason(error)
        raise _Problem(f"{path}{'' if line is None else f':{line}'}: {why}") from None
    if entry is None:
        return source.evaluate(text, path, file=file, cells=cells)
    try:
        gate.check_text(entry.strip())
        return source.evaluate_entry(text, path, entry.strip(), file=file)
    except (ValueError, gate.Refused, OutOfFuel) as error:
        raise _Problem(f"--entry: {' '.join(str(error).split())}") from None


def _book(folders: Iterable[str]) -> Book:
    from pathlib import Path

    from .book import open_book

    try:
        book = open_book(*map(Path, folders))
        list(book.values())
    except ValueError as error:
        raise _Problem(str(error)) from None
    return book


def _including(config: Config, globs: tuple[str, ...]) -> Config:
    """The configuration with more files included; patterns with a slash are relative to the working folder here."""
    if not globs:
        return config
    from dataclasses import replace

    from .config import ConfigError
    from .files import compiled, relative

    here = relative(os.curdir, config.root)
    moved = tuple(f"{here}/{glob.lstrip('/')}" if "/" in glob[:-1] and here != "." else glob for glob in globs)
    try:
        compiled(moved)
    except ValueError as error:
        raise ConfigError(f"--extend-include: {error}") from None
    return replace(config, extend_include=(*config.extend_include, *moved))


def _check_output(output: str | None) -> None:
    """Refuse an --output that cannot be written before the work is done, not after."""
    if output is None:
        return
    folder = os.path.dirname(os.path.abspath(output))
    if os.path.isdir(output) or not os.path.isdir(folder):
        raise _Problem(f"--output {output}: {'is a folder' if os.path.isdir(output) else f'no folder {folder}'}")


def _write(report: Report, rules: Iterable[Any], given: dict[str, Any]) -> None:
    from .reporters import render

    form, output = given["form"] or "text", given["output"]
    text = render(
        form,
        report,
        rules,
        color=output is None and _colors(),
        statistics=given["statistics"],
        verbose=given["verbose"],
    )
    if form != "text" and given["verbose"]:
        click.echo("".join(f"note: {note}\n" for note in report.notes), err=True, nl=False)
    if not report.checked and not report.failures:
        click.echo("warning: no files to check were found", err=True)
    if output is None:
        _stdout().write(text)
        return
    for failure in report.failures:
        line = "" if failure.line is None else f":{failure.line}"
        click.echo(f"{failure.path}{line}: {failure.message}", err=True)
    try:
        _replace(output, text)
    except OSError as error:
        raise _Problem(f"--output {output}: {error.strerror or error}") from None


def _replace(output: str, text: str) -> None:
    """Write a file beside and put it in place when it is whole; write into what is no regular file."""
    data = text.encode("utf-8", "backslashreplace")
    target = os.path.realpath(output)
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as stream:
            stream.write(data)
        return
    beside = f"{target}.{os.getpid()}.tmp"
    try:
        with open(beside, "xb") as stream:
            stream.write(data)
        os.replace(beside, target)
    finally:
        if os.path.exists(beside):
            os.unlink(beside)


def _stdout() -> Any:
    """The standard output, which writes the characters that its encoding lacks as escapes."""
    reconfigure: Callable[..., None] | None = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
    return sys.stdout


def _colors() -> bool:
    """Whether to write in color to the standard output: NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return os.environ["FORCE_COLOR"] != "0"
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


class _Bar:
    """Progress on the standard error, shown when a run takes longer than a second."""

    def __init__(self) -> None:
        from time import monotonic

        self._now = monotonic
        self._last = monotonic()
        self._shown: Any = None

    def __call__(self, done: int, total: int) -> None:
        if self._shown is None:
            if self._now() - self._last < 1 or done == total:
                return
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._shown = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
            self._shown.start()
            self._task = self._shown.add_task("checking", total=total)
        self._shown.update(self._task, completed=done)
        if self._now() - self._last > 0.1:
            self._last = self._now()
            self._shown.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown.stop()
