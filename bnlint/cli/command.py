"""How commands end: what cannot be done is one line, whatever it says, and so is a fault of bnlint's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from .console import say

UNUSABLE = 2
"""The exit code where something could not be done."""


class CannotRun(click.ClickException):
    """What cannot be done, in one line."""

    exit_code = UNUSABLE


class Commands(click.Group):
    """The commands, of which `check` need not be named."""

    def make_context(self, *arguments: Any, **keywords: Any) -> click.Context:
        with _in_one_line():
            return super().make_context(*arguments, **keywords)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_line():
            return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help", "-h", "--version"):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        rows = [row for parameter in self.commands["check"].params[1:] if (row := parameter.get_help_record(ctx))]
        with formatter.section("Options of check"):
            formatter.write_dl(rows)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """What click is going to say of what was given, made harmless; its help has lines of its own."""
    try:
        yield
    except click.ClickException as error:
        from ..reporters.escape import whole_line

        said = error.format_message()
        if not (isinstance(error, click.UsageError) and error.ctx and said == error.ctx.get_help()):
            error.format_message = lambda: whole_line(said)  # type: ignore[method-assign]
        raise
    except (click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except Exception as error:
        raise CannotRun(_fault(error)) from error


def _fault(error: Exception) -> str:
    """A fault of bnlint's own that ends a run: what was raised, and where. With --verbose, the traceback is shown."""
    import traceback

    from ..reporters.escape import whole_line

    if "--verbose" in sys.argv:
        for line in "".join(traceback.format_exception(error)).splitlines():
            say(line)
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    where = f"{os.path.basename(last.filename)}:{last.lineno}"
    return whole_line(f"bnlint itself failed: {said} ({where}); please report it")
