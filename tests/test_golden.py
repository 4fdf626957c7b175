"""The golden record names what differs between two versions, and nothing where they agree."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from kit import golden

COMMAND = [sys.executable, "-m", "bnlint"]
PROGRAM = """from keras import Input, layers
inputs = Input((8, 8, 3))
x = layers.Conv2D(4, 3)(inputs)
x = layers.BatchNormalization()(x)
layers.BatchNormalization(momentum=0.1)(x)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "broken.py").write_text("BatchNormalization(\n", encoding="utf-8")
    return tmp_path


def differences(folder: Path, old: str, new: str) -> list[str]:
    """What the records of the program say before and after a change of its text."""
    before = list(golden.checked(COMMAND, "code", folder))
    assert old in PROGRAM
    (folder / "model.py").write_text(PROGRAM.replace(old, new), encoding="utf-8")
    return list(golden.differences(before, golden.checked(COMMAND, "code", folder)))


def test_two_records_of_one_state_agree(folder: Path) -> None:
    before = list(golden.checked(COMMAND, "code", folder))
    assert {entry["sort"] for entry in before} == {"finding", "failure"}
    assert not list(golden.differences(before, golden.checked(COMMAND, "code", folder)))


def test_a_finding_that_is_gone_and_one_that_is_new_are_named(folder: Path) -> None:
    said = differences(folder, "layers.BatchNormalization(momentum=0.1)(x)", "layers.BatchNormalization(epsilon=0)(x)")
    assert any(line.startswith("- finding code ./model.py:5") and "pytorch-momentum" in line for line in said)
    assert any(line.startswith("+ finding code ./model.py:5") and "invalid-hyperparameter" in line for line in said)


def test_an_edit_that_changes_is_named(folder: Path) -> None:
    (line,) = differences(folder, "momentum=0.1)", "momentum=0.2)")
    assert line.startswith("~ finding code ./model.py:5:") and line.endswith("pytorch-momentum: edits")


def test_related_places_that_move_are_named(folder: Path) -> None:
    said = differences(folder, "x = layers.BatchNormalization()(x)\n", "\nx = layers.BatchNormalization()(x)\n")
    assert any(line.startswith("~ finding code ./model.py:3:") and ": related" in line for line in said)


def test_a_graph_is_compared_node_by_node(folder: Path) -> None:
    model = ("one", folder / "model.py", "keras.Model(inputs, x)", "3")
    (folder / "model.py").write_text(f"import keras\n{PROGRAM}", encoding="utf-8")
    before = list(golden.graphs(COMMAND, *model))
    assert [node["kind"] for node in before[-1]["nodes"]] == ["InputLayer", "Conv2D", "BatchNormalization"]
    (folder / "model.py").write_text(f"import keras\n{PROGRAM.replace('Conv2D(4', 'Conv2D(5')}", encoding="utf-8")
    assert list(golden.differences(before, golden.graphs(COMMAND, *model))) == ["~ graph one 0: nodes"]


def test_every_example_of_every_card_is_recorded(tmp_path: Path) -> None:
    golden.examples(tmp_path)
    cards = sorted((golden.CHECKOUT / "rules").glob("[a-z]*.md"))
    blocks = {card.stem: card.read_text(encoding="utf-8").count("\n```python") for card in cards}
    assert {folder.name: len(list(folder.iterdir())) for folder in tmp_path.iterdir()} == blocks
