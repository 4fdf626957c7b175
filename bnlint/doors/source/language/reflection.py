"""Builtin functions that ask for the names where they are called: eval, globals, locals, vars."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from ..module import Spot
from ..values.args import Args
from ..values.bound import Method
from ..values.code import Frame, Pending
from ..values.containers import Dict, List
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Kind, Opaque, Value
from ..values.lifted import bare
from ..values.plain import is_key
from ..values.registry import method
from .importing import starred
from .names import lookup

MAX_CODE = 200
"""Longer texts for `eval` are no names, and no literals that a program writes so."""


@dataclass(eq=False, slots=True)
class Names(Kind):
    """What `globals()` gives: a module's variables by name."""

    frame: Frame

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return Method(self, name)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        return lookup(m, key, self.frame) if isinstance(key, str) else Opaque("a variable of a module")

    def set_item(self, m: Evaluator, key: Value, new: Value) -> None:
        if isinstance(key, str):
            m.store(self.frame.variables, key, new)
            return
        m.journal.touch(self.frame.variables)
        self.frame.variables.open = True
        m.escape(new)

    def contains(self, m: Evaluator, item: Value) -> bool | Opaque | None:
        known = isinstance(item, str) and item in self.frame.variables
        return self.frame.variables.has(m, item) if known else None


@method(Names, "get")
def _get(m: Evaluator, names: Names, args: Args) -> Value:
    key, variables = args.get(0, "key"), names.frame.variables
    if not isinstance(key, str):
        return Opaque("a variable of a module")
    bound = key in variables or starred(m, names.frame, key) is not ABSENT
    return lookup(m, key, names.frame) if bound or variables.open else args.get(1, "default", None)


def _globals(m: Evaluator, args: Args, frame: Frame) -> Value:
    while frame.parent is not None:
        frame = frame.parent
    return Names(frame)


def _locals(m: Evaluator, args: Args, frame: Frame) -> Value:
    if frame.parent is None:
        return Names(frame)
    known = {name: value for name, value in frame.variables.items() if not isinstance(value, Pending)}
    return Dict(known, open=frame.variables.open or len(known) < len(frame.variables))


def _vars(m: Evaluator, args: Args, frame: Frame) -> Value:
    given = m.settled(args.get(0, "object"))
    if given is ABSENT:
        return _locals(m, args, frame)
    given = m.arrived(given) if isinstance(given, Pending) else given
    return Names(given) if isinstance(given, Frame) else m.attribute(given, "__dict__", args.spot)


def _eval(m: Evaluator, args: Args, frame: Frame) -> Value:
    """`eval(text)` of a name, or of a literal."""

    def of_text(text: Value) -> Value:
        text = bare(text)
        if len(args.positional) != 1 or not isinstance(text, str) or len(text) > MAX_CODE:
            m.escape_all(args)
            return Opaque("eval", "eval")
        first, *rest = text.strip().split(".")
        if not all(part.isidentifier() for part in (first, *rest)) or first in ("True", "False", "None"):
            return _literal(text)
        value = lookup(m, first, frame)
        for part in rest:
            value = m.attribute(value, part, args.spot)
        return value

    return m.each(args.get(0, "source"), of_text)


def _literal(text: str) -> Value:
    try:
        with warnings.catch_warnings():  # Of escapes that there are not.
            warnings.simplefilter("ignore")
            return _value(ast.literal_eval(text.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return Opaque("eval", "eval")


def _value(found: object) -> Value:
    """A literal's value as the evaluator has it."""
    if isinstance(found, list):
        return List(map(_value, found))
    if isinstance(found, tuple):
        return tuple(map(_value, found))
    if isinstance(found, dict) and all(map(is_key, found)):
        return Dict({key: _value(value) for key, value in found.items()})
    return found if isinstance(found, (bool, int, float, str, type(None))) else Opaque("a literal")


REFLECTION: dict[str, Callable[[Evaluator, Args, Frame], Value]] = {
    "builtins.eval": _eval,
    "builtins.globals": _globals,
    "builtins.locals": _locals,
    "builtins.vars": _vars,
}
