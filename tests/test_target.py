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
POSITIONAL = """from keras import layers


class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def call(self, x, training):
        return self.norm(x, training)
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
        assert rules(found) == [("removed-api", "advice", 1), ("redundant-bias", "advice", 6)]
        assert [place.place.line for place in found[0].related] == [7, 11]
        assert found[1].message.endswith("; bias=False computes the same.")

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
    def test_another_file_of_the_folder_says_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "ops.py").write_text(TF_LAYERS, encoding="utf-8")
        (tmp_path / "train.py").write_text("with tf.Session() as session:\n    train(session)\n", encoding="utf-8")
        assert rules(check_paths(tmp_path, config={}).findings) == [("removed-api", "error", 5)]

    def test_sessions_in_the_file_make_it_one_piece_of_advice(self) -> None:
        text = f"{TF_LAYERS}\n\ny = tf.layers.BatchNormalization()\nwith tf.Session() as session:\n    pass\n"
        found = check_source(text, select=["removed-api"]).findings
        assert rules(found) == [("removed-api", "advice", 8)]


PYPROJECT = "[project]\nname = 'x'\nversion = '1'\n"
POETRY = "[tool.poetry.dependencies]\npython = '^3.9'\n"


class TestRequirements:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("requirements.txt", "numpy\nkeras==2.13.1\n"),
            ("requirements-gpu.txt", "tensorflow-gpu >= 2.4, < 2.12  # not newer\n"),
            ("requirements.txt", "tensorflow==2.13.* ; python_version >= '3.8'\n"),
            ("requirements.txt", "Keras~=2.4\n"),
            ("requirements.txt", "tensorflow!=2.10.0,<=2.15.1\n"),
            ("requirements.txt", "tensorflow[and-cuda]==2.15.0 \\\n    --hash=sha256:00\n"),
            ("requirements.txt", "tensorflow<2.12; python_version<'3.9'\ntensorflow<2.16; python_version>='3.9'\n"),
            ("requirements.txt", "tensorflow>=2.9\nkeras<3\n"),
            ("pyproject.toml", PYPROJECT + "dependencies = ['tensorflow<2.16', 'numpy']\n"),
            ("pyproject.toml", PYPROJECT + "[project.optional-dependencies]\ntf = ['tensorflow<2.16']\n"),
            ("pyproject.toml", "[dependency-groups]\ntest = ['keras==2.*', {include-group = 'x'}]\n"),
            ("pyproject.toml", POETRY + "tensorflow = '~2.13'\n"),
            ("pyproject.toml", POETRY + "keras = {version = '^2.11', optional = true}\n"),
            ("pyproject.toml", POETRY + "tensorflow = [{version = '2.10', markers = 'a'}, {version = '<2.14'}]\n"),
            ("setup.py", "setup(name='x', install_requires=['numpy', 'tensorflow<2.16'])\n"),
            ("setup.py", "setup(extras_require={'tensorflow': ['tensorflow<2.16']})\n"),
            ("setup.py", "needed = [\n    'tensorflow==2.8',\n]\nsetup(install_requires=needed)\n"),
            ("setup.cfg", "[options]\ninstall_requires =\n    numpy\n    tensorflow<2.16\n"),
            ("setup.cfg", "[options.extras_require]\ntf = tensorflow<2.16\n"),
            ("Pipfile", "[packages]\ntensorflow = '==2.13.0'\nnumpy = '*'\n"),
            ("Pipfile.lock", '{"default": {"keras": {"version": "==2.12.0"}}}'),
            ("environment.yml", "dependencies:\n  - python=3.9\n  - tensorflow=2.10\n"),
            ("environment.yml", "dependencies:\n  - conda-forge::tensorflow-gpu=2.6.0=py39\n"),
            ("environment.yaml", "dependencies:\n  - pip:\n    - keras==2.13.1\n"),
            ("uv.lock", "[[package]]\nname = 'tensorflow'\nversion = '2.15.1'\n"),
            ("poetry.lock", "[[package]]\nname = 'keras'\nversion = '2.15.0'\n"),
        ],
    )
    def test_that_allow_no_keras_3(self, tmp_path: Path, name: str, text: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        target = keras_of("", "auto", tmp_path / "a.py")
        assert (target.major, target.explicit) == (2, True)
        assert target.because.startswith(f"{name} has ")

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
    def test_in_any_encoding_with_a_mark(self, tmp_path: Path, encoding: str) -> None:
        (tmp_path / "requirements.txt").write_text("keras==2.13.1\r\ntensorflow==2.13.0\r\n", encoding=encoding)
        (tmp_path / "block.py").write_text(POSITIONAL, encoding="utf-8")
        assert check_paths(tmp_path / "block.py", config={}).findings == []

    def test_that_other_requirements_include(self, tmp_path: Path) -> None:
        (tmp_path / "needed").mkdir()
        (tmp_path / "needed" / "base.in").write_text("tensorflow==2.9\n", encoding="utf-8")
        (tmp_path / "requirements.txt").write_text("-r needed/base.in\nnumpy\n", encoding="utf-8")
        assert keras_of("", "auto", tmp_path / "deep" / "a.py").because == "requirements.txt has tensorflow==2.9"

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("requirements.txt", "keras>=2\nnumpy==1.2\n"),
            ("requirements.txt", "tensorflow~=2.15\n"),
            ("requirements.txt", "tensorflow==2.*\n"),
            ("requirements.txt", "tensorflow!=2.15\n"),
            ("requirements.txt", "tensorflow-text==2.11\ntf-keras==2.15\nkeras-cv<0.5\n"),
            ("requirements.txt", "tensorflow<2.16; python_version<'3.9'\ntensorflow>=2.16; python_version>='3.9'\n"),
            ("requirements.txt", "# keras<3\nsome keras<3 words\n"),
            ("pyproject.toml", PYPROJECT + "optional-dependencies = {a = ['keras<3'], b = ['keras>=3']}\n"),
            ("pyproject.toml", PYPROJECT + "description = 'tensorflow<2.16'\n"),
            ("pyproject.toml", POETRY + "tensorflow = '^2.13'\nkeras = '*'\n"),
            ("pyproject.toml", "keras<3 is no TOML"),
            ("setup.py", "setup(keywords=['keras', 'tensorflow'], install_requires=['tensorflow>=2.9'])\n"),
            ("setup.cfg", "[metadata]\ndescription = keras<3\n"),
            ("Pipfile.lock", '["keras==2.1"]'),
            ("uv.lock", "[[package]]\nname = 'keras'\nversion = '2.9'\n[[package]]\nname = 'keras'\nversion = '3.1'\n"),
        ],
    )
    def test_that_leave_it_open(self, tmp_path: Path, name: str, text: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert not keras_of("", "auto", tmp_path / "a.py").explicit

    def test_files_that_disagree_leave_it_open(self, tmp_path: Path) -> None:
        (tmp_path / "requirements-1.txt").write_text("keras<3\n", encoding="utf-8")
        (tmp_path / "requirements-2.txt").write_text("keras>=3\n", encoding="utf-8")
        assert not keras_of("", "auto", tmp_path / "a.py").explicit

    def test_that_want_keras_3_say_so_against_the_code(self, tmp_path: Path) -> None:
        (tmp_path / "requirements.txt").write_text("tensorflow>=2.16\n", encoding="utf-8")
        target = keras_of("model.fit_generator(x)", "auto", tmp_path / "a.py")
        assert (target.major, target.explicit) == (3, True)


@pytest.mark.parametrize(
    "line",
    [
        "import tf_keras",
        "import tensorflow as tf, tf_keras",
        "import os, tensorflow as tf, tf_keras as keras",
        "from tf_keras import layers",
        "try:\n    import tf_keras.layers",
    ],
)
def test_an_import_of_tf_keras_is_for_keras_2(line: str) -> None:
    target = keras_of(f"{line}\n", "auto", None)
    assert (target.major, target.explicit) == (2, True)


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


@pytest.mark.parametrize("between", ["", "keras.layers.Dense(1)\n"])
def test_a_phase_that_is_set_right_behind_a_fit_is_behind_it(between: str) -> None:
    text = "import keras\n\nmodel = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])\n"
    text += f"model.compile('sgd', 'mse')\nmodel.fit(x, y)\n{between}keras.backend.set_learning_phase(0)\n"
    (finding,) = check_source(text, target="2", select=["learning-phase"], config={}).findings
    assert str(finding.severity) == "advice"


BROKEN = {
    "no version": ("requirements.txt", "tensorflow===2.foo\n"),
    "a long number": ("requirements.txt", f"tensorflow=={'1' * 5000}\n"),
    "many bounds": ("requirements.txt", f"tensorflow{','.join(['>=1.0'] * 100_000)}\n"),
    "itself and a device": ("requirements.txt", "-r requirements.txt\n-r /dev/zero\ntensorflow\n"),
    "deep code": ("setup.py", f"'tensorflow'\nx = {'-' * 100_000}1\n"),
    "no escape": ("setup.py", "'tensorflow \\d'\n"),
    "deep TOML": ("pyproject.toml", f"tensorflow = {'[' * 100_000}\n"),
    "a list for a table": ("pyproject.toml", "project = ['tensorflow']\n"),
    "deep JSON": ("Pipfile.lock", f"{'[' * 100_000}'tensorflow'"),
    "no text": ("environment.yml", "- tensorflow=\0\udcff..3\n"),
    "a reference to nothing": ("setup.cfg", "[options]\ninstall_requires = %(x)s tensorflow\n"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.filterwarnings("error")
def test_requirements_that_are_broken_say_nothing(case: str, tmp_path: Path) -> None:
    name, text = BROKEN[case]
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    (tmp_path / "model.py").write_text("import keras\nkeras.layers.BatchNormalization()\n", encoding="utf-8")
    report = check_paths([str(tmp_path / "model.py")], config={}, jobs=1)
    assert [finding.rule for finding in report] == ["discarded-batchnorm"] and report.failures == []


@pytest.mark.parametrize("wanted", ["tensorflow===2.foo", f"tensorflow=={'1' * 5000}", "tensorflow@https://x/y"])
def test_what_a_notebook_installs_may_be_broken(wanted: str, tmp_path: Path) -> None:
    path = notebook(
        tmp_path, (f"!pip install {wanted}\n", []), ("import keras\nkeras.layers.BatchNormalization()\n", [])
    )
    report = check_paths([str(path)], config={}, jobs=1)
    assert [finding.rule for finding in report] == ["discarded-batchnorm"] and report.failures == []
