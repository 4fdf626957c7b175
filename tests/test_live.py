"""The live door leaves a model as it was, and says what it needs of it; its gaps are those of Keras."""

from __future__ import annotations

from typing import Any

import pytest
from asked import asked

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["keras", "tf_keras", "keras on jax"])
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What live_checks.py prints with this Keras."""
    library, _, backend = request.param.partition(" on ")
    result: dict[str, Any] = asked("live_checks.py", library, backend=backend or "tensorflow")
    return {**result, "operators": backend != "jax"}


@pytest.mark.parametrize("name", ["subclass", "functional", "sequential"])
def test_nothing_of_the_model_changes(name: str, found: dict[str, Any]) -> None:
    """Variables, the optimizer's too, random numbers to come, losses, and the layers' nodes; with data and without."""
    assert found["kept"][name] is True
    assert found["same random numbers"][name] is True


def test_custom_layers_without_a_configuration_are_looked_into(found: dict[str, Any]) -> None:
    calls = {"subclass": 2, "functional": 2, "sequential": 1}
    for name, (plain, measured) in found["graphs"].items():
        assert plain[0] == measured[0] == [calls[name], calls[name]]
        assert (plain[2:], measured[2:]) == ([0, []], [0, []])
        assert any(line.startswith("redundant-bias") for line in plain[1])
        gaps = [line for line in measured[1] if line.startswith("train-inference-gap")]
        assert len(gaps) == calls[name] and not any("gap" in line for line in plain[1])


def test_an_unbuilt_model_says_how_to_build_it(found: dict[str, Any]) -> None:
    assert found["unbuilt"].pop("int") == "TypeError: not a Keras model: int"
    assert len(found["unbuilt"]) == 2
    for said in found["unbuilt"].values():
        assert said.startswith("ValueError: the model ") and "model.build(input_shape)" in said


def test_the_flags_are_those_that_each_normalization_is_passed(found: dict[str, Any]) -> None:
    flag, expression = "Unknown(reason='the training flag')", "Unknown(reason='an expression of the training flag')"
    assert found["flags"]["flags"] == [flag, "True", "False", "None", expression]
    assert found["flags"]["layers"] == [0, 1, 2, 3, 0]
    assert found["flags"]["signature"] == ["x", "training"]


def test_a_subclass_in_a_subclass_is_a_model_of_its_own(found: dict[str, Any]) -> None:
    added = ["Add"] * found["operators"]  # Of what JAX's arrays do among themselves nothing is recorded.
    assert found["nested"] == [["BatchNormalization"], ["Model", *added, "BatchNormalization"]]


def test_the_gaps_are_those_of_keras_s_own_two_modes(found: dict[str, Any]) -> None:
    for measured, expected in found["gaps"]:
        assert measured == pytest.approx(expected, rel=1e-4)
        assert expected > 0.1
    assert len(found["gaps"]) == 2
