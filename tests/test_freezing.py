"""Which batch normalization of a pretrained network is trainable, after assignments to slices of its layers."""

from __future__ import annotations

import pytest

from bnlint import check_source
from bnlint.catalog import LAST_BATCHNORM
from bnlint.doors.source import evaluate
from bnlint.graph import Model, Program
from bnlint.graph.freezing import trainable_at, trainable_ends

BASE = """from tensorflow import keras
from tensorflow.keras.layers import BatchNormalization, Dense

base = keras.applications.{name}(weights="imagenet", include_top=False, pooling="avg")
"""
HEAD = "model = keras.Model(base.input, Dense(5)(Dense(64)(base.output)))\n"


def program(code: str, name: str = "MobileNetV2") -> Program:
    return evaluate(BASE.format(name=name) + code, "program.py")


def ends(code: str, name: str = "MobileNetV2") -> tuple[bool | None, bool | None]:
    found = program(code, name)
    base = next(model for model in found.models if model.style == "application")
    outer = tuple(model for model in found.models if model is not base)
    return trainable_ends(base, outer)


def loop(layers: str, value: bool, body: str = "layer.trainable = {value}") -> str:
    return f"for layer in {layers}:\n    {body.format(value=value)}\n"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("", (True, True)),
        (loop("base.layers", False), (False, False)),
        (loop("base.layers[:100]", False), (False, True)),
        (loop("base.layers[:10_000]", False), (False, False)),
        (loop("base.layers[:-10]", False), (False, True)),
        (loop("base.layers[:-1]", False), (False, False)),
        (loop("base.layers[:-4]", False), (False, None)),
        (loop("base.layers[:150]", False), (False, None)),
        (loop("base.layers[:3]", False), (None, True)),
        (loop("base.layers[::2]", False), (None, None)),
        (loop("base.layers[:n]", False), (None, None)),
        (loop("base.layers[20:][:5]", False), (None, None)),
        ("base.trainable = False\n" + loop("base.layers[-20:]", True), (False, True)),
        ("base.trainable = False\n" + loop("base.layers[100:120]", True), (False, False)),
        ("base.trainable = False\nbase.layers[-1].trainable = True\n", (False, False)),
        ("for i in range(30):\n    base.layers[i].trainable = False\n", (None, True)),
        ("base.layers[i].trainable = False\n", (None, None)),
        (loop("base.layers[:100]", False, "if found(layer): layer.trainable = {value}"), (None, None)),
    ],
)
def test_slices_of_the_base(code: str, found: tuple[bool | None, bool | None]) -> None:
    assert ends(code) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (loop("model.layers[:100]", False), (False, True)),
        (loop("model.layers[:-1]", False), (False, False)),
        (loop("model.layers[:-2]", False), (False, False)),
        (loop("model.layers[:-20]", False), (False, True)),
    ],
)
def test_slices_of_a_model_that_goes_on_from_the_base(code: str, found: tuple[bool | None, bool | None]) -> None:
    assert ends(HEAD + code) == found


def test_slices_of_a_model_that_calls_the_base_say_nothing_of_it() -> None:
    called = "start = keras.Input((9, 9, 3))\nmodel = keras.Model(start, Dense(5)(base(start)))\n"
    assert ends(called + loop("model.layers[:100]", False)) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        "if isinstance(layer, BatchNormalization):\n        continue\n    layer.trainable = {value}",
        "if not isinstance(layer, BatchNormalization):\n        layer.trainable = {value}",
        "if isinstance(layer, BatchNormalization):\n        pass\n    else:\n        layer.trainable = {value}",
    ],
)
@pytest.mark.parametrize("layers", ["base.layers", "base.layers[-20:]"])
def test_loops_that_leave_batch_normalization_out(layers: str, body: str) -> None:
    assert ends("base.trainable = False\n" + loop(layers, True, body)) == (False, False)


def test_loops_over_batch_normalization_alone() -> None:
    only = "if isinstance(layer, BatchNormalization):\n        layer.trainable = {value}"
    assert ends(loop("base.layers", False, only)) == (False, False)
    assert ends(loop("base.layers[:100]", False, only)) == (None, None)


def test_both_ends_must_agree_for_the_whole() -> None:
    found = program(loop("base.layers[:100]", False))
    (base,) = (model for model in found.models if isinstance(model, Model))
    assert trainable_at(base) is None


@pytest.mark.parametrize("name", sorted(LAST_BATCHNORM))
def test_half_of_the_layers_leaves_the_last_batch_normalization(name: str) -> None:
    assert ends(loop(f"base.layers[:{LAST_BATCHNORM[name] // 2}]", False), name) == (False, True)


def test_what_follows_a_way_out_knows_that_it_was_not_taken() -> None:
    text = """from keras import Input, Model, layers

def block(x, norm=None):
    if norm is None:
        return x
    if norm is not None:
        x = layers.BatchNormalization()(x)
    return layers.BatchNormalization()(x)

inputs = Input((8,))
for units in (4, 8):
    if found(units):
        continue
    layers.Dense(units)(inputs)
model = Model(inputs, block(inputs, pick()))
"""
    found = check_source(text, select=["repeated-batchnorm"], config={}).findings
    assert [finding.place.line for finding in found] == [8]
