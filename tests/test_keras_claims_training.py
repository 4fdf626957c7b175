"""What the cards say about who reaches training mode and when `trainable` counts, measured on Keras 3 and Keras 2."""

from __future__ import annotations

from typing import Any

import pytest

PARTS = ("training", "freezing")
"""What keras_claims/ is to measure for these tests."""

Measured = dict[str, Any]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("signature", ["Bare", "Keywords", "OtherName"])
def test_fit_trains_a_model_only_through_a_parameter_named_training(facts: Measured, signature: str) -> None:
    moved = facts["moved by fit"][signature]
    assert moved == 0 if facts["major"] == 3 else moved > 0.05


@pytest.mark.parametrize("signature", ["NotForwarded", "DefaultFalse", "Layer in Sequential"])
def test_fit_trains_the_rest(facts: Measured, signature: str) -> None:
    assert facts["moved by fit"][signature] > 0.05


def test_a_flag_reaches_a_call_that_does_not_name_it(facts: Measured) -> None:
    assert facts["moved by model(x, training=True)"] > 0.4


def test_a_stateless_call_trains_only_when_told_to(facts: Measured) -> None:
    found = facts["moved by stateless_call"]
    assert found is None if facts["major"] == 2 else found[0] == 0 and found[1] > 0.4


def test_a_batchnorm_that_is_not_trained_costs_accuracy(facts: Measured) -> None:
    bare, told = (facts["accuracy on shifted features"][name] for name in ("Bare", "NotForwarded"))
    assert told > 0.85
    assert bare < 0.6 if facts["major"] == 3 else bare == pytest.approx(told, abs=0.02)


def test_inside_a_model_in_inference_mode_a_default_of_true_is_overruled(facts: Measured) -> None:
    assert facts["inner default True, outer False"] == 0


def test_a_literal_false_in_call_never_trains(facts: Measured) -> None:
    assert facts["moved by fit"]["Literal"] == 0
    assert facts["flag inside call"] == 0


def test_a_train_step_must_pass_the_flag(facts: Measured) -> None:
    assert facts["own train_step"]["no flag"] == 0
    assert facts["own train_step"]["training=True"] > 0.05
    (still, without), (moved, with_flag) = facts["tape loop"]["no flag"], facts["tape loop"]["training=True"]
    assert still == 0 and moved > 100
    assert without < 0.6 and with_flag > 0.9


@pytest.mark.parametrize("case", ["nothing frozen", "single layer", "model(x, training=True)"])
def test_keras_3_overrides_a_flag_in_a_graph(facts: Measured, case: str) -> None:
    moved = facts["flag in a graph"][case]
    assert moved > 0.03 if facts["major"] == 3 else moved == 0


@pytest.mark.parametrize("case", ["BN frozen", "all frozen", "model(x)"])
def test_a_frozen_batchnorm_stays_and_so_does_a_direct_call(facts: Measured, case: str) -> None:
    assert facts["flag in a graph"][case] == 0


def test_a_batchnorm_made_while_running_raises_or_is_untracked(facts: Measured) -> None:
    block = "ran" if facts["major"] == 3 else "ValueError"
    assert facts["made on the way"] == {
        "Layer.call": "ValueError",
        "Model.call, helper": "ValueError",
        "Model.call, block": block,
        "train_step": "ValueError",
        "lazy": "ran",
        "build": "ran",
    }
    if facts["major"] == 3:
        assert facts["weights of a fitted model with a block made in call"] == 2  # the Dense layer's
    for direct in facts["made on the way, called directly"].values():
        assert direct == {"weights": 2, "same twice": True}


def test_when_trainable_is_read(facts: Measured) -> None:
    trainable = facts["trainable"]
    assert trainable["False before compile"] == [0, 0]
    first, second = trainable["False after compile"]
    assert (first == second == 0) if facts["major"] == 3 else (first > 0.05 and second > 0)
    first, second = trainable["False after the first fit"]
    assert first > 0.05 and second > 0
    assert trainable["True after the first fit"] == [0, 0]


@pytest.mark.parametrize(
    ("order", "own", "combined"),
    [
        ("frozen once", False, False),
        ("thawed for its own step", True, True),
        ("toggled", True, False),
        ("compiled last", True, False),
    ],
)
def test_which_step_trains_a_discriminator(facts: Measured, order: str, own: bool, combined: bool) -> None:
    changed = facts["adversarial"][order]
    if facts["major"] == 2:
        own, combined = True, False
    assert (changed["own step"] > 0, changed["combined step"] > 0) == (own, combined)


def test_fine_tuning_in_small_batches_is_better_with_frozen_batchnorm(facts: Measured) -> None:
    assert facts["fine-tuned"]["frozen"] > facts["fine-tuned"]["trained"] + 0.015
