"""Changes to a program that must not change what is said of its variables."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import strategies as st
from kit.programs import assembled
from kit.programs.scope import FIRST, Block, Draw, Lines, Scope, indented, joined, pick
from kit.programs.sorts import statements
from kit.python import Program

UNKNOWN = Scope(("u0", "u1"), sure=False)
NAME = re.compile(r"\b([nsldt]\d|[fghABmoq]\d)\b")
BLOCKS = 4


def renamed(draw: Draw, block: Block) -> tuple[Lines, Lines]:
    """Variables, functions and classes have other names."""
    lines = joined(block)
    return lines, [NAME.sub(r"my_\1", line) for line in [*_first(lines), *lines]]


def with_dead_code(draw: Draw, block: Block) -> tuple[Lines, Lines]:
    """Between the statements stands what never runs."""
    lines = joined(block)
    names = re.findall(r"\bn[0-2]\b", "\n".join(lines)) or ["n0"]
    dead = [f"{name} = 77" for name in names[:2]]
    never = [
        ["if False:", *indented(dead)],
        ["if True:", "    pass", "else:", *indented(dead)],
        ["for never in ():", *indented(dead)],
        ["while 0:", *indented(dead)],
        ["def never():", "    global n0", *indented(dead)],
        ["class Never:", *indented(dead)],
        ["never = lambda: [n0 for n0 in (77,)]"],
    ]
    return lines, [line for some in block for line in [*pick(draw, never), *some]]


def wrapped(draw: Draw, block: Block) -> tuple[Lines, Lines]:
    """All of it stands in a function, which returns the variables."""
    lines = joined(block)
    first = _first(lines)
    names = [line.split(" = ")[0] for line in first]
    inside = [line.replace("global n0", "nonlocal n0") for line in [*first, *lines]]
    if not names:
        return lines, lines
    return lines, [
        "def whole():",
        *indented([*inside, f"return [{', '.join(names)}]"]),
        f"[{', '.join(names)}] = whole()",
    ]


def unrolled(draw: Draw, block: Block) -> tuple[Lines, Lines]:
    """A loop's rounds stand one after the other."""
    lines = joined(block)
    items, texts = pick(
        draw, [("range(3)", "012"), ("(5, 6)", "56"), ("[4]", "4"), ("range(2, 0, -1)", "21"), ("()", "")]
    )
    loop = [f"for w9 in {items}:", *indented(lines)]
    return loop, [line for item in texts for line in [f"w9 = {item}", *lines]] or [
        f"{name} = {name}" for name in FIRST if name[1] < "5"
    ]


def counted(draw: Draw, block: Block) -> tuple[Lines, Lines]:
    """A for loop is a while loop."""
    lines = joined(block)
    loop = ["for w9 in range(3):", *indented(lines)]
    return loop, ["w9 = -1", "while w9 < 2:", "    w9 += 1", *indented(lines)]


def doubled(draw: Draw, block: Block) -> tuple[Lines, Lines]:
    """Both sides of an unknown branch are the same."""
    lines = joined(block)
    return lines, ["if u0:", *indented(lines), "else:", *indented(lines)]


def taken(draw: Draw, block: Block) -> tuple[Lines, Lines]:
    """It stands in a branch that is certain."""
    lines = joined(block)
    return lines, ["if 1:", *indented(lines)]


def _first(lines: Lines) -> Lines:
    """What binds the variables of these lines at a program's top."""
    text = "\n".join(lines)
    return [f"{name} = {value}" for name, value in FIRST.items() if name[1] < "5" and re.search(rf"\b{name}\b", text)]


Change = Callable[[Draw, Block], tuple[Lines, Lines]]

CHANGES: dict[Change, Scope] = {
    renamed: UNKNOWN,
    with_dead_code: UNKNOWN,
    wrapped: UNKNOWN,
    unrolled: Scope(("u0", "u1"), sure=False, depth=1),
    counted: Scope(depth=1),
    doubled: Scope(("u0", "u1"), sure=False, branch=True, depth=1),
    taken: UNKNOWN,
}
"""Each change, and where statements stand that it is made to."""


@st.composite
def twins(draw: Draw, change: Change) -> tuple[Program, Program]:
    """A program, and the changed one."""
    block = draw(st.lists(statements(CHANGES[change]), min_size=1, max_size=BLOCKS))
    one, other = change(draw, block)
    return assembled(one), assembled(other)


def name_in(other: Program, name: str) -> str:
    """What a variable is called in the changed program."""
    return f"my_{name}" if f"my_{name} = " in other.text else name


def variables(program: Program) -> list[str]:
    """The variables that are bound at a program's top."""
    return [name for name in FIRST if re.search(rf"^{name} = ", program.text, re.MULTILINE)]
