"""Several files as one project: imports followed, findings where the wrong code stands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bnlint import Report, check_paths, check_source
from bnlint.doors.source import evaluate
from bnlint.doors.source import project as projects
from bnlint.doors.source.draft import Draft
from bnlint.doors.source.project import Project

BLOCKS = """
from tensorflow.keras import layers

def dense(x, units, drop=0.0):
    x = layers.Dense(units, activation="relu")(x)
    if drop:
        x = layers.Dropout(drop)(x)
    return x
"""
MODEL = """
from tensorflow import keras
from tensorflow.keras import layers
from .blocks import dense

def build(units=8):
    inputs = keras.Input((4,))
    x = dense(inputs, units, drop=0.5)
    x = layers.BatchNormalization()(x)
    return keras.Model(inputs, layers.Dense(1)(x))
"""
TRAIN = """
from package import build

model = build()
model.compile("adam", "mse")
model.fit(x, y, batch_size=4)
"""


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__", "/", 1) + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def project(folder: Path) -> None:
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("from .model import build\n")
    write(folder / "package", blocks=BLOCKS, model=MODEL)
    write(folder, train=TRAIN)


def lint(*paths: Path) -> Report:
    return check_paths(paths, select=["dropout-before-batchnorm", "tiny-batch"], config={})


def places(report: Report) -> list[tuple[str, str, int | None]]:
    return [(finding.rule, Path(finding.place.path).name, finding.place.line) for finding in report]


def test_train_fits_what_model_builds_with_blocks(tmp_path: Path) -> None:
    project(tmp_path)
    report = lint(tmp_path)
    assert places(report) == [("dropout-before-batchnorm", "blocks.py", 7), ("tiny-batch", "train.py", 6)]
    assert Path(report.findings[0].related[0].place.path).name == "model.py"


def test_findings_stand_in_listed_files_only(tmp_path: Path) -> None:
    project(tmp_path)
    assert places(lint(tmp_path / "train.py")) == [("tiny-batch", "train.py", 6)]


def test_cycles_and_missing_modules_are_unknown_values(tmp_path: Path) -> None:
    a = "from b import f\nfrom keras import layers\ndef g(x): return layers.BatchNormalization()(f(x))\n"
    b = "from a import g\nfrom missing import h\nfrom missing.too import *\ndef f(x): return g(h(x))\n"
    write(tmp_path, a=a, b=b)
    report = lint(tmp_path)
    assert not report.findings and not report.failures


def test_a_star_import_and_a_src_layout(tmp_path: Path) -> None:
    write(tmp_path / "src", parts="from keras.layers import *\nRATE = 0.5\nSIZE = 4\n")
    main = "from src.parts import *\nimport keras\nm = keras.Sequential([Dropout(RATE), BatchNormalization()])\n"
    write(tmp_path, main=main + "m.compile()\nm.fit(x, y, batch_size=SIZE)\n")
    assert places(lint(tmp_path)) == [("dropout-before-batchnorm", "main.py", 3), ("tiny-batch", "main.py", 5)]


def test_a_bad_module_does_not_keep_its_importer_from_being_read(tmp_path: Path) -> None:
    write(tmp_path, bad="def f(:\n", main="import bad\n" + MODEL.replace("from .blocks import dense", "dense = bad.f"))
    report = lint(tmp_path)
    assert not report.findings and not report.failures


def test_a_module_that_one_branch_imports_is_there_for_the_other(tmp_path: Path) -> None:
    write(tmp_path, parts="from tensorflow.keras import layers\nfirst = last = layers.BatchNormalization\n")
    write(
        tmp_path,
        net="""
from absl import flags
from tensorflow import keras
import parts

inputs = keras.Input((4,))
x = keras.layers.Dropout(0.5)(inputs)
if flags.FLAGS.first:
    x = parts.first()(x)
else:
    x = parts.last()(x)
""",
    )
    program = evaluate((tmp_path / "net.py").read_text(), "net.py", file=tmp_path / "net.py")
    assert [call.layer.kind for call in program.calls] == ["Dropout", "BatchNormalization", "BatchNormalization"]


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")], ids=["before", "after"])
def test_a_file_is_parsed_once_whether_it_is_checked_before_its_importer_or_after(
    names: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer, model = names
    write(tmp_path, **{model: MODEL.replace("from .blocks", "from blocks"), "blocks": BLOCKS})
    write(tmp_path, **{importer: TRAIN.replace("from package", f"from {model}")})
    parsed: list[str] = []

    class Counted(Draft):
        def __init__(self, text: str, *functions: object) -> None:
            parsed.append(text)
            super().__init__(text, *functions)  # type: ignore[arg-type]

    monkeypatch.setattr(projects, "Draft", Counted)
    report = check_paths([tmp_path], select=["dropout-before-batchnorm", "tiny-batch"], config={}, jobs=1)
    assert len(report.findings) == 2
    assert len(parsed) == len(set(parsed)) == 3


def test_importers_see_what_is_on_disk_and_not_a_text_in_hand(tmp_path: Path) -> None:
    on_disk = "from tensorflow import keras\nlayer = keras.layers.Dropout(0.5)\n"
    write(tmp_path, parts=on_disk, net="from parts import keras, layer\ny = layer(keras.Input((4,)))\n")
    parts, net = tmp_path / "parts.py", tmp_path / "net.py"
    project = Project()

    def layer_of_net() -> str:
        program = evaluate(net.read_text(), "net.py", file=net, project=project)
        return program.calls[0].layer.kind

    evaluate(on_disk.replace("Dropout(0.5)", "ReLU()"), "parts.py", file=parts, project=project)
    assert layer_of_net() == "Dropout"
    parts.write_text(on_disk.replace("Dropout(0.5)", "Flatten()"))
    os.utime(parts, ns=(1, 1))
    assert layer_of_net() == "Flatten"


TRAINS = "from nets import net\n\nmodel = net()\nmodel.compile('adam', 'mse')\nmodel.fit(x, y, batch_size=2)\n"
NETS = "import keras\n\n\ndef net():\n    layers = [keras.layers.Dense(8), keras.layers.BatchNormalization()]\n"
NETS += "    return keras.Sequential(layers)\n"


def test_a_text_is_checked_as_if_it_stood_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its imports are followed, and the project's pins are read; a notebook's text is its JSON."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": TRAINS.splitlines(keepends=True)}]
    book = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}, indent=1)
    for name, text in (("train.py", TRAINS), ("train.ipynb", book)):
        said = check_source(text, name, select=["tiny-batch"], config={})
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert said.findings == check_paths([name], select=["tiny-batch"], config={}).findings != []
        assert said.failures == [] and "batch_size=2" in str(said)
    old = "import keras\n\nkeras.backend.learning_phase()\nkeras.layers.BatchNormalization()(keras.Input((3,)))\n"
    for pins, severity in (("", "error"), ("tensorflow==2.15.0\n", "advice")):
        folder = tmp_path / f"pinned {bool(pins)}"
        folder.mkdir()
        (folder / "requirements.txt").write_text(pins, encoding="utf-8")
        found = check_source(old, str(folder / "old.py"), config={})
        assert [str(finding.severity) for finding in found if finding.rule == "learning-phase"] == [severity]
