"""The mode table: every row is built as a model and run in real Keras, in one process a library."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main
from bnlint.reference.modes import CONDUCTS, TRAINING, Level, Mode, Situation, conduct, mode, modes_of, rows, select

SCRIPT = Path(__file__).with_name("live_modes.py")
OLDEST = "3.3.3"
"""The oldest Keras 3 that works beside the installed TensorFlow."""


def measured(library: str, part: str, folder: Path | None = None) -> dict[str, Any]:
    """What the rows of a part do, "quick" or "all"; `folder` holds a Keras to use instead of the installed one."""
    environment = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
    }
    environment["TF_USE_LEGACY_KERAS"] = "1" if library == "tf_keras" else "0"
    if folder is not None:
        environment["PYTHONPATH"] = str(folder)
    command = [sys.executable, str(SCRIPT), library, part]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def check(library: str, part: str, folder: Path | None = None) -> str:
    """Compare each row of a part of the table with what Keras does; its version."""
    found = measured(library, part, folder)
    version: str = found["version"]
    table = list(rows(2) if library == "tf_keras" else rows(3, int(version.split(".")[1])))
    assert part == "quick" or found["numbers"] == list(range(len(table)))
    wrong = []
    for number, seen in zip(found["numbers"], found["rows"], strict=True):
        said = mode(table[number])
        told = {"training": said.training, "moves": said.training, "learns": said.learns, "raises": said.raises}
        if told != seen:
            wrong.append(f"{table[number]}\n  the table: {told}\n  Keras {version}: {seen}")
    assert not wrong, f"{len(wrong)} of {len(found['rows'])} rows are wrong\n" + "\n".join(wrong[:5])
    kinds = Counter((seen["training"], seen["learns"]) for seen in found["rows"])
    assert all(kinds[kind] > 10 for kind in ((True, False), (True, True), (False, True), (False, False))), kinds
    return version


needs_keras = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("keras", "tf_keras")), reason="needs keras and tf_keras"
)


@pytest.fixture(scope="session")
def oldest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the oldest Keras 3, kept between runs; where it cannot be installed, the test fails."""
    cache = getattr(request.config, "cache", None)
    folder = Path(cache.mkdir(f"keras-{OLDEST}")) if cache else tmp_path_factory.mktemp("keras")
    if not (folder / f"keras-{OLDEST}.dist-info" / "RECORD").is_file():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(folder)]
        done = subprocess.run([*pip, f"keras=={OLDEST}"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"keras {OLDEST} could not be installed:\n{done.stderr[-3000:]}"
    return folder


@needs_keras
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_models_that_are_not_nested_do_what_the_table_says(library: str) -> None:
    check(library, "quick")


@needs_keras
@pytest.mark.slow
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_every_row_is_what_keras_does(library: str) -> None:
    check(library, "all")


@needs_keras
@pytest.mark.slow
def test_every_row_is_what_the_oldest_keras_3_does(oldest: Path) -> None:
    assert check("keras", "all", oldest) == OLDEST


PLAIN = Level("subclass")
DEAF = Level("subclass", parameter=False)
TRAINING_MODE, INFERENCE = Mode(True, True), Mode(False, True)


def ask(*path: Level, keras: int = 3, **given: Any) -> Mode:
    return mode(Situation(path, **{"phase": "fit", "keras": keras, **given}))


class TestAnswers:
    """What the measurements that the project started from found, looked up in the table."""

    def test_fit_trains_a_model_without_the_parameter_in_keras_2_only(self) -> None:
        assert ask(DEAF) == INFERENCE
        assert ask(DEAF, keras=2) == ask(PLAIN) == TRAINING_MODE
        assert ask(Level("sequential"), Level("layer", parameter=False)) == TRAINING_MODE

    def test_fit_overrides_a_flag_in_a_graph_in_keras_only(self) -> None:
        assert ask(Level("functional", flag=False)) == TRAINING_MODE
        assert ask(Level("functional", flag=False), keras=2) == INFERENCE
        assert [ask(Level("functional", flag=True), phase="predict", keras=k).training for k in (2, 3)] == [True, False]

    def test_a_flag_inside_call_is_obeyed(self) -> None:
        for keras in (2, 3):
            assert not ask(Level("subclass", flag=False), keras=keras).training
            assert ask(Level("subclass", flag=True), phase="predict", keras=keras).training

    def test_a_flag_leaks_to_the_layers_behind_in_keras_only(self) -> None:
        assert ask(Level("subclass", earlier=False)) == INFERENCE
        assert ask(Level("subclass", earlier=False), keras=2) == TRAINING_MODE
        assert ask(Level("functional", earlier=False)) == TRAINING_MODE

    def test_the_adversarial_order(self) -> None:
        frozen_after_compile = {"trainable": False, "since": "compile"}
        assert ask(PLAIN, **frozen_after_compile) == Mode(False)
        assert ask(PLAIN, keras=2, **frozen_after_compile) == TRAINING_MODE

    def test_a_write_after_the_first_fit_comes_too_late(self) -> None:
        for keras in (2, 3):
            assert ask(PLAIN, keras=keras, trainable=False, since="run") == TRAINING_MODE
            assert ask(PLAIN, keras=keras, since="run") == Mode(False)

    def test_a_flag_given_to_a_model_without_the_parameter(self) -> None:
        told = Situation((DEAF,), "tape", True)
        answers = {(2, None): True, (3, 3): False, (3, 9): False, (3, 10): True, (3, None): True}
        for (keras, minor), training in answers.items():
            assert mode(told._replace(keras=keras, minor=minor)).training is training

    def test_only_phases_that_apply_gradients_learn(self) -> None:
        assert all(row.phase in TRAINING for row in rows() if mode(row).learns)


def test_modes_of_a_situation_are_those_of_fit_predict_and_a_direct_call() -> None:
    before = Situation((Level("subclass", flag=True),), "tape", flag=False)
    assert modes_of(before) == {"fit": Mode(True, True), "predict": Mode(True), "call": Mode(True)}
    after = before._replace(path=(Level("subclass", flag="forwarded"),))
    assert modes_of(after) == {"fit": Mode(True, True), "predict": Mode(False), "call": Mode(False)}


def test_versions_are_told_apart_by_their_minor_part() -> None:
    assert conduct(3) is conduct(3, 10) is conduct(3, 15)
    assert conduct(3, 9) is conduct(3, 3) is not conduct(3)
    assert conduct(2) is conduct(2, 15) is CONDUCTS[0]


def test_rows_are_distinct_and_of_one_version() -> None:
    table = list(rows(3, 5))
    assert len(set(table)) == len(table)
    assert {(row.keras, row.minor) for row in table} == {(3, 5)}


def test_selection() -> None:
    assert {len(row.path) for row in select()} == {0, 1}
    assert {(row.keras, row.minor) for row in select()} == {each.since for each in CONDUCTS}
    assert set(select((3, None), nested=True)) == set(rows())
    chosen = list(select((2, None), "functional"))
    assert chosen and all(row.path[0].style == "functional" and row.keras == 2 for row in chosen)
    assert all("layer" in {level.style for level in row.path} for row in select(style="layer"))


class TestCommand:
    def run(self, *arguments: str) -> Result:
        done = CliRunner().invoke(main, ["modes", *arguments])
        assert done.exit_code == 0, done.output
        return done

    def test_text_has_the_row_of_a_model_without_the_parameter(self) -> None:
        (line,) = (line for line in self.run("--keras", "3").output.splitlines() if "  Model.call(x)  " in line)
        assert line.split()[-5:] == ["inference", "training", "inference", "inference", "inference"]

    def test_equal_rows_are_merged(self) -> None:
        lines = self.run().output.splitlines()
        assert len(lines) < 60
        assert len(set(lines) - {""}) == len([line for line in lines if line])
        assert any(line.startswith("2, 3.0-3.9, 3.10+  ") for line in lines)

    def test_style(self) -> None:
        output = self.run("--style", "sequential").output
        assert "sequential" in output and "Model.call" not in output
        assert "Layer.call" in self.run("--style", "layer", "--keras", "3").output

    def test_json_has_every_row_with_its_answer(self) -> None:
        document = json.loads(self.run("--format", "json", "--keras", "3.5", "--nested").output)
        assert document["version"] == 1
        table = list(rows(3, 5))
        assert len(document["rows"]) == len(table)
        for row, entry in zip(table, document["rows"], strict=True):
            assert (entry["mode"], entry["learns"]) == (mode(row).name, mode(row).learns)
            assert [level["style"] for level in entry["path"]] == [level.style for level in row.path]

    def test_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from io import StringIO

        from bnlint.reporters.modes import show_modes

        monkeypatch.setenv("COLUMNS", "200")
        file = StringIO()
        show_modes(select((3, None)), file, terminal=True, color=False)
        assert "Model.call(x)" in file.getvalue() and "\N{BOX DRAWINGS LIGHT VERTICAL}" in file.getvalue()

    def test_unknown_version(self) -> None:
        assert CliRunner().invoke(main, ["modes", "--keras", "4"]).exit_code == 2
