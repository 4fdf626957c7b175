"""`--fix` and `--diff`: what is written, what is shown, and what is left alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bnlint import check_source
from bnlint.api import fix_source
from bnlint.cli.main import main
from bnlint.fixes.edit.write import Changed, rewrite
from bnlint.run import fixing as mend
from bnlint.run.result import FixedFile

BIASED = """from keras import layers

x = inputs = layers.Input((8,))
x = layers.Dense(16)(x)  # größer
x = layers.BatchNormalization()(x)
x = layers.Dense(32, name="second")(x)
x = layers.BatchNormalization()(x)
"""
FIXED = BIASED.replace("(16)", "(16, use_bias=False)").replace('"second"', '"second", use_bias=False')


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--select", "redundant-bias"])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestFix:
    def test_safe_fixes_alone_leave_what_changes_the_variables(self) -> None:
        Path("a.py").write_text(BIASED, encoding="utf-8")
        result = run("a.py", "--fix", "--fail-on", "advice")
        assert (result.exit_code, Path("a.py").read_text(encoding="utf-8")) == (1, BIASED)
        assert "fixed 0 findings in 0 files" in result.stderr

    def test_all_fixes_and_a_clean_report_of_the_rest(self) -> None:
        Path("a.py").write_text(BIASED, encoding="utf-8")
        result = run("a.py", "--fix", "--unsafe-fixes", "--fail-on", "advice")
        assert (result.exit_code, Path("a.py").read_text(encoding="utf-8")) == (0, FIXED)
        assert "fixed 2 findings in 1 file" in result.stderr
        assert "No findings" in result.stdout
        again = run("a.py", "--fix", "--unsafe-fixes")
        assert "fixed 0 findings in 0 files" in again.stderr

    @pytest.mark.parametrize(
        ("encoding", "end"),
        [("utf-8", "\n"), ("utf-8", "\r\n"), ("utf-8", "\r"), ("utf-8-sig", "\r\n"), ("latin-1", "\r\n")],
    )
    def test_encoding_and_line_ends_stay(self, encoding: str, end: str) -> None:
        head = "# coding: latin-1\n" if encoding == "latin-1" else ""
        Path("a.py").write_bytes((head + BIASED).replace("\n", end).encode(encoding))
        run("a.py", "--fix", "--unsafe-fixes")
        assert Path("a.py").read_bytes() == (head + FIXED).replace("\n", end).encode(encoding)

    def test_form_feeds_stay_and_move_nothing(self) -> None:
        """LibCST drops those right in front of a statement."""
        line = "model = Sequential([layers.Dense(4), layers.BatchNormalization()])\n"
        text = f"from keras import Sequential, layers\n\f{line}\f\r\n  \f{line}# end\r\n\f{line}"
        Path("a.py").write_bytes(text.encode())
        places = [
            (one["line"], one["column"]) for one in json.loads(run("a.py", "--format", "json").stdout)["findings"]
        ]
        assert places == [(2, 22), (4, 24), (6, 22)]
        run("a.py", "--fix", "--unsafe-fixes")
        assert Path("a.py").read_bytes().decode() == text.replace("Dense(4)", "Dense(4, use_bias=False)")

    @pytest.mark.skipif(os.name == "nt", reason="needs POSIX modes")
    def test_mode_and_link_stay(self, here: Path) -> None:
        (here / "real").mkdir()
        real = here / "real" / "a.py"
        real.write_text(BIASED, encoding="utf-8")
        real.chmod(0o750)
        (here / "link.py").symlink_to(real)
        run("link.py", "--fix", "--unsafe-fixes")
        assert (here / "link.py").is_symlink()
        assert real.read_text(encoding="utf-8") == FIXED
        assert stat.S_IMODE(real.stat().st_mode) == 0o750
        assert os.listdir(here / "real") == ["a.py"]

    def test_a_suppressed_finding_is_not_fixed(self) -> None:
        text = BIASED.replace("# größer", "# bnlint: ignore[redundant-bias]")
        Path("a.py").write_text(text, encoding="utf-8")
        run("a.py", "--fix", "--unsafe-fixes")
        assert Path("a.py").read_text(encoding="utf-8") == text.replace('"second"', '"second", use_bias=False')

    def test_several_files_at_once(self) -> None:
        for name in "abcdef":
            Path(f"{name}.py").write_text(BIASED, encoding="utf-8")
        result = run(".", "--fix", "--unsafe-fixes", "--jobs", "2")
        assert "fixed 12 findings in 6 files" in result.stderr
        assert {Path(f"{name}.py").read_text(encoding="utf-8") for name in "abcdef"} == {FIXED}

    def test_a_notebook_keeps_all_but_the_touched_lines(self) -> None:
        lines = BIASED.splitlines(keepends=True)
        cells = [
            {"cell_type": "markdown", "metadata": {}, "source": ["Ein größeres Modell"]},
            {"cell_type": "code", "execution_count": 3, "metadata": {"x": 1}, "outputs": [], "source": "!pip list"},
            {"cell_type": "code", "execution_count": 4, "metadata": {}, "outputs": [{"data": {}}], "source": lines},
        ]
        text = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False, indent=1)
        Path("n.ipynb").write_text(text, encoding="utf-8")
        shown = run("n.ipynb", "--diff", "--unsafe-fixes")
        assert "+++ n.ipynb:cell 2\n" in shown.stdout
        run("n.ipynb", "--fix", "--unsafe-fixes")
        expected = text.replace("Dense(16)", "Dense(16, use_bias=False)")
        expected = expected.replace('\\"second\\"', '\\"second\\", use_bias=False')
        assert Path("n.ipynb").read_text(encoding="utf-8") == expected

    def test_a_file_that_may_not_be_written_is_left_and_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("a.py").write_text(BIASED, encoding="utf-8")
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # Root may write everything.
        result = run("a.py", "--fix", "--unsafe-fixes")
        assert result.exit_code == 2
        assert "not fixed: cannot be written" in result.output


class TestWrite:
    def test_a_file_that_changed_meanwhile_is_left(self) -> None:
        Path("a.py").write_bytes(b"new")
        with pytest.raises(Changed):
            rewrite("a.py", b"old", b"mended")
        failure = mend.write(FixedFile("a.py", b"old", b"mended"))
        assert failure is not None
        assert "has changed meanwhile" in failure.message
        assert Path("a.py").read_bytes() == b"new"
        assert os.listdir() == ["a.py"]

    def test_nothing_is_left_behind_where_writing_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("a.py").write_bytes(b"old")

        def full(*arguments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full)
        failure = mend.write(FixedFile("a.py", b"old", b"mended"))
        assert failure is not None
        assert "No space left" in failure.message
        assert (Path("a.py").read_bytes(), os.listdir()) == (b"old", ["a.py"])


class TestDiff:
    def test_shows_the_change_and_its_certificate_and_writes_nothing(self) -> None:
        Path("a.py").write_text(BIASED, encoding="utf-8")
        result = run("a.py", "--diff", "--unsafe-fixes")
        assert (result.exit_code, Path("a.py").read_text(encoding="utf-8")) == (1, BIASED)
        assert "-x = layers.Dense(16)(x)  # größer\n+x = layers.Dense(16, use_bias=False)(x)" in result.stdout
        assert result.stdout.count("# redundant-bias: Leave out the bias") == 2
        assert "#   unsafe: " in result.stdout

    def test_is_a_patch(self) -> None:
        Path("a.py").write_text(BIASED, encoding="utf-8")
        patch = run("a.py", "--diff", "--unsafe-fixes").stdout
        subprocess.run(["patch", "-p0"], input=patch, text=True, check=True, encoding="utf-8", capture_output=True)
        assert Path("a.py").read_text(encoding="utf-8") == FIXED

    def test_without_anything_to_do_is_silent(self) -> None:
        Path("a.py").write_text(FIXED, encoding="utf-8")
        result = run("a.py", "--diff", "--unsafe-fixes")
        assert (result.exit_code, result.stdout) == (0, "")

    def test_hostile_lines_are_escaped(self) -> None:
        Path("a.py").write_text(BIASED.replace("größer", "\x1b[31mred"), encoding="utf-8")
        assert "\x1b" not in run("a.py", "--diff", "--unsafe-fixes").stdout


def test_json_has_the_fix_with_its_edits() -> None:
    Path("a.py").write_text(BIASED, encoding="utf-8")
    document = json.loads(run("a.py", "--format", "json").stdout)
    fix = document["findings"][0]["fix"]
    assert set(fix) == {"title", "safe", "edits", "certificate"}
    position = {"line": 4, "column": 20}
    edit = {"path": "a.py", "cell": None, "start": position, "end": position, "text": ", use_bias=False"}
    assert fix["edits"] == [edit]


def test_source_can_be_mended_from_python() -> None:
    assert fix_source(BIASED, unsafe=True, select=["redundant-bias"]) == FIXED
    assert fix_source(BIASED, select=["redundant-bias"]) == BIASED
    with pytest.raises(ValueError, match="syntax error"):
        fix_source("from keras.layers import BatchNormalization\n(", unsafe=True)


def test_fixes_that_were_tried_are_counted_by_what_makes_them() -> None:
    text = "from keras import Input, Sequential, layers\n\n"
    text += "net = Sequential([Input((8,)), layers.BatchNormalization(momentum=0.1), layers.BatchNormalization])\n"
    lint: dict[str, Any] = {"config": {}, "select": ["function-in-sequential", "pytorch-momentum"]}
    assert str(check_source(text, **lint)).endswith("; 2 fixable, as --diff shows")
    tried = check_source(text, fixes=True, **lint)
    assert str(tried).endswith("; 1 fixable with --fix, 1 more with --unsafe-fixes")
    lint["select"] = ["pytorch-momentum"]
    assert str(check_source(text, fixes=True, **lint)).endswith("; 1 fixable with --unsafe-fixes")
