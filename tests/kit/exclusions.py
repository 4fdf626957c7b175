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
    "an unknown break": """
        for i in range(3):
            if u0:
                break
        """,
    "an unknown continue": """
        l = []
        for i in range(3):
            if u0:
                continue
            l.append(i)
        """,
    "a while loop of an unknown condition": """
        n = "a"
        while u0:
            n = "b"
            break
        """,
    "a while loop's else": """
        n = 0
        while n < 3:
            n += 1
        else:
            n = 7
        """,
    "a while loop of many rounds": """
        n = 0
        while n < 70:
            n += 1
        """,
    "a list that grows while it is iterated": """
        l = [1, 2]
        for i in l:
            if len(l) < 4:
                l.append(i + 5)
        """,
    "a loop over an unknown number of items": """
        n = "a"
        for i in [1] if u0 else []:
            n = "b"
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
    "a function that may raise": """
        def f():
            if u0:
                raise ValueError
            return 3
        x = 0
        try:
            x = f()
        except ValueError:
            pass
        """,
    "a try that another class's handler leaves": """
        l = []
        try:
            try:
                raise ValueError
            except KeyError:
                pass
            l.append(2)
        except ValueError:
            l.append(3)
        """,
    # Lists and dicts in branches.
    "a key of one branch": """
        d = {}
        if u0:
            d["a"] = 1
        x = "a" in d
        """,
    "an attribute of one branch": """
        class A:
            pass
        a = A()
        if u0:
            a.v = 1
        x = hasattr(a, "v")
        """,
    "the length of a list that is longer in one branch": """
        l = []
        if u0:
            l.append(1)
        x = len(l)
        """,
    "the truth of a list that is longer in one branch": """
        l = []
        if u0:
            l.append(1)
        x = 1 if l else 2
        """,
    "an item of a list that is longer in one branch": """
        l = []
        if u0:
            l.append(1)
        l.append(2)
        x = l[0]
        """,
    "a loop over a list that is longer in one branch": """
        l = []
        if u0:
            l.append(1)
        n = "a"
        for i in l:
            n = "b"
        """,
    "what a branch that returns does to a list": """
        l = []
        def f():
            if u0:
                l.append(1)
                return
            l.append(2)
        f()
        """,
    "what a function does after an unknown return": """
        l = []
        def f():
            if u0:
                return
            l.append(2)
        f()
        """,
    "a call that an unknown operand decides": """
        l = []
        def f():
            l.append(1)
        u0 and f()
        """,
    "an attribute set on one of two objects": """
        class A:
            v = 0
        a = A()
        b = A()
        (a if u0 else b).v = 5
        """,
    # Operators.
    "a chained comparison with an unknown part": """
        x = 1 < u0 < 3
        """,
    "an unknown boolean and a false value": """
        x = u0 and 0
        """,
    "two unknown operands": """
        x = 1 if u0 and u1 else 2
        y = u0 and u1
        """,
    # Comprehensions and generators.
    "a comprehension's unknown condition": """
        l = [i for i in range(2) if u0]
        """,
    "an unknown yield": """
        def g():
            if u0:
                yield 2
        l = list(g())
        """,
    "yield from": """
        def g():
            yield from [1, 2]
        l = list(g())
        """,
    "when a generator runs": """
        l = []
        def g():
            l.append(1)
            yield 1
        h = g()
        x = len(l)
        """,
    "an iterator that is used up": """
        z = iter([1, 2])
        a = next(z)
        b = next(z)
        """,
    "a walrus in a comprehension": """
        m = 0
        l = [(m := a) for a in range(3)]
        """,
    # Functions.
    "star parameters are tuples": """
        def f(*args):
            return isinstance(args, tuple)
        x = f(1)
        """,
    "a function under a decorator": """
        def twice(f):
            return lambda a: f(a) * 2
        @twice
        def h(a):
            return a
        x = h(1)
        """,
    # Classes.
    "a property that is set": """
        class A:
            @property
            def p(self):
                return 1
            @p.setter
            def p(self, v):
                self.v = v
        a = A()
        a.p = 2
        """,
    "an object that is false": """
        class A:
            def __len__(self):
                return 0
        x = bool(A())
        """,
    "an attribute that is deleted": """
        class A:
            pass
        a = A()
        a.v = 1
        del a.v
        """,
    "a private name": """
        class A:
            def __init__(self):
                self.__v = 1
        x = hasattr(A(), "__v")
        """,
    # Statements.
    "an item that is deleted": """
        l = [1, 2]
        del l[0]
        d = {"a": 1}
        del d["a"]
        """,
    "a slice that is assigned": """
        l = [1, 2, 3]
        l[1:] = [7]
        x = l[1]
        """,
    "a name that a pattern binds": """
        y = 0
        match 1:
            case y:
                pass
        """,
    "a context manager of the program's": """
        class C:
            def __enter__(self):
                return 5
            def __exit__(self, *rest):
                pass
        with C() as x:
            pass
        """,
    # Containers and their methods.
    "a set": """
        x = len({1, 1, 2})
        """,
    "a list is no set": """
        x = isinstance({1}, list)
        """,
    "sorting a list": """
        l = [3, 1]
        l.sort()
        x = l[0]
        """,
    "removing from a list": """
        l = [3, 1]
        l.remove(3)
        x = l[0]
        """,
    # Builtins.
    "the largest by a key": """
        x = max([1, -2], key=abs)
        """,
    "the number of a text to a base": """
        x = int("11", 2)
        """,
    "a copy that shares its items": """
        import copy
        a = [[1]]
        b = copy.copy(a)
        b[0].append(2)
        """,
    "a formatted expression that shows itself": """
        n = 3
        x = f"{n=}"
        """,
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
    "what stands in a raise": """
        l = []
        def f():
            l.append(1)
            return 2
        try:
            raise ValueError(f())
        except ValueError:
            pass
        """,
    "an item set in one of two containers": """
        d = {"a": 1} if u0 else {"a": 2}
        d["a"] = 3
        """,
    "taking from a generator's list": """
        def g():
            yield 1
        l = list(g())
        l.pop()
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
    "a break in a try": """
        for i in range(3):
            try:
                break
            except ValueError:
                pass
        """,
    "a dataclass's field without a default": """
        from dataclasses import dataclass
        @dataclass
        class A:
            a: int
            b: int = 2
        x = A(1, 3).b
        """,
    "a dataclass's inherited fields": """
        from dataclasses import dataclass
        @dataclass
        class A:
            a: int = 1
        @dataclass
        class B(A):
            b: int = 2
        x = B(5, 6).b
        """,
    "a member of an enum": """
        import enum
        class E(enum.Enum):
            A = 1
        x = E.A == 1
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
    "an item set at one of two indices": """
        l = [1, 2]
        l[0 if u0 else 1] = 9
        x = l[0]
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
