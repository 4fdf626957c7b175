"""Constructs that are all or nothing: each is drawn once it is no exclusion any more."""

from __future__ import annotations

from textwrap import dedent

from kit.programs.expressions import number, truth
from kit.programs.scope import Draw, Lines, Scope, mended, pick
from kit.programs.sorts import statement

_TEXTS = {
    "a call that an unknown operand decides": """
        r{v} = [0]
        def f{v}(a):
            r{v}[0] += {n}
            return a
        z{v} = {c} and f{v}({c})
        z{v} = f{v}({c}) or f{v}({c})
        """,
    "a function that may raise": """
        def f{v}(a):
            if {c}:
                raise ValueError
            return a
        z{v} = 0
        try:
            z{v} = f{v}({n})
            z1{v} = 1
        except ValueError:
            z1{v} = 2
        """,
    "an iterator that is used up": """
        i{v} = {maker}
        z{v} = next(i{v})
        z1{v} = list(i{v})
        z2{v} = list(i{v})
        """,
    "when a generator runs": """
        r{v} = []
        def g{v}():
            r{v}.append({n})
            yield {n}
            r{v}.append({n})
        h{v} = g{v}()
        z{v} = list(r{v})
        z1{v} = next(h{v})
        z2{v} = list(r{v})
        """,
    "a function under a decorator": """
        def more{v}(f):
            def g(*given, **named):
                return f(*given, **named) + {n}
            return g
        @more{v}
        def h{v}(a, b={n}):
            return a - b
        z{v} = h{v}({n})
        z1{v} = h{v}(b={n}, a={n})
        """,
    "a property that is set": """
        class P{v}:
            @property
            def p(self):
                return self.v + 1
            @p.setter
            def p(self, v):
                self.v = v
        o{v} = P{v}()
        o{v}.p = {n}
        o{v}.p += {n}
        z{v} = o{v}.p
        """,
    "an object that is false": """
        class P{v}:
            def {false}(self):
                return {c}
        z{v} = 1 if P{v}() else 2
        z1{v} = not P{v}()
        """,
    "a private name": """
        class P{v}:
            def __init__(self):
                self.__v = {n}
            def get(self):
                return self.__v
        z{v} = P{v}().get()
        z1{v} = hasattr(P{v}(), "__v")
        """,
    "a context manager of the program's": """
        r{v} = []
        class P{v}:
            def __enter__(self):
                r{v}.append(1)
                return {n}
            def __exit__(self, kind, value, trace):
                r{v}.append(kind is None)
                return {certain}
        with P{v}() as z{v}:
            z1{v} = {n}
            {raising}
        """,
    "a set": """
        z{v} = {{{n}, {n}, 1}}
        z{v}.add({n})
        z1{v} = len(z{v})
        z2{v} = {n} in z{v}
        """,
    "a list is no set": """
        z{v} = isinstance({{{n}}}, list), isinstance([{n}], set), isinstance({{{n}}}, set)
        """,
    "the largest by a key": """
        z{v} = max([{n}, {n}], key=lambda a: -a), min([{n}, {n}], key=abs)
        """,
    "the number of a text to a base": """
        z{v} = int("11", 2) + {n}
        """,
    "a copy that shares its items": """
        import copy
        r{v} = [[{n}], 1]
        z{v} = copy.copy(r{v})
        z1{v} = copy.deepcopy(r{v})
        z{v}[0].append({n})
        z1{v}[0].append(3)
        z{v}.append(4)
        """,
    "a dataclass's field without a default": """
        from dataclasses import dataclass
        @dataclass
        class P{v}:
            a: int
            b: int = {n}
        z{v} = P{v}({n}, {n}).b
        z1{v} = P{v}(b={n}, a={n}).a
        z2{v} = P{v}({n})
        """,
    "a dataclass's inherited fields": """
        from dataclasses import dataclass
        @dataclass
        class P{v}:
            a: int = {n}
        @dataclass
        class Q{v}(P{v}):
            b: int = 2
        z{v} = Q{v}({n}, {n}).b
        z1{v} = Q{v}({n}).a
        """,
    "a member of an enum": """
        import enum
        class P{v}(enum.Enum):
            A = 1
            B = {n} + 10
        z{v} = P{v}.A == 1
        z1{v} = P{v}.B.value
        z2{v} = P{v}.A is P{v}.A
        """,
    "members of an enum that are found": """
        import enum
        class P{v}(enum.Enum):
            A = 1
            B = 2
            C = 1
            D = "d"
        z{v} = [a.name for a in P{v}], len(P{v}), P{v}["D"].value
        z1{v} = P{v}(2) is P{v}.B, P{v}.A == P{v}.C, P{v}.A == P{v}.B, P{v}.A != P{v}(1)
        z2{v} = {n} if P{v}({n} % 2 + 1) is P{v}.A else 0
        """,
    "a dataclass's fields": """
        from dataclasses import dataclass, field, replace
        @dataclass
        class P{v}:
            a: int
            b: list = field(default_factory=list)
            c: int = field(default={n})
            def __post_init__(self):
                self.d = self.a + self.c
        o{v} = P{v}({n})
        o{v}.b.append({n})
        z{v} = P{v}(1).b, o{v}.b, replace(o{v}, a={n}).d
        """,
    "a named tuple": """
        from collections import namedtuple
        P{v} = namedtuple("P{v}", "a b", defaults=[{n}])
        o{v} = P{v}({n})
        z{v} = o{v}.a + o{v}.b, len(o{v}), o{v}[0], o{v}._replace(a=5).a
        a{v}, b{v} = P{v}(b=1, a={n})
        z1{v} = o{v} == ({n}, 2), o{v}._asdict(), P{v}._fields
        """,
    "a new object of a class": """
        class P{v}:
            def __new__(cls, a):
                if {c}:
                    return a
                o = super().__new__(cls)
                o.v = a
                return o
        z{v} = P{v}({n})
        """,
    "an object that is iterated": """
        class P{v}:
            def __init__(self, *items):
                self.items = items
            def __iter__(self):
                return iter(self.items)
            def __len__(self):
                return len(self.items) + 1
        z{v} = [a for a in P{v}({n}, {n})], len(P{v}({n}))
        """,
    "a fold": """
        from functools import reduce
        z{v} = reduce(lambda a, b: a - b, [{n}, {n}, {n}]), reduce(max, [{n}], {n})
        def f{v}(*fs):
            return reduce(lambda f, g: lambda a: g(f(a)), fs)
        z1{v} = f{v}(*[lambda a, i=i: a + i for i in range(6)])({n})
        """,
    "tools for iterables": """
        from itertools import accumulate, chain, count, cycle, islice, pairwise, product, repeat, zip_longest
        r{v} = [{n}, {n}, {n}]
        z{v} = list(chain(r{v}, (1,))), list(product(r{v}, "ab")), list(islice(cycle(r{v}), 5))
        z1{v} = list(zip(count(3), r{v})), list(zip_longest(r{v}, [4], fillvalue=0)), list(pairwise(r{v}))
        z2{v} = list(map(lambda a, b: a - b, r{v}, repeat(3))), list(accumulate(r{v})), list(islice(r{v}, 1, 3))
        z3{v} = list(filter(None, [{n}, {c}, 2])), list(filter(lambda a: a > 1, r{v}))
        """,
    "parts of a text": """
        r{v} = "Ab/c-" + str({n})
        z{v} = r{v}.rsplit("/", 1), r{v}.partition("-"), r{v}.split("/")[-1].isdigit(), r{v}.startswith(("x", "A"))
        z1{v} = f"{{{n}:03d}}|{{r{v}:>9}}", r{v}.removeprefix("A").rpartition("b"), r{v}.swapcase().isupper()
        """,
    "patterns": """
        import re
        r{v} = "r1_k" + str({n})
        z{v} = re.split(r"(\\d.*)", r{v}), re.sub("[0-9]", "x", r{v}), re.findall(r"[a-z]", r{v})
        z1{v} = re.match(r"([a-z])(\\d+)", r{v}).group(2), re.search("q", r{v}) is None
        """,
    "an imported value that is True": """
        z{v} = {c} is True
        z1{v} = {c} is not False
        """,
    "a list of a class that an object augments": """
        class P{v}:
            l = []
        o{v} = P{v}()
        o{v}.l += [{n}]
        P{v}.l = [{n}]
        z{v} = o{v}.l
        """,
    "a while loop of a variable": """
        z{v} = True
        z1{v} = 0
        while z{v}:
            z1{v} += 1
            z{v} = z1{v} < 3 and {c}
        """,
    "an item set at one of two indices": """
        z{v} = [{n}, {n}]
        z{v}[0 if {c} else 1] = {n}
        z1{v} = z{v}[0]
        """,
    "the order of the keys of two branches": """
        z{v} = {{}}
        if {c}:
            z{v}["a"] = z{v}["b"] = {n}
        else:
            z{v}["b"] = z{v}["a"] = {n}
        z1{v} = list(z{v})
        """,
    "a function that is called again": """
        z{v} = [0]
        def f{v}(a):
            z{v}[0] += 1
        f{v}({c} + 1)
        f{v}({n})
        f{v}({c} + 1)
        """,
    "a formatted expression that shows itself": """
        z{v} = {n}
        z1{v} = f"{{z{v}=}}"
        """,
}
_CHOICES = {
    "certain": ("True", "False"),
    "raising": ("pass", "raise ValueError"),
    "false": ("__bool__",),
    "maker": ("iter([1, 2, 3])", "zip('ab', [1, 2])", "enumerate('ab')", "map(abs, [1, -2])", "reversed([1, 2])"),
}


class _Drawn(dict[str, str]):
    """What is put into a text: a number or a condition of its own wherever one stands."""

    def __init__(self, draw: Draw, scope: Scope) -> None:
        super().__init__(v=str(scope.level))
        self._draw, self._scope = draw, scope

    def __missing__(self, name: str) -> str:
        if name in _CHOICES:
            return str(pick(self._draw, _CHOICES[name]))
        return f"({(number if name == 'n' else truth)(self._draw, self._scope, 1)})"


@statement(nested=True, when=lambda scope: scope.grows and any(mended(name) for name in _TEXTS))
def further(draw: Draw, scope: Scope) -> Lines:
    """One of the constructs."""
    text: str = pick(draw, [text for name, text in _TEXTS.items() if mended(name)])
    return dedent(text).strip("\n").format_map(_Drawn(draw, scope)).split("\n")
