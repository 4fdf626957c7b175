"""Notebooks through the same door: cells as one program, findings at a cell and a line in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bnlint import check_paths
from bnlint.inputs.gate import Refused
from bnlint.inputs.notebook import read_notebook

CELLS = [
    "%matplotlib inline\n!pip install keras\nimport keras\nfrom keras import layers",
    "# Text\nmodel = keras.Sequential()\nmodel.add(layers.Dense(8))\nmodel.add(layers.Dropout(0.5))",
    "%%bash\nls BatchNormalization",
    "%%time\nmodel.add(layers.BatchNormalization())\nfiles = !ls\nlayers.Dense?",
]


def notebook(cells: list[str], nbformat: int = 4) -> str:
    code = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source.splitlines(True)} for source in cells]
    if nbformat == 3:
        sheet = [{"cell_type": "code", "input": source.splitlines(True), "outputs": []} for source in cells]
        return json.dumps({"nbformat": 3, "worksheets": [{"cells": sheet}]})
    text = {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]}
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": [text, *code]})


@pytest.mark.parametrize("nbformat", [3, 4])
def test_a_finding_stands_at_its_cell(tmp_path: Path, nbformat: int) -> None:
    (tmp_path / "n.ipynb").write_text(notebook(CELLS, nbformat))
    report = check_paths([tmp_path], select=["dropout-before-batchnorm"], config={})
    assert not report.failures
    (finding,) = report
    place = finding.place
    assert (place.cell, place.line, place.column, place.end_line) == (2, 4, 11, 4)
    assert finding.related[0].place.cell == 4 and finding.related[0].place.line == 2


def test_each_rebinding_of_model_is_a_model_of_its_own(tmp_path: Path) -> None:
    one = "import keras\nL = keras.layers\nmodel = keras.Sequential([L.Dropout(0.5), L.BatchNormalization()])"
    two = "model = keras.Sequential([L.BatchNormalization(), L.Dropout(0.5)])"
    (tmp_path / "n.ipynb").write_text(notebook([one, two, one.replace("0.5", "0.3")]))
    found = check_paths([tmp_path], select=["dropout-before-batchnorm"], config={})
    assert [finding.place.cell for finding in found] == [1, 3]


def test_suppressions_stand_in_their_cell(tmp_path: Path) -> None:
    ignored = [CELLS[0], CELLS[1] + "  # bnlint: ignore[dropout-before-batchnorm]", *CELLS[2:]]
    elsewhere = [CELLS[0] + "\n# bnlint: ignore[dropout-before-batchnorm]", *CELLS[1:]]
    for cells, count in ((ignored, 0), (elsewhere, 1)):
        (tmp_path / "n.ipynb").write_text(notebook(cells))
        assert len(check_paths([tmp_path], select=["dropout-before-batchnorm"], config={})) == count


def test_a_broken_cell_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text(notebook([*CELLS, "x = 1\nlayers.BatchNormalization(("]))
    report = check_paths([tmp_path], select=["dropout-before-batchnorm"], config={})
    assert len(report) == 1
    assert [(failure.cell, failure.line) for failure in report.failures] == [(5, 2)]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [', "[" * 100_000, "\ufeffnot json"])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="not a notebook"):
        read_notebook(text.encode())


def test_every_line_keeps_its_place() -> None:
    read = read_notebook(notebook(CELLS).encode())
    lines = read.text.split("\n")
    assert [lines[start - 1] for start in read.cells[:2]] == ["pass", "# Text"]
    assert len(lines) == sum(cell.count("\n") + 1 for cell in CELLS) + 1


def test_a_cell_may_be_indented_as_ipython_has_it(tmp_path: Path) -> None:
    model = "\n    model = Sequential([layers.Dense(4),\n        layers.BatchNormalization()])\n# end"
    (tmp_path / "n.ipynb").write_text(notebook(["from keras import Sequential, layers", model]))
    report = check_paths(tmp_path / "n.ipynb", select=["redundant-bias"], config={}, fixes=True)
    assert not report.failures
    (finding,) = report
    assert (finding.place.cell, finding.place.line, finding.place.column) == (2, 2, 25)
    assert finding.fix is not None and [(edit.start, edit.text) for edit in finding.fix.edits] == [
        ((2, 39), ", use_bias=False")
    ]
