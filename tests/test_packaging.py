"""bnlint and its rules as a wheel, an sdist, an editable install and a bare checkout."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest
from kit.environment import Environment

import bnlint

CHECKOUT = Path(__file__).parents[1]
RULE_FILES = {path.name for path in (CHECKOUT / "rules").iterdir() if path.is_file()}

WHERE = """
import pathlib, bnlint
from bnlint.rulebook.folders import open_book, scaffold, shipped_folder
book = open_book()
print(pathlib.Path(bnlint.__file__).parent)
print(shipped_folder())
print(len(book), all(rule.card for rule in book.values()))
print([path.name for path in scaffold("my-rule", pathlib.Path("rules"))])
"""


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def where(environment: Environment, folder: Path) -> tuple[Path, Path]:
    """Where an environment has bnlint and its rules, after trying that they are all there."""
    done = environment.run("python", "-c", WHERE, cwd=folder)
    assert done.returncode == 0, done.stderr
    package, rules, count, scaffolded = done.stdout.splitlines()
    assert count == f"{len([name for name in RULE_FILES if re.match(r'[a-z].*py$', name)])} True"
    assert scaffolded == "['my_rule.py', 'my_rule.md']"
    return Path(package), Path(rules)


def lints(environment: Environment, folder: Path) -> None:
    """The installed command finds what is to be found, from any folder."""
    (folder / "net.py").write_text("import keras\nkeras.Sequential([keras.layers.BatchNormalization])\n")
    done = environment.run("bnlint", "net.py", cwd=folder)
    assert "net.py:2:19: error function-in-sequential" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
    done = environment.run("bnlint", "net.py", "--format", "html", cwd=folder)
    assert '<article class="finding error"' in done.stdout and done.stderr == ""
    assert environment.run("bnlint", "--version", cwd=folder).stdout.split()[-1] == bnlint.__version__


def test_the_wheel_holds_the_package_and_the_rules(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.removeprefix("bnlint/rules/") for name in names if name.startswith("bnlint/rules/")} == RULE_FILES
    modules = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "bnlint").rglob("*.py")}
    templates = {f"bnlint/reporters/templates/report.{kind}" for kind in ("html", "css", "js")}
    assert modules | templates | {"bnlint/py.typed"} <= names
    others = {name for name in names if not name.startswith("bnlint/")}
    assert {name.split("/")[0] for name in others} == {f"bnlint-{bnlint.__version__}.dist-info"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_wheel_s_metadata(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    folder = f"bnlint-{bnlint.__version__}.dist-info"
    metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
    assert (metadata["Version"], metadata["License-Expression"]) == (bnlint.__version__, "Apache-2.0")
    needed = {re.split(r"[\W]", line)[0] for line in metadata.get_all("Requires-Dist") if "extra ==" not in line}
    assert needed == {"click", "latex2mathml", "libcst", "markdown", "numpy", "packaging", "rich", "tomli"}
    assert set(metadata.get_all("Provides-Extra")) == {"models", "plots", "tensorflow", "test"}
    assert "Apache License" in archive.read(f"{folder}/licenses/LICENSE").decode()


def test_the_sdist_holds_what_the_wheel_and_the_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"rules/{name}" for name in RULE_FILES} <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "tests/test_rules.py"} <= names
    assert any(name.startswith("fixtures/programs/") for name in names)


def test_an_installed_wheel(wheel: Path, make_environment: Callable[[], Environment], tmp_path: Path) -> None:
    environment = make_environment()
    environment.install(wheel)
    package, rules = where(environment, tmp_path)
    assert package == environment.packages / "bnlint" and rules == package / "rules"
    lints(environment, tmp_path)


def test_an_editable_install(make_environment: Callable[[], Environment], tmp_path: Path) -> None:
    environment = make_environment()
    environment.install("--editable", CHECKOUT)
    assert where(environment, tmp_path) == (CHECKOUT / "bnlint", CHECKOUT / "rules")
    lints(environment, tmp_path)


def test_a_bare_checkout(copy_checkout: Callable[[Path], Path], tmp_path: Path) -> None:
    copy = copy_checkout(tmp_path / "copy")
    done = subprocess.run([sys.executable, "-c", WHERE], cwd=copy, capture_output=True, text=True)
    assert done.stdout.splitlines()[:2] == [str(copy / "bnlint"), str(copy / "rules")], done.stderr
    done = subprocess.run([sys.executable, "-m", "bnlint", "fixtures"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr


def test_a_type_checker_sees_the_public_names(wheel: Path, tmp_path: Path) -> None:
    """Installed, with the `py.typed` mark: a rule of one's own is checked against what bnlint declares."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    user = tmp_path / "user.py"
    user.write_text("import bnlint\nreport: int = bnlint.check_source('')\nreveal_type(bnlint.Severity.ERROR)\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(user)]
    variables = {"MYPYPATH": str(site), "MYPY_CACHE_DIR": str(tmp_path / "cache"), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert 'has type "Report", variable has type "int"' in done.stdout.replace("expression ", ""), done.stdout
    assert "Severity" in done.stdout and done.stdout.count("error:") == 1
