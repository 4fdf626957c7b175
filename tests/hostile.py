"""Programs made to be expensive: long, deep, wide, branching, growing. Each names a batch normalization.

`SMALL` are short texts that ask for much, `FAMILIES` make texts of any size, whose cost must not grow faster than they.
"""

from __future__ import annotations

from collections.abc import Callable

HEAD = "import keras\nfrom keras import layers as L\nimport numpy as np\n"
MODEL = "m = keras.Sequential([L.Dense(4), L.Dropout(0.5), L.BatchNormalization()])\n"
ADD = "m.add(L.BatchNormalization())"


def lines(count: int, line: Callable[[int], str]) -> str:
    """`count` lines, made from their numbers."""
    return "".join(f"{line(number)}\n" for number in range(count))


def functions(count: int, body: Callable[[int], str]) -> str:
    """`count` functions f0(x), f1(x), …"""
    return lines(count, lambda number: f"def f{number}(x, *rest):\n{body(number)}")


def nested(headers: list[str], body: str) -> str:
    """Compound statements in each other, the body in the innermost."""
    text = "".join(f"{' ' * level}{header}\n" for level, header in enumerate(headers))
    return f"{text}{' ' * len(headers)}{body}\n"


def subclasses(count: int) -> str:
    return "class C0(L.Layer): pass\n" + lines(count, lambda n: f"class C{n + 1}(C{n}): pass") + f"C{count}()\n"


def subclasses_with_super(count: int) -> str:
    head = "class C0(L.Layer):\n    def __init__(self): self.bn = L.BatchNormalization()\n"
    body = "    def __init__(self):\n        super().__init__()"
    return head + lines(count, lambda n: f"class C{n + 1}(C{n}):\n{body}") + f"C{count}()\n"


def lattice(width: int, depth: int) -> str:
    """Classes of which each inherits all of the level before."""
    text = lines(width, lambda n: f"class C0_{n}(L.Layer): pass")
    for level in range(1, depth):
        bases = ", ".join(f"C{level - 1}_{n}" for n in range(width))
        text += "".join(f"class C{level}_{n}({bases}): pass\n" for n in range(width))
    return f"{text}C{depth - 1}_0().x\n"


def methods(count: int) -> str:
    body = "        self.b{0} = L.BatchNormalization()\n        return self.b{0}(self.m{1}(x))"
    return "class C(keras.Model):\n" + lines(
        count, lambda n: f"    def m{n}(self, x):\n{body.format(n, (n * 7) % count)}"
    )


def attributes(count: int) -> str:
    text = "class C(keras.Model):\n    def __init__(self):\n"
    text += lines(count, lambda n: f"        self.l{n} = L.BatchNormalization()")
    return (
        text
        + "    def call(self, x):\n"
        + lines(count, lambda n: f"        x = self.l{n}(x)")
        + "        return x\nC()(x)\n"
    )


def models_with_branches(count: int) -> str:
    body = (
        "    def __init__(self, a):\n        self.b = L.BatchNormalization() if a else L.Dropout(0.5)\n"
        "    def call(self, x, training=None):\n        return self.b(x, training=training)"
    )
    return lines(count, lambda n: f"class C{n}(keras.Model):\n{body}")


def branches_on_a_tensor(count: int) -> str:
    body = lines(count, lambda n: f"    if a[{n}]:\n        x = L.BatchNormalization()(x)")
    return f"def f(x, a):\n{body}    return x\n"


def choices_of_a_tensor(count: int) -> str:
    body = lines(count, lambda n: f"    x = L.BatchNormalization()(x) if a.b{n} else x")
    return f"def f(x, a):\n    i = x\n{body}    return keras.Model(i, x)\n"


def choices_of_what_was_chosen(count: int) -> str:
    """Each branch chooses between what the one before it left and something else, on both its sides."""
    head = "from outside import u, w\nx = L.BatchNormalization()\nd = {'a': 1}\n"
    body = "if u({0}):\n    x = x if w({0}) else {0}\n    d['a'] = d.get('a', 0) if w({0}) else {0}\n    d['b'] = x"
    return head + lines(count, body.format) + "a, b = x\nif x: x(d['a'])\nd.pop('b', 1)(x.y)\n"


def rounds_that_may_end(count: int) -> str:
    """Each round of a loop may go on, and what it left is joined with the rest."""
    head = "from outside import u, w\nx = L.BatchNormalization()\n"
    body = "    if u(i, {0}): continue\n    x = x if w(i, {0}) else {0}"
    return f"{head}for i in range(8):\n" + lines(count, body.format) + "x(1)\n"


def diamonds(count: int) -> str:
    sides = "    if a.b{0}: y = L.Dense(3)(x)\n    else: y = L.Dropout(0.5)(x)\n"
    body = lines(count, lambda n: sides.format(n) + "    x = L.BatchNormalization()(L.Add()([x, y]))")
    return f"def f(x, a):\n{body}    return x\n"


def returns_in_branches(count: int) -> str:
    body = lines(count, lambda n: f"    if x.a{n}:\n        return L.BatchNormalization()(x)")
    return f"def f(x):\n{body}    return x\nf(L.Input((3,)))\n"


def choices_of_functions(count: int) -> str:
    head = "def a(x): return L.BatchNormalization()(x)\ndef b(x): return L.Dropout(0.5)(x)\ndef f(x, c):\n"
    return head + lines(count, lambda n: f"    g = a if c.d{n} else b\n    x = g(g(x))") + "    return x\n"


def cases(count: int) -> str:
    return MODEL + "match x:\n" + lines(count, lambda n: f"    case {n}: {ADD}")


def elifs(chains: int, count: int) -> str:
    return MODEL + lines(chains, lambda n: "if a: x = 1\n" + lines(count, lambda k: f"elif b{k}: {ADD}"))


def dense_connections(count: int) -> str:
    """Each layer reads all before it."""
    body = "x{0} = L.BatchNormalization()(L.Add()([{1}]))"
    every = (", ".join(f"x{k}" for k in range(n + 1)) for n in range(count))
    text = "".join(f"{body.format(n + 1, inputs)}\n" for n, inputs in enumerate(every))
    return f"x0 = keras.Input((4,))\n{text}keras.Model(x0, x{count})\n"


def models_of_models(count: int) -> str:
    each = "m{1} = keras.Sequential([m{0}, m{0}])\nm{1}.compile('sgd')\nm{1}.fit(x, y)"
    return "m0 = keras.Sequential([L.BatchNormalization()])\n" + lines(count, lambda n: each.format(n, n + 1))


def functional_models_of_models(count: int) -> str:
    each = "i = keras.Input((4,))\nm{1} = keras.Model(i, m{0}(m{0}(i)))\nm{1}.fit(x, y, batch_size=2)"
    return "m0 = keras.Sequential([L.BatchNormalization()])\n" + lines(count, lambda n: each.format(n, n + 1))


def functional(count: int, reads: int) -> str:
    layers = "x = L.Dense(4)(x); x = L.BatchNormalization()(x)\n" * (count // 2)
    loops = "for l in m.layers: l.trainable = False\n" * (reads // 5)
    writes = lines(reads, lambda n: f"m.layers[{n}].trainable = False")
    return f"x = i = keras.Input((4,))\n{layers}m = keras.Model(i, x)\n{writes}{loops}"


def sequential(count: int, reads: int) -> str:
    loops = "for l in m.layers: l.trainable = False\n" * (reads // 25)
    return MODEL + f"{ADD}\n" * count + lines(reads, lambda n: f"m.layers[{n}].trainable = False\nm.output") + loops


def all_call_all(count: int, rest: str = "") -> str:
    body = "".join(f"    x = f{k}(x{rest})\n" for k in range(count))
    return functions(count, lambda n: f"{body}    return L.BatchNormalization()(x)")


def ladder(count: int) -> str:
    """Each function calls the next one twice."""
    last = "    return L.BatchNormalization()(x)"
    return functions(count, lambda n: f"    return f{n + 1}(f{n + 1}(x))" if n + 1 < count else last)


def closures(count: int) -> str:
    text = "def g0(x): return L.BatchNormalization()(x)\n"
    return text + lines(count, lambda n: f"g{n + 1} = lambda x: g{n}(g{n}(x))") + f"g{count}(keras.Input((4,)))\n"


def cycle(count: int) -> str:
    head = "    x = L.BatchNormalization()(x)\n    return "
    return functions(count, lambda n: f"{head}f{(n + 1) % count}(f{(n + 7) % count}(x))")


NUMBERS = """
a = 10**10**10; b = 1 << 10**9; c = [0] * 10**9; d = "x" * 10**9; e = b"x" * 10**9; f = (0,) * 10**9
r = "a" ** 2; s = b"a" << 1
g = 9**64; h = g**64; i = h**64; j = -1 << 10**10; k = 2.0**5000; l = pow(9, 10**9); n = round(5, -10**9)
o = 99999999999999999999999999999999999999; p = range(o); len(p); list(p); o * 1.5; str(o * o); [1][o]; "a"[o:]
q = int("9" * 4000); sum([q, 1.5]); max(q, 1); "%d" % q; "{}".format(q); f"{q}"; q in [q]; [0] * q; np.prod([q, q])
for z in range(10**12): m.add(L.BatchNormalization())
list(range(10**12)); sum(range(10**12)); [*range(10**12)]; range(1, 5, 0); [1, 2][::0]; "a".split(""); "%d" % 1e400
x = 10**14
""" + lines(100, lambda n: "x = x * x")

TEXTS = (
    """
a = f"{m:1000000000}"; b = "{:>1000000000}".format(1); c = "%1000000000d" % 1; d = "%*d" % (10**9, 1)
e = "{:{}}".format(1, 10**9); f = "a".ljust(10**9); g = "a".center(10**9); h = "a".zfill(10**9)
i = "a".expandtabs(10**9); j = "{0.__class__.__mro__}".format(1); k = "{:.999999999f}".format(1.0)
l = "{:x>999999999}".format(1); n = "%.999999999f" % 1; s = "x" * 19000; t = u = v = w = y = "ab"
"""
    + (
        "s = s + s; t = f'{t}{t}'; u = '%s%s' % (u, u); v = v.replace('a', v)\n"
        "w = w.join([w, w]); y = '{0}{0}'.format(y)\n"
    )
    * 60
)

DOUBLING = (
    "a = [0]; b = [0]; c = [0]; d = (0,); e = [1]; f = {1: 2}; g = [0]\n"
    + "a = a + a; b += b; c.extend(c); d = (*d, *d); e = [*e, *e]; f = {**f, **f}; g = sorted(g + g)\n" * 60
)

SHARED = (
    "a = [0, 1]; b = L.BatchNormalization(); c = (1, 2); d = {}; e = [0] * 4000\n"
    + "a = [a, a]; b = [b, b]; c = (c, c)\n" * 400
    + "e = [e] * 4000\n" * 5
    + "for x in (a, b, c, e): f(x); m.add(x); m.x = x; L.Dense(x); np.array(x); L.Add()(x); x == x; d[x] = x in [x]\n"
    + "f(a); f(b); m.add(b); L.Dense(c); c == c; c in [c]; d[c] = c; L.Add()(e); f(e); L.Dense(e); a.index(a); str(a)\n"
    + "import copy; copy.deepcopy(a); copy.deepcopy(e); d.get(c); m.fit(e, c); c + c; keras.Sequential(b)\n"
)

ITSELF = """
a = []; a.append(a); a += a; d = {}; d["d"] = d; d.update(d)
class C: pass
c = C(); c.c = c; c.a = a
import copy
f(a); f(c); f(d); m.add(a); keras.Sequential(a); L.Dense(a); L.Dense(c); a == a; [a] == [a]; a in a; print(a)
L.Dense(units=d); np.array(a); str(a); copy.deepcopy(a); copy.deepcopy(d); L.Add()(a); m.fit(a, d); m.x = a
def g(x): return L.BatchNormalization()(a)
"""

STARS = (
    "def f(*a, **k): return f(*a, *a, **k, **k)\nf(*range(5000), x=1)\ndef g(*a): return g(*a, *a)\ng(1, 2, 3)\n"
    "h = lambda *a: max(a)\nh(*range(5000), *range(5000), *range(5000))\nz = [1] * 4900\n" + "print(*z, *z, *z)\n" * 300
)

ITERTOOLS = """
import itertools
from itertools import product
x = list(product(range(10**4), repeat=8)); y = list(itertools.permutations(range(100)))
for a in product(*[range(1000)] * 10): m.add(L.BatchNormalization())
for a in itertools.count(): m.add(L.BatchNormalization())
"""

COMPREHENSIONS = (
    "x = [[[[[L.BatchNormalization() for a in range(60)] for b in range(60)] for c in range(60)] for d in range(60)] "
    "for e in range(60)]\n"
    "y = [L.BatchNormalization() for a in range(200) for b in range(200) for c in range(200) for d in range(200)]\n"
    "z = {a: b for a in range(300) for b in range(300) for c in range(300)}\n"
)

RECURSION = """
def f(x, n):
    if n:
        return f(f(x, n - 1), n - 2) + f(x, n + 1)
    return L.BatchNormalization()(x)
f(keras.Input((4,)), 50)
def fib(n): return fib(n - 1) + fib(n - 2) if n > 1 else L.BatchNormalization()
fib(90); fib(q)
"""

SMALL: dict[str, str] = {
    "large numbers": NUMBERS,
    "large texts": TEXTS,
    "containers that double": DOUBLING,
    "containers in containers": SHARED,
    "what holds itself": ITSELF,
    "star arguments": STARS,
    "itertools": ITERTOOLS,
    "comprehensions in comprehensions": COMPREHENSIONS,
    "recursion with branches": RECURSION,
    "a ladder of 60 functions": ladder(60),
    "a ladder of 38 closures": closures(38),
    "60 functions that call all": all_call_all(60, ", 1"),
    "9 nested loops": nested([f"for i{n} in range(60):" for n in range(9)], ADD),
    "9 nested unknown loops": nested([f"for i{n} in unknown():" for n in range(9)], ADD),
    "40 nested while loops": nested([f"while x < {n}:" for n in range(40)], ADD),
    "80 nested unknown ifs": nested([f"if c{n}:" for n in range(80)], ADD),
    "20 unknown ifs": lines(20, lambda n: f"if c{n}: {ADD}\nelse: m.add(L.Dense({n}))"),
    "endless loops": lines(100, lambda n: f"while True:\n    {ADD}"),
    "20 chains of 80 elifs": elifs(20, 80),
    "generators": "def g(n):\n    yield L.BatchNormalization()\n    yield from g(n + 1)\n"
    + "for l in g(0): m.add(l)\n" * 200,
}
"""Programs whose text is small."""
SMALL = {name: MODEL + text for name, text in SMALL.items()}

FAMILIES: dict[str, Callable[[int], str]] = {
    "adds": lambda n: MODEL + lines(n, lambda k: f"m.add(L.Dense({k})); {ADD}"),
    "functional": lambda n: functional(n, n // 4),
    "sequential": lambda n: sequential(n, n // 4),
    "dense connections": lambda n: dense_connections(int((8 * n) ** 0.5)),
    "calls of a model": lambda n: MODEL + "i = keras.Input((4,))\n" + "i = m(i)\n" * n + "keras.Model(i, i)\n",
    "models of models": models_of_models,
    "functional models of models": functional_models_of_models,
    "fits": lambda n: (
        MODEL + "m.compile('sgd')\n" + "m.trainable = False\nm.fit(x, y, batch_size=4)\nm.predict(x)\n" * n
    ),
    "subclasses": lambda n: subclasses(n) + MODEL,
    "subclasses with super": subclasses_with_super,
    "levels of classes": lambda n: lattice(6, n // 6) + MODEL,
    "methods": methods,
    "attributes": attributes,
    "models with branches": models_with_branches,
    "unknown ifs": lambda n: MODEL + lines(n, lambda k: f"if c{k}: {ADD}"),
    "ifs on a tensor": branches_on_a_tensor,
    "choices of a tensor": choices_of_a_tensor,
    "diamonds": diamonds,
    "choices of what was chosen": choices_of_what_was_chosen,
    "rounds that may end": rounds_that_may_end,
    "ifs on a number": lambda n: MODEL + "x = 1\n" + lines(n, lambda k: f"if c{k}: x = x + {k}"),
    "returns in branches": returns_in_branches,
    "choices of functions": choices_of_functions,
    "cases": cases,
    "matches": lambda n: MODEL + lines(n, lambda k: f"match x:\n    case [1]: {ADD}\n    case _: y = 2"),
    "tries": lambda n: MODEL + lines(n, lambda k: f"try: {ADD}\nexcept A: x = 1\nexcept B: y = 2"),
    "writes in branches": lambda n: MODEL + "d = {}\n" + lines(n, lambda k: f"if c{k}: d[{k}] = {k}"),
    "variables in branches": lambda n: lines(n, lambda k: f"v{k} = {k}\nif c{k}: v{k} = L.BatchNormalization()"),
    "globals": lambda n: "def f():\n" + lines(n, lambda k: f" global g{k}\n g{k} = L.BatchNormalization()") + "f()\n",
    "imports": lambda n: MODEL + lines(n, lambda k: f"import nowhere{k}.sub\nfrom elsewhere{k} import *"),
    "a cycle of functions": cycle,
    "functions": lambda n: functions(n, lambda k: f"    return f{k}(f{k}(L.BatchNormalization()(x)))"),
    "partials": lambda n: (
        "import functools as t\ng = L.BatchNormalization\n" + "g = t.partial(g, 1)\n" * n + MODEL + "m.add(g())\n"
    ),
    "lambdas": lambda n: (
        "h = L.BatchNormalization\n" + lines(n, lambda k: "h = lambda h=h: h()") + MODEL + "m.add(h())\n"
    ),
    "walruses": lambda n: (
        MODEL + lines(n, lambda k: f"if (x{k} := L.BatchNormalization()) and (y := [{k}]): m.add(x{k})")
    ),
    "decorators": lambda n: MODEL + "@f\n" * n + "def g(x): return L.BatchNormalization()(x)\n",
    "parameters": lambda n: (
        f"def g({', '.join(f'p{k}={k}' for k in range(n))}):\n    return L.BatchNormalization()\n" + "g()\n" * 20
    ),
    "arguments": lambda n: MODEL + f"L.BatchNormalization({', '.join(f'a{k}={k}' for k in range(n))})\n",
    "sorts": lambda n: MODEL + "x = list(range(4000))\n" + "y = sorted(x)[0] + sum(x) + max(x)\n" * n,
    "zips": lambda n: MODEL + "x = list(range(4000))\n" + "y = list(zip(x, x, x, enumerate(x)))\n" * n,
    "lookups in a list": lambda n: (
        MODEL + "x = [[n] for n in range(300)] * 16\n" + "y = [9999] in x\nx.index([5])\n" * n
    ),
    "lookups in a text": lambda n: (
        MODEL + "x = 'ab' * 9000\n" + "y = 'aab' in x\nz = x.find('aab')\nw = x.split('a')\n" * n
    ),
    "rows of numbers": lambda n: (
        MODEL + "import numpy as np\n" + "x = np.linspace(0, 1, 9999) * 2 + np.linspace(0, 1, 9)\n" * n
    ),
    "searches in a text": lambda n: (
        MODEL + f"import re\nt = '{'a' * 100}'\n" + "x = re.findall('a*a*a*b', t)\ny = re.sub('a?b', '', t)\n" * n
    ),
    "products": lambda n: (
        MODEL
        + "import itertools\n"
        + "x = list(itertools.product(range(70), repeat=2))\ny = list(itertools.permutations(range(10), 3))\n" * n
    ),
    "slices": lambda n: MODEL + "x = list(range(4000))\n" + "y = x[::-1][1:-1]\n" * n,
    "subscripts": lambda n: MODEL + "d = {'a': {}}\n" + "d['a']['b'] = d['a']\nx = d['a']['b']['b']['b']\n" * n,
    "numbers": lambda n: MODEL + "data = [" + "1, " * n + "]\n",
    "negative floats": lambda n: MODEL + "data = [" + "-1.25e-7, " * n + "]\n",
    "rows": lambda n: MODEL + "data = [\n" + "  [1, 2, 3, 4, 5, 6],\n" * n + "]\n",
    "a dict": lambda n: (
        MODEL + "data = {\n" + lines(n, lambda k: f"    'key number {k:05}': '{'long text ' * 5}{k}',") + "}\n"
    ),
    "statements": lambda n: MODEL + "x = 1\n" * n,
    "calls": lambda n: MODEL + "f(x)\n" * n,
    "names": lambda n: MODEL + "x = (" + "a, " * n + ")\n",
    "chains": lambda n: MODEL + lines(n, lambda k: "x = y" + ".a(1)" * 20),
    "sums": lambda n: MODEL + lines(n, lambda k: "x = " + "+".join(["1"] * 20)),
    "nests": lambda n: MODEL + lines(n, lambda k: "x = " + "f(" * 10 + "1" + ")" * 10),
    "comments": lambda n: MODEL + "# a comment that says nothing\n" * n,
    "blank lines": lambda n: MODEL + "\n" * n,
    "continued lines": lambda n: MODEL + "x = 1 + " + "\\\n" * n + "2\n",
    "a long text": lambda n: MODEL + f"text = '{'x' * n}'\n",
    "spaces": lambda n: MODEL + "x = 1" + " " * n + "\n",
}
"""Texts that grow with a number."""
