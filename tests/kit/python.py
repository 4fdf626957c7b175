"""A generated program's run in Python itself."""

from __future__ import annotations

import builtins
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any

OUTSIDE = "outside"
"""The module that the unknown booleans come from; it is nowhere."""
MAX_LINES = 3_000
"""A run that takes more lines than this does not end, as far as these tests go."""


class Endless(BaseException):
    """A run takes too long. No Exception, for programs catch those."""


@dataclass(frozen=True)
class Program:
    """A text, and the texts of the modules beside it by name. `unknowns` are the names that it imports from OUTSIDE."""

    text: str
    others: Mapping[str, str] = field(default_factory=dict)
    unknowns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.text, *(f"# {name}.py\n{text}" for name, text in self.others.items())])


def assignments(unknowns: tuple[str, ...]) -> Iterator[dict[str, bool]]:
    """Each way in which unknown booleans may be true or false."""
    for truths in itertools.product((False, True), repeat=len(unknowns)):
        yield dict(zip(unknowns, truths, strict=True))


def run(program: Program, unknowns: Mapping[str, bool]) -> dict[str, Any] | None:
    """The variables that a program leaves behind where its unknown booleans are these; None where it raises, or does
    not end.
    """
    modules: dict[str, ModuleType] = {OUTSIDE: ModuleType(OUTSIDE)}
    vars(modules[OUTSIDE]).update(unknowns)
    variables: dict[str, Any] = {"__name__": "__main__"}
    real = builtins.__import__

    def find(name: str, *rest: Any) -> ModuleType:
        if name in program.others and name not in modules:
            modules[name] = ModuleType(name)
            execute(program.others[name], vars(modules[name]))
        return modules[name] if name in modules else real(name, *rest)

    def execute(text: str, space: dict[str, Any]) -> None:
        space["__builtins__"] = {**vars(builtins), "__import__": find}
        exec(compile(text, "<program>", "exec"), space)

    before = sys.gettrace()
    sys.settrace(_counter())
    try:
        execute(program.text, variables)
    except (Exception, Endless):
        return None
    finally:
        sys.settrace(before)
    return {name: value for name, value in variables.items() if not name.startswith("__")}


def _counter() -> Callable[[FrameType, str, Any], Any]:
    left = MAX_LINES

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != "<program>":
            return None
        left -= 1
        if left < 0:
            raise Endless
        return count

    return count
