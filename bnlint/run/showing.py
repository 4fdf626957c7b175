"""One file as a program, whatever it names: for showing what is in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..inputs import candidates, disk, files
from ..inputs.code import Code
from ..inputs.gate import Refused, check_text
from ..inputs.reading import read_code
from ..inputs.suffixes import is_model
from .config import Config

if TYPE_CHECKING:
    from ..graph import Program


class Unreadable(ValueError):
    """A file, or an expression in it, of which no program can be made; in one line."""


def read_program(
    path: str,
    config: Config,
    entry: str | None = None,
    target: str = "auto",
    watched: frozenset[str] = frozenset(),
) -> tuple[Code, Program]:
    """The code of a file and what it comes to; an expression to be evaluated in it, too, unless that is None.

    watched: as in Project. A saved model has no code. Raises Unreadable.
    """
    if is_model(path):
        return Code(""), _saved(path, entry, target)
    from ..doors import source
    from ..doors.source.project import Project
    from ..doors.source.values.branches import OutOfFuel

    project = Project(watched=watched)
    code = _code(path, config.max_size)
    file = Path(os.path.abspath(path))
    if entry is None:
        try:
            return code, source.evaluate(code, path, target=target, file=file, project=project)
        except Refused as refusal:
            raise _unreadable(path, refusal) from None
    try:
        check_text(entry.strip())
        return code, source.evaluate_entry(code, path, entry.strip(), target=target, file=file, project=project)
    except (ValueError, Refused, OutOfFuel) as error:
        raise Unreadable(f"--entry: {' '.join(str(error).split())}") from None


def _saved(path: str, entry: str | None, target: str) -> Program:
    from ..doors.saved import door

    if entry is not None:
        raise Unreadable("--entry: a saved model has no expressions")
    try:
        return door.read(path, target=target)
    except (OSError, Refused) as error:
        raise Unreadable(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _code(path: str, max_size: int) -> Code:
    limit = candidates.size_limit(path, max_size)
    try:
        data = disk.read(path, limit + 1)
        if len(data) > limit:
            raise Unreadable(f"{path}: {candidates.too_large(path, os.path.getsize(path), limit).message}")
        return read_code(path, data)
    except OSError as error:
        raise Unreadable(f"{path}: {files.reason(error)}") from None
    except Refused as refusal:
        raise _unreadable(path, refusal) from None


def _unreadable(path: str, refusal: Refused) -> Unreadable:
    return Unreadable(f"{path}{'' if refusal.line is None else f':{refusal.line}'}: {refusal.message}")
