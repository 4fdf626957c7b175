"""Pipes, sockets and devices are never opened, whatever they are called and whoever would like to read them."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bnlint.inputs import disk

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "bnlint"
FINDING = "import keras\nkeras.layers.BatchNormalization()\n"
USES = f"from pipe import build\nfrom .pipe import other\nimport pipe\nbuild().fit(x)\npipe.x(1)\n{FINDING}"
SECONDS = 100
"""Nothing here takes so long but what waits for ever."""

READING = {"open", "read_text", "read_bytes", "fdopen", "open_code", "fromfile", "loadtxt"}
OWN = {
    ("inputs/disk.py", "opened"): "the one place",
    ("inputs/disk.py", "_without_waiting"): "what it opens with",
    ("cli/console.py", "replace"): "writes",
    ("fixes/edit/write.py", "rewrite"): "writes",
    ("rulebook/folders.py", "scaffold"): "reads a template of bnlint's own",
    ("reporters/html.py", "_template"): "reads a template of bnlint's own",
    ("doors/saved/archive.py", "_read"): "opens a member",
    ("doors/saved/archive.py", "_unpacked"): "opens a member",
    ("doors/saved/weights.py", "attribute"): "opens an attribute",
}
"""The functions that may call what opens files, and why."""


def calls(node: ast.AST, function: str = "") -> Iterator[tuple[str, str]]:
    """What is called, and in which function."""
    for child in ast.iter_child_nodes(node):
        named = child.name if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
        if isinstance(child, ast.Call):
            name = child.func.attr if isinstance(child.func, ast.Attribute) else getattr(child.func, "id", "")
            yield name, named
        yield from calls(child, named)


def test_one_function_opens_files() -> None:
    found = {
        (path.relative_to(PACKAGE).as_posix(), function)
        for path in PACKAGE.rglob("*.py")
        for name, function in calls(ast.parse(path.read_text(encoding="utf-8")))
        if name in READING
    }
    assert found - {("inputs/disk.py", "pieces"), ("fixes/edit/write.py", "rewrite")} == OWN.keys() - {
        ("fixes/edit/write.py", "rewrite")
    }


def pipe(path: str) -> None:
    os.mkfifo(path)


def a_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)


def zeros(path: str) -> None:
    os.symlink("/dev/zero", path)


def link_to_a_pipe(path: str) -> None:
    os.mkfifo(f"{path}.real")
    os.symlink(f"{os.path.basename(path)}.real", path)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text(FINDING, encoding="utf-8")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run bnlint; the test fails if it does not end."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    program = [sys.executable, "-m", "bnlint", *arguments]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "Traceback" not in done.stderr and "internal error" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("make", [pipe, a_socket, zeros, link_to_a_pipe])
def test_what_is_no_regular_file_is_an_error(make: Callable[[str], None]) -> None:
    make("x")
    for act in (disk.opened, disk.read, lambda path: disk.pieces(path, 100)):
        with pytest.raises(OSError, match="is not a regular file"):
            act("x")


@pytest.mark.parametrize("make", [pipe, a_socket, zeros])
def test_is_no_file_to_check(make: Callable[[str], None]) -> None:
    names = ["p.py", "p.ipynb", "p.keras", "p.h5", "p.hdf5", "keras_metadata.pb", "p.md"]
    for name in names:
        make(name)
    several = 1 if make is zeros else len(names)  # Links to the same are listed once.
    found = run(".", "--extend-include", "*.md")
    assert found.returncode == 2 and found.stdout.startswith("./a.py:2:1: error discarded-batchnorm")
    assert found.stdout.count("cannot be read: is not a regular file") == several
    for arguments in (names, [*names, "--fix"], [*names, "--diff"], [*names, "--certify", "--jobs", "2"]):
        done = run(*arguments)
        assert done.returncode == 2
        assert (done.stdout + done.stderr).count("cannot be read: is not a regular file") == several
    for name in ("p.py", "p.keras"):
        done = run("graph", name)
        assert done.returncode == 2 and "is not a regular file" in done.stderr


def test_is_no_configuration_no_patterns_and_no_requirements() -> None:
    os.makedirs(".git/info")
    os.mkdir("sub")
    for name in (".git/info/exclude", ".gitignore", "sub/.gitignore", "pyproject.toml", "setup.cfg", "setup.py"):
        pipe(name)
    for name in ("requirements.txt", "environment.yml", "environment.yaml", "Pipfile"):
        pipe(name)
    layers = "import tensorflow as tf\nx = tf.layers.batch_normalization(y)\n"
    Path("sub/b.py").write_text(f"{layers}{FINDING}", encoding="utf-8")
    pipe("sub/c.py")
    pipe("tox.ini")
    for arguments in (["."], ["sub"], ["a.py", "sub/b.py"], ["sub/b.py", "--certify"]):
        done = run(*arguments)
        assert ": error discarded-batchnorm" in done.stdout
    assert run("a.py").returncode == 1
    done = run("a.py", "--config", "pyproject.toml")
    assert done.returncode == 2 and "pyproject.toml: cannot be read: is not a regular file" in done.stderr


def test_is_no_module_to_import() -> None:
    pipe("pipe.py")
    os.makedirs("package/pipe")
    Path("package/__init__.py").write_text("", encoding="utf-8")
    pipe("package/pipe/__init__.py")
    Path("uses.py").write_text(USES, encoding="utf-8")
    Path("package/uses.py").write_text(USES, encoding="utf-8")
    done = run("uses.py", "package/uses.py", "--certify")
    assert done.returncode == 1 and done.stdout.count("error discarded-batchnorm") == 2


def test_is_no_rule_no_card_and_no_weights() -> None:
    os.mkdir("own")
    pipe("own/a_rule.py")
    done = run("a.py", "--rules", "own")
    assert done.returncode == 2 and "a_rule.py: is not a regular file" in done.stderr
    Path("other").mkdir()
    rule = "from bnlint import Severity\ncategory = 'mode'\nseverity = Severity.ERROR\ndef check(program, options):\n"
    Path("other/a_rule.py").write_text(f"{rule}    return []\n", encoding="utf-8")
    pipe("other/a_rule.md")
    assert run("a.py", "--rules", "other").returncode == 1
    assert run("explain", "a-rule", "--rules", "other").returncode == 0
    pipe("own/model.weights.h5")
    Path("own/model.keras").write_bytes(b"PK")
    assert "not a zip file" in run("own/model.keras").stdout


class TestRead:
    def test_small_files_come_whole(self) -> None:
        Path("a.py").write_bytes(b"x" * 100)
        size, pieces = disk.pieces("a.py", 100)
        assert (size, list(pieces)) == (100, [b"x" * 100])

    def test_large_ones_come_in_pieces_that_cut_no_name(self) -> None:
        Path("a.py").write_bytes(b"x" * ((1 << 20) - 5) + b"BatchNormalization" + b"y" * 3_000_000)
        size, read_pieces = disk.pieces("a.py", 100)
        pieces = list(read_pieces)
        assert size == (1 << 20) - 5 + 18 + 3_000_000
        assert len(pieces) > 1
        assert any(b"BatchNormalization" in piece for piece in pieces)
        assert max(map(len, pieces)) < (1 << 20) + 100

    def test_no_more_than_asked_for_is_read(self) -> None:
        Path("a.py").write_bytes(b"x" * 100)
        assert [len(disk.read("a.py", limit)) for limit in (7, 100, 200, None)] == [7, 100, 100, 100]
