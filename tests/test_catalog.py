"""The catalog against the installed Keras 3 and tf_keras, and what its rows are for."""

from __future__ import annotations

from typing import Any

import pytest
from asked import asked

from bnlint import catalog, check_source
from bnlint.catalog import FUNCTIONS, kind_of, kinds, operation, parameters, row
from bnlint.graph.channels import KEEPS_AXES

WITHOUT_A_RULE = {
    **dict.fromkeys(("AbstractRNNCell", "Layer", "Wrapper"), "a base class"),
    **dict.fromkeys(("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"), "runs its user's code"),
    "DenseFeatures": "takes a dictionary of columns, which its user's objects look up",
    "MaxNumBoundingBoxes": "takes a dictionary of boxes and labels",
}
"""Layers whose output's shape bnlint does not tell, and why."""

UNTRIED = {"keras": {"RandomColorDegeneration", "RandomPosterization"}, "tf_keras": set[str]()}
"""Layers with a rule that take pictures of three channels only."""


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def live(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What tests/live_catalog.py finds."""
    return {"library": request.param, **asked("live_catalog.py", request.param)}


@pytest.mark.slow
def test_every_layer_and_function_has_a_row(live: dict[str, Any]) -> None:
    assert live["missing"] == []


@pytest.mark.slow
def test_the_parameters_agree(live: dict[str, Any]) -> None:
    assert live["parameters"] == []


@pytest.mark.slow
def test_the_shape_rules_give_what_keras_gives(live: dict[str, Any]) -> None:
    assert live["shapes"] == {}
    assert {name for name, count in live["compared"].items() if not count} == UNTRIED[live["library"]]
    assert len(live["compared"]) > 100
    assert {*live["without a rule"]} <= WITHOUT_A_RULE.keys()
    assert all(row(kind_of(name)).shape is None for name in WITHOUT_A_RULE)


@pytest.mark.slow
def test_what_the_rows_promise_of_channels_holds(live: dict[str, Any]) -> None:
    assert live["laws"] == []


def test_each_name_has_one_row() -> None:
    names = [name for one in catalog.rows() for name in {one.name, *one.aliases}]
    assert len(names) == len(set(names))
    squashed = [name.replace("_", "").lower() for name in FUNCTIONS]
    assert len(squashed) == len(set(squashed))
    assert all(one.name and isinstance(one.aliases, tuple) for one in catalog.rows())


def test_other_names_are_found_at_the_same_row() -> None:
    assert kind_of("Convolution2D") == "Conv2D" and kind_of("AvgPool2D") == "AveragePooling2D"
    assert operation("tf.nn.swish") == operation("silu") == "Silu"
    assert operation("tf.concat") == "Concatenate" and operation("__truediv__") == "TrueDivide"
    assert row("Nobody's") is catalog.NOTHING


def test_parameters_are_those_of_the_version() -> None:
    assert parameters("LeakyReLU")[1] == {"negative_slope": 0.3}
    assert parameters("LeakyReLU", keras=2)[1] == {"alpha": 0.3}
    assert parameters("ThresholdedReLU") == parameters("ThresholdedReLU", keras=2) == (("theta",), {"theta": 1.0})
    assert parameters("Nobody's") == ((), {})


@pytest.mark.parametrize(("kind", "made"), [("MaxPooling2D", True), ("AveragePooling2D", False)])
def test_a_class_becomes_an_instance_where_its_constructor_asks_for_nothing(kind: str, made: bool) -> None:
    text = "import keras\nfrom keras import layers\n"
    text += f"model = keras.Sequential([layers.BatchNormalization(), layers.{kind}])\n"
    (finding,) = check_source(text, select=["function-in-sequential"], target="3", fixes=True)
    assert bool(finding.fix) == made


def test_the_default_weight_decay_is_the_optimizers() -> None:
    text = "import keras\nmodel = keras.Sequential([keras.layers.Dense(8), keras.layers.BatchNormalization()])\n"
    for name, count in (("muon", 1), ("adamw", 1), ("adam", 0)):
        found = check_source(f"{text}model.compile('{name}', 'mse')\n", select=["weight-decay-on-batchnorm"])
        assert len(list(found)) == count


@pytest.mark.parametrize("function", ["keras.activations.hard_swish", "keras.ops.hard_swish", "keras.ops.soft_shrink"])
def test_every_activation_counts_as_one(function: str) -> None:
    """Two that lie on both sides of an activation have two placements; without one, they would be repeated."""
    text = "import keras\nfrom keras import layers\nx = keras.Input((8,))\nx = layers.BatchNormalization()(x)\n"
    text += f"x = {function}(x)\nx = layers.BatchNormalization()(x)\nmodel = keras.Model(keras.Input((8,)), x)\n"
    assert not [finding for finding in check_source(text) if finding.rule == "repeated-batchnorm"]
    assert operation(function) in kinds("activation")


def test_an_operation_on_each_number_keeps_the_channels_where_they_are() -> None:
    """A batch normalization over the wrong axis is seen behind a logarithm, too."""
    text = "import tensorflow as tf\nfrom tensorflow import keras\nfrom tensorflow.keras import layers\n"
    text += "x = inputs = keras.Input((3, 32, 32))\nx = layers.Conv2D(8, 3, data_format='channels_first')(x)\n"
    text += "x = tf.math.log(x)\nx = layers.BatchNormalization()(x)\nmodel = keras.Model(inputs, x)\n"
    assert [finding.rule for finding in check_source(text, select=["axis-mismatch"])] == ["axis-mismatch"]
    assert {"Log", "SoftShrink", "Add", "Dropout"} <= KEEPS_AXES and "Transpose" not in KEEPS_AXES
