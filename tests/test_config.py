"""`[tool.bnlint]`: where it is found, what it may say, and what is said about what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bnlint import ConfigError, Severity, check_paths, check_source
from bnlint.cli.main import main
from bnlint.rulebook.folders import open_book
from bnlint.run.config import Config, discover, load, parse

DISCARDED = "from keras import layers\nlayers.BatchNormalization()\n"
TRAINED = """import keras
from keras import layers
dense = layers.Dense(4, use_bias=False)
model = keras.Sequential([keras.Input((4,)), dense, layers.BatchNormalization(), layers.Dense(1)])
model.compile(loss="mse")
model.fit(x, y, batch_size=48)
"""
TINY = """import argparse
import keras
from keras import layers
parser = argparse.ArgumentParser()
parser.add_argument("--batch", default=8)
flags = parser.parse_args()
dense = layers.Dense(4, use_bias=False)
model = keras.Sequential([keras.Input((4,)), dense, layers.BatchNormalization(), layers.ReLU(), layers.Dense(1)])
model.compile(loss="mse")
model.fit(x, y, batch_size=BATCH)
"""


def lint(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two bad files, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_text(DISCARDED, encoding="utf-8")
    (tmp_path / "pkg" / "b.py").write_text(TRAINED, encoding="utf-8")
    return tmp_path


def configure(folder: Path, text: str, name: str = "pyproject.toml") -> Path:
    file = folder / name
    file.write_text(f"[tool.bnlint]\n{text}\n", encoding="utf-8")
    return file


class TestDiscovery:
    def test_the_nearest_file_with_a_table_counts(self, project: Path) -> None:
        configure(project, 'ignore = ["ALL"]')
        (project / "pkg" / "pyproject.toml").write_text('[project]\nname = "bnlint-user"\n', encoding="utf-8")
        assert discover(["pkg/a.py"]).ignore == ("ALL",)
        configure(project / "pkg", 'ignore = ["batch"]')
        assert discover(["pkg/a.py"]).ignore == ("batch",)
        assert discover(["pkg"]).root == str(project / "pkg")

    def test_it_is_looked_for_above_all_paths(self, project: Path) -> None:
        (project / "other").mkdir()
        configure(project / "pkg", 'ignore = ["batch"]')
        assert discover(["pkg", "other"]) == Config(root=str(project))
        configure(project, 'ignore = ["mode"]')
        assert discover(["pkg", "other"]).ignore == ("mode",)
        assert discover(["pkg/nowhere/at/all.py"]).ignore == ("batch",)

    def test_none_gives_the_defaults(self, project: Path) -> None:
        assert discover(["pkg"]) == Config(root=str(project))

    def test_a_broken_file_that_does_not_name_bnlint_is_passed_over(self, project: Path) -> None:
        (project / "pyproject.toml").write_text("= nothing", encoding="utf-8")
        assert lint("pkg").exit_code == 1

    def test_a_broken_file_that_does_is_an_error_with_its_line(self, project: Path) -> None:
        configure(project, "select = [1 2]")
        result = lint("pkg")
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: pyproject.toml: not valid TOML: ")
        assert "line 2" in result.stderr

    def test_a_file_can_be_named(self, project: Path) -> None:
        configure(project, 'ignore = ["ALL"]')
        other = configure(project, 'select = ["batch"]', "other.toml")
        assert lint("pkg").exit_code == 0
        assert "other.toml" in load(str(other)).source
        assert lint("pkg", "--config", other).stdout.startswith("No findings")
        assert lint("pkg", "--config", "missing.toml").exit_code == 2
        (project / "empty.toml").write_text("", encoding="utf-8")
        result = lint("pkg", "--config", "empty.toml")
        assert (result.exit_code, result.stderr) == (2, "Error: empty.toml: has no [tool.bnlint] table\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "unknown key 'selct': did you mean 'select'?"),
        ("max_size = 1", "unknown key 'max_size': did you mean 'max-size'?"),
        ("zzz = 1", "unknown key 'zzz': expected one of select, "),
        ('rules = ["own"]', "unknown key 'rules'"),
        ('select = "batch"', "select must be a list of strings, not a string ('batch')"),
        ("ignore = [1]", "ignore must be a list of strings, not a list"),
        ("select = ['tiny-bach']", "unknown rule or category 'tiny-bach': did you mean 'tiny-batch'?"),
        ("extend-select = ['batches']", "unknown rule or category 'batches': did you mean 'batch'?"),
        ("jobs = 0", "jobs must be a number from 1, not a whole number (0)"),
        ("jobs = true", "jobs must be a number from 1, not a boolean (True)"),
        ("max-size = '1 MB'", "max-size must be a number from 1, not a string ('1 MB')"),
        ("target-keras = 4", 'target-keras must be "auto", "2", "3" or "3.N", not a whole number (4)'),
        ("target-keras = 3.0", 'target-keras must be "auto", "2", "3" or "3.N", not a number (3.0)'),
        ("fail-on = 'always'", 'fail-on must be "error", "warning", "advice" or "never", not a string (\'always\')'),
        ("exclude = ['!']", "not a pattern: '!'"),
        ("per-file-ignores = ['a']", "per-file-ignores must be a table of patterns, each with a list of rules"),
        ("per-file-ignores = {'a' = 'b'}", "per-file-ignores must be a table of patterns, each with a list of rules"),
        ("per-file-ignores = {'a' = ['b']}", "unknown rule or category 'b'"),
        ("per-file-ignores = {'!' = ['batch']}", "not a pattern: '!'"),
        ("[tool.bnlint.tiny-bach]", "unknown key 'tiny-bach': did you mean 'tiny-batch'?"),
        (
            "[tool.bnlint.tiny-batch]\nmin-bach-size = 1",
            "unknown option 'min-bach-size': did you mean 'min-batch-size'?",
        ),
        (
            "[tool.bnlint.tiny-batch]\nmin-batch-size = '8'",
            "min-batch-size must be a whole number (32), not a string ('8')",
        ),
        (
            "[tool.bnlint.tiny-batch]\nmin-batch-size = true",
            "min-batch-size must be a whole number (32), not a boolean",
        ),
        ("[tool.bnlint.tiny-batch]\nseverity = 'fatal'", "unknown severity 'fatal'"),
        ("[tool.bnlint.mixed-placement]\nplacement = 'before'", 'placement = "before": expected "consistent"'),
    ],
)
def test_what_is_wrong_is_named(project: Path, text: str, message: str) -> None:
    configure(project, text)
    result = lint("pkg")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: pyproject.toml: ")
    assert message in line


def test_a_mistake_counts_where_there_is_nothing_to_check_too(project: Path) -> None:
    configure(project, "[tool.bnlint.tiny-batch]\nminimum = 1")
    (project / "empty.py").write_text("", encoding="utf-8")
    assert lint("empty.py").exit_code == 2


def test_tool_bnlint_must_be_a_table(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool]\nbnlint = 3\n", encoding="utf-8")
    assert lint("pkg").stderr == "Error: pyproject.toml: tool.bnlint must be a table, not a whole number (3)\n"


class TestEffect:
    def rules(self, *arguments: str) -> list[str]:
        result = lint("pkg", "--format", "github", *arguments)
        return [line.split("title=bnlint ")[1].split("::")[0] for line in result.stdout.splitlines()]

    def test_selection(self, project: Path) -> None:
        assert self.rules() == ["discarded-batchnorm"]
        configure(project, 'select = ["batch"]')
        assert self.rules() == []
        configure(project, 'select = ["batch"]\nextend-select = ["construction"]')
        assert self.rules() == ["discarded-batchnorm"]
        configure(project, 'ignore = ["discarded-batchnorm"]')
        assert self.rules() == []

    def test_the_command_line_goes_first(self, project: Path) -> None:
        configure(project, 'select = ["batch"]\nignore = ["discarded-batchnorm"]')
        assert self.rules("--select", "construction") == ["discarded-batchnorm"]
        assert self.rules("--extend-select", "discarded-batchnorm") == ["discarded-batchnorm"]
        assert self.rules("--select", "ALL", "--ignore", "construction") == []

    def test_options_of_a_rule(self, project: Path) -> None:
        configure(project, "[tool.bnlint.tiny-batch]\nmin-batch-size = 64")
        assert self.rules() == ["discarded-batchnorm", "tiny-batch"]

    def test_severity_of_a_rule(self, project: Path) -> None:
        configure(project, "[tool.bnlint.discarded-batchnorm]\nseverity = 'advice'")
        assert lint("pkg").exit_code == 0
        configure(project, "fail-on = 'advice'\n[tool.bnlint.discarded-batchnorm]\nseverity = 'advice'")
        assert lint("pkg").exit_code == 1

    @pytest.mark.parametrize(
        ("batch", "configured", "shown"),
        [
            ("8", "error", Severity.ERROR),
            ("8", "advice", Severity.ADVICE),
            ("flags.batch", "error", Severity.ADVICE),
            ("flags.batch", "advice", Severity.ADVICE),
        ],
    )
    def test_severity_does_not_lift_what_is_less_sure(self, batch: str, configured: str, shown: Severity) -> None:
        text = TINY.replace("BATCH", batch)
        (found,) = check_source(text, select=["tiny-batch"], config={"tiny-batch": {"severity": configured}})
        assert found.severity is shown

    def test_severity_goes_for_what_a_rule_raises_too(self) -> None:
        policy = {"placement": "after-activation"}
        for configured in ("advice", "error"):
            config = {"mixed-placement": {**policy, "severity": configured}}
            found = check_source(TINY, select=["mixed-placement"], config=config)
            assert [finding.severity for finding in found] == [Severity.parse(configured)]

    def test_fail_on(self, project: Path) -> None:
        configure(project, "fail-on = 'never'")
        assert lint("pkg").exit_code == 0
        assert lint("pkg", "--fail-on", "error").exit_code == 1

    @pytest.mark.parametrize(
        ("pattern", "silent"),
        [("a.py", True), ("pkg/*", True), ("pkg/", True), ("/a.py", False), ("tests/**", False), ("*.py", True)],
    )
    def test_per_file_ignores(self, project: Path, pattern: str, silent: bool) -> None:
        configure(project, f"per-file-ignores = {{'{pattern}' = ['construction']}}")
        assert self.rules() == ([] if silent else ["discarded-batchnorm"])

    def test_per_file_ignores_are_relative_to_the_file_that_has_them(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(project, "per-file-ignores = {'/pkg/a.py' = ['ALL']}")
        monkeypatch.chdir(project / "pkg")
        assert lint("a.py").exit_code == 0

    def test_excludes_and_includes(self, project: Path) -> None:
        configure(project, "extend-exclude = ['pkg/a.py']")
        assert lint("pkg").exit_code == 0
        assert "1 skipped" in lint("pkg").stdout
        configure(project, "include = ['b.py']")
        assert lint("pkg").exit_code == 0
        (project / "pkg" / "c.bzl").write_text(DISCARDED, encoding="utf-8")
        configure(project, "extend-include = ['*.bzl']\nextend-exclude = ['a.py']")
        assert lint("pkg").exit_code == 1

    def test_max_size(self, project: Path) -> None:
        configure(project, f"max-size = {len(DISCARDED) - 1}")
        result = lint("pkg/a.py")
        assert result.exit_code == 2
        assert f"too large: {len(DISCARDED)} bytes, over max-size" in result.stdout
        assert "1 skipped" in result.stdout

    def test_target(self, project: Path) -> None:
        rule = 'category = "mode"\nseverity = Severity.ERROR\ndef check(program, options):\n'
        rule += "    yield Problem(program.layers[0].origin, f'Keras {program.keras}')\n"
        (project / "own").mkdir()
        (project / "own" / "which_keras.py").write_text(
            f"from bnlint import Problem, Severity\n{rule}", encoding="utf-8"
        )
        select = ("pkg/a.py", "--rules", "own", "--select", "which-keras", "--format", "github")
        for version, seen in (("'auto'", 3), ("2", 2), ("'2'", 2), ("3", 3), ("'3.12'", 3)):
            configure(project, f"target-keras = {version}")
            assert lint(*select).stdout.endswith(f"::Keras {seen}\n")
        assert lint(*select, "--target-keras", "2").stdout.endswith("::Keras 2\n")

    def test_nothing_in_it_makes_bnlint_execute_code(self, project: Path, rules_folder: Path) -> None:
        (rules_folder / "large_epsilon.py").write_text("open('executed', 'w')", encoding="utf-8")
        for text in (f"rules = ['{rules_folder}']", f"extend-select = ['{rules_folder}/large_epsilon.py']"):
            configure(project, text)
            assert lint("pkg").exit_code == 2
        assert not (project / "executed").exists()


class TestPythonInterface:
    def test_a_mapping_is_taken_for_the_table(self, project: Path) -> None:
        configure(project, 'ignore = ["ALL"]')
        assert len(check_paths(["pkg"])) == 0
        assert [finding.rule for finding in check_paths(["pkg"], config={})] == ["discarded-batchnorm"]
        (finding,) = check_source(DISCARDED, config={"discarded-batchnorm": {"severity": "advice"}})
        assert finding.severity is Severity.ADVICE

    def test_a_file_is_taken_for_one(self, project: Path) -> None:
        file = configure(project, 'ignore = ["ALL"]', "other.toml")
        assert len(check_paths(project / "pkg", config=file)) == 0
        assert len(check_source(DISCARDED, config=file)) == 0

    def test_a_text_with_a_file_name_is_configured_like_the_file(self, project: Path) -> None:
        configure(project, 'ignore = ["ALL"]')
        assert len(check_source(DISCARDED)) == 1
        assert len(check_source(DISCARDED, "pkg/new.py")) == 0

    @pytest.mark.parametrize(
        "keywords",
        [
            {"select": ["nothing"]},
            {"select": "tiny-batch"},
            {"ignore": ["nothing"]},
            {"target": "4"},
            {"config": {"nothing": 1}},
            {"config": "missing.toml"},
            {"rules": ["missing"]},
        ],
    )
    def test_mistakes_are_config_errors_and_so_value_errors(self, keywords: dict[str, object]) -> None:
        with pytest.raises(ConfigError) as caught:
            check_source(DISCARDED, **keywords)  # type: ignore[arg-type]
        assert isinstance(caught.value, ValueError)


def test_options_of_the_wrong_type_are_told_from_those_that_will_do(tmp_path: Path) -> None:
    rule = 'category = "batch"\nseverity = Severity.ADVICE\noptions = {"rate": 0.5, "names": ["a"], "on": True}\n'
    rule = f"from bnlint import Severity\n{rule}def check(program, options):\n    return ()\n"
    (tmp_path / "own.py").write_text(rule, encoding="utf-8")
    book = open_book(tmp_path)
    good: list[dict[str, object]] = [{"rate": 1}, {"rate": 0.1}, {"names": []}, {"on": False}]
    bad: list[dict[str, object]] = [{"rate": True}, {"rate": "1"}, {"names": "a"}, {"on": 1}]
    for table in good:
        parse({"own": table}).check(book)
    for table in bad:
        with pytest.raises(ConfigError, match="must be"):
            parse({"own": table}).check(book)
