"""Nothing of what is linted runs: traps everywhere code could be reached, each of which leaves a mark when it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
MARKS = "bnlint-safety-marks"

Trap = Callable[[str], str]
"""Makes an expression that leaves a mark of this name."""

PROGRAM = """
import keras
from keras import layers
import lazy
from lazy import anything, layers as L
import package.module as inner
from stars import *

{module}


def decorated(function, mark=None):
    {decorator}
    return function


class Meta(type):
    def __new__(cls, name, bases, members):
        {metaclass}
        return super().__new__(cls, name, bases, members)

    def __prepare__(name, bases):
        {prepare}
        return {{}}

    def __instancecheck__(cls, instance):
        {instancecheck}
        return True

    def __call__(cls, *args):
        {metacall}
        return super().__call__(*args)


class Base(metaclass=Meta):
    {body}

    def __init_subclass__(cls, **keywords):
        {init_subclass}

    def __class_getitem__(cls, item):
        {class_getitem}
        return cls


class Descriptor:
    def __set_name__(self, owner, name):
        {set_name}

    def __get__(self, instance, owner=None):
        {get}
        return layers.BatchNormalization

    def __set__(self, instance, value):
        {set}

    def __delete__(self, instance):
        {delete}


class Traps(Base[int]):
    norm = Descriptor()

    def __getattr__(self, name):
        {getattr}
        return layers.BatchNormalization

    def __str__(self):
        {str}
        return "4"

    __repr__ = __format__ = lambda self, spec="": str(self)

    def __bool__(self):
        {bool}
        return True

    def __len__(self):
        {len}
        return 4

    def __int__(self):
        {int}
        return 4

    __index__ = __int__

    def __hash__(self):
        {hash}
        return 1

    def __eq__(self, other):
        {eq}
        return True

    def __iter__(self):
        {iter}
        return iter([4])

    def __getitem__(self, key):
        {getitem}
        return 4

    def __call__(self, x):
        {call}
        return x

    def __enter__(self):
        {enter}

    def __exit__(self, *error):
        {exit}

    def __add__(self, other):
        {add}
        return 4

    @property
    def units(self):
        {property}
        return 4

    def __deepcopy__(self, memo):
        {deepcopy}
        return self

    def __del__(self):
        {finalizer}


@decorated
def build(units={default}, *, keyword={keyword} or 4, annotated: {annotation} = 4):
    model = keras.Sequential([layers.Dense(4), layers.Dropout(0.5), layers.BatchNormalization()])
    return model


Traps()
trap = Traps()
trap.norm = 4
text = f'''{{trap}} {{{fstring}}} {{4:{{trap}}}}''' + "%s" % trap + "{{}}".format(trap) + "{{0.units}}".format(trap)
text += str(trap) + repr(trap)
table = {{trap: trap, **{{"a": {dict}}}}}
numbers = [trap + 4, len(trap), int(trap), trap[0], *trap, range(trap), trap == 4, trap in [4, trap], hash(trap)]
chosen = {comprehension_guard}
made = [layers.Dense(4) for _ in trap if {comprehension}]
with trap:
    model = keras.Sequential([layers.Dense(trap.units), layers.Dropout(0.5), layers.BatchNormalization()])
if trap and isinstance(trap, Base) and (walrus := {walrus} or 4):
    model.add(trap.norm())
assert {assertion} is None
layers.Dense({argument}, name=lazy.name, units=anything, trap=trap.missing)
eval({text_eval!r})
exec({text_exec!r})
compile({text_eval!r}, "trap", "exec")
getattr(trap, "units"), setattr(trap, "norm", 4), hasattr(trap, "other"), callable(trap), iter(trap), dir(trap)
import copy, functools, os, subprocess, importlib
copy.deepcopy(trap)
functools.partial(trap)(4)
(lambda x={lambda_default}: {lambda_body})()
importlib.import_module("lazy").other
__import__("lazy").another
os.system({shell!r} + "os")
subprocess.run({shell!r} + "subprocess", shell=True)
match trap:
    case Traps(units=4) if {guard}:
        model.add(layers.BatchNormalization())
try:
    raise {raised} or ValueError
except {caught} or ValueError:
    pass
class Config: yaml = "!!python/object/apply:os.system [touch yaml]"
def generator():
    yield {generated}
for _ in generator():
    model.add(layers.BatchNormalization())
build()
for layer in model.layers: layer.trainable = bool({loop})
del trap.norm, [{deleted}][0:0], trap
"""

STUB = """
class Anything:
    def __init__(self, *args, **keywords): pass
    def __call__(self, *args, **keywords): return self
    def __getattr__(self, name): return Anything() if not name.startswith("__") else object.__getattribute__(self, name)
    def __iter__(self): return iter([Anything()])
layers = Anything()
Sequential = Model = Anything
"""


def names_in(program: str) -> list[str]:
    """The names of the traps of a program."""
    import string

    return [name for _, name, _, _ in string.Formatter().parse(program) if name]


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Where the traps leave their marks."""
    folder = tmp_path / MARKS
    folder.mkdir()
    return folder


@pytest.fixture
def trap(marks: Path) -> Trap:
    return lambda name: f'__import__("pathlib").Path("{marks}", "{name}").touch()'


@pytest.fixture
def project(tmp_path: Path, marks: Path, trap: Trap) -> Path:
    """A folder full of traps."""
    folder = tmp_path / "project"
    for name in ("package", "rules", "bnlint_rules", ".git/hooks"):
        (folder / name).mkdir(parents=True)
    shell = f"touch {marks}/"
    texts = {"text_eval": trap("eval"), "text_exec": trap("exec"), "shell": shell}
    program = PROGRAM.format(**{name: texts.get(name) or trap(name) for name in names_in(PROGRAM)})
    norm = "from keras import layers\nlayers.BatchNormalization()\n"
    files = {
        "model.py": program,
        "train.py": f"from model import build, model\nmodel.fit(x, y, batch_size=2)\n{trap('train')}\n",
        "lazy.py": f"{norm}{trap('lazy')}\ndef __getattr__(name):\n    {trap('lazy_getattr')}\n    return 4\n",
        "stars.py": f"__all__ = [{trap('all')} or 'x']\nx = 4\n{norm}",
        "package/__init__.py": f"{norm}{trap('package')}\n",
        "package/module.py": f"{norm}{trap('package_module')}\n",
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[tool.bnlint]\nselect = ['ALL']\n",
        "setup.cfg": "[tool:pytest]\naddopts = -p conftest\n",
        "document.md": f"# Title\n\n```python\n{norm}{trap('markdown')}\n```\n\n```python\n>>> {trap('doctest')}\n```\n"
        f"\n```sh\n{shell}sh\n```\n",
        "notebook.ipynb": notebook(norm, trap, shell),
        "config.yaml": f"!!python/object/apply:os.system ['{shell}yaml']\n",
        "rules/tiny_batch.py": trap("rule"),
        "rules/tiny_batch.md": "# Rule\n",
        ".git/hooks/pre-commit": f"#!/bin/sh\n{shell}hook\n",
    }
    shadowed = ("keras", "tensorflow", "tf_keras", "numpy", "click", "libcst", "rich", "h5py")
    standard = ("json", "textwrap", "tomllib", "difflib", "bisect", "decimal", "yaml", "sarif")
    others = ("conftest", "sitecustomize", "usercustomize", "setup", "backend", "noxfile", "bnlint_plugin")
    for name in (*shadowed, *standard, *others):
        stub = STUB if name == "keras" else "from keras import layers\nlayers.BatchNormalization()\n"
        files[f"{name}.py"] = f"{trap(name)}\n{stub}"
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def notebook(norm: str, trap: Trap, shell: str) -> str:
    cells = [
        f"!{shell}shell\n%run model.py\n%load_ext autoreload\n%%time\n{norm}",
        f"files = !{shell}assigned\n%sx {shell}sx\n{trap('cell')}\n{norm}",
        f"%%bash\n{shell}bash\n",
        f"%%python\n{trap('cell_magic')}\n",
        f"%%capture\n{norm}%timeit {trap('timeit')}\n",
        f"%alias_magic t time\n!!{shell}double\n{norm}",
    ]
    code = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    return json.dumps({"nbformat": 4, "metadata": {"kernelspec": {"name": "evil"}}, "cells": code})


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(CHECKOUT)}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def test_the_traps_are_armed(project: Path, marks: Path) -> None:
    """The program itself leaves all the marks that are in it and in what it imports."""
    done = run([sys.executable, "model.py"], project)
    assert done.returncode == 0, done.stderr
    sprung = {path.name for path in marks.iterdir()}
    expected = set(names_in(PROGRAM)) - {"shell", "text_eval", "text_exec"}
    assert expected <= sprung
    assert {"eval", "exec", "os", "subprocess", "lazy", "lazy_getattr", "all", "package", "package_module"} <= sprung


COMMANDS = [
    (".", "--select", "ALL", "--extend-include", "*.md", "--verbose", "--statistics", "--unused-suppressions"),
    (".", "--select", "ALL", "--extend-include", "*.md", "--jobs", "2"),
    (".", "--diff", "--unsafe-fixes", "--certify", "--jobs", "1"),
    (".", "--fix", "--unsafe-fixes", "--jobs", "1"),
    (".", "--format", "sarif", "--output", "../report.sarif"),
    (".", "--extend-include", "*", "--format", "json"),
    ("graph", "model.py"),
    ("graph", "model.py", "--entry", "build()"),
    ("graph", "notebook.ipynb", "--format", "json"),
    ("graph", "document.md"),
    ("rules",),
    ("explain", "tiny-batch"),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_runs_anything(project: Path, marks: Path, arguments: tuple[str, ...]) -> None:
    done = run([sys.executable, "-m", "bnlint", *arguments], project)
    assert done.returncode in (0, 1, 2) and "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "internal error" not in done.stdout
    assert sorted(path.name for path in marks.iterdir()) == []
    report = project.parent / "report.sarif"
    said = done.stdout + done.stderr + (report.read_text(encoding="utf-8") if report.exists() else "")
    assert arguments[0] != "." or "model.py" in said or " findings" in said


AUDIT = """
import sys

project, trap = sys.argv[1], sys.argv[2]
seen = []
ALWAYS = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "pty.spawn", "socket.",
          "subprocess.Popen", "urllib.Request", "http.client.", "ftplib.", "smtplib.", "webbrowser.open", "sqlite3.",
          "pickle.find_class")
ON_FILES = ("os.", "shutil.", "tempfile.", "mmap.", "ctypes.dlopen")
READING = ("os.listdir", "os.scandir")

def holds(code):
    return any(trap in constant if isinstance(constant, str) else hasattr(constant, "co_consts") and holds(constant)
               for constant in code.co_consts)

def inside(path):
    return isinstance(path, str) and path.startswith(project)

def hook(event, arguments):
    if event == "exec":
        code = arguments[0]
        if inside(code.co_filename) or holds(code):
            seen.append((event, code.co_filename))
    elif event == "compile":
        source, filename = arguments
        text = source.decode(errors="replace") if isinstance(source, bytes) else str(source)
        if inside(filename) or (trap in text and filename != "<unknown>"):
            seen.append((event, str(filename)))
    elif event == "import":
        if inside(arguments[1]):
            seen.append((event, arguments[0]))
    elif event == "open":
        path, mode, flags = arguments
        if inside(path) and (set(mode or "") & set("wax+") or (flags or 0) & 3):
            seen.append((event, path))
    elif event.startswith(ALWAYS):
        seen.append((event, repr(arguments)[:200]))
    elif event.startswith(ON_FILES) and event not in READING and any(map(inside, arguments)):
        seen.append((event, repr(arguments)[:200]))

def report():
    for name, module in list(sys.modules.items()):
        if inside(getattr(module, "__file__", None)):
            seen.append(("module", name))
    print("events:", *sorted({f"{event}({what})" for event, what in seen}), file=sys.stderr)
"""

LINT = """
from bnlint.cli.main import main
sys.addaudithook(hook)
try:
    main([".", "--select", "ALL", "--extend-include", "*.md", "--jobs", "1", "--unsafe-fixes", "--diff"])
finally:
    report()
"""

RUN = """
sys.addaudithook(hook)
sys.path.insert(0, project)
try:
    import runpy
    runpy.run_path(project + "/model.py")
finally:
    report()
"""


def audited(code: str, project: Path, trap: str) -> str:
    """What of interest a process did that ran the code in the project's folder."""
    script = project.parent / "audited.py"
    script.write_text(AUDIT + code, encoding="utf-8")
    done = run([sys.executable, str(script), str(project) + os.sep, trap], project)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("events:")]
    return line.removeprefix("events:").strip()


def test_the_interpreter_sees_nothing_run(project: Path) -> None:
    """No code object of the project's is made, its files are not written to; no process, no connection.

    Parsing raises the event of compiling, too, under the name "<unknown>", and makes no code object.
    """
    assert audited(LINT, project, MARKS) == ""


def test_the_interpreter_would_see_it(project: Path) -> None:
    events = audited(RUN, project, MARKS)
    for event in ("exec(", "compile(", "module(lazy)", "os.system(", "subprocess.Popen(", "module(keras)"):
        assert event in events


def test_parsing_makes_no_code_object(tmp_path: Path) -> None:
    """What the tests above take for granted: the name under which `ast.parse` reports what it does."""
    code = "import ast\nsys.addaudithook(hook)\nast.parse('1 + 1')\nseen.append(('end', ''))\nreport()\n"
    watch = "def hook(event, given): event in ('compile', 'exec') and seen.append((event, str(given[-1])))"
    assert audited(f"{watch}\n{code}", tmp_path, MARKS) == "compile(<unknown>) end()"


def test_a_module_run_by_name_takes_its_own_libraries(project: Path, marks: Path) -> None:
    """`python -m` puts the working folder first, where click.py and json.py stand."""
    done = run([sys.executable, "-m", "bnlint", "--version"], project)
    assert done.returncode == 0 and done.stdout.startswith("bnlint ")
    assert not list(marks.iterdir())
