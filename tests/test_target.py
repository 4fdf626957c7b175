"""Which Keras a file is for, which files are of Keras 1 or TensorFlow 1, and which hold unit tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bnlint import Finding, Severity, check_paths, check_source
from bnlint.doors.source.target import keras_1, keras_of
from bnlint.doors.source.testing import holds_tests
from bnlint.inputs.notebook import read_notebook

OLD_IMPORT = "from keras.layers.normalization import BatchNormalization\n"
KERAS_1 = f"""{OLD_IMPORT}from keras.layers import Activation, Convolution2D, Dense, Flatten
from keras.models import Sequential

model = Sequential()
model.add(Convolution2D(32, 3, 3, border_mode="same", input_shape=(32, 32, 3)))
model.add(BatchNormalization(mode=0, axis=-1))
model.add(Activation("relu"))
model.add(Flatten())
model.add(Dense(256))
model.add(BatchNormalization(mode=1, momentum=0.1))
model.add(Activation("relu"))
model.add(Dense(10, activation="softmax"))
model.compile("sgd", "categorical_crossentropy")
model.fit(images, labels, nb_epoch=20, batch_size=64)
"""
TF_LAYERS = """import tensorflow.compat.v1 as tf


def norm(x, training):
    return tf.layers.batch_normalization(x, training=training)
"""


def rules(findings: list[Finding]) -> list[tuple[str, str, int | None]]:
    return [(finding.rule, str(finding.severity), finding.place.line) for finding in findings]


def notebook(folder: Path, *cells: tuple[str, list[dict[str, object]]]) -> Path:
    path = folder / "book.ipynb"
    code = [{"cell_type": "code", "metadata": {}, "source": text, "outputs": shown} for text, shown in cells]
    path.write_text(json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


def printed(text: str) -> list[dict[str, object]]:
    return [{"output_type": "stream", "name": "stdout", "text": [text]}]


def shown(text: str) -> list[dict[str, object]]:
    return [{"output_type": "execute_result", "data": {"text/plain": text}, "metadata": {}, "execution_count": 1}]


class TestKeras1:
    def test_is_told_once_and_only_as_advice(self) -> None:
        found = check_source(KERAS_1).findings
        assert rules(found) == [("removed-api", "advice", 1)]

    def test_is_told_everything_where_keras_3_is_asked_for(self) -> None:
        found = check_source(KERAS_1, target="3", select=["removed-api"]).findings
        assert [line for _, severity, line in rules(found) if severity == "error"] == [1, 7, 11]

    def test_code_of_keras_2_is_told_as_an_error(self) -> None:
        found = check_source(f"{OLD_IMPORT}from keras.layers.core import Dense\n").findings
        assert [finding.severity for finding in found] == [Severity.ERROR]

    @pytest.mark.parametrize(
        "text",
        [
            "model.fit(x, y, nb_epoch=3)",
            "model.fit_generator(flow(x), samples_per_epoch=len(x), nb_epoch=3)",
            "Convolution2D(64, (3), 3, border_mode='same')",
            "Convolution2D(nb_filter // 2, 3, 3)",
            "Dense(3, W_regularizer=l2(0.1))",
        ],
    )
    def test_is_known_by_its_arguments(self, text: str) -> None:
        assert keras_1(text) and keras_of(text, "auto", None).major == 2

    @pytest.mark.parametrize(
        "text",
        [
            "nb_epoch = 3\nmodel.fit(x, y, epochs=nb_epoch)",
            "def block(x, nb_filter=64, border_mode='same'): ...",
            "x = block(x, nb_filter=64)",
            "Convolution2D(64, 3, padding='same')",
            "XGBClassifier(subsample=0.8)",
        ],
    )
    def test_is_not_seen_in_names_of_ones_own(self, text: str) -> None:
        assert not keras_1(text) and keras_of(text, "auto", None).major == 3


class TestTensorFlow1:
    def test_another_file_of_the_folder_counts_as_a_pin(self, tmp_path: Path) -> None:
        (tmp_path / "ops.py").write_text(TF_LAYERS, encoding="utf-8")
        assert rules(check_paths(tmp_path, config={}).findings) == [("removed-api", "error", 5)]
        (tmp_path / "train.py").write_text("with tf.Session() as session:\n    train(session)\n", encoding="utf-8")
        assert keras_of(TF_LAYERS, "auto", tmp_path / "other" / "ops.py").major == 2
        assert "train.py" in keras_of(TF_LAYERS, "auto", self.fresh(tmp_path) / "ops.py").because
        assert check_paths(self.fresh(tmp_path), config={}).findings == []

    def test_for_layers_of_tensorflow_1_only(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").write_text("with tf.Session() as session:\n    train(session)\n", encoding="utf-8")
        assert not keras_of(OLD_IMPORT, "auto", tmp_path / "model.py").explicit

    def test_sessions_in_the_file_make_it_one_piece_of_advice(self) -> None:
        text = f"{TF_LAYERS}\n\ny = tf.layers.BatchNormalization()\nwith tf.Session() as session:\n    pass\n"
        found = check_source(text, select=["removed-api"]).findings
        assert rules(found) == [("removed-api", "advice", 8)]

    def fresh(self, folder: Path) -> Path:
        """A copy of the folder, as folders are looked at once a process."""
        copy = folder.with_name(f"{folder.name}-copy")
        copy.mkdir(exist_ok=True)
        for path in folder.glob("*.py"):
            (copy / path.name).write_bytes(path.read_bytes())
        return copy


class TestRequirements:
    def test_bounds_of_other_packages_do_not_count(self, tmp_path: Path) -> None:
        (tmp_path / "requirements.txt").write_text("keras>=2\nnumpy==1.2\n", encoding="utf-8")
        assert not keras_of("", "auto", tmp_path / "a.py").explicit


class TestNotebooks:
    @pytest.mark.parametrize(
        ("cell", "output", "because"),
        [
            ("!pip install -q tensorflow==1.15.2 keras", [], "tensorflow==1.15.2"),
            ("%pip install 'keras<3'", [], "keras<3"),
            ("%tensorflow_version 1.x\nimport tensorflow as tf", [], "tensorflow==1.15"),
            ("import keras\nkeras.__version__", shown("'2.0.8'"), "keras==2.0"),
            ("print('TF', tf.__version__)", printed("TF 2.3.1\n"), "tensorflow==2.3"),
            ("import keras", printed("Using TensorFlow backend.\n"), "keras<3"),
        ],
    )
    def test_versions_count_as_pins(
        self, tmp_path: Path, cell: str, output: list[dict[str, object]], because: str
    ) -> None:
        path = notebook(tmp_path, (cell, output), (OLD_IMPORT, []))
        code = read_notebook(path.read_bytes())
        target = keras_of(code.text, "auto", path, code.pins)
        assert (target.major, target.explicit, target.because) == (2, True, f"the notebook has {because}")
        assert check_paths(path, config={}).findings == []

    @pytest.mark.parametrize(
        ("cell", "output"),
        [
            ("!pip install -U tensorflow keras", []),
            ("!pip install tensorflow-text==2.11", []),
            ("%tensorflow_version 2.x", []),
            ("np.__version__", shown("'1.21.0'")),
            ("print(tf.__version__, len(data))", printed("1.21 2.5\n")),
            ("print(note)", printed("Using TensorFlow backend.\n")),
            ("import keras\nkeras.__version__", shown("'3.4.1'")),
        ],
    )
    def test_what_says_nothing_of_keras_2(self, tmp_path: Path, cell: str, output: list[dict[str, object]]) -> None:
        path = notebook(tmp_path, (cell, output), (OLD_IMPORT, []))
        assert [finding.severity for finding in check_paths(path, config={})] == [Severity.ERROR]


class TestUnitTests:
    TRAINS = """import numpy as np
from keras import Sequential, layers


def make():
    return Sequential([layers.Dense(8, use_bias=False), layers.BatchNormalization(momentum=0), layers.Dense(1)])


def test_fit():
    model = make()
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), batch_size=2)
"""

    def test_small_batches_are_meant(self) -> None:
        assert check_source(self.TRAINS, "test_model.py", config={}).findings == []
        assert check_source(self.TRAINS, "pkg/tests/model.py", config={}).findings == []
        found = {finding.rule for finding in check_source(self.TRAINS, "model.py", config={})}
        assert found == {"tiny-batch", "invalid-hyperparameter"}

    def test_certain_errors_stand(self) -> None:
        text = f"{self.TRAINS}    x = layers.BatchNormalization(model.output)\n"
        found = check_source(text, "test_model.py", config={}).findings
        assert rules(found) == [("misplaced-argument", "error", 13)]

    def test_a_script_that_is_called_a_test_is_none(self) -> None:
        script = self.TRAINS.replace("def test_fit", "def fit")
        assert not holds_tests("keras_test.py", script)
        assert "tiny-batch" in {finding.rule for finding in check_source(script, "keras_test.py", config={})}

    @pytest.mark.parametrize("base", ["unittest.TestCase", "tf.test.TestCase", "Base"])
    def test_a_test_case_is_one_in_any_file(self, base: str) -> None:
        body = self.TRAINS.split("def test_fit():\n")[1]
        lines = ["import unittest", "import tensorflow as tf", *self.TRAINS.splitlines()[:6]]
        lines += ["class Base(unittest.TestCase):", "    pass", f"class Case({base}):", "    def run_it(self):"]
        text = "\n".join([*lines, *(f"    {line}" for line in body.splitlines())])
        found = check_source(text, "model.py", select=["tiny-batch"], config={}).findings
        assert found == []
        assert len(check_source(text.replace(f"({base})", ""), "model.py", select=["tiny-batch"], config={})) == 1
