"""What the evaluator gets wrong today: for each construct, a program of which it denies what Python does.

The generator leaves out what is named here. A test demands that a construct which is mended is taken off the list; from
then on programs are drawn with it.
"""

from __future__ import annotations

import re
from textwrap import dedent

from kit.python import OUTSIDE, Program

_PROGRAMS = {
    # Loops.
    "a while loop of an unknown condition": """
        l = [7]
        while u0:
            l[0] = 9
            break
        """,
    "a loop over an unknown number of items": """
        l = [7]
        for i in [1] if u0 else []:
            l[0] = 9
        """,
    "a list that grows while it is iterated": """
        l = [1, 2]
        for i in l:
            if len(l) < 4:
                l.append(i + 5)
        """,
    "a comprehension over an unknown number of items": """
        l = [i for i in ([1] if u0 else [])]
        """,
    # Exceptions.
    "an operation that raises in a try": """
        x = 0
        try:
            1 // 0
            x = 1
        except ZeroDivisionError:
            pass
        """,
    "an unknown raise in a try": """
        x = 0
        try:
            if u0:
                raise ValueError
            x = 2
        except ValueError:
            pass
        """,
    "a function that may raise": """
        def f(a):
            raise ValueError
        x = 0
        try:
            x = f(1)
        except ValueError:
            pass
        """,
    "a function that raises": """
        def f():
            raise ValueError
        x = 0
        try:
            f()
            x = 1
        except ValueError:
            pass
        """,
    # Lists and dicts in branches.
    "a loop over a list that is longer in one branch": """
        l = []
        if u0:
            l.append(1)
        n = "a"
        for i in l:
            n = "b"
        """,
    # Operators.
    # Comprehensions and generators.
    "a comprehension's unknown condition": """
        l = [i for i in range(2) if u0]
        """,
    "when a generator runs": """
        l = []
        def g():
            l.append(1)
            yield 1
        h = g()
        x = len(l)
        """,
    # Functions.
    # Classes.
    "a private name": """
        class A:
            def __init__(self):
                self.__v = 1
        x = hasattr(A(), "__v")
        """,
    # Statements.
    # Containers and their methods.
    # Builtins.
    "a generator that yields nothing": """
        def g():
            for i in []:
                yield i
        l = list(g())
        """,
    "a star import of a name that is bound": """
        n = 1
        from other import *
        # other.py
        n = 2
        """,
    "a condition on a list that changes": """
        n = 1 if u0 else 2
        l = [1]
        x = n in l
        l[0] = 2
        y = n in l
        """,
    "the type of an imported value": """
        x = isinstance(u0, int)
        """,
    "a handler that continues a loop": """
        for i in range(2):
            try:
                raise ValueError
            except ValueError:
                continue
        """,
    "an imported value that is True": """
        x = u0 is True
        """,
    "a list of a class that an object augments": """
        class A:
            l = []
        a = A()
        a.l += [1]
        A.l = [2]
        x = a.l
        """,
    "a while loop of a variable": """
        run = True
        n = 0
        while run:
            n += 1
            run = n < 3
        """,
    "the order of the keys of two branches": """
        d = {}
        if u0:
            d["a"] = d["b"] = 1
        else:
            d["b"] = d["a"] = 1
        x = list(d)
        """,
    "a function that is called again": """
        d = {"k": 0}
        def f(a):
            d["k"] += 1
        f(u0 + 1)
        f(u0 + 1)
        """,
    "an object that is made again": """
        class A:
            def __init__(self, a):
                self.v = 1
        a = A(u0 + 1)
        b = A(u0 + 1)
        x = hasattr(b, "v")
        """,
}


def program(text: str) -> Program:
    """The program that a text is; `# other.py` is above what stands in another file."""
    unknowns = tuple(sorted(set(re.findall(r"\bu\d\b", text))))
    head = f"from {OUTSIDE} import {', '.join(unknowns)}\n" if unknowns else ""
    main, *others = re.split(r"^# (\w+)\.py\n", dedent(text).lstrip("\n"), flags=re.MULTILINE)
    return Program(head + main, dict(zip(others[::2], others[1::2], strict=True)), unknowns)


EXCLUSIONS = {name: program(text) for name, text in _PROGRAMS.items()}
