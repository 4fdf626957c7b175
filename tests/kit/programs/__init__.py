"""Small Python programs, drawn so that they shrink to a few lines.

A name tells the kind of what it holds: `n0` a number, `s0` a text, `l0` a list of numbers, `d0` a dict of them, `t0` a
tuple of them. What a program mentions of these is bound at its top, so that a statement can be taken away without any
other. Functions, classes and loops stand together with what uses them. `u0` and `u1` are unknown booleans.
"""

from __future__ import annotations

import re

from hypothesis import strategies as st
from kit.programs import definitions as definitions
from kit.programs import further as further
from kit.programs import statements as statements
from kit.programs.scope import FIRST, Draw, Lines, Scope, mended, rarely
from kit.programs.sorts import blocks
from kit.python import OUTSIDE, Program


@st.composite
def programs(draw: Draw, sure: bool = False) -> Program:
    """Programs; `sure` for those of which each condition is known."""
    unknowns = () if sure else ("u0", "u1")
    others: dict[str, str] = {}
    lines = []
    if rarely(draw):
        lines, others = draw(imports())
    lines += draw(blocks(Scope(unknowns, sure), 8))
    return assembled(lines, others)


def assembled(lines: Lines, others: dict[str, str] | None = None) -> Program:
    """The program of these statements, with what they mention bound at the top."""
    text = "\n".join(lines)
    used = set(re.findall(r"\b[nsldt]\d\b", text))
    unknowns = tuple(sorted(set(re.findall(r"\bu\d\b", text))))
    top = [f"from {OUTSIDE} import {', '.join(unknowns)}"] if unknowns else []
    top += [f"{name} = {value}" for name, value in FIRST.items() if name in used and name[1] < "5"]
    return Program("\n".join([*top, text, ""]), others or {}, unknowns)


@st.composite
def imports(draw: Draw) -> tuple[Lines, dict[str, str]]:
    """Imports of a second file, and that file."""
    other = draw(blocks(Scope(depth=1)))
    text = assembled([*other, "n0 = 4", "l0 = [7]", "def twice(a, b=n0):", "    return a * 2 + b", "_hidden = 1"]).text
    star = "a star import of a name that is bound"
    lines = draw(
        st.sampled_from(
            [
                ["from other import n0, twice", "x1 = twice(n0)"],
                ["import other", "x1 = other.twice(other.n0)", "other.l0.append(1)", "l1 = other.l0"],
                ["import other as o", "x1 = o.n0"],
                ["from other import l0 as l1, twice as t", "l1.append(t(1, 2))"],
                ["from other import *" if mended(star) else "from other import twice", "x1 = twice(1)"],
                ["def late():", "    from other import n0", "    return n0", "x1 = late()"],
            ]
        )
    )
    return lines, {"other": text}
