"""Where output goes: the standard output, a file, a progress bar on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any


def replace(output: str, text: str) -> None:
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


def stdout() -> Any:
    """The standard output, which writes the characters that its encoding lacks as escapes."""
    reconfigure: Callable[..., None] | None = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
    return sys.stdout


def say(text: str, *, err: bool = True) -> None:
    """Write a line, by default to the standard error."""
    import click

    from ..reporters.escape import whole_line

    click.echo(whole_line(text), err=err)


def colors() -> bool:
    """Whether to write in color to the standard output: NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return os.environ["FORCE_COLOR"] != "0"
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


class Bar:
    """Progress on the standard error, shown when a run takes longer than a second."""

    def __init__(self, label: str = "checking") -> None:
        from time import monotonic

        self._label = label
        self._now = monotonic
        self._last = monotonic()
        self._shown: Any = None

    def __call__(self, done: int, total: int) -> None:
        if self._shown is None:
            if self._now() - self._last < 1 or done == total:
                return
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn(self._label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._shown = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
            self._shown.start()
            self._task = self._shown.add_task(self._label, total=total)
        self._shown.update(self._task, completed=done)
        if self._now() - self._last > 0.1:
            self._last = self._now()
            self._shown.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown.stop()
