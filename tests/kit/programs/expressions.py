"""Expressions of generated programs, as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kit.programs.scope import CHANGING, GROWING, NO_YES, UNCOUNTED, Draw, Scope, mended, pick

TEXTS, KEYS = ("'a'", "'b'", "'a b'", "''"), ("'a'", "'b'", "'c'")


def number(draw: Draw, scope: Scope, deep: int = 2) -> str:
    """An expression of type int."""
    names = [*scope.read("n"), "0", "1", "3", "-2"]
    if deep == 0:
        return str(pick(draw, names))
    make = pick(draw, [0, 0, *range(1, 13)])
    if make == 0:
        return str(pick(draw, names))
    if make == 1:
        sign = pick(draw, "+-")
        return f"{number(draw, scope, deep - 1)} {sign} {number(draw, scope, 0)}"
    if make == 2:
        return f"({number(draw, scope, deep - 1)}) {pick(draw, ['* 2', '// 2', '% 3', '* -1', '// -3', '% -2'])}"
    if make == 3:
        return f"len({listing(draw, scope, deep - 1)})"
    if make == 4:
        name = pick(draw, scope.read("l"))
        return f"({name}[{pick(draw, ['0', '-1'])}] if {name} else 7)"
    if make == 5:
        return f"{pick(draw, scope.read('d'))}.get({pick(draw, KEYS)}, 7)"
    if make == 6:
        values = f"{number(draw, scope, deep - 1)} if {truth(draw, scope, 1)} else {number(draw, scope, deep - 1)}"
        return f"({values})"
    if make == 7:
        return f"{pick(draw, ['min', 'max'])}({number(draw, scope, 0)}, {number(draw, scope, 0)})"
    if make == 8 and scope.may("an unknown boolean and a false value"):
        sign = pick(draw, ["or", "and"])
        return f"({number(draw, scope, deep - 1)} {sign} {number(draw, scope, deep - 1)})"
    if make == 9:
        return f"sum([1, *{listing(draw, scope, deep - 1)}])"
    if make == 10 and (not scope.inside or mended("a walrus in a comprehension")):
        return f"(n8 := {number(draw, scope, deep - 1)})"
    if make == 11:
        return f"abs({number(draw, scope, deep - 1)})"
    return f"int({truth(draw, scope, deep - 1)})"


def truth(draw: Draw, scope: Scope, deep: int = 2) -> str:
    """An expression of type bool."""
    make = pick(draw, (0, *range(1, 11))) if deep else 0
    if make == 0:
        if scope.unknowns and pick(draw, NO_YES):
            return str(pick(draw, scope.unknowns))
        sign = pick(draw, ["==", "<", ">=", "!="])
        return f"{number(draw, scope, 0)} {sign} {number(draw, scope, 0)}"
    if make == 1:
        return f"(not {truth(draw, scope, deep - 1)})"
    if make == 2 and scope.may(CHANGING):
        return f"({number(draw, scope, 0)} in {listing(draw, scope, deep - 1)})"
    if make == 3 and scope.may(CHANGING):
        return f"({pick(draw, KEYS)} {pick(draw, ['in', 'not in'])} {pick(draw, scope.read('d'))})"
    if make == 4 and scope.may("two unknown operands"):
        return f"({truth(draw, scope, deep - 1)} {pick(draw, ['and', 'or'])} {truth(draw, scope, deep - 1)})"
    if make == 5 and scope.may("the type of an imported value"):
        return f"isinstance({anything(draw, scope)}, {pick(draw, ['int', 'str', '(list, tuple)', 'bool', 'dict'])})"
    if make in (6, 10) and scope.may("a chained comparison with an unknown part"):
        first, second = number(draw, scope, 0), number(draw, scope, 0)
        return f"({first} < {second} {pick(draw, ('>', '<=', '!='))} {number(draw, scope, 0)})"
    if make == 7:
        return f"({text(draw, scope, 1)} == {text(draw, scope, 0)})"
    if make == 8:
        return f"bool({pick(draw, [*scope.read('l'), *scope.read('d'), *scope.read('t'), *scope.read('n')])})"
    if make == 9 and scope.may(CHANGING):
        return f"({listing(draw, scope, deep - 1)} == {listing(draw, scope, 0)})"
    return str(pick(draw, ["True", "False"]))


def text(draw: Draw, scope: Scope, deep: int = 2) -> str:
    """An expression of type str. No longer than its parts, but by a little: loops repeat it."""
    names = [*scope.read("s"), *TEXTS]
    make = pick(draw, [0, 0, *range(1, 10)]) if deep else 0
    name = pick(draw, names)
    if make == 1:
        return f"{name} + {pick(draw, TEXTS)}"
    if make == 2:
        return f'f"<{{{number(draw, scope, 0)}}}{{{pick(draw, scope.read("s"))}}}>"'
    if make == 3:
        change = pick(draw, ("upper()", "title()", "strip()", "replace('a', 'x')", "lower()"))
        return f"{name}.{change}"
    if make == 4:
        return f"'-'.join([{name}, {text(draw, scope, deep - 1)}])"
    if make == 5:
        return f"'%s:%d' % ({name}, {number(draw, scope, deep - 1)})"
    if make == 6:
        return f"'{{}}{{k}}'.format({name}, k={number(draw, scope, deep - 1)})"
    if make == 7:
        return f"({name} if {truth(draw, scope, 1)} else {text(draw, scope, deep - 1)})"
    if make == 8:
        return f"str({number(draw, scope, deep - 1)})"
    if make == 9:
        return f"{name}[{pick(draw, ['::-1', '1:', ':1'])}]"
    return str(name)


def listing(draw: Draw, scope: Scope, deep: int = 2) -> str:
    """An expression of type list, of numbers."""
    names = scope.read("l")
    make = pick(draw, range(12)) - 1 if deep else -1
    if make == 1:
        return f"[{number(draw, scope, deep - 1)}, {number(draw, scope, 0)}]"
    if make == 2:
        return f"[*{pick(draw, [*names, *scope.read('t')])}, {number(draw, scope, deep - 1)}]"
    if make == 3:
        return f"list({sequence(draw, scope)})"
    if make in (0, 4):
        return comprehension(draw, scope, deep - 1)
    if make == 5 and not scope.repeated:
        return f"{pick(draw, names)} + [{number(draw, scope, deep - 1)}]"
    if make == 6:
        return f"{pick(draw, names)}[{pick(draw, [':', '1:', '::-1', ':-1', '::2'])}]"
    if make == 7 and scope.may(*GROWING):
        return f"sorted({listing(draw, scope, deep - 1)}{pick(draw, ['', ', reverse=True'])})"
    if make == 8:
        return f"list({pick(draw, scope.read('d'))}.values())" if scope.may(*GROWING) else "[]"
    if make == 9:
        return f"[{number(draw, scope, 0)}] * 2"
    if make == 10:
        return f"[a for a, b in {pairs(draw, scope)}]"
    return str(pick(draw, [*names, "[]", "[3]"]))


def sequence(draw: Draw, scope: Scope) -> str:
    """What a loop can go over whose body changes lists: the items are numbers."""
    make = pick(draw, range(7))
    if make == 1:
        return f"({number(draw, scope, 1)}, {number(draw, scope, 0)})"
    if make == 2:
        return str(pick(draw, ["range(5, 0, -2)", "range(1, 4)", "range(-1, -4, -1)", "range(0)"]))
    if scope.may(*UNCOUNTED):
        if make == 3:
            return f"{pick(draw, scope.read('l'))}[:]"
        if make == 4:
            return str(pick(draw, scope.read("t")))
        if make == 5:
            return f"reversed({listing(draw, scope, 1)})"
        if make == 6:
            return f"{pick(draw, scope.read('d'))}.copy().values()"
    return f"range({pick(draw, range(1, 4))})"


def pairs(draw: Draw, scope: Scope) -> str:
    """What a loop over two numbers at a time can go over."""
    make = pick(draw, range(3))
    if make == 0:
        return f"enumerate({sequence(draw, scope)}{pick(draw, ['', ', 1'])})"
    if make == 1:
        return f"zip({sequence(draw, scope)}, {sequence(draw, scope)})"
    return f"[({number(draw, scope, 0)}, {number(draw, scope, 0)}), (3, 4)]"


def comprehension(draw: Draw, scope: Scope, deep: int = 1) -> str:
    """A list of numbers, comprehended. Its variable may have the name of another."""
    outside, scope = scope, replace(scope, inside=True)
    name = pick(draw, ["a", scope.names("n")[0]])
    value = pick(draw, [name, f"{name} * 2", f"{name} + {number(draw, scope, 0)}"])
    end = ""
    if scope.may("a comprehension's unknown condition"):
        end = pick(draw, ["", f" if {name} > 0", f" if {truth(draw, scope, 1)}", f" if {name} if {name} < 2"])
    make = pick(draw, range(4))
    if make == 1:
        inner = f"range({name} % 3)" if scope.may(*UNCOUNTED) else "range(2)"
        return f"[{value} + b for {name} in {sequence(draw, outside)}{end} for b in {inner}]"
    if make == 2:
        return f"list({value} for {name} in {sequence(draw, outside)}{end})"
    if make == 3 and mended("a walrus in a comprehension") and not scope.inner:
        return f"[(n8 := {value}) for {name} in {sequence(draw, outside)}{end}]"
    return f"[{value} for {name} in {sequence(draw, outside)}{end}]"


def table(draw: Draw, scope: Scope) -> str:
    """An expression of type dict, of numbers by text."""
    name = pick(draw, scope.read("d"))
    make = pick(draw, range(7))
    if make == 0:
        return f"{{{pick(draw, KEYS)}: {number(draw, scope, 1)}}}"
    if make == 1:
        return f"dict(a={number(draw, scope, 1)}, b=2)"
    if make == 2:
        return f"{{**{name}, 'c': {number(draw, scope, 1)}}}"
    if make == 3:
        return f"{{k: {number(draw, replace(scope, inside=True), 1)} for k in 'ab'}}"
    if make == 4:
        return f"dict(zip('ab', ({number(draw, scope, 1)}, {number(draw, scope, 0)})))"
    if make == 5 and scope.may(*GROWING):
        return f"{{k: v + 1 for k, v in {name}.items()}}"
    return f"{name}.copy()"


def group(draw: Draw, scope: Scope) -> str:
    """An expression of type tuple, of numbers."""
    make = pick(draw, range(4))
    if make == 1:
        return f"({number(draw, scope, 1)},)"
    if make == 2:
        return f"{pick(draw, scope.read('t'))}[:1] + ({number(draw, scope, 1)},)"
    if make == 3:
        return f"tuple({listing(draw, scope, 1)})" if scope.may(*UNCOUNTED) else "()"
    return f"({number(draw, scope, 1)}, {number(draw, scope, 0)})"


def anything(draw: Draw, scope: Scope) -> str:
    """An expression of any type."""
    return str(pick(draw, [number, truth, text, listing, group])(draw, scope, *()))


MAKERS: dict[str, Callable[[Draw, Scope], str]] = {"n": number, "s": text, "l": listing, "d": table, "t": group}
