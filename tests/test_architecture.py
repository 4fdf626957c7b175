"""How the parts may depend on each other, and what the type checker and the linter say of them."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "bnlint"

LAYERS = (
    "findings",
    "fault",
    "catalog",
    "graph",
    "reference",
    "inputs",
    "rulebook",
    "doors",
    "fixes",
    "run",
    "reporters",
    "runtime",
    "api",
    "cli",
    "__main__",
)
"""The parts of the package as data flows through them: each imports from those above it in this list alone."""

KERAS = {"tensorflow", "keras", "tf_keras"}
KERAS_PARTS = (PACKAGE / "doors" / "live", PACKAGE / "runtime")
GRAB_BAGS = {"utils", "util", "helpers", "helper", "common", "base", "misc"}

MODULES = sorted(PACKAGE.rglob("*.py"))
RULES = sorted((CHECKOUT / "rules").glob("*.py"))


def imports(path: Path, *, typed: bool = True) -> Iterator[str]:
    """The full names of what a module imports, wherever it does; `typed`: what the type checker sees."""
    package = path.relative_to(CHECKOUT).with_suffix("").parts[:-1]
    for node in walk(ast.parse(path.read_text(encoding="utf-8")), typed):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (start, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def walk(node: ast.AST, typed: bool) -> Iterator[ast.AST]:
    """Every node; without `typed`, what stands under TYPE_CHECKING left out."""
    yield node
    for child in ast.iter_child_nodes(node):
        if typed or not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)):
            yield from walk(child, typed)


def part(name: str) -> str | None:
    """The part of bnlint that an imported name belongs to; None for the package's own public names and for others."""
    head, _, rest = name.partition(".")
    first = rest.split(".")[0]
    exists = (PACKAGE / first).is_dir() or (PACKAGE / f"{first}.py").is_file()
    return first if head == "bnlint" and first and exists else None


def test_every_part_has_its_layer() -> None:
    parts = {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir() if path.name[:2] != "__"}
    assert parts - {"py", "rules", "moved"} == set(LAYERS) - {"__main__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    """What the type checker alone sees counts, too."""
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if own in ("__init__", "moved"):
        assert {name for given in imports(path, typed=False) if (name := part(given))} <= {"moved"}
        return
    others = {name for given in imports(path) if (name := part(given)) and name != own}
    wrong = [name for name in others if LAYERS.index(name) >= LAYERS.index(own)]
    assert not wrong, f"{own} imports from {', '.join(sorted(wrong))}"


def test_there_are_no_cycles() -> None:
    """Between modules: imports inside functions count, and those through a package's `__init__`."""
    assert_acyclic({module_name(path): set(imported(path)) for path in MODULES})


def imported(path: Path) -> Iterator[str]:
    """The modules of bnlint that a module imports: those it names, and the packages they are in but that it is not."""
    own = module_name(path)
    for given in imports(path, typed=False):
        name = owner(given)
        while name and name not in (own, "bnlint") and not own.startswith(f"{name}."):
            yield name
            name = name.rpartition(".")[0]


def assert_acyclic(graph: Mapping[str, set[str]]) -> None:
    """Fail where a module comes back to itself."""
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def module_name(path: Path) -> str:
    """A module's full name."""
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def owner(name: str) -> str | None:
    """The module of bnlint that an imported name stands in; None for other packages and the package itself."""
    names = {module_name(path) for path in MODULES}
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name if name not in ("", "bnlint") else None


SOURCE = PACKAGE / "doors" / "source"
SOURCE_LAYERS = ("values", "library", "language")
"""The folders of the source door, lowest first; what stands beside them is text, and lower still."""


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_source_door_is_built_upwards(path: Path) -> None:
    """Imports inside functions count, those under TYPE_CHECKING do not."""

    def height(parts: tuple[str, ...]) -> int:
        return SOURCE_LAYERS.index(parts[0]) if parts and parts[0] in SOURCE_LAYERS else -1

    own = height(path.relative_to(SOURCE).parts)
    if path == SOURCE / "__init__.py":
        return
    prefix = "bnlint.doors.source."
    used = [name.removeprefix(prefix) for name in imports(path, typed=False) if name.startswith(prefix)]
    assert [name for name in used if height(tuple(name.split("."))) > own] == []


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rules_import_only_bnlint_and_the_standard_library(path: Path) -> None:
    heads = {name.split(".")[0] for name in imports(path)}
    assert heads - {"bnlint"} <= sys.stdlib_module_names
    assert {name for given in imports(path) if (name := part(given))} <= {"catalog", "graph", "rulebook", "reference"}


@pytest.mark.parametrize("path", [*MODULES, *RULES], ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_keras_is_imported_where_it_is_looked_at_only(path: Path) -> None:
    allowed = any(path == home or home in path.parents for home in KERAS_PARTS)
    assert allowed or not KERAS & {name.split(".")[0] for name in imports(path)}


def test_no_module_is_a_grab_bag() -> None:
    names = {part for path in [*MODULES, *RULES] for part in path.relative_to(CHECKOUT).with_suffix("").parts}
    assert not names & GRAB_BAGS


def test_the_checks_see_what_they_forbid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reading of imports itself: relative, absolute, lazy and under TYPE_CHECKING."""
    folder = tmp_path / "bnlint" / "doors"
    folder.mkdir(parents=True)
    module = folder / "saved.py"
    module.write_text(
        "import keras.layers\nfrom ..findings import Place\nfrom . import live\n"
        "if TYPE_CHECKING:\n    from ..rulebook.rule import Rule\ndef f():\n    from bnlint.run.engine import run\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "CHECKOUT", tmp_path)
    now = ["keras.layers", "bnlint.findings.Place", "bnlint.doors.live"]
    assert list(imports(module, typed=False)) == [*now, "bnlint.run.engine.run"]
    assert list(imports(module)) == [*now, "bnlint.rulebook.rule.Rule", "bnlint.run.engine.run"]


@pytest.mark.parametrize("line", ["from .change import Change\n", "def f() -> None:\n    from .change import Change\n"])
def test_a_planted_cycle_is_seen(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "bnlint"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in (("card", line), ("change", "from .card import Example\n")):
        module = copy / "rulebook" / f"{name}.py"
        module.write_text(module.read_text(encoding="utf-8") + text, encoding="utf-8")
    here = sys.modules[__name__]
    monkeypatch.setattr(here, "CHECKOUT", tmp_path)
    monkeypatch.setattr(here, "PACKAGE", copy)
    monkeypatch.setattr(here, "MODULES", sorted(copy.rglob("*.py")))
    with pytest.raises(pytest.fail.Exception, match=r"rulebook\.(card|change) -> "):
        test_there_are_no_cycles()


@pytest.mark.slow
@pytest.mark.parametrize("command", [["mypy"], ["ruff", "check"]], ids=lambda command: command[0])
def test_checkers_are_content(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
