"""Functions, generators and classes of generated programs, each with what uses it."""

from __future__ import annotations

import re

from hypothesis import strategies as st
from kit.programs.expressions import MAKERS, number, truth
from kit.programs.scope import AGAIN, FIRST, LEAVING, NO_YES, Draw, Lines, Scope, indented, mended, pick, rarely
from kit.programs.sorts import blocks, statement


def body(draw: Draw, scope: Scope, most: int = 2) -> Lines:
    """A function's body, which ends with a return. Under unknown conditions it has effects or returns early."""
    early = pick(draw, NO_YES)
    effects = scope.effects and (not early or scope.may(*LEAVING)) and (not scope.repeated or scope.may(*AGAIN))
    inner = scope.deeper(inner=True, returns=early, loop=False, branch=False, effects=effects, level=scope.level + 1)
    lines = []
    if effects and not scope.inner and rarely(draw):
        lines = ["global n0", f"n0 = {number(draw, inner)}"]
    elif effects and not scope.inner and rarely(draw) and scope.grows:
        lines = [f"l0.append({number(draw, inner)})"]
    lines += draw(blocks(inner, most))
    kind = pick(draw, "nnlsdt")
    return [*lines, f"return {pick(draw, [MAKERS[kind](draw, inner), pick(draw, inner.names(kind))])}"]


def parameters(lines: Lines) -> str:
    """The parameters of a function: a default for each of its own variables that it mentions."""
    used = sorted(set(re.findall(r"\b[nsldt][5-7]\b", "\n".join(lines))))
    return ", ".join(f"{name}={FIRST[name]}" for name in used)


def arguments(draw: Draw, scope: Scope, given: str) -> str:
    """A call's arguments for some of these parameters: by position, by keyword, or with stars."""
    names = re.findall(r"[nsldt]\d", given)
    how = pick(draw, range(4))
    names = names[: pick(draw, range(1, 4))] if how in (0, 2) else names[:: pick(draw, (-1, 1))][:2]
    values = [MAKERS[name[0]](draw, scope) for name in names]
    if how == 0:
        return ", ".join(values)
    if how == 1:
        return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
    if how == 2:
        return f"*[{', '.join(values)}]"
    return f"**{{{', '.join(f'{name!r}: {value}' for name, value in zip(names, values, strict=True))}}}"


@statement(weight=2, nested=True)
def defined(draw: Draw, scope: Scope) -> Lines:
    """A function, and calls of it. Its defaults are bound once."""
    name = f"f{scope.level}"
    lines = body(draw, scope)
    given = parameters(lines)
    if rarely(draw):
        return recursive(draw, scope, name)
    rest = ""
    if rarely(draw):
        rest = pick(draw, ["*more", "**more", "*, k=3"]) if mended("star parameters are tuples") else "*, k=3"
        lines = [*lines[:-1], f"{lines[-1]}, {'k' if 'k=' in rest else 'more'}"]
    made = [f"def {name}({', '.join(part for part in (given, rest) if part)}):", *indented(lines)]
    made += draw(blocks(scope.deeper(level=scope.level + 1), most=1, least=0))
    calls = 2 if scope.may(*AGAIN) else 1
    for result in draw(st.lists(st.sampled_from(["x0", "x1"]), min_size=1, max_size=calls)):
        made.append(f"{result}{scope.level} = {name}({arguments(draw, scope, given)})")
    return made


def recursive(draw: Draw, scope: Scope, name: str) -> Lines:
    """A function that calls itself, a few calls deep."""
    value = pick(draw, ["n5", "n5 + 1", "2"])
    step = pick(draw, [f"{name}(n5 - 1) + {value}", f"{value} - {name}(n5 - 1)", f"max({value}, {name}(n5 - 1))"])
    call = f"x0{scope.level} = {name}({pick(draw, range(3))})"
    if pick(draw, NO_YES):
        return [f"def {name}(n5):", f"    return {step} if n5 > 0 else 1", call]
    return [f"def {name}(n5):", "    if n5 <= 0:", "        return 1", f"    return {step}", call]


@statement(nested=True, when=lambda scope: not scope.repeated or scope.may(*AGAIN))
def closed(draw: Draw, scope: Scope) -> Lines:
    """Closures: made in a loop, counting by nonlocal, or lambdas."""
    level, value = scope.level, number(draw, scope, 1)
    make = pick(draw, range(6))
    if make == 0:
        default = pick(draw, ["", "a=i"])
        lines = [
            f"h{level} = []",
            "for i in range(3):",
            f"    h{level}.append(lambda {default}: i + {default[:1] or value})",
        ]
        return [*lines, f"x2{level} = [h() for h in h{level}]"]
    if make == 1:
        lines = [
            f"def m{level}(k):",
            "    def step(by=1):",
            "        nonlocal k",
            "        k += by",
            "        return k",
        ]
        lines += ["    return step", f"m1{level}, m2{level} = m{level}(0), m{level}({value})"]
        return [*lines, f"x3{level} = [m1{level}(), m1{level}({value}), m2{level}(), m1{level}()]"]
    if make == 2:
        lines = [f"k{level} = {value}", f"g{level} = lambda a, b={number(draw, scope, 0)}, *c: a + b + k{level}"]
        lines += pick(draw, [[], [f"k{level} = {number(draw, scope, 0)}"]])
        return [*lines, f"x4{level} = g{level}(1), g{level}({value}, 2, 3)"]
    if make == 3:
        lines = [f"k{level} = {value}", f"def g{level}(a=k{level}, b=[]):", "    b.append(a)", "    return b"]
        lines += [f"k{level} = {number(draw, scope, 0)}", f"g{level}()"] if scope.grows else []
        return [*lines, f"x5{level} = g{level}({number(draw, scope, 0)})"] if scope.grows else ["pass"]
    if make == 4:
        lines = [f"k{level} = 1", f"def g{level}():", f"    k{level} = {value}", f"    return k{level}"]
        return [*lines, f"x6{level} = g{level}(), k{level}"]
    lines = [f"def a{level}(f, n):", "    return lambda *rest: f(n, *rest)"]
    return [*lines, f"x7{level} = a{level}(max, {value})({number(draw, scope, 0)})"]


@statement(nested=True)
def generated(draw: Draw, scope: Scope) -> Lines:
    """A generator that a list is made of."""
    level, value = scope.level, number(draw, scope, 1)
    lines = [f"def g{level}(k):", f"    for i in {pick(draw, ['range(k)', '(k, 5)'])}:", "        yield i * 2"]
    if scope.may("an unknown yield"):
        lines += pick(draw, [[], [f"        if i == {number(draw, scope, 0)}:", "            yield 9"]])
    if mended("yield from"):
        lines += pick(draw, [[], [f"    yield from [k, {value}]"]])
    name = (
        pick(draw, scope.names("l")) if mended("taking from a generator's list") and "l" in scope.binds else f"x{level}"
    )
    least = 0 if mended("a generator that yields nothing") else 1
    return [*lines, f"{name} = list(g{level}({pick(draw, range(least, 3))}))"]


@statement(nested=True, when=lambda scope: not scope.repeated or scope.may(*AGAIN))
def classed(draw: Draw, scope: Scope) -> Lines:
    """A class, objects of it, and what is done with them."""
    level = scope.level
    base, name = f"A{level}", f"B{level}"
    early = scope.deeper(inner=True, branch=True, level=level + 1, loop=False, effects=False)
    method = draw(blocks(early, 2))
    given = parameters(method)
    value = number(draw, scope, 1)
    lines = [
        f"class {base}:",
        "    shared = []",
        f"    v = {value}",
        "    def __init__(self, a=1):",
        "        self.a = a",
    ]
    lines += [f"    def f(self{', ' if given else ''}{given}):", *indented(indented(method))]
    lines += [f"        return self.a + {pick(draw, ['self.v', 'n5', '1'])}"]
    if "n5" in lines[-1] and "n5=" not in given:
        lines[-1] = "        return self.a"
    lines += ["    @property", "    def p(self):", "        return self.a * 2"]
    lines += ["    @classmethod", "    def c(cls):", "        return cls.v"]
    lines += ["    @staticmethod", "    def s(a):", "        return a"]
    lines += [f"class {name}({base}):"]
    lines += pick(
        draw,
        [
            ["    v = 5"],
            ["    def __init__(self, a, b=2):", "        super().__init__(a + b)", "        self.b = b"],
        ],
    )
    lines += pick(draw, [[], ["    def f(self):", "        return super().f() + self.v"]])
    lines += [f"o{level} = {pick(draw, [base, name])}({number(draw, scope, 0)})", f"q{level} = {base}()"]
    acts = [
        *(f"o{level}.v = {value}", f"{base}.v = {value}", f"q{level}.a += {value}", f"o{level} = q{level}"),
        *(
            f"setattr(o{level}, 'a', {value})",
            f"x8{level} = getattr(o{level}, 'z', 3)",
            f"x9{level} = isinstance(o{level}, {name})",
        ),
        *(f"x9{level} = hasattr(o{level}, 'b')", f"q{level}.f = lambda: {value}", f"x8{level} = type(o{level}).v"),
    ]
    if scope.grows:
        acts += [f"o{level}.shared.append({value})", f"q{level}.shared = [{value}]"]
    if scope.may("an attribute of one branch"):
        acts += [f"if {truth(draw, scope, 1)}:\n    o{level}.z = 1"]
    if scope.may("an attribute set on one of two objects"):
        acts += [f"(o{level} if {truth(draw, scope, 1)} else q{level}).a = {value}"]
    if mended("an attribute that is deleted"):
        acts += [f"del o{level}.a"]
    done = draw(st.lists(st.sampled_from(acts), max_size=3))
    lines += [line for act in done for line in act.split("\n")]
    results = [
        f"o{level}.f()",
        f"o{level}.p",
        f"o{level}.c()",
        f"{name}.c()",
        f"o{level}.s(4)",
        f"{base}.s(3)",
        f"q{level}.f()",
    ]
    return [
        *lines,
        *(f"y{i}{level} = {one}" for i, one in enumerate(draw(st.lists(st.sampled_from(results), max_size=3)))),
    ]
