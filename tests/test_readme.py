"""What the README shows is what happens."""

from __future__ import annotations

import dataclasses
import doctest
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kit.environment import Environment
from sarif_pydantic import Sarif

from bnlint.rulebook.card import Fence, fences
from bnlint.rulebook.folders import open_book, scaffold
from bnlint.run.config import Config, load

CHECKOUT = Path(__file__).parents[1]
TEXT = (CHECKOUT / "README.md").read_text(encoding="utf-8")
BLOCKS = fences(TEXT)


def block(info: str, holds: str) -> Fence:
    """The one fenced block of this kind with this text in it."""
    (found,) = (fence for fence in BLOCKS if fence.info == info and holds in fence.code)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the README's programs in it."""
    for fence in BLOCKS:
        name = re.match(r"# (\w+\.py)\n", fence.code)
        if fence.info == "python" and name:
            (tmp_path / name[1]).write_text(fence.code, encoding="utf-8")
    return tmp_path


def bnlint(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`python -m bnlint` of this checkout."""
    variables = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "bnlint", *arguments]
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)


def test_the_example_s_output(project: Path) -> None:
    command, _, output = block("console", "$ bnlint").code.partition("\n")
    done = bnlint(*command.split()[2:], cwd=project)
    assert (done.stdout, done.returncode) == (output, 1)


def test_the_silenced_finding_is_silent(project: Path) -> None:
    assert bnlint("silenced.py", cwd=project).returncode == 0
    path = project / "silenced.py"
    path.write_text(path.read_text().replace("  # bnlint", "  # no"))
    assert bnlint("silenced.py", cwd=project).returncode == 1


def test_the_options_are_all_there_and_no_others(tmp_path: Path) -> None:
    helped = set(re.findall(r"--[a-z][a-z-]+", bnlint("check", "--help", cwd=tmp_path).stdout)) - {"--help"}
    table = TEXT.partition("| option | |")[2].partition("\n\n")[0]
    assert set(re.findall(r"--[a-z][a-z-]+", table)) == helped


def test_the_commands_are_all_there(tmp_path: Path) -> None:
    helped = bnlint("--help", cwd=tmp_path).stdout.partition("Commands:")[2].partition("\n\n")[0]
    listed = re.findall(r"^bnlint ([a-z-]+)", block("text", "bnlint PATH...").code, re.MULTILINE)
    assert {"check", *listed} == set(re.findall(r"^  ([a-z-]+)", helped, re.MULTILINE))


def test_the_configuration_has_every_key_and_is_right(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(block("toml", "[tool.bnlint]").code, encoding="utf-8")
    config = load(str(file))
    config.check(open_book())
    keys = {field.name.replace("_", "-") for field in dataclasses.fields(Config)} - {"root", "source", "rules"}
    for key in keys - {"per-file-ignores"}:
        assert re.search(rf"^{key} = ", file.read_text(), re.MULTILINE), key
    assert config.rules["tiny-batch"]["min-batch-size"] == 16 and config.per_file_ignores


def test_the_json_fields(project: Path) -> None:
    found = json.loads(bnlint("--format", "json", "train.py", "none.py", cwd=project).stdout)
    table = TEXT.partition("## JSON")[2].partition("## From Python")[0]
    first = [cell.split("|")[1] for cell in table.splitlines() if cell.startswith("| `")]
    named = {name for cell in first for name in re.findall(r"[a-z_]+", cell)}
    assert named == {*found, *found["files"], *found["findings"][0]}
    row = next(line for line in table.splitlines() if ".related[]" in line)
    assert re.findall(r"`(\w+)`", row) == list(found["findings"][0]["related"][0])
    row = next(line for line in table.splitlines() if ".fix`" in line)
    code = "from keras import layers\nlayers.BatchNormalization()(layers.Dense(3)(layers.Input((4,))))\n"
    (project / "biased.py").write_text(code, encoding="utf-8")
    biased = json.loads(bnlint("--format", "json", "--select", "redundant-bias", "biased.py", cwd=project).stdout)
    fix = biased["findings"][0]["fix"]
    assert re.findall(r"`(\w+)`", row) == list(fix)
    prose = table.partition("`safe` tells")[2]
    told = {name for key in ("edits", "certificate") for name in (fix[key][0] if key == "edits" else fix[key])}
    assert told <= set(re.findall(r"`(\w+)`", prose))
    row = next(line for line in table.splitlines() if "errors[]" in line)
    assert re.findall(r"`(\w+)`", row) == list(found["errors"][0])


def test_the_python_session(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    test = doctest.DocTestParser().get_doctest(block("pycon", "check_paths").code, {}, "README", "README.md", 0)
    said: list[str] = []
    result = doctest.DocTestRunner().run(test, out=said.append)
    assert result.failed == 0 and result.attempted > 5, "".join(said)


def test_the_test_file_for_own_rules(project: Path) -> None:
    scaffold("my-rule", project / "lint_rules")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_lint_rules.py"]
    variables = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True)
    assert "1 failed, 6 passed" in done.stdout and "the evidence has no number" in done.stdout, done.stdout
    card = project / "lint_rules" / "my_rule.md"
    text = card.read_text().replace("with the numbers.", "2 of 3.")
    card.write_text(text.replace("The paper", "Seed 000, the paper"))
    done = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True)
    assert "7 passed" in done.stdout, done.stdout


def test_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link]
    assert links and all((CHECKOUT / link).exists() for link in links)


@pytest.mark.parametrize(("program", "code"), [("train.py", 1), ("silenced.py", 0)])
def test_the_workflow_s_steps(
    project: Path,
    built: Path,
    make_environment: Callable[[], Environment],
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    code: int,
) -> None:
    """Each `run` step as the runner runs it, to the first that fails; the install finds this checkout's wheel."""
    for path in project.glob("*.py"):
        if path.name != program:
            path.unlink()
    environment = make_environment()
    pip = environment.bin / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip --python "{environment.bin}/python" "$@"\n')
    pip.chmod(0o755)
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(built), "NO_DEPS": "1"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    steps = yaml.safe_load(block("yaml", "runs-on").code)["jobs"]["bnlint"]["steps"]
    codes = []
    for step in steps:
        if "run" in step and not any(codes):
            done = environment.run("bash", "-e", "-o", "pipefail", "-c", step["run"], cwd=project)
            codes.append(done.returncode)
    assert codes == [0, code], done.stderr
    upload = steps[-1]
    assert upload["uses"].startswith("github/codeql-action/upload-sarif@") and upload["if"] == "${{ !cancelled() }}"
    log = Sarif.model_validate_json((project / upload["with"]["sarif_file"]).read_text(encoding="utf-8"))
    assert len(log.runs[0].results) == 2 * code
    assert {result.locations[0].physical_location.artifact_location.uri for result in log.runs[0].results} <= {program}
    assert len(log.runs[0].tool.driver.rules) == len(open_book().select())


@pytest.mark.slow
def test_the_first_command_in_a_fresh_environment(copy_checkout: Callable[[Path], Path], tmp_path: Path) -> None:
    (command,) = (fence.code for fence in BLOCKS if fence.code.startswith("pip install ."))
    copy = copy_checkout(tmp_path / "copy")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables["PATH"] = f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{variables['PATH']}"
    done = subprocess.run(["bash", "-c", command], cwd=copy, env=variables, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^\d+ findings \(\d+ errors, .* files\b", done.stdout, re.MULTILINE), done.stdout
