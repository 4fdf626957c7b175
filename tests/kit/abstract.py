"""What the source door's evaluator says of a program's variables: the one module of these tests that knows its inside.

A value of the evaluator's stands for one of Python's under assumptions: what the program's unknown booleans are, which
a run says, and what the free conditions are (which return of a function, whether something has raised), which nothing
says; but these are the same for all variables of a run. Some values say nothing (they are unknown), or only a part: an
open list has what is known of it among its items.
"""

from __future__ import annotations

import builtins as python
import operator
import tempfile
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.python import OUTSIDE

from bnlint.doors import source
from bnlint.doors.source.draft import deep
from bnlint.doors.source.language import calling as calling
from bnlint.doors.source.language import expressions as expressions
from bnlint.doors.source.language import loops as loops
from bnlint.doors.source.language import names as names
from bnlint.doors.source.language import parameters as parameters
from bnlint.doors.source.language import statements as statements
from bnlint.doors.source.language import targets as targets
from bnlint.doors.source.language.machine import Machine
from bnlint.doors.source.project import Project, opened
from bnlint.doors.source.values import bound as bound
from bnlint.doors.source.values import branches as branches
from bnlint.doors.source.values import containers as containers
from bnlint.doors.source.values import journal as journal
from bnlint.doors.source.values import plain as plain
from bnlint.doors.source.values import registry as registry
from bnlint.doors.source.values.about import Both, Compare, Contains, Either, Not, Truth
from bnlint.doors.source.values.bound import Partial, Symbol
from bnlint.doors.source.values.branches import OutOfFuel
from bnlint.doors.source.values.code import Bound, Class, Frame, Func, Instance
from bnlint.doors.source.values.code import Super as Super
from bnlint.doors.source.values.containers import Dict, List, Scope
from bnlint.doors.source.values.kind import ABSENT, Opaque
from bnlint.doors.source.values.lifted import Choice, may_be_absent
from bnlint.graph import Program
from bnlint.inputs.code import Code
from bnlint.inputs.gate import check_text

MAX_DEPTH = 20
"""How deep values in values are compared: one may hold itself."""

Facts = dict[Any, bool]
_PASSING = (Iterator, KeysView, ValuesView, ItemsView)
"""What has no value of its own; what is made of it has."""
_NOT_KNOWN = object()
_CONDITIONS = (Not, Both, Either, Compare, Contains, Truth)
"""What the unknown booleans decide."""
_VALUES = (Not, Compare, Contains, Truth)
"""The conditions that are themselves what their expressions give."""
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.is_,
    "is not": operator.is_not,
}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), range)


class Unknown(Exception):
    """A value is not known."""


@dataclass(frozen=True)
class Answer:
    """What the evaluator knows at a program's end. `ended`: why it gave up, `faults`: where it failed, if it did."""

    read: Callable[[str], Any]
    ended: str = ""
    faults: tuple[str, ...] = ()


def evaluated(text: str, others: Mapping[str, str] | None = None) -> Answer:
    """What the evaluator makes of a text; `others` are the texts of modules beside it, by name."""
    if not others:
        return _evaluated(text, None)
    with tempfile.TemporaryDirectory() as folder:
        for name, other in others.items():
            Path(folder, f"{name}.py").write_text(other, encoding="utf-8")
        return _evaluated(text, Path(folder, "program.py"))


def _evaluated(text: str, file: Path | None) -> Answer:
    check_text(text)
    program = Program("program.py")
    main = Machine(program, Project())
    frame = Frame(opened(Code(text), "program.py", file), Scope({"__name__": "__main__"}))
    with deep(source.RECURSION_LIMIT):
        try:
            source._execute(main, frame)
        except (OutOfFuel, RecursionError) as reason:
            main.give_up(reason)
    faults = tuple("\n".join(fault.trace) for fault in program.faults)
    return Answer(lambda name: names.lookup(main, name, frame), main.exhausted, faults)


def contradicted(answer: Answer, variables: Mapping[str, Any], unknowns: Mapping[str, bool]) -> list[str]:
    """The variables of a run in Python that the answer denies; [] where all of them together can be as they are.

    `unknowns` is what the unknown booleans are in that run.
    """
    start: Facts = {f"{OUTSIDE}.{name}": truth for name, truth in unknowns.items()}
    pairs = [(answer.read(name), concrete) for name, concrete in variables.items()]
    if _possible(_all_agree(pairs, start, 0)):
        return []
    alone = [name for name, pair in zip(variables, pairs, strict=True) if not _possible(_agree(*pair, start, 0))]
    return alone or list(variables)


def is_known(answer: Answer, name: str, unknowns: Mapping[str, bool]) -> bool:
    """Whether the answer leaves one value for a variable, all of it known, where the unknown booleans are these."""
    return _is_known(answer.read(name), {f"{OUTSIDE}.{name}": truth for name, truth in unknowns.items()}, 0)


def shown(answer: Answer, name: str, unknowns: Mapping[str, bool]) -> str:
    """What the answer says of a variable where the unknown booleans are these, as text that two answers can share."""
    return _shown(answer.read(name), {f"{OUTSIDE}.{name}": truth for name, truth in unknowns.items()}, 0)


def _possible(found: Iterator[Facts]) -> bool:
    return next(found, None) is not None


def _agree(value: Any, concrete: Any, facts: Facts, depth: int) -> Iterator[Facts]:
    """The assumptions, more than the given ones, under which an abstract value stands for a concrete one."""
    if depth > MAX_DEPTH or isinstance(concrete, _PASSING):
        yield facts
    elif isinstance(value, Choice):
        for truth, assumed in _either(value.condition, facts):
            yield from _agree(value.then if truth else value.other, concrete, assumed, depth + 1)
    elif isinstance(value, Opaque):
        if isinstance(concrete, (*_PLAIN, tuple)):  # It is as true as it was when a branch depended on it.
            yield from (assumed for truth, assumed in _either(value, facts) if bool(concrete) is truth)
        else:
            yield facts
    elif isinstance(value, Symbol):
        if _symbol(value, facts) in (_NOT_KNOWN, concrete):
            yield facts
    elif isinstance(value, Instance):
        if type(concrete).__name__ == value.cls.name:
            yield from _agree(value.attributes, vars(concrete), facts, depth + 1)
    elif isinstance(value, Class):
        if isinstance(concrete, type) and concrete.__name__ == value.name:
            known = {name: one for name, one in value.members.items() if not isinstance(one, Func) and name[:2] != "__"}
            yield from _agree(Dict(known, open=True), vars(concrete), facts, depth + 1)
    elif isinstance(value, Func):
        if getattr(concrete, "__name__", "") == value.name:
            yield facts
    elif isinstance(value, Dict):
        if isinstance(concrete, (dict, type(vars(int)))):
            yield from _agree_dicts(value, concrete, facts, depth)
    elif isinstance(value, (List, tuple)):
        if isinstance(concrete, (list, set) if isinstance(value, List) else tuple):
            for items, assumed in _present(list(value), facts):
                yield from _agree_items(items, concrete, getattr(value, "open", False), assumed, depth)
    elif type(value) in _PLAIN:
        if type(value) is type(concrete) and value == concrete:
            yield facts
    elif value is not ABSENT:
        yield facts


def _agree_dicts(value: Dict, concrete: Mapping[Any, Any], facts: Facts, depth: int) -> Iterator[Facts]:
    optional = next((key for key, one in value.items() if may_be_absent(one)), None)
    if optional is not None:
        choice = value[optional]
        for truth, assumed in _either(choice.condition, facts):
            side = choice.then if truth else choice.other
            rest = {key: side if key == optional else one for key, one in value.items()}
            if side is ABSENT:
                del rest[optional]
            yield from _agree_dicts(Dict(rest, value.open), concrete, assumed, depth)
        return
    typed = {(type(key), key) for key in concrete}
    if not all((type(key), key) in typed for key in value) or (len(value) < len(concrete) and not value.open):
        return
    yield from _all_agree([(item, concrete[key]) for key, item in value.items()], facts, depth + 1)


def _agree_items(items: list[Any], concrete: Any, is_open: bool, facts: Facts, depth: int) -> Iterator[Facts]:
    """Item by item; those of an open list are among the others, those of a set in any order."""
    if not is_open and not isinstance(concrete, set):
        if len(items) == len(concrete):
            yield from _all_agree(list(zip(items, concrete, strict=True)), facts, depth + 1)
        return
    if isinstance(concrete, set) and not is_open and len(items) != len(concrete):
        return
    if not items:
        yield facts
        return
    rest = list(concrete)
    for index, one in enumerate(rest):
        for assumed in _agree(items[0], one, facts, depth + 1):
            yield from _agree_items(items[1:], rest[:index] + rest[index + 1 :], True, assumed, depth)


def _all_agree(pairs: Sequence[tuple[Any, Any]], facts: Facts, depth: int) -> Iterator[Facts]:
    if not pairs:
        yield facts
        return
    for assumed in _agree(*pairs[0], facts, depth):
        yield from _all_agree(pairs[1:], assumed, depth)


def _present(items: list[Any], facts: Facts) -> Iterator[tuple[list[Any], Facts]]:
    """A list's items without those that are absent."""
    optional = next((i for i, one in enumerate(items) if may_be_absent(one)), None)
    if optional is None:
        yield items, facts
        return
    choice = items[optional]
    for truth, assumed in _either(choice.condition, facts):
        side = choice.then if truth else choice.other
        yield from _present([*items[:optional], *([] if side is ABSENT else [side]), *items[optional + 1 :]], assumed)


def _sides(choice: Choice) -> tuple[Any, Any]:
    return (choice.then, choice.other)


def _either(condition: Any, facts: Facts) -> Iterator[tuple[bool, Facts]]:
    """What a condition may be, with the assumption that it is so where nothing decides it."""
    truth = _decided(condition, facts)
    if truth is not None:
        yield truth, facts
    else:
        yield True, {**facts, condition: True}
        yield False, {**facts, condition: False}


def _decided(condition: Any, facts: Facts) -> bool | None:
    """Whether a condition holds, None where that is free."""
    if isinstance(condition, bool):
        return condition
    if condition in facts:
        return facts[condition]
    about = condition.about if isinstance(condition, Opaque) else None
    if isinstance(about, Not):
        truth = _decided(about.condition, facts)
        return None if truth is None else not truth
    if isinstance(about, (Both, Either)):
        sides, ends = [_decided(part, facts) for part in about], isinstance(about, Either)
        if ends in sides:
            return ends
        return None if None in sides else not ends
    if not isinstance(about, _CONDITIONS) or any(map(_changes, about)):
        return None
    try:
        if isinstance(about, Truth):
            return facts[about.value] if isinstance(about.value, str) else bool(_concrete(about.value, facts))
        if isinstance(about, Contains):
            return _concrete(about.item, facts) in _concrete(about.container, facts)
        assert isinstance(about, Compare)
        return bool(_SIGNS[about.sign](_concrete(about.left, facts), _concrete(about.right, facts)))
    except (Unknown, KeyError, TypeError):
        return None


def _changes(value: Any) -> bool:
    """Whether a value is or holds a list or a dict: a condition was about what that held then."""
    if isinstance(value, Choice):
        return any(map(_changes, _sides(value)))
    return isinstance(value, (List, Dict)) or (isinstance(value, tuple) and any(map(_changes, value)))


def _concrete(value: Any, facts: Facts) -> Any:
    """The one plain value that an abstract one is; raises Unknown."""
    if isinstance(value, Choice):
        truth = _decided(value.condition, facts)
        if truth is None:
            raise Unknown
        return _concrete(value.then if truth else value.other, facts)
    if isinstance(value, Symbol):
        found = _symbol(value, facts)
        if found is not _NOT_KNOWN:
            return found
    if isinstance(value, Opaque) and isinstance(value.about, _VALUES):
        truth = _decided(value, facts)
        if truth is not None:
            return truth
    if isinstance(value, (List, tuple)) and not getattr(value, "open", False):
        kind = list if isinstance(value, List) else tuple
        return kind(_concrete(item, facts) for item in next(_present(list(value), facts))[0])
    if isinstance(value, Dict) and not value.open:
        return {key: _concrete(item, facts) for key, item in value.items()}
    if type(value) in _PLAIN:
        return value
    raise Unknown


def _symbol(value: Symbol, facts: Facts) -> Any:
    """What a library's name is: an unknown boolean, a builtin."""
    module, _, name = value.path.rpartition(".")
    return getattr(python, name, _NOT_KNOWN) if module == "builtins" else facts.get(value.path, _NOT_KNOWN)


def _is_known(value: Any, facts: Facts, depth: int) -> bool:
    if depth > MAX_DEPTH:
        return True
    if isinstance(value, Choice):
        truth = _decided(value.condition, facts)
        return truth is not None and _is_known(value.then if truth else value.other, facts, depth + 1)
    if isinstance(value, Opaque):
        return isinstance(value.about, _VALUES) and _decided(value, facts) is not None
    if isinstance(value, Symbol):
        return _symbol(value, facts) is not _NOT_KNOWN
    if isinstance(value, (List, Dict, tuple)):
        items = value.values() if isinstance(value, Dict) else value
        return not getattr(value, "open", False) and all(_is_known(item, facts, depth + 1) for item in items)
    if isinstance(value, Instance):
        return _is_known(value.attributes, facts, depth + 1)
    return value is ABSENT or type(value) in _PLAIN or isinstance(value, (Func, Class, Bound, Partial, Frame))


def _shown(value: Any, facts: Facts, depth: int) -> str:
    if depth > MAX_DEPTH:
        return "..."
    if isinstance(value, Choice):
        sides = {
            _shown(value.then if truth else value.other, assumed, depth + 1)
            for truth, assumed in _either(value.condition, facts)
        }
        return " or ".join(sorted(sides))
    if isinstance(value, (List, tuple)):
        items = [said for item in value if (said := _shown(item, facts, depth + 1)) != "absent"]
        kind, rest = "list" if isinstance(value, List) else "tuple", ["?"] * getattr(value, "open", False)
        return f"{kind}({', '.join([*items, *rest])})"
    if isinstance(value, Dict):
        items = [f"{key!r}: {_shown(item, facts, depth + 1)}" for key, item in value.items()]
        return f"dict({', '.join(items)}{', ?' if value.open else ''})"
    if isinstance(value, Instance):
        return f"{value.cls.name}{_shown(value.attributes, facts, depth + 1)}"
    if isinstance(value, Class):
        known = {name: one for name, one in value.members.items() if not isinstance(one, Func) and name[:2] != "__"}
        return f"class {value.name}{_shown(Dict(known), facts, depth + 1)}"
    if isinstance(value, Func):
        return f"function {value.name}"
    try:
        return repr(_concrete(value, facts))
    except Unknown:
        return "absent" if value is ABSENT else "?"
