"""Statements of generated programs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from kit.programs.expressions import KEYS, MAKERS, TEXTS, number, pairs, sequence, table, truth
from kit.programs.scope import NO_YES, SETTING, UNCOUNTED, Draw, Lines, Scope, indented, mended, pick, rarely
from kit.programs.sorts import blocks, statement

RAISING = ("an operation that raises in a try", "a function that raises", "a try that another class's handler leaves")


@statement(weight=2)
def assigned(draw: Draw, scope: Scope) -> Lines:
    """A variable is bound: to something new, or to what another one holds."""
    kind = pick(draw, scope.binds)
    name = pick(draw, scope.names(kind))
    if rarely(draw):
        return [f"{name} = {pick(draw, scope.read(kind))}"]
    if rarely(draw):
        return [f"{name} = {pick(draw, scope.names(kind))} = {MAKERS[kind](draw, scope)}"]
    return [f"{name} = {MAKERS[kind](draw, scope)}"]


@statement()
def augmented(draw: Draw, scope: Scope) -> Lines:
    """An augmented assignment."""
    kind = pick(draw, "nnslt")
    name = pick(draw, scope.names(kind))
    if kind == "l" and scope.grows:
        return [f"{name} += [{number(draw, scope)}]"]
    if kind == "t" and not scope.repeated:
        return [f"{name} += ({number(draw, scope)},)"]
    if kind == "s":
        return [f"{name} += {pick(draw, TEXTS)}"]
    name = pick(draw, scope.names("n"))
    return [f"{name} {pick(draw, ['+=', '-='])} {number(draw, scope)}"]


@statement()
def unpacked(draw: Draw, scope: Scope) -> Lines:
    """Several names are bound at once."""
    a, b, *_ = scope.names("n")
    name = scope.names("l")[0]
    make = pick(draw, range(4)) if "l" in scope.binds else 0
    if make == 0:
        return [f"{a}, {b} = {b}, {a}"]
    if make == 1:
        return [f"{a}, *{name} = {number(draw, scope, 1)}, {number(draw, scope, 0)}, 5"]
    if make == 2:
        return [f"*{name}, {a} = {pick(draw, ['range(3)', '(4,)', '[5, 6]'])}"]
    return [f"({a}, {b}), {name} = ({number(draw, scope, 1)}, 8), [{number(draw, scope, 0)}]"]


@statement()
def listed(draw: Draw, scope: Scope) -> Lines:
    """A list is changed."""
    if not scope.effects:
        return ["pass"]
    name = pick(draw, scope.names("l"))
    value = number(draw, scope, 1)
    make = pick(draw, range(12))
    if not scope.may(SETTING):
        return ["pass"]
    if make == 0 or not scope.grows:
        return [f"if {name}:", f"    {name}[{pick(draw, ['0', '-1'])}] = {value}"]
    if make == 10:
        return [f"if {name}:", f"    {name}[0] += {value}"]
    if make == 8 and mended("sorting a list"):
        return [f"{name}.sort({pick(draw, ['', 'reverse=True'])})"]
    if make == 9 and mended("removing from a list"):
        return [f"if 1 in {name}:", f"    {name}.remove(1)"]
    if make == 11 and mended("an item that is deleted", "a slice that is assigned"):
        return [f"{pick(draw, [f'del {name}[:1]', f'{name}[1:] = [{value}]'])}"]
    change = [
        *(f"append({value})", f"append({value})", f"extend([{value}, 4])", "extend(n for n in range(2))"),
        *(f"insert(0, {value})", "reverse()", "clear()", f"insert(-1, {value})"),
    ]
    if make == 7:
        return [f"if {name}:", f"    {scope.names('n')[0]} = {name}.pop({pick(draw, ['', '0', '-1'])})"]
    return [f"{name}.{pick(draw, change)}"]


@statement()
def keyed(draw: Draw, scope: Scope) -> Lines:
    """A dict is changed."""
    if not scope.effects:
        return ["pass"]
    name, key = pick(draw, scope.names("d")), pick(draw, KEYS)
    value = number(draw, scope, 1)
    if not scope.may(SETTING):
        return [f"{name} = {{{key}: {value}}}"] if "d" in scope.binds else ["pass"]
    if not scope.grows:
        return [f"if {key} in {name}:", f"    {name}[{key}] = {value}"]
    make = pick(draw, range(8))
    if make == 1:
        return [f"{name}.update({table(draw, scope)})"]
    if make == 2:
        return [f"{scope.names('n')[0]} = {name}.pop({key}, {value})"]
    if make == 3:
        return [f"{scope.names('n')[0]} = {name}.setdefault({key}, {value})"]
    if make == 4:
        return [f"if {key} in {name}:", f"    {name}[{key}] += {value}"]
    if make == 5 and mended("an item that is deleted"):
        return [f"if {key} in {name}:", f"    del {name}[{key}]"]
    if make == 6:
        return [f"{scope.names('n')[0]} = sum([1, *{name}.values()])"]
    return [f"{name}[{key}] = {value}"]


@statement()
def aliased(draw: Draw, scope: Scope) -> Lines:
    """Two names are one container, which is changed by one of them."""
    kind = pick(draw, "ld")
    if kind not in scope.binds or not scope.grows:
        return ["pass"]
    one, other, *_ = scope.names(kind)
    change = (
        pick(draw, (".append({})", " += [{}]", ".insert(0, {})"))
        if kind == "l"
        else pick(draw, ("['b'] = {}", ".update(c={})"))
    )
    return [f"{one} = {other}", f"{pick(draw, (one, other))}{change.format(number(draw, scope, 1))}"]


@statement()
def balanced(draw: Draw, scope: Scope) -> Lines:
    """A container is changed in both branches, and is as long after the one as after the other."""
    name = pick(draw, scope.names("l"))
    if not scope.grows:
        return ["pass"]
    change = pick(draw, ("{}.append({})", "{} += [{}]", "{}.insert(0, {})"))
    sides = [indented([change.format(name, number(draw, scope, 1))]) for _ in range(2)]
    return [f"if {truth(draw, scope)}:", *sides[0], "else:", *sides[1]]


@statement(weight=2, nested=True)
def branched(draw: Draw, scope: Scope) -> Lines:
    """An if statement."""
    inner = scope.deeper(branch=True)
    lines = [f"if {truth(draw, scope)}:", *indented(draw(blocks(inner)))]
    if rarely(draw):
        lines += [f"elif {truth(draw, scope)}:", *indented(draw(blocks(inner)))]
    if pick(draw, NO_YES):
        lines += ["else:", *indented(draw(blocks(inner)))]
    return lines


@statement(weight=2, nested=True)
def looped(draw: Draw, scope: Scope) -> Lines:
    """A for statement, whose variable may be one that is there already."""
    inner = scope.deeper(loop=True, repeated=True, branch=scope.branch or mended(*UNCOUNTED))
    if rarely(draw):
        head = f"for {scope.names('n')[0]}, {scope.names('n')[1]} in {pairs(draw, scope)}:"
    elif mended("a list that grows while it is iterated") and pick(draw, NO_YES):
        head = f"for {scope.names('n')[0]} in {pick(draw, scope.names('l'))}:"
    else:
        head = f"for {pick(draw, ['i' + str(scope.level), scope.names('n')[0]])} in {sequence(draw, scope)}:"
    lines = [head, *indented([*(left(draw, inner) if pick(draw, NO_YES) else []), *draw(blocks(inner))])]
    if pick(draw, NO_YES):
        lines += ["else:", *indented(draw(blocks(scope.deeper())))]
    return lines


@statement(nested=True)
def while_looped(draw: Draw, scope: Scope) -> Lines:
    """A while statement. It has a counter of its own, but for a few."""
    count, rounds = f"w{scope.level}{scope.depth}", pick(draw, range(4))
    inner = scope.deeper(loop=True, repeated=True)
    body = indented(draw(blocks(inner)))
    start, step = f"{count} = {rounds}", f"    {count} -= 1"
    make = pick(draw, range(4))
    if make == 2 and mended("a while loop of many rounds") and scope.sure:
        return [start, "while True:", f"    if {count} < 0:", "        break", step, *body]
    test = f"{count} > 0"
    if make == 3 and mended("a while loop of an unknown condition"):
        test += f" and {truth(draw, scope, 1)}"
    lines = [start, f"while {test}:", step, *body]
    if rarely(draw) and mended("a while loop's else"):
        lines += ["else:", *indented(draw(blocks(scope.deeper())))]
    return lines


@statement(weight=2, when=lambda scope: scope.loop or scope.returns)
def left(draw: Draw, scope: Scope) -> Lines:
    """A break, continue or return: under a condition, if it may be."""
    ways = []
    if scope.loop:
        ways += ["break", "continue"] if scope.may("an unknown break", "an unknown continue") else []
    if scope.returns:
        ways += [f"return {number(draw, scope)}", f"return {number(draw, scope)}"]
    if not ways:
        return ["pass"]
    return [f"if {truth(draw, scope, 1)}:", f"    {pick(draw, ways)}"]


@statement(nested=True)
def tried(draw: Draw, scope: Scope) -> Lines:
    """A try statement, in which something may be raised."""
    leaves = {} if mended("a break in a try") else {"loop": False, "returns": False}
    lines = ["try:", *indented(draw(blocks(scope.deeper(**leaves))))]
    raises = pick(draw, NO_YES)
    if raises:
        lines += indented([pick(draw, _raising(draw, scope))])
        if mended(*RAISING):
            lines += indented(draw(blocks(scope.deeper(**leaves))))
    certain = raises or mended(*RAISING)
    if certain or not scope.sure:
        lines += _handlers(draw, scope, certain)
        if rarely(draw) and (mended(*RAISING) or (not raises and scope.sure)):
            lines += ["else:", *indented(draw(blocks(scope.deeper())))]
        if pick(draw, NO_YES):
            return lines
    return [*lines, "finally:", *indented(draw(blocks(scope.deeper(loop=False, returns=False))))]


def _raising(draw: Draw, scope: Scope) -> Lines:
    """Ways to raise."""
    name, value = scope.names("n")[0], number(draw, scope, 1)
    ways = [f"raise ValueError({value})" if mended("what stands in a raise") else "raise ValueError"]
    if mended(*RAISING):
        ways += ["int('x')", "[][1]", "{}['a']", "1 // 0", f"{name} = 1 // 0"]
    if mended(*RAISING) and scope.may("an unknown raise in a try"):
        ways += [f"if {truth(draw, scope, 1)}: raise KeyError"]
    return ways


def _handlers(draw: Draw, scope: Scope, certain: bool) -> Lines:
    """The handlers of a try; `certain`: what it does is known, whether that raises or not."""
    inner = scope.deeper(branch=scope.branch or not certain)
    if not mended("a handler that continues a loop", "a break in a try"):
        inner = replace(inner, loop=False)
    if not mended(*RAISING):
        return ["except ValueError:", *indented(draw(blocks(inner)))]
    caught = pick(draw, ["ValueError", "KeyError", "Exception", "(KeyError, ValueError)", "ArithmeticError"])
    lines = [f"except {caught}:", *indented(draw(blocks(inner)))]
    return [*lines, "except Exception:", *indented(draw(blocks(inner)))] if pick(draw, NO_YES) else lines


@statement(nested=True, when=lambda scope: not scope.sure or mended("a name that a pattern binds"))
def matched(draw: Draw, scope: Scope) -> Lines:
    """A match statement."""
    inner = scope.deeper(branch=True)
    patterns = ["1", "0 | 2", "-2", f"a if {truth(draw, scope, 1)}" if mended("a name that a pattern binds") else "3"]
    lines = [f"match {number(draw, scope)}:"]
    for pattern in draw(st.lists(st.sampled_from(patterns), min_size=1, max_size=3, unique=True)):
        lines += [f"    case {pattern}:", *indented(indented(draw(blocks(inner))))]
    if pick(draw, NO_YES):
        lines += ["    case _:", *indented(indented(draw(blocks(inner))))]
    return lines
