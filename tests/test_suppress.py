"""Comments that silence findings, and those that silence nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from bnlint.findings import Finding, Place, Severity
from bnlint.inputs.suppressions import read, silence

BAD = "from keras import layers\nlayers.BatchNormalization()"
"""Line 2 is a discarded-batchnorm."""


def lint(tmp_path: Path, text: str, *options: str) -> Result:
    file = tmp_path / "a.py"
    file.write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, [str(file), *options])


@pytest.mark.parametrize(
    "comment",
    [
        "# bnlint: ignore[discarded-batchnorm]",
        "# bnlint: ignore[tiny-batch, discarded-batchnorm]",
        "#bnlint:ignore[ discarded-batchnorm ]",
        "# bnlint: ignore",
        "# bnlint: ignore - kept for its name",
        "# noqa: B018  # bnlint: ignore[discarded-batchnorm] the lesson shows it",
    ],
)
def test_a_comment_on_the_line_silences(tmp_path: Path, comment: str) -> None:
    assert lint(tmp_path, f"{BAD}\n").exit_code == 1
    assert lint(tmp_path, f"{BAD}  {comment}\n").exit_code == 0


@pytest.mark.parametrize(
    "comment",
    [
        "# bnlint: ignore[tiny-batch]",
        "# bnlint: ignore[]",
        "# bnlint: ignore[discarded-batchnorm",
        "# bnlint: ignored",
        "# bnlint: skip",
        "# bnlint: ignore-file[discarded-batchnorm]",
        "# bnlint ignore",
    ],
)
def test_what_is_not_meant_for_the_finding_does_not(tmp_path: Path, comment: str) -> None:
    assert lint(tmp_path, f"{BAD}  {comment}\n").exit_code == 1


def test_only_comments_count(tmp_path: Path) -> None:
    text = 'from keras import layers\nlayers.BatchNormalization(name="# bnlint: ignore")\n'
    assert lint(tmp_path, text).exit_code == 1
    text = f'"""\n# bnlint: ignore-file\n"""\n{BAD}\n'
    assert lint(tmp_path, text).exit_code == 1


def test_another_line_is_not_silenced(tmp_path: Path) -> None:
    assert lint(tmp_path, f"# bnlint: ignore\n{BAD}\n# bnlint: ignore\n").exit_code == 1


@pytest.mark.parametrize(("line", "code"), [(2, 0), (3, 1), (4, 0)])
def test_first_and_last_line_of_a_finding_count(tmp_path: Path, line: int, code: int) -> None:
    lines = ["from keras import layers", "layers.BatchNormalization(", "    axis=-1,", ")"]
    lines[line - 1] += "  # bnlint: ignore"
    assert lint(tmp_path, "\n".join(lines)).exit_code == code


@pytest.mark.parametrize("comment", ["# bnlint: ignore-file", "    # bnlint: ignore-file[discarded-batchnorm]"])
def test_a_file_is_silenced_from_any_line_of_its_own(tmp_path: Path, comment: str) -> None:
    assert lint(tmp_path, f"{BAD}\n{comment}\n").exit_code == 0
    assert lint(tmp_path, f"{comment.strip()}\n{BAD}\n").exit_code == 0


def test_line_breaks_of_every_kind_are_counted_as_python_counts_them(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    for newline in ("\r\n", "\r", "\n\f"):
        file.write_bytes(newline.join([*BAD.split("\n"), ""]).replace("()", "()  # bnlint: ignore").encode())
        assert CliRunner().invoke(main, [str(file)]).exit_code == 0


def test_a_declared_encoding_is_no_obstacle(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(f"# coding: latin-1\n# caf\xe9\n{BAD}  # bnlint: ignore\n".encode("latin-1"))
    assert CliRunner().invoke(main, [str(file)]).exit_code == 0


class TestUnused:
    def lint(self, tmp_path: Path, text: str, *options: str) -> list[tuple[int, str]]:
        result = lint(tmp_path, text, "--unused-suppressions", "--format", "github", *options)
        found = []
        for line in result.stdout.splitlines():
            assert "title=bnlint unused-suppression::" in line or "title=bnlint discarded-batchnorm::" in line
            if "unused-suppression" in line:
                assert result.exit_code == 1
                found.append((int(line.split("line=")[1].split(",")[0]), line.split("::")[2]))
        return found

    def test_those_that_are_used_are_not_reported(self, tmp_path: Path) -> None:
        assert self.lint(tmp_path, f"{BAD}  # bnlint: ignore\n") == []
        assert self.lint(tmp_path, f"# bnlint: ignore-file\n{BAD}  # bnlint: ignore[discarded-batchnorm]\n") == []

    def test_each_rule_that_finds_nothing_is_reported(self, tmp_path: Path) -> None:
        found = self.lint(tmp_path, f"{BAD}  # bnlint: ignore[tiny-batch, discarded-batchnorm]\n# bnlint: ignore\n")
        assert found == [
            (2, "unused suppression: tiny-batch finds nothing here"),
            (3, "unused suppression: there is nothing to ignore here"),
        ]

    def test_what_is_no_suppression_is_reported(self, tmp_path: Path) -> None:
        comments = ["ignroe", "ignore[", "ignore[]", "ignore-file", "ignore[tiny-bach]"]
        text = "".join(f"x = {number}  # bnlint: {comment}\n" for number, comment in enumerate(comments))
        assert [line for line, _ in self.lint(tmp_path, text + BAD)] == [1, 2, 3, 4, 5]

    def test_files_without_batch_normalization_are_looked_at(self, tmp_path: Path) -> None:
        assert len(self.lint(tmp_path, "x = 1  # bnlint: ignore[tiny-batch]\n")) == 1

    def test_rules_that_did_not_run_are_not_judged(self, tmp_path: Path) -> None:
        text = f"{BAD}  # bnlint: ignore[discarded-batchnorm]\nx = 1  # bnlint: ignore\n"
        assert self.lint(tmp_path, text, "--select", "tiny-batch") == []
        assert self.lint(tmp_path, text, "--ignore", "discarded-batchnorm") == []

    def test_a_file_that_could_not_be_read_is_not_judged(self, tmp_path: Path) -> None:
        result = lint(tmp_path, f"{BAD}(\n# bnlint: ignore\n", "--unused-suppressions")
        assert result.exit_code == 2
        assert "unused" not in result.stdout

    def test_they_are_not_reported_unless_asked_for(self, tmp_path: Path) -> None:
        assert lint(tmp_path, "x = 1  # bnlint: ignore[tiny-bach]\n# BatchNormalization").exit_code == 0


def test_reading_stops_at_what_does_not_tokenize() -> None:
    (suppression,) = read("x = 1  # bnlint: ignore\n'''\n")
    assert suppression.line == 1


def test_a_finding_in_a_model_is_only_silenced_for_the_file() -> None:
    finding = Finding("tiny-batch", "batch", Severity.WARNING, Place("model.keras", layer="bn"), "")
    line, whole = read("x  # bnlint: ignore\n# bnlint: ignore-file\n")
    assert silence([finding], [line]) == [finding]
    assert silence([finding], [whole]) == []
