"""A fault of bnlint's own costs what the faulty step gives, for one file: all else is reported, and a line says so."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import libcst as cst
import pytest
from click.testing import CliRunner, Result

from bnlint import Problem, Program, check_paths, check_source, fix_source
from bnlint.cli import checking
from bnlint.cli.main import main
from bnlint.doors import source
from bnlint.doors.source import project
from bnlint.doors.source.language import finish
from bnlint.doors.source.language.expressions import EXPRESSIONS
from bnlint.doors.source.language.statements import STATEMENTS
from bnlint.doors.source.values import bound, kind, registry
from bnlint.doors.source.values.registry import METHODS, SYMBOLS
from bnlint.fixes import workshop
from bnlint.fixes.proof import certificate
from bnlint.graph import Model
from bnlint.graph import picturing as scenes
from bnlint.inputs import candidates as sieve
from bnlint.inputs import files, gate, reading
from bnlint.inputs import suppressions as suppress
from bnlint.rulebook.folders import open_book
from bnlint.run import checker, engine
from bnlint.run import fixing as mend
from bnlint.run import merging as settle

GOOD = "from keras import layers\nlayers.BatchNormalization()\n"
BAD = """import keras
from keras import layers

def block(x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3)(x)
        x = layers.BatchNormalization(momentum=0.1)(x)
    return layers.ReLU()(x)

inputs = keras.Input((32, 32, 3))
outputs = layers.Dense(2)(layers.Flatten()(block(inputs, 8 if inputs is not None else 4)))
model = keras.Model(inputs, outputs)
model.compile("adam", "mse")
model.fit(x, y, batch_size=4)
layers.BatchNormalization(epsilon=0)  # bnlint: ignore[tiny-batch]
"""
ALL = sorted(open_book())


class Failed(Exception):
    """What the steps raise that are made to fail."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text("[tool.bnlint]\n", encoding="utf-8")
    Path("a_good.py").write_text(GOOD, encoding="utf-8")
    Path("bad.py").write_text(BAD, encoding="utf-8")
    Path("z_good.py").write_text(GOOD, encoding="utf-8")
    return tmp_path


def lint(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, ".", "--config", "pyproject.toml", "--jobs", "1"])


def found(document: dict[str, Any], path: str) -> list[str]:
    return [finding["rule"] for finding in document["findings"] if finding["path"] == f"./{path}"]


def failing(monkeypatch: pytest.MonkeyPatch, owner: Any, name: Any, when: Callable[[tuple[Any, ...]], bool]) -> None:
    """Let a function, or the value of a table, raise for arguments of which `when` is true."""
    table = isinstance(owner, dict)
    real = owner[name] if table else getattr(owner, name)

    def act(*arguments: Any, **keywords: Any) -> Any:
        if when(arguments):
            raise Failed("as the test\nwants it")
        return real(*arguments, **keywords)

    if table:
        monkeypatch.setitem(owner, name, act)
    else:
        monkeypatch.setattr(owner, name, act)


class Current:
    """Which file is being worked on."""

    path = ""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for owner, name in ((checker.Checker, "_read"), (sieve.Sieve, "_sift"), (settle, "_standing")):
            self._watch(monkeypatch, owner, name)

    def _watch(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def act(*arguments: Any, **keywords: Any) -> Any:
            self.path = next(argument for argument in arguments if isinstance(argument, str))
            return real(*arguments, **keywords)

        monkeypatch.setattr(owner, name, act)

    def is_bad(self, arguments: tuple[Any, ...]) -> bool:
        return self.path == "./bad.py"


def assert_contained(document: dict[str, Any], where: str = "") -> None:
    """One fault is told, as bnlint's, and the other files have their findings."""
    (error,) = document["errors"]
    assert (error["path"], error["kind"]) == ("./bad.py", "bnlint")
    assert error["message"].startswith(f"bnlint itself failed in {where}")
    assert error["message"].endswith("(Failed: as the test wants it); please report it with what --verbose shows")
    assert found(document, "a_good.py") == found(document, "z_good.py") == ["discarded-batchnorm"]
    assert document["files"] == {"checked": 3, "skipped": 0}


@pytest.mark.parametrize("name", ALL)
def test_a_rule_that_raises_costs_its_own_findings_in_one_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.loads(lint("--format", "json", "--select", "ALL").stdout)
    init = checker.Checker.__init__

    def with_one_that_fails(self: checker.Checker, *arguments: Any) -> None:
        def check(program: Program, options: Any) -> Iterator[Problem]:
            if program.path == "./bad.py":
                raise Failed("as the test\nwants it")
            return real.check(program, options)

        init(self, *arguments)
        (real,) = [rule for rule, _, _ in self.rules if rule.name == name]
        self.rules = [(replace(rule, check=check) if rule is real else rule, *rest) for rule, *rest in self.rules]

    monkeypatch.setattr(checker.Checker, "__init__", with_one_that_fails)
    document = json.loads(lint("--format", "json", "--select", "ALL").stdout)
    assert_contained(document, f"rule {name} ")
    assert found(document, "bad.py") == [rule for rule in found(whole, "bad.py") if rule != name]


STEPS = {
    "decoding": (reading, "read"),
    "the gate": (gate, "check_text"),
    "the look at the bytes": (sieve, "names_batchnorm"),
    "telling the target": (source, "keras_of"),
    "telling tests": (source, "holds_tests"),
    "parsing": (project.Project, "draft"),
    "running the statements": (source, "_execute"),
    "entering what nobody calls": (source, "enter_the_rest"),
    "completing the models": (source, "complete_models"),
    "the loose ends": (source, "mark_dropped"),
    "what concerns batch normalization": (finish, "Relevance"),
    "taking the graph apart": (Program, "dissolve"),
    "making a fix": (workshop.Workshop, "fix"),
    "certifying": (certificate, "certify"),
    "drawing": (scenes, "scenes_of"),
    "comments": (suppress, "of_bytes"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("form", ["json", "html"])
def test_a_step_that_raises_costs_one_file(step: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report in HTML has pictures, the one in JSON has not."""
    current = Current(monkeypatch)
    failing(monkeypatch, *STEPS[step], current.is_bad)
    result = lint("--format", form)
    if step == "drawing" and form == "json":
        assert not json.loads(result.stdout)["errors"]
        return
    assert result.exit_code == 2
    if form == "json":
        assert_contained(json.loads(result.stdout))
    else:
        assert result.stdout.count("bnlint itself failed in") == 1
        assert result.stdout.count("a_good.py") and result.stdout.count("z_good.py")


@pytest.mark.parametrize(
    ("table", "least"),
    [(EXPRESSIONS, 8), (STATEMENTS, 7), (SYMBOLS, 4), (METHODS, 2)],
    ids=["expressions", "statements", "symbols", "methods"],
)
def test_any_part_of_the_evaluator_may_raise(
    table: dict[Any, Any], least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = 0
    for name in [name for name in table if table is not METHODS or name[0] is Model]:
        with monkeypatch.context() as patch:
            patch.setattr(bound, "symbol_handler", registry.symbol_handler.__wrapped__)
            patch.setattr(kind, "method_handler", registry.method_handler.__wrapped__)
            failing(patch, table, name, lambda arguments: arguments[0].program.path == "./bad.py")
            document = json.loads(lint("--format", "json").stdout)
            if document["errors"]:
                reached += 1
                assert {(error["path"], error["kind"]) for error in document["errors"]} == {("./bad.py", "bnlint")}
            assert found(document, "a_good.py") == found(document, "z_good.py") == ["discarded-batchnorm"]
    assert reached >= least


def test_what_stands_in_other_statements_is_reported_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import keras\nwith open(name) as file:\n    pass\nkeras.layers.BatchNormalization(momentum=0.1)(x)\n"
    failing(monkeypatch, STATEMENTS, cst.With, lambda arguments: True)
    report = check_source(text)
    (failure,) = report.failures
    assert (failure.line, failure.kind) == (2, "bnlint")
    assert [finding.rule for finding in report] == ["pytorch-momentum"]


def test_a_fix_that_cannot_be_made_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = check_source(BAD, fixes=True)
    failing(monkeypatch, certificate, "certify", lambda arguments: arguments[0].title.startswith("Leave out the bias"))
    report = check_source(BAD, fixes=True)
    assert [finding.rule for finding in report] == [finding.rule for finding in whole]
    lost = {before.rule for before, after in zip(whole, report, strict=True) if before.fix and not after.fix}
    assert lost == {"redundant-bias"}
    assert [failure.kind for failure in report.failures] == ["bnlint"]


def test_a_file_whose_imports_cannot_be_followed_costs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bad.py").write_text("from model import net\nnet.fit(x, y)\n", encoding="utf-8")
    failing(monkeypatch, sieve.Imports, "reach", Current(monkeypatch).is_bad)
    assert_contained(json.loads(lint("--format", "json").stdout), "telling whether it is to be checked")


def test_fixing_goes_on_with_the_next_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other.py").write_text(BAD, encoding="utf-8")
    failing(monkeypatch, mend, "spliced", lambda arguments: arguments[0] == "./bad.py")
    result = lint("--fix", "--unsafe-fixes")
    assert "bad.py: checked in part: bnlint itself failed in fixing it (Failed: as the test wants it)" in result.output
    assert Path("bad.py").read_text(encoding="utf-8") == BAD
    assert "momentum=0.9" in Path("other.py").read_text(encoding="utf-8")
    assert result.exit_code == 2


def test_a_fix_is_not_taken_where_bnlint_fails_on_what_it_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that raises finds nothing, which must not look like a finding that is mended."""
    asked = checker._findings

    def failing_later(program: Program, rule: Any, *rest: Any) -> Any:
        if rule.name == "pytorch-momentum" and any(layer.arg("momentum").value == 0.9 for layer in program.layers):
            raise Failed
        return asked(program, rule, *rest)

    monkeypatch.setattr(checker, "_findings", failing_later)
    assert fix_source(BAD, unsafe=True, select=["pytorch-momentum"]) == BAD
    monkeypatch.undo()
    assert "momentum=0.9" in fix_source(BAD, unsafe=True, select=["pytorch-momentum"])


def test_the_traceback_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, source, "_execute", Current(monkeypatch).is_bad)
    assert "Traceback" not in lint().output
    assert "checked in part" in lint().output
    assert "3 files; 1 checked only in part" in lint().output
    assert "Traceback" in lint("--verbose").output
    assert "Traceback" in lint("--verbose", "--format", "json").stderr


def test_a_rule_of_somebody_elses_is_not_called_a_fault_of_bnlint() -> None:
    os.mkdir("own")
    rule = "from bnlint import Severity\ncategory = 'mode'\nseverity = Severity.ERROR\n"
    rule += "def check(program, options):\n    if program.layers:\n        yield {}['a\\nb']\n"
    Path("own/broken.py").write_text(rule, encoding="utf-8")
    result = CliRunner().invoke(main, ["z_good.py", "--rules", "own", "--format", "json"])
    document = json.loads(result.stdout)
    assert result.exit_code == 2
    assert [finding["rule"] for finding in document["findings"]] == ["discarded-batchnorm"]
    (error,) = document["errors"]
    assert error["message"] == "rule broken failed (KeyError: 'a\\nb'); --verbose shows where"


@pytest.mark.parametrize("owner, name", [(files, "find"), (engine, "merge"), (checking, "write_report")])
def test_a_fault_that_ends_a_run_is_a_line_too(owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, owner, name, lambda arguments: True)
    result = lint()
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    (line,) = result.output.splitlines()
    assert line.startswith("Error: bnlint itself failed: Failed: as the test wants it (test_faults.py:")
    assert line.endswith("); please report it")


def test_every_failure_has_its_kind() -> None:
    Path("syntax.py").write_text("BatchNormalization(\n", encoding="utf-8")
    Path("deep.py").write_text(f"BatchNormalization({'(' * 300}{')' * 300})\n", encoding="utf-8")
    Path("large.py").write_text(f"BatchNormalization()\n{'#' * 2_000_000}\n", encoding="utf-8")
    Path("bytes.py").write_bytes(b"BatchNormalization()\n\xff\n")
    Path("cells.ipynb").write_text(
        json.dumps({"cells": [{"cell_type": "code", "source": "BatchNormalization()("}]}), encoding="utf-8"
    )
    Path("broken.keras").write_bytes(b"no archive")
    kinds = {failure.path: failure.kind for failure in check_paths(".", config={}).failures}
    assert kinds == {
        "./syntax.py": "syntax",
        "./deep.py": "limit",
        "./large.py": "limit",
        "./bytes.py": "unreadable",
        "./cells.ipynb": "syntax",
        "./broken.keras": "unreadable",
    }
    assert check_paths("missing", config={}).failures[0].kind == "unreadable"
