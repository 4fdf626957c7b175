"""What one hostile file costs: `python tests/benchmarks/bench_limits.py [NAME...]` prints seconds and peak MB of each.

Every program names a batch normalization and lies within `max-size`, so that it is parsed and evaluated, or refused by the
gate. bnlint runs on it alone, in a process of its own; the seconds are those of the processor. The limits are 2 s and
300 MB; the exit code is 1 where one is passed, and where a run ends with anything but a report.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 2.0, 300.0
PATIENCE = 60

HEAD = "import keras\nfrom keras import layers as L\nimport numpy as np\n"
MODEL = "m = keras.Sequential([L.Dense(4), L.Dropout(0.5), L.BatchNormalization()])\n"


def lines(count: int, line: Callable[[int], str]) -> str:
    """`count` lines, made from their numbers."""
    return "".join(f"{line(number)}\n" for number in range(count))


def functions(count: int, body: Callable[[int], str]) -> str:
    """`count` functions f0(x), f1(x), …"""
    return lines(count, lambda number: f"def f{number}(x, *rest):\n{body(number)}")


def nested_loops(depth: int, header: str) -> str:
    """Loops in loops, with layers in the innermost."""
    text = "".join(f"{'    ' * level}for i{level} in {header}:\n" for level in range(depth))
    return f"{text}{'    ' * depth}m.add(L.Dense(4)); m.add(L.BatchNormalization())\n"


def nested_calls(depth: int) -> str:
    return "f(" * depth + "1" + ")" * depth


PROGRAMS: dict[str, str] = {
    "2,500 x add": MODEL + lines(2_500, lambda n: f"m.add(L.Dense({n})); m.add(L.BatchNormalization())"),
    "5,000 x add": MODEL + lines(5_000, lambda n: "m.add(L.BatchNormalization())"),
    "an add in 100 lists of 100": MODEL + lines(100, lambda n: f"for layer in [{'L.BatchNormalization(), ' * 100}]: m.add(layer)"),
    "5,000 subclasses": "class C0(L.Layer): pass\n" + lines(5_000, lambda n: f"class C{n + 1}(C{n}): pass") + "C5000()\n" + MODEL,
    "2,000 subclasses with super": "class C0(L.Layer):\n    def __init__(self): self.bn = L.BatchNormalization()\n"
    + lines(2_000, lambda n: f"class C{n + 1}(C{n}):\n    def __init__(self):\n        super().__init__()")
    + "C2000()\n",
    "2,000 methods": "class C(keras.Model):\n"
    + lines(2_000, lambda n: f"    def m{n}(self, x):\n        self.b{n} = L.BatchNormalization()\n        return self.b{n}(self.m{(n * 7) % 2000}(x))"),
    "a class with 20 bases 5 deep": "".join(
        lines(20, lambda n: f"class C{d}_{n}({', '.join(f'C{d - 1}_{k}' for k in range(20)) if d else 'L.Layer'}): pass")
        for d in range(40)
    )
    + "C39_0().x\nC39_1().y\n"
    + MODEL,
    "a list of 90,000 numbers": MODEL + "data = [" + "1, " * 90_000 + "]\n",
    "a list of 40,000 floats a line": MODEL + "data = [\n" + lines(40_000, lambda n: f"    {n}.25,") + "]\n",
    "a list of 30,000 negative floats": MODEL + "data = [" + "-1.25e-7, " * 30_000 + "]\n",
    "10,000 rows of 6": MODEL + "data = [\n" + lines(10_000, lambda n: "  [1, 2, 3, 4, 5, 6],") + "]\n",
    "a dict of 1.4 MB": MODEL + "data = {\n" + lines(18_000, lambda n: f"    'key number {n:05}': 'some text that makes it longer and longer {n:05}',") + "}\n",
    "a string of 1.4 MB": MODEL + "text = '" + "x" * 1_400_000 + "'\n",
    "40,000 short statements": MODEL + "x = 1\n" * 33_000,
    "30,000 calls": MODEL + "f(x)\n" * 20_000,
    "a long line of names": MODEL + "x = (" + "a, " * 45_000 + ")\n",
    "45,000 comments": MODEL + "# a comment that says nothing\n" * 45_000,
    "blank lines": MODEL + "\n" * 1_400_000,
    "spaces": MODEL + "x = 1" + " " * 1_400_000 + "\n",
    "backslashes": MODEL + "x = 1 + \\\n" * 1 + "\\\n" * 400_000 + "2\n",
    "nesting 200 deep": MODEL + lines(100, lambda n: "x = " + nested_calls(80)),
    "a chain of 200 calls, 100 times": MODEL + lines(100, lambda n: "x = y" + ".add(1)" * 100),
    "sums of 200 terms": MODEL + lines(150, lambda n: "x = " + "+".join(["1"] * 200)),
    "200 elifs": MODEL + lines(20, lambda n: "if a: x = 1\n" + lines(80, lambda k: f"elif b{k}: m.add(L.BatchNormalization())")),
    "20 unknown ifs": MODEL + lines(20, lambda n: f"if c{n}:\n    m.add(L.BatchNormalization())\nelse:\n    m.add(L.Dense({n}))"),
    "2,000 unknown ifs": MODEL + lines(2_000, lambda n: f"if c{n}:\n    m.add(L.BatchNormalization())"),
    "2,000 unknown ifs on x": "def f(x, a):\n" + lines(2_000, lambda n: f"    if a[{n}]:\n        x = L.BatchNormalization()(x)") + "    return x\n",
    "2,000 unknown ifs on a number": MODEL + "x = 1\n" + lines(2_000, lambda n: f"if c{n}:\n    x = x + {n}"),
    "2,000 unknown returns": MODEL + "def f(x):\n" + lines(2_000, lambda n: f"    if x.a{n}:\n        return L.BatchNormalization()(x)") + "    return x\nf(L.Input((3,)))\n",
    "200 nested unknown ifs": MODEL + "".join(f"{' ' * n}if c{n}:\n" for n in range(80)) + " " * 80 + "m.add(L.BatchNormalization())\n",
    "5,000 tries": MODEL + lines(5_000, lambda n: "try: m.add(L.BatchNormalization())\nexcept A: x = 1\nexcept B: y = 2"),
    "a match of 3,000 cases": MODEL + "match x:\n" + lines(3_000, lambda n: f"    case {n}: m.add(L.BatchNormalization())"),
    "500 matches": MODEL + lines(500, lambda n: "match x:\n    case [1, *rest]: m.add(L.BatchNormalization())\n    case {'a': b}: m.add(L.Dense(2))\n    case _: y = 2"),
    "9 nested loops": MODEL + nested_loops(9, "range(60)"),
    "9 nested unknown loops": MODEL + nested_loops(9, "unknown()"),
    "7 nested while loops": MODEL + "".join(f"{'  ' * n}while x < {n}:\n{'  ' * (n + 1)}y = {n}\n" for n in range(40)) + "  " * 40 + "m.add(L.BatchNormalization())\n",
    "while True": MODEL + lines(200, lambda n: "while True:\n    m.add(L.BatchNormalization())"),
    "a loop over 10**12": MODEL + "for i in range(10**12):\n    m.add(L.BatchNormalization())\nlist(range(10**12))\nsum(range(10**12))\n[*range(10**12)]\n",
    "large numbers": MODEL + "a = 10**10**10\nb = 1 << 10**9\nc = [0] * 10**9\nd = 'x' * 10**9\ne = b'x' * 10**9\ng = (0,) * 10**9\nh = 9**64\ni = h**64\nj = i**64\nk = -1 << 10**10\nl = 2.0**5000\nn = pow(9, 10**9)\n"
    + "x = 10**14\n" + "x = x * x\n" * 200,
    "large texts": MODEL + "a = f'{m:1000000000}'\nb = '{:>1000000000}'.format(1)\nc = '%1000000000d' % 1\nd = '%*d' % (10**9, 1)\ne = '{:{}}'.format(1, 10**9)\ns = 'x' * 19000\n"
    + "s = s + s\n" * 200 + "t = 'ab'\n" + "t = f'{t}{t}'\n" * 200 + "u = 'ab'\n" + "u = '%s%s' % (u, u)\n" * 200 + "v = 'ab'\n" + "v = v.replace('a', v)\n" * 200
    + "w = 'ab'\n" + "w = w.join([w, w, w])\n" * 200 + "y = 'ab'\n" + "y = '{0}{0}'.format(y)\n" * 200 + "z = 'a'.ljust(10**9)\nz = 'a'.center(10**9)\nz = 'a'.zfill(10**9)\n'a'.expandtabs(10**9)\nint('9' * 19000)\n",
    "lists that double": MODEL + "a = [0]\n" + "a = a + a\n" * 300 + "b = [0]\n" + "b += b\n" * 300 + "c = [0]\n" + "c.extend(c)\n" * 300 + "d = (0,)\n" + "d = (*d, *d)\n" * 300 + "e = [1]\n" + "e = [*e, *e]\n" * 300,
    "lists in lists": MODEL + "a = [0, 1]\n" + "a = [a, a]\n" * 3_000 + "b = L.BatchNormalization()\n" + "b = [b, b]\n" * 3_000 + "f(a)\nf(b)\nm.add(b)\n",
    "tuples in tuples": MODEL + "b = (1, 2)\n" + "b = (b, b)\n" * 1_000 + "c = {}\nc[b] = 1\nb == b\nb in [b]\nm.x = b\nL.Dense(b)\n",
    "itself": MODEL + "a = []\na.append(a)\na += a\nd = {}\nd['d'] = d\nd.update(d)\nf(a)\nf(d)\nm.add(a)\nkeras.Sequential(a)\nL.Dense(a)\nclass C: pass\nc = C()\nc.c = c\nf(c)\nL.Dense(c)\na == a\n[a] == [a]\nx = a in a\nprint(a)\nL.Dense(units=d)\nnp.array(a)\nstr(a)\nimport copy\ncopy.deepcopy(a)\n",
    "comprehensions in comprehensions": MODEL + "x = [[[[[[L.BatchNormalization() for a in range(60)] for b in range(60)] for c in range(60)] for d in range(60)] for e in range(60)] for f in range(60)]\n"
    + "y = [L.BatchNormalization() for a in range(200) for b in range(200) for c in range(200) for d in range(200)]\n",
    "products": MODEL + "import itertools\nfrom itertools import product\nx = list(product(range(10**4), repeat=8))\ny = list(itertools.permutations(range(100)))\nfor a in product(*[range(1000)] * 10): m.add(L.BatchNormalization())\n",
    "a cycle of 1,000 functions": HEAD * 0 + functions(1_000, lambda n: f"    x = L.BatchNormalization()(x)\n    return f{(n + 1) % 1000}(f{(n + 7) % 1000}(x))"),
    "150 functions that call all": functions(150, lambda n: "".join(f"    x = f{k}(x)\n" for k in range(150)) + "    return L.BatchNormalization()(x)"),
    "60 functions that call all with numbers": functions(60, lambda n: "".join(f"    x = f{k}(x, {k}) + {n}\n" for k in range(60)) + "    L.BatchNormalization()\n    return x"),
    "a ladder of 60 functions": functions(60, lambda n: f"    return f{n + 1}(f{n + 1}(x))" if n < 59 else "    return L.BatchNormalization()(x)"),
    "a ladder of 38 closures": "def g0(x): return L.BatchNormalization()(x)\n" + lines(38, lambda n: f"g{n + 1} = lambda x: g{n}(g{n}(x))") + "g38(keras.Input((4,)))\n",
    "recursion with branches": "def f(x, n):\n    if n:\n        return f(f(x, n - 1), n - 2) + f(x, n + 1)\n    return L.BatchNormalization()(x)\nf(keras.Input((4,)), 50)\n",
    "100 recursions": functions(100, lambda n: f"    return f{n}(f{n}(L.BatchNormalization()(x)))"),
    "partials in partials": MODEL + "import functools\ng = lambda *a, **k: L.BatchNormalization()\n" + "g = functools.partial(g, 1)\n" * 3_000 + "m.add(g())\n",
    "lambdas in lambdas": MODEL + "h = lambda: L.BatchNormalization()\n" + lines(3_000, lambda n: f"h{n} = lambda h=h: h()\nh = h{n}") + "m.add(h())\n",
    "star arguments": MODEL + "def f(*a, **k): return f(*a, *a, **k, **k)\nf(*range(5000))\ndef g(*a): return g(*a, *a)\ng(1, 2, 3)\nh = lambda *a: max(a)\nh(*range(5000), *range(5000), *range(5000))\n"
    + "z = [1] * 4900\n" + "print(*z, *z, *z, *z)\n" * 300,
    "walruses": MODEL + lines(3_000, lambda n: f"if (x{n} := L.BatchNormalization()) and (y := [z := {n}]): m.add(x{n})"),
    "3,000 layers, functional": "x = i = keras.Input((4,))\n" + "x = L.Dense(4)(x); x = L.BatchNormalization()(x)\n" * 1_500 + "m = keras.Model(i, x)\n" + lines(500, lambda n: f"m.layers[{n}].trainable = False") + "for l in m.layers: l.trainable = False\n" * 100,
    "3,000 layers, Sequential, read often": MODEL + "m.add(L.BatchNormalization())\n" * 3_000 + lines(500, lambda n: f"m.layers[{n}].trainable = False\nm.output") + "for l in m.layers: l.trainable = False\n" * 20,
    "a model called 3,000 times": MODEL + "i = keras.Input((4,))\n" + "i = m(i)\n" * 3_000 + "keras.Model(i, i)\n",
    "1,000 models of models": "m0 = keras.Sequential([L.BatchNormalization(), L.Dense(3)])\n" + lines(1_000, lambda n: f"m{n + 1} = keras.Sequential([m{n}, m{n}])\nm{n + 1}.compile('sgd')\nm{n + 1}.fit(x, y)"),
    "300 nested functional models": "m0 = keras.Sequential([L.BatchNormalization(), L.Dense(3)])\n" + lines(300, lambda n: f"i = keras.Input((4,))\nm{n + 1} = keras.Model(i, m{n}(m{n}(i)))\nm{n + 1}.fit(x, y, batch_size=2)"),
    "2,000 fits": MODEL + "m.compile('sgd', 'mse')\n" + "m.trainable = False\nm.fit(x, y, batch_size=4)\nm(x)\nm.predict(x)\n" * 2_000,
    "1,000 additions of all before": "x0 = keras.Input((4,))\n" + lines(300, lambda n: f"x{n + 1} = L.BatchNormalization()(L.Add()([{', '.join(f'x{k}' for k in range(n + 1))}]))") + "keras.Model(x0, x300)\n",
    "1,500 alternatives of a tensor": "def f(x, a):\n    i = x\n" + lines(1_500, lambda n: f"    x = L.BatchNormalization()(x) if a.b{n} else x") + "    return keras.Model(i, x)\n",
    "a diamond of alternatives": "def f(x, a):\n" + lines(1_000, lambda n: f"    if a.b{n}: y = L.Dense(3)(x)\n    else: y = L.Dropout(0.5)(x)\n    x = L.BatchNormalization()(L.Add()([x, y]))") + "    return x\n",
    "2,000 attributes": "class C(keras.Model):\n    def __init__(self):\n" + lines(2_000, lambda n: f"        self.l{n} = L.BatchNormalization()") + "    def call(self, x):\n" + lines(2_000, lambda n: f"        x = self.l{n}(x)") + "        return x\nC()(x)\n",
    "500 models with branches": lines(500, lambda n: f"class C{n}(keras.Model):\n    def __init__(self, a):\n        self.b = L.BatchNormalization() if a else L.Dropout(0.5)\n    def call(self, x, training=None):\n        return self.b(x, training=training)"),
    "globals": "def f():\n" + lines(2_000, lambda n: f"    global g{n}\n    g{n} = L.BatchNormalization()") + "f()\n",
    "1,000 imports of nothing": MODEL + lines(3_000, lambda n: f"import nowhere{n}.sub\nfrom elsewhere{n} import *"),
    "3,000 decorators": MODEL + "@f\n" * 3_000 + "def g(x): return L.BatchNormalization()(x)\n",
    "5,000 parameters": "def g(" + ", ".join(f"p{n}={n}" for n in range(5_000)) + "):\n    return L.BatchNormalization()\n" + "g()\n" * 50,
    "3,000 arguments": MODEL + "m.add(L.BatchNormalization(" + ", ".join(f"a{n}={n}" for n in range(3_000)) + "))\n" + ("f(" + "1, " * 3_000 + ")\n") * 20,
    "writes in 3,000 branches": MODEL + "d = {}\n" + lines(3_000, lambda n: f"if c{n}: d[{n}] = {n}"),
    "3,000 variables in 300 branches": lines(3_000, lambda n: f"v{n} = {n}") + MODEL + lines(300, lambda n: f"if c{n}: v{n} = L.BatchNormalization()"),
    "choices of functions": "def a(x): return L.BatchNormalization()(x)\ndef b(x): return L.Dropout(0.5)(x)\ndef f(x, c):\n" + lines(500, lambda n: f"    g = a if c.d{n} else b\n    x = g(g(x))") + "    return x\n",
    "generators": "def g(n):\n    yield L.BatchNormalization()\n    yield from g(n + 1)\n" + MODEL + "for l in g(0): m.add(l)\n" * 500,
    "slices": MODEL + "x = list(range(4000))\n" + "y = x[::-1][1:-1]\n" * 3_000,
    "zips": MODEL + "x = list(range(4000))\n" + "y = list(zip(x, x, x, enumerate(x)))\n" * 300,
    "sorts": MODEL + "x = list(range(4000))\n" + "y = sorted(x)[0] + sum(x) + max(x)\n" * 1_000,
    "lookups in a list": MODEL + "x = [[n] for n in range(300)] * 16\n" + "y = [9999] in x\nx.index([5])\n" * 1_000,
    "texts in a text": MODEL + "x = 'ab' * 9000\n" + "y = 'aab' in x\nz = x.find('aab')\nw = x.split('a')\n" * 1_000,
    "subscripts": MODEL + "d = {'a': {}}\n" + "d['a']['b'] = d['a']\nx = d['a']['b']['b']['b']\n" * 1_000,
}


def measure(text: str, folder: Path) -> tuple[float, float, int, str]:
    """Seconds, peak MB, exit code and what the standard output and error say in the end, of bnlint on one program."""
    path = folder / "hostile.py"
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "bnlint", "check", "--select", "ALL", "--verbose", "--jobs", "1", path.name]
    with tempfile.TemporaryFile("w+") as output:
        variables = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = usage.ru_utime + usage.ru_stime
        output.seek(0)
        said = output.read()
    megabytes = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return seconds, megabytes, process.returncode, said


def verdict(code: int, said: str) -> str:
    """What became of the program, in a few words."""
    if code not in (0, 1, 2) or "internal error" in said or "Traceback" in said:
        return "FAILS: " + (said.strip().splitlines() or [f"exit code {code}"])[-1][:120]
    for mark in ("not checked: ", "not followed to the end: "):
        if mark in said:
            return mark + said.partition(mark)[2].partition("\n")[0][:60]
    return said.strip().splitlines()[-1][:60]


def main() -> int:
    """Measure the programs named, or all."""
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    failed = 0
    print(f"{'program':40} {'seconds':>8} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name, program in PROGRAMS.items():
            if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
                continue
            seconds, megabytes, code, said = measure(HEAD + program, Path(folder))
            said = verdict(code, said)
            wrong = seconds > SECONDS or megabytes > MEGABYTES or said.startswith("FAILS")
            failed += wrong
            print(f"{name:40} {seconds:8.2f} {megabytes:6.0f} {'!' if wrong else ' '} {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
