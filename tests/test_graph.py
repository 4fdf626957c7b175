"""`bnlint graph`: what it prints, and what it says to what it cannot show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bnlint.cli.main import main

PROGRAM = """import keras
from keras import layers

start = keras.Input((8,))
inner = keras.Sequential([layers.Dense(8), layers.BatchNormalization(momentum=0.9)], name="inner")
x = inner(start)
y = layers.Dense(8, activation="relu", name="wide")(x)
outer = keras.Model(start, (x + y) * 2, name="outer")


def build(depth, units=3):
    stack = [layers.Dense(units) for _ in range(depth)]
    return keras.Sequential([keras.Input((4,)), *stack], name=f"stack{depth}")
"""


OWN_LAYERS = """
head = keras.Sequential([layers.Dense(8)], name="head")
class Unit(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.dense, self.bn = layers.Dense(units), layers.BatchNormalization()
    def call(self, x, training=None):
        return self.bn(self.dense(x), training=training)
class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        # Held, and not called in the outer graph.
        self.unit = Unit(8)
        self.add = layers.Add()
    def call(self, x, training=None):
        return self.add([x, head(self.unit(x, training=training))])


def build():
    x = keras.Input((8, 8))
    block = Block()
    y = block(block(x))
    return keras.Model(x, layers.TimeDistributed(head)(y), name="model")
build()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def graph(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["graph", *map(str, arguments)])


def models(*arguments: str | Path) -> list[dict[str, Any]]:
    """The models in the JSON that the command writes, which is strict and in ASCII."""
    done = graph(*arguments, "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "") and done.stdout.isascii()
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    assert list(document) == ["models"]
    found: list[dict[str, Any]] = document["models"]
    return found


def text_models(tmp_path: Path, text: str, *arguments: str) -> list[dict[str, Any]]:
    path = tmp_path / "text.py"
    path.write_text(f"import keras\nfrom keras import layers\n{text}", encoding="utf-8")
    return models(path, *arguments)


class TestJson:
    def test_keys(self, file: Path) -> None:
        for model in models(file):
            assert list(model) == ["name", "origin", "style", "nodes", "outputs"]
            assert {tuple(node) for node in model["nodes"]} == {("id", "kind", "name", "inputs", "config", "model")}

    def test_every_call_is_a_node_and_inputs_are_ids_before_it(self, file: Path) -> None:
        (outer,) = (model for model in models(file) if model["name"] == "outer")
        rows = [(node["id"], node["kind"], node["name"], node["inputs"]) for node in outer["nodes"]]
        assert rows == [
            (0, "InputLayer", None, []),
            (1, "Sequential", "inner", [0]),
            (2, "Dense", "wide", [1]),
            (3, "Add", None, [1, 2]),
            (4, "Multiply", None, [3]),
        ]
        assert (outer["style"], outer["outputs"]) == ("functional", [4])

    def test_origin(self, file: Path) -> None:
        (outer,) = (model for model in models(file) if model["name"] == "outer")
        assert outer["origin"] == {"path": str(file), "cell": None, "line": 8, "column": 9}

    def test_a_layer_called_twice_is_two_nodes(self, tmp_path: Path) -> None:
        text = "d = layers.Dense(8)\nx = keras.Input((8,))\nkeras.Model(x, d(d(x)))\n"
        (model,) = text_models(tmp_path, text)
        assert [(node["kind"], node["inputs"]) for node in model["nodes"]] == [
            ("InputLayer", []),
            ("Dense", [0]),
            ("Dense", [1]),
        ]

    def test_config_has_what_is_given_and_the_defaults(self, file: Path) -> None:
        inner, outer = models(file)[:2]
        config = inner["nodes"][2]["config"]
        assert (config["momentum"], config["epsilon"], config["axis"], config["scale"]) == (0.9, 0.001, -1, True)
        wide = outer["nodes"][2]["config"]
        assert (wide["units"], wide["activation"], wide["use_bias"]) == (8, "relu", True)
        assert outer["nodes"][0]["config"]["shape"] == [8]
        assert "name" not in wide

    def test_config_leaves_out_what_is_not_known(self, tmp_path: Path) -> None:
        text = "import os\nx = keras.Input((8,))\nkeras.Model(x, layers.Dense(int(os.environ['N']))(x))\n"
        (model,) = text_models(tmp_path, text)
        config = model["nodes"][1]["config"]
        assert "units" not in config and config["use_bias"] is True

    def test_nested_models_come_before_those_that_hold_them(self, file: Path) -> None:
        assert [model["name"] for model in models(file)][:2] == ["inner", "outer"]

    def test_nested_models_come_first_if_they_are_made_later(self, tmp_path: Path) -> None:
        text = "outer = keras.Sequential([keras.Input((8,))], name='outer')\n"
        text += "outer.add(keras.Sequential([layers.Dense(1)], name='inner'))\n"
        assert [model["name"] for model in text_models(tmp_path, text)] == ["inner", "outer"]

    def test_a_node_names_the_entry_of_the_model_that_it_is(self, file: Path) -> None:
        found = models(file)
        (outer,) = (model for model in found if model["name"] == "outer")
        assert [node["model"] for node in outer["nodes"]] == [None, 0, None, None, None]
        assert found[0]["name"] == "inner"

    def test_a_layer_of_the_project_has_an_entry_with_the_calls_in_it(self, tmp_path: Path) -> None:
        found = text_models(tmp_path, OWN_LAYERS)
        assert [(one["name"], one["style"]) for one in found] == [
            ("head", "sequential"),
            ("Unit", "layer"),
            ("Block", "layer"),
            ("model", "functional"),
        ]
        rows = [[(node["kind"], node["inputs"], node["model"]) for node in one["nodes"]] for one in found]
        assert rows[1] == [("InputLayer", [], None), ("Dense", [0], None), ("BatchNormalization", [1], None)]
        assert rows[2] == [("InputLayer", [], None), ("Unit", [0], 1), ("Sequential", [1], 0), ("Add", [0, 2], None)]
        assert rows[3] == [("InputLayer", [], None), ("Block", [0], 2), ("Block", [1], 2), ("TimeDistributed", [2], 0)]
        assert [one["outputs"] for one in found[1:]] == [[2], [3], [3]]
        assert [one["origin"]["line"] for one in found[1:]] == [15, 23, 25]

    def test_values_that_json_lacks(self, tmp_path: Path) -> None:
        text = "x = keras.Input((8,))\nb = layers.BatchNormalization(momentum=float('nan'), epsilon=1e999)\n"
        (model,) = text_models(tmp_path, text + "keras.Model(x, b(x), name='a\\ud800')\n")
        config = model["nodes"][1]["config"]
        assert (model["name"], config["momentum"], config["epsilon"]) == ("a?", "nan", "inf")

    def test_no_model(self, tmp_path: Path) -> None:
        """Nor the name of a batch normalization: the command reads every file it is given."""
        assert text_models(tmp_path, "x = 1\n") == []


class TestEntry:
    @pytest.mark.parametrize("depth", [1, 3])
    def test_its_model_is_the_last(self, file: Path, depth: int) -> None:
        model = models(file, "--entry", f" build({depth}, units=5)")[-1]
        assert model["name"] == f"stack{depth}"
        assert [node["kind"] for node in model["nodes"]] == ["InputLayer", *["Dense"] * depth]
        assert {node["config"].get("units", 5) for node in model["nodes"]} == {5}

    def test_a_model_of_the_file(self, file: Path) -> None:
        assert models(file, "--entry", "outer")[-1]["name"] == "outer"

    @pytest.mark.parametrize(
        ("entry", "said"),
        [
            ("1 +", "syntax error"),
            ("x = 1", "not an expression"),
            ("", "not an expression"),
            ("(" * 300 + "1" + ")" * 300, "too deeply nested"),
            ("build", "build gives no model"),
            ("nowhere()", "nowhere() gives no model"),
            ("layers.Dense(1)", "layers.Dense(1) gives no model"),
        ],
    )
    def test_gives_no_model(self, file: Path, entry: str, said: str) -> None:
        assert_refused(graph(file, "--entry", entry), f"Error: --entry: {said}")


def assert_refused(done: Result, said: str) -> None:
    """One line, nothing on the standard output, exit code 2."""
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(said)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("broken.py", b"x = 1\ndef f(:\n", ":2: syntax error"),
        ("old.py", b"print 'x'\n", ":1: looks like Python 2"),
        ("null.py", b"x = 1\n\0", ":2: contains null bytes"),
        ("deep.py", b"x = " + b"-" * 2000 + b"1\n", "too deeply nested"),
        ("not.ipynb", b"x = 1", ":1: not a notebook"),
        ("missing.py", None, ": cannot be read: no such file"),
    ],
)
def test_a_file_that_cannot_be_shown(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    for arguments in ((), ("--entry", "f()")):
        done = graph(path, *arguments)
        assert_refused(done, f"Error: {path}")
        assert said in done.stderr


def test_a_folder(tmp_path: Path) -> None:
    assert_refused(graph(tmp_path), f"Error: {tmp_path}: cannot be read: is not a regular file")


def test_a_file_over_max_size(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.bnlint]\nmax-size = 36\n", encoding="utf-8")
    path = tmp_path / "large.py"
    path.write_text("import keras\nm = keras.Sequential()\n", encoding="utf-8")
    assert len(models(path)) == 1
    path.write_text("import keras\nm = keras.Sequential() # \n", encoding="utf-8")
    for arguments in ((), ("--entry", "m")):
        assert_refused(graph(path, *arguments), f"Error: {path}: too large: 39 bytes, over max-size (36)")


def test_a_configuration_with_an_error(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.bnlint]\nmax-siez = 40\n", encoding="utf-8")
    (tmp_path / "a.py").write_text("", encoding="utf-8")
    assert_refused(graph(tmp_path / "a.py"), "Error: ")


@pytest.mark.parametrize("entry", [None, "m"])
@pytest.mark.parametrize(
    ("configured", "given", "expected"),
    [("auto", (), 3), ("2", (), 2), ("auto", ("--target-keras", "2"), 2), ("2", ("--target-keras", "3.4"), 3)],
)
def test_the_target(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    entry: str | None,
    configured: str,
    given: tuple[str, ...],
    expected: int,
) -> None:
    """The listing does not show the version, but the program it is made of has it."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.bnlint]\ntarget-keras = '{configured}'\n", encoding="utf-8")
    path = tmp_path / "a.py"
    path.write_text("import keras\nm = keras.Sequential()\n", encoding="utf-8")
    programs = []
    monkeypatch.setattr("bnlint.reporters.graph.render", lambda form, program: programs.append(program) or "")
    done = graph(path, *given, *(() if entry is None else ("--entry", entry)))
    assert done.exit_code == 0, done.stderr
    assert [program.keras for program in programs] == [expected]


def test_a_notebook(tmp_path: Path) -> None:
    cells = ["%pip install keras\nimport keras\n", "m = keras.Sequential([keras.layers.BatchNormalization()])\n"]
    content = {"nbformat": 4, "cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(content), encoding="utf-8")
    (model,) = models(path)
    assert (model["origin"]["cell"], model["origin"]["line"]) == (2, 1)
    assert ":cell 2:1:" in graph(path).stdout
    entered = models(path, "--entry", "m")[-1]
    assert entered["nodes"][-1]["kind"] == "BatchNormalization"
    assert (entered["origin"]["cell"], entered["origin"]["line"]) == (2, 1)
    assert ":cell 2:1:" in graph(path, "--entry", "m").stdout


def test_text(file: Path) -> None:
    first, second, *_ = graph(file).stdout.split("\n\n")
    assert first.splitlines() == [
        f"inner (sequential) {file}:5:9",
        "  0 InputLayer",
        "  1 Dense <- 0 units=8",
        "  2 BatchNormalization <- 1 axis=-1 momentum=0.9 epsilon=0.001",
        "  outputs: 2",
    ]
    assert second.splitlines()[3:] == [
        '  2 Dense "wide" <- 1 units=8 activation=relu',
        "  3 Add <- 1, 2",
        "  4 Multiply <- 3",
        "  outputs: 4",
    ]


def test_text_shows_control_characters_as_escapes(tmp_path: Path) -> None:
    path = tmp_path / "text.py"
    path.write_text("import keras\nkeras.Sequential([keras.Input((1,))], name='a\\x1b[31m')\n", encoding="utf-8")
    assert graph(path).stdout.startswith("a\\x1b[31m (sequential) ")


def test_a_path_called_graph_is_checked_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "graph").write_text("from keras import layers\nlayers.BatchNormalization()\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["check", "graph"])
    assert done.exit_code == 1 and "graph:2:1: " in done.stdout
