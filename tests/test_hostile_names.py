"""Names of files, options and layers made to do harm: shown anywhere, they stay on their line, and are no command."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from bnlint.reporters.escape import whole_line

NAMES = {
    "a line of its own": "x\n::error::FAIL",
    "a command": "::error::FAIL",
    "a command behind a space": " ::error::FAIL",
    "a command behind an empty line": "\n::warning::FAIL",
    "colors": "a\x1b[31;1mred",
    "a return": "a\r::error::FAIL",
    "another direction": "a\u202eyp.b",
    "a line separator": "a\u2028::error::FAIL",
    "a bell": "a\x07\x08\x7f\x9b",
    "no unicode": os.fsdecode(b"caf\xe9\xff"),
    "a tab": "a\tb",
}
FINDING = "import keras\nkeras.layers.BatchNormalization()\n"
FIXABLE = """from keras import Model, layers
x = inputs = layers.Input((8,))
x = layers.Dense(16, name={0!a})(x)
x = layers.BatchNormalization(name={0!a})(x)
model = Model(inputs, x, name={0!a})
"""
CONTENTS = {
    "finding": FINDING,
    "fix": FIXABLE,
    "syntax": "# BatchNormalization\nx = = 1\n",
    "coding": f"# coding: hex\n{FINDING}",
    "model": f"m = keras.Sequential([keras.layers.BatchNormalization()], name={{0!a}})\n{FINDING}",
}
FORMATS = ("text", "json", "github", "sarif", "html")
OURS = re.compile(r"::(error|warning|notice) file=[^\n]*,title=bnlint[^\n]*::")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **variables: str) -> Result:
    """Run bnlint, and look at every line of what it writes."""
    result = CliRunner().invoke(main, list(arguments), env=variables)
    assert result.exception is None or isinstance(result.exception, SystemExit), arguments
    for text, own in ((result.stdout, "github" in arguments), (result.stderr, False)):
        plain = re.sub(r"\x1b\[[\d;]*m", "", text) if "FORCE_COLOR" in variables else text
        if "--diff" in arguments:
            plain = plain.replace("\t", "")  # It shows a file's own, and ends a name with spaces.
        assert all(line.isprintable() for line in plain.split("\n")), (arguments, plain)
        commands = [line for line in plain.split("\n") if line.lstrip().startswith("::")]
        assert all(own and OURS.match(line) for line in commands), (arguments, commands)
    return result


def test_what_is_looked_for_is_seen() -> None:
    Path("a.py").write_text(FINDING, encoding="utf-8")
    assert len(run("a.py", "--format", "github").stdout.splitlines()) == 1
    assert "\x1b[" in run("a.py", FORCE_COLOR="1").stdout
    assert whole_line(" ::error::a") == r" \x3a:error::a" and whole_line("a::b") == "a::b"


@pytest.mark.parametrize("content", CONTENTS)
def test_of_files_that_are_checked(content: str) -> None:
    files = [f"{name}.py" for name in NAMES.values()]
    for file, name in zip(files, NAMES.values(), strict=True):
        Path(file).write_text(CONTENTS[content].format(name), encoding="utf-8")
    for form in FORMATS:
        result = run(*files, "--format", form, "--verbose", "--statistics", "--certify", "--fail-on", "advice")
        assert result.exit_code in (1, 2)
        if form == "github":
            assert len(result.stdout.splitlines()) >= len(files)
    run(*files, "--verbose", FORCE_COLOR="1")
    run(*files, "--output", "report", "--verbose")
    run(*files, "--diff", "--unsafe-fixes")
    run(*files, "--diff", "--unsafe-fixes", FORCE_COLOR="1")
    run(*files, "--fix", "--unsafe-fixes")
    for file, name in zip(files, NAMES.values(), strict=True):
        changed = Path(file).read_text(encoding="utf-8") != CONTENTS[content].format(name)
        assert changed == (content == "fix")


@pytest.mark.parametrize("content", ["coding", "fix"])
@pytest.mark.parametrize("name", NAMES)
def test_of_files_that_are_drawn(name: str, content: str) -> None:
    Path(f"{NAMES[name]}.py").write_text(CONTENTS[content].format(NAMES[name]), encoding="utf-8")
    for form in ("text", "json", "svg"):
        run("graph", f"{NAMES[name]}.py", "--format", form)
    run("graph", f"{NAMES[name]}.py", "--entry", NAMES[name])


@pytest.mark.parametrize("suffix", [".ipynb", ".keras", ".h5", ".md"])
def test_of_other_files(suffix: str) -> None:
    files = [f"{name}{suffix}" for name in NAMES.values()]
    for file in files:
        Path(file).write_text("```python\nBatchNormalization(\n```\n", encoding="utf-8")
        run("graph", file)
    for form in FORMATS:
        run(*files, "--format", form, "--verbose")


@pytest.mark.parametrize("name", NAMES)
def test_of_folders_links_and_what_is_not_there(name: str) -> None:
    evil = NAMES[name]
    os.mkdir(evil)
    os.symlink("..", f"{evil}/up")
    os.symlink("nowhere", f"{evil}/{evil}.py")
    for form in FORMATS:
        assert run(evil, f"{evil}.py", "--format", form).exit_code == 2


@pytest.mark.parametrize("name", NAMES)
def test_of_options_and_their_values(name: str) -> None:
    evil = NAMES[name]
    Path("a.py").write_text(FINDING, encoding="utf-8")
    Path(f"{evil}.toml").write_text("[tool.bnlint]\nselect = 1\n", encoding="utf-8")
    Path(f"{evil}.txt").write_text("bnlint = = 1\n", encoding="utf-8")
    os.mkdir("rules")
    Path(f"rules/{evil}.py").write_text("", encoding="utf-8")
    for option in (
        "--select",
        "--ignore",
        "--format",
        "--output",
        "--fail-on",
        "--target-keras",
        "--rules",
        "--config",
    ):
        run("a.py", option, evil if option != "--output" else f"{evil}/{evil}")
    for arguments in (
        *(["a.py", "--config", f"{evil}.{end}"] for end in ("toml", "txt", "none")),
        *(["a.py", option, evil] for option in ("--jobs", "--extend-include", f"--{evil}")),
        *(["a.py", "--rules", "rules"], ["explain", evil], ["rules", evil], ["rules", "--rules", evil]),
        *(["evidence", evil], ["evidence", "tiny-batch", "--plot", evil], ["modes", "--keras", evil]),
        *(["new-rule", evil], ["new-rule", "a-rule", "--rules", evil], ["modes", evil], ["graph", "a.py", evil]),
        *(["--", evil], [evil, evil], ["graph", "--", evil]),
    ):
        run(*arguments)
    Path("pyproject.toml").write_text(f"[tool.bnlint]\n{evil.encode('unicode_escape').decode()!r} = 1\n", "utf-8")
    assert run("a.py").exit_code == 2


@pytest.mark.parametrize("name", NAMES)
def test_of_a_configuration_that_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = NAMES[name]
    os.mkdir(evil)
    Path(f"{evil}/a.py").write_text(FINDING, encoding="utf-8")
    Path(f"{evil}/pyproject.toml").write_text("[tool.bnlint]\nselect = 1\n", encoding="utf-8")
    assert "select must be a list of strings" in run(f"{evil}/a.py").stderr


@pytest.mark.parametrize("name", ["a.py", "ä ö.py", "sub/a-b_c.py", "tab.py"])
def test_a_diff_with_usual_names_can_be_applied(name: str) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    indented = "\n".join(f"\t{line}" for line in FIXABLE.format("a").splitlines())
    Path(name).write_text(f"def build():\n{indented}\n" if name == "tab.py" else FIXABLE.format("a"), encoding="utf-8")
    diff = run(name, "--diff", "--unsafe-fixes").stdout
    Path("copy").write_bytes(before := Path(name).read_bytes())
    subprocess.run(["patch", "-p0"], input=diff.encode(), check=True, capture_output=True)
    after = Path(name).read_bytes()
    Path(name).write_bytes(before)
    run(name, "--fix", "--unsafe-fixes")
    assert before != after == Path(name).read_bytes()
