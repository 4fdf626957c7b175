"""What the cards say of momenta, decay, devices, removed API and sessions, measured on Keras 3 and Keras 2."""

from __future__ import annotations

from typing import Any

import pytest

PARTS = ("averages", "versions", "sessions", "replicas")
"""What keras_claims/ is to measure for these tests."""

Measured = dict[str, Any]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("momentum", [0.1, 0.5, 0.9, 0.99])
def test_momentum_is_the_share_of_the_old_average(facts: Measured, momentum: float) -> None:
    found = facts["momentum"][str(momentum)]
    assert found["weight of the newest batch"] == pytest.approx(1 - momentum, abs=1e-5)
    formula = ((1 - momentum) / (1 + momentum)) ** 0.5
    assert found["deviation against a batch's"] == pytest.approx(formula, rel=0.05)


def test_a_short_memory_makes_the_loss_jump(facts: Measured) -> None:
    short, long = facts["momentum"]["0.1"], facts["momentum"]["0.9"]
    assert short["highest loss"] / short["least loss"] > 2
    assert long["highest loss"] / long["least loss"] < 1.3


def test_momenta_out_of_range_are_accepted_and_average_nothing(facts: Measured) -> None:
    found = facts["hyperparameters"]
    assert found["momentum=-0.5"]["after a batch 4 higher"] > found["batch mean"] + 4 + 1
    assert found["momentum=0"]["after a batch 4 higher"] == pytest.approx(found["batch mean"] + 4)
    assert set(found["momentum=1"].values()) == {0}
    assert found["momentum=2"]["after 9 steps"] < -1000


def test_epsilon_must_be_positive_for_a_constant_channel(facts: Measured) -> None:
    found = facts["hyperparameters"]
    assert found["epsilon=0"] and found["epsilon=-0.001"]
    assert not found["epsilon=1e-12"]
    assert found["axis=None"] == "TypeError"


@pytest.mark.parametrize(("momentum", "steps"), [(0.99, 32), (0.99, 320), (0.9, 32)])
def test_the_start_is_forgotten_as_the_power_says(facts: Measured, momentum: float, steps: int) -> None:
    assert facts["short training"][f"{momentum}, {steps}"]["rest"] == pytest.approx(momentum**steps, abs=0.005)


def test_evaluation_guesses_until_the_start_is_forgotten(facts: Measured) -> None:
    found = facts["short training"]
    assert found["0.99, 32"]["accuracy"] < 0.6
    assert {name for name, row in found.items() if row["accuracy"] > 0.97} == {"0.99, 320", "0.9, 32", "0.5, 32"}
    assert min(row["with batch statistics"] for row in found.values()) > 0.97


def test_weight_decay_shrinks_gamma(facts: Measured) -> None:
    gamma = facts["gamma after 10 steps"]
    assert gamma["AdamW(0.1, weight_decay=0.1)"] == pytest.approx(0.99**10, rel=1e-4)
    assert gamma["SGD(0.1, weight_decay=0.1)"] == pytest.approx(0.99**10, rel=1e-4)
    assert gamma["AdamW(0.1)"] == pytest.approx((1 - 0.1 * 0.004) ** 10, rel=1e-5)
    assert gamma["adamw"] == pytest.approx((1 - 0.001 * 0.004) ** 10, rel=1e-6)
    assert gamma["L2(0.1)"] == pytest.approx(0.98**10, rel=1e-4)
    assert gamma["excluded"] == gamma["SGD(0.1)"] == 1
    assert facts["default weight decay of AdamW"] == 0.004


def test_excluding_gamma_and_beta_helps_under_strong_decay(facts: Measured) -> None:
    found = facts["decayed gamma"]
    assert found["all"]["mean gamma"] < 0.7
    assert found["kernels only"]["mean gamma"] > 1.5
    assert found["all"]["test loss"] > 2 * found["kernels only"]["test loss"]


def test_devices_normalize_by_themselves_unless_synchronized(facts: Measured) -> None:
    local, synchronized = facts["two devices"]["local"], facts["two devices"]["synchronized"]
    kept = "from a device's" if facts["major"] == 3 else "from the mean of the devices'"
    assert {name for name, distance in local.items() if distance < 1e-5} == {kept}
    assert {name for name, distance in synchronized.items() if distance < 1e-5} == {"from the batch's"}
    assert facts["two devices"]["spread among channels, a device's batch"] == pytest.approx((2 / 31) ** 0.5, rel=0.05)
    assert facts["two devices"]["spread among channels, the whole batch"] == pytest.approx((2 / 63) ** 0.5, rel=0.05)


KERAS_2_ONLY = {
    "fused": "ValueError",
    "virtual_batch_size": "ValueError",
    "adjustment": "ValueError",
    "weights": "ValueError",
    "SyncBatchNormalization": "AttributeError",
    "tf.compat.v1.layers.batch_normalization": "AttributeError",
    "tf.compat.v1.layers.BatchNormalization": "AttributeError",
}
GONE = {
    "keras.layers.normalization": "ModuleNotFoundError",
    "tensorflow.keras.layers.normalization": "ModuleNotFoundError",
    "tf.layers": "AttributeError",
    "BatchNormalizationV1": "AttributeError",
}


def test_what_keras_3_does_not_have(facts: Measured) -> None:
    found, newest = facts["removed"], facts["major"] == 3
    keras_1 = dict.fromkeys(("mode", "beta_init", "gamma_init"), "ValueError" if newest else "TypeError")
    keras_2 = {name: error if newest else "ran" for name, error in KERAS_2_ONLY.items()}
    kept = dict.fromkeys(("renorm", "renorm_clipping", "renorm_momentum", "synchronized"), "ran")
    assert found == {**keras_1, **keras_2, **GONE, **kept}


def test_bad_examples_of_removed_api_raise(keras_3: Measured) -> None:
    assert keras_3["removed_api.md"] == [
        "ModuleNotFoundError",
        "ValueError",
        "ValueError",
        "AttributeError",
        "AttributeError",
    ]


def test_the_learning_phase_is_gone(facts: Measured) -> None:
    found = facts["learning phase"]
    names = ("learning_phase", "set_learning_phase", "learning_phase_scope", "tf.keras")
    assert {found[name] for name in names} == {"AttributeError" if facts["major"] == 3 else "ran"}


def test_the_learning_phase_in_eager_mode(facts: Measured) -> None:
    zero, one = facts["learning phase"]["moved in phase 0"], facts["learning phase"]["moved in phase 1"]
    assert zero["fit"] > 0.05 and one["fit"] > 0.05
    assert zero["predict"] == one["predict"] == zero["call"] == 0
    assert (one["call"] > 0.1) == (facts["major"] == 2)  # in Keras 3 the phase is that of TensorFlow's old copy


def test_the_learning_phase_in_a_session(keras_2: Measured) -> None:
    assert keras_2["learning phase"]["phase as an input"] == "ValueError"
    none, zero, one = (keras_2["sessions"][f"phase {phase}"] for phase in (None, 0, 1))
    assert zero["moving mean after fit"] == 0
    assert none["moving mean after fit"] > 2.5 and one["moving mean after fit"] > 2.5
    assert one["a sample alone and in company"] > 0.5
    assert zero["a sample alone and in company"] < 1e-5


def test_nothing_in_a_session_runs_the_updates_by_itself(keras_2: Measured) -> None:
    found = keras_2["sessions"]
    frozen = ("tf.layers", "tf.layers without training, UPDATE_OPS", "Keras layer")
    assert {found[name]["moving mean"] for name in frozen} == {0}
    assert found["tf.layers"]["accuracy"] < 0.6 and found["Keras layer"]["accuracy"] < 0.6
    for right in ("tf.layers, UPDATE_OPS", "Keras layer, updates"):
        assert found[right]["moving mean"] == pytest.approx(found[right]["batch mean"], rel=0.01)
        assert found[right]["accuracy"] > 0.97


def test_keras_layers_do_not_use_update_ops(facts: Measured) -> None:
    layer = facts["sessions"]["Keras layer"]
    assert layer["update ops"] == layer["moving mean"] == 0
    if facts["major"] == 2:
        assert facts["sessions"]["tf.layers"]["update ops"] == 2
        assert facts["sessions"]["tf.layers without training, UPDATE_OPS"]["update ops"] == 0
