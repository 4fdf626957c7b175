"""What a run loads, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
HEAVY = {"tensorflow", "keras", "tf_keras", "numpy", "h5py"}
DRAWING = {
    "igraph",
    "markdown_it",
    "latex2mathml",
    "mdit_py_plugins",
    "bnlint.reporters.picture",
    "bnlint.graph.picture",
}
LATE = {"json", "multiprocessing", "rich", "tomllib", "tomli", "importlib.metadata", "hashlib", "difflib"}
REPORT = "import sys, atexit\natexit.register(lambda: print('loaded:', *sys.modules))\n"


def loaded(code: str, cwd: Path) -> set[str]:
    """The modules, and the packages they are in, that a fresh process has loaded when it has run the code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    environment["PYTHONPATH"] = str(CHECKOUT)
    program = [sys.executable, "-c", f"{REPORT}{code}"]
    run = subprocess.run(program, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stderr, run.stderr
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("loaded:")]
    return set(line.split()[1:])


def lint(*arguments: str) -> str:
    return f"from bnlint.cli.main import main\nmain({list(arguments)!r})"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a file that names no batch normalization and, in `bn`, one that does."""
    (tmp_path / "plain.py").write_text("import keras\nkeras.layers.Dense(3)\n", encoding="utf-8")
    (tmp_path / "bn").mkdir()
    (tmp_path / "bn" / "a.py").write_text("from keras import layers\nlayers.BatchNormalization()\n", encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What a process loads for itself."""
    return loaded("", tmp_path_factory.getbasetemp())


def test_the_version_needs_click_alone(project: Path, bare: set[str]) -> None:
    new = loaded(lint("--version"), project) - bare
    assert {name for name in new if name.startswith("bnlint")} == {
        "bnlint",
        "bnlint.moved",
        "bnlint.cli",
        "bnlint.cli.main",
        "bnlint.cli.command",
        "bnlint.cli.console",
    }
    assert new & (LATE | HEAVY | {"libcst"}) == set()


def test_importing_bnlint_loads_nothing(project: Path, bare: set[str]) -> None:
    assert {name for name in loaded("import bnlint", project) - bare if name.startswith("bnlint")} == {
        "bnlint",
        "bnlint.moved",
    }


def test_a_run_without_candidates_does_not_load_libcst(project: Path, bare: set[str]) -> None:
    new = loaded(lint("plain.py"), project) - bare
    assert new & (LATE | HEAVY | {"libcst"}) == set()


def test_nor_does_a_run_over_a_folder_of_them(project: Path, bare: set[str]) -> None:
    (project / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    (project / ".gitignore").write_text("# nothing\n", encoding="utf-8")
    new = loaded(lint(".", "--ignore", "tiny-batch", "--fail-on", "error"), project / "bn" / "..") - bare
    assert "libcst" in new
    (project / "bn" / "a.py").unlink()
    assert (loaded(lint("."), project) - bare) & (LATE | HEAVY | {"libcst"}) == set()


def test_a_run_with_findings_loads_no_framework_and_no_slow_part_of_libcst(project: Path, bare: set[str]) -> None:
    new = loaded(lint("."), project) - bare
    assert "libcst" in new
    assert new & (HEAVY | LATE - {"json"} | DRAWING | {"libcst.matchers", "libcst.codemod"}) == set()


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (("--format", "json", "."), "json"),
        (("explain", "tiny-batch"), "bnlint.reporters.card"),
        (("graph", "bn/a.py", "--format", "svg"), "bnlint.reporters.picture"),
        (("--format", "html", "."), "markdown_it"),
    ],
)
def test_what_is_used_is_loaded(project: Path, bare: set[str], arguments: tuple[str, ...], module: str) -> None:
    """So that the tests above would notice."""
    assert module in loaded(lint(*arguments), project) - bare
