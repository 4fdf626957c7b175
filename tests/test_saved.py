"""Saved models without Keras: old and odd configurations, what is beside them, and what the process loads."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_hostile_models import NORM, PLAIN, h5py, hdf5, keras, layer, sequential, weights

from bnlint import check_paths
from bnlint.cli.main import main
from bnlint.doors.saved import door as saved
from bnlint.graph import Model, Program, is_batchnorm, is_frozen

CHECKOUT = Path(__file__).parents[1]


def kinds(model: Model) -> list[str]:
    """The kinds of a model's calls, in order."""
    return [call.layer.kind for call in model.nodes]


def read(path: Path, config: Any) -> Program:
    """The program of an .h5 file with this configuration."""
    hdf5(path / "model.h5", config)
    return saved.read(str(path / "model.h5"))


def test_a_sequential_of_keras_1_is_a_list(tmp_path: Path) -> None:
    first = {"name": "d", "output_dim": 3, "trainable": True, "batch_input_shape": [None, 4]}
    layers = [
        {"class_name": "Dense", "config": first},
        {"class_name": "BatchNormalization", "config": {"name": "n", "trainable": True, "momentum": 0.9, "mode": 0}},
    ]
    model = read(tmp_path, {"class_name": "Sequential", "config": layers}).models[-1]
    assert kinds(model) == ["Dense", "BatchNormalization"]
    assert model.inputs[0].shape == (None, 4)


def test_a_functional_model_of_keras_2_counts_a_nested_model_s_calls_from_one(tmp_path: Path) -> None:
    old = {"name": "x", "trainable": True}
    inner = {
        "class_name": "Sequential",
        "name": "inner",
        "config": {"name": "inner", "layers": PLAIN["config"]["layers"]},
    }
    flagged = {"class_name": "Dropout", "name": "drop", "config": {**old, "name": "drop", "rate": 0.5}}
    lambda_ = {"class_name": "TFOpLambda", "name": "add", "config": {**old, "name": "add", "function": "math.add"}}
    entry = {"class_name": "InputLayer", "name": "in", "config": {"name": "in", "batch_input_shape": [None, 4]}}
    layers = [
        {**entry, "inbound_nodes": []},
        {**inner, "inbound_nodes": [[["in", 0, 0, {}]], [["drop", 0, 0, {}]]]},
        {**flagged, "inbound_nodes": [[["inner", 1, 0, {"training": True}]]]},
        {**lambda_, "inbound_nodes": [["inner", 2, 0, {"y": ["drop", 0, 0], "name": None}]]},
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [["add", 0, 0]]}
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Model", "config": config})
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["training_config"] = json.dumps(
            {"loss": "mse", "optimizer_config": {"class_name": "SGD", "config": {}}}
        )
    program = saved.read(str(tmp_path / "model.h5"))
    model = program.models[-1]
    assert (program.keras, program.keras_minor, program.keras_because) == (2, 4, "saved by Keras 2.4")
    assert kinds(model) == ["Sequential", "Dropout", "Sequential", "Add"]
    assert model.nodes[1].training.value is True
    assert model.nodes[3].inputs == (model.nodes[2].output, model.nodes[1].output)
    assert [event.kind for event in program.events] == ["compile"]


def test_a_class_of_one_s_own_that_has_what_a_batch_normalization_has_is_one(tmp_path: Path) -> None:
    config = {**NORM["config"], "moving_mean_initializer": "zeros", "moving_variance_initializer": "ones"}
    own = {
        "module": "mine",
        "registered_name": "mine>Norm",
        "class_name": "Norm",
        "config": {**config, "trainable": False},
    }
    other = {**own, "class_name": "Block", "config": {"name": "b", "trainable": True, "inner": NORM}}
    program = read(tmp_path, sequential(own, other))
    found = {layer.cls: layer for layer in program.layers}
    assert is_batchnorm(found["Norm"]) and is_frozen(found["Norm"])
    assert found["Block"].kind == "Layer" and [child.kind for child in found["Block"].children] == [
        "BatchNormalization"
    ]


def test_a_subclass_is_saved_without_its_graph(tmp_path: Path) -> None:
    program = read(tmp_path, {"module": "mine", "class_name": "Net", "config": {"norm": NORM, "units": 3}})
    (model,) = program.models
    assert (model.complete, model.style, [child.kind for child in model.children]) == (
        False,
        "subclass",
        ["BatchNormalization"],
    )
    assert program.notes == [f"{tmp_path / 'model.h5'}: a Net is saved without its graph"]


def test_weights_beside_are_read(tmp_path: Path) -> None:
    (tmp_path / "model.weights.h5").write_bytes(weights())
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as file:
        file.writestr("config.json", json.dumps(PLAIN))
    (norm,) = [layer for layer in saved.read(str(tmp_path / "model.keras")).layers if is_batchnorm(layer)]
    assert norm.state is not None and norm.state.channels == 4
    assert check_paths(tmp_path, config={}).checked == 2


def test_the_graph_of_a_saved_model_is_shown(tmp_path: Path) -> None:
    keras(tmp_path / "model.keras", sequential(layer("Dense", "dense", units=4), NORM))
    shown = CliRunner().invoke(main, ["graph", str(tmp_path / "model.keras")])
    assert shown.exit_code == 0 and 'BatchNormalization "norm" <- 1' in shown.output
    refused = CliRunner().invoke(main, ["graph", str(tmp_path / "model.keras"), "--entry", "x"])
    assert refused.exit_code == 2 and "a saved model has no expressions" in refused.output


def test_a_finding_stands_at_its_layer_and_offers_no_fix(tmp_path: Path) -> None:
    keras(tmp_path / "model.keras", sequential(layer("Dense", "dense", units=4), NORM))
    (finding,) = check_paths(tmp_path, select=["redundant-bias"], config={}, fixes=True)
    assert (finding.place.layer, finding.place.line, finding.fixable, finding.fix) == ("net/dense", None, "", None)


@pytest.mark.parametrize(("norms", "loads"), [([NORM], True), ([], False)], ids=["with", "without"])
def test_arrays_are_loaded_where_there_is_a_batch_normalization_only(
    norms: list[Any], loads: bool, tmp_path: Path
) -> None:
    keras(tmp_path / "model.keras", sequential(layer("Dense", "dense", units=4), *norms))
    code = (
        "import sys, bnlint; bnlint.check_paths(sys.argv[1], config={}, jobs=1)\n"
        "print({'h5py', 'numpy'} <= set(sys.modules), {'tensorflow', 'keras', 'libcst'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.keras")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=True)
    assert done.stdout.strip() == f"{loads} set()"


def test_without_h5py_the_configuration_is_checked_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bnlint.doors.saved.weights.importlib.util.find_spec", lambda name: None)
    keras(tmp_path / "model.keras", sequential(layer("Dense", "dense", units=4), NORM))
    report = check_paths(tmp_path / "model.keras", config={})
    assert [finding.rule for finding in report] == ["redundant-bias"] and report.failures == []
    assert "h5py is not installed (pip install bnlint[models])" in report.notes[0]
    hdf5(tmp_path / "model.h5", sequential(NORM))
    (failure,) = check_paths(tmp_path / "model.h5", config={}).failures
    assert failure.message == "cannot be read: h5py is not installed (pip install bnlint[models])"
