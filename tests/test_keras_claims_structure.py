"""What the cards say of axes, arguments, biases, sharing and sequences, compared with what Keras 3 and Keras 2 do."""

from __future__ import annotations

from typing import Any

import pytest

PARTS = ("structure",)
"""What keras_claims/ is to measure for these tests."""

Measured = dict[str, Any]

pytestmark = pytest.mark.slow


def test_the_wrong_axis_is_accepted_and_leaves_channels_as_they_were(facts: Measured) -> None:
    right, wrong = facts["axes"]["axis=-1"], facts["axes"]["axis=1"]
    assert (right["gammas"], right["another height"]) == (4, "ran")
    assert right["smallest deviation of a channel"] > 0.95
    assert right["largest deviation of a channel"] < 1.01
    assert (wrong["gammas"], wrong["another height"]) == (12, "ValueError")
    assert wrong["smallest deviation of a channel"] < 0.01
    assert wrong["largest deviation of a channel"] > 1.5


def test_only_the_channel_axis_gives_one_gamma_a_channel(facts: Measured) -> None:
    # For axis=1 and axis=-1; the convolution has 8 channels, its output 12 rows and 14 columns, or 12 and 14 of 8.
    assert facts["axes"]["gammas"] == {"channels_last": [12, 8], "channels_first": [8, 14]}


def test_the_first_argument_is_the_axis(facts: Measured) -> None:
    found = facts["arguments"]
    kinds = {"BatchNormalization(x)", "BatchNormalization(data)", "BatchNormalization(16)(x)"}
    kinds |= {"BatchNormalization(axis=4)(x)", "BatchNormalization(0.9)(x)", "BatchNormalization(1e-5)(x)"}
    assert {found[kind] for kind in kinds} <= {"ValueError", "TypeError", "IndexError"}
    assert found["BatchNormalization(3)(x)"] == found["BatchNormalization(16)"] == "ran"


def test_keras_3_takes_only_tensors_by_position(facts: Measured) -> None:
    raised = "ValueError" if facts["major"] == 3 else "ran"
    assert facts["arguments"]["bn(x, True)"] == facts["arguments"]["self.bn(x, training) in fit"] == raised
    assert facts["arguments"]["bn(x, None)"] == facts["arguments"]["bn(x, training=True)"] == "ran"


def test_bad_examples_of_misplaced_argument_raise(facts: Measured) -> None:
    assert len(facts["misplaced_argument.md"]) >= 2
    assert set(facts["misplaced_argument.md"]) <= {"ValueError", "TypeError", "IndexError"}


def test_keras_3_normalizes_time_distributed_steps_one_by_one(facts: Measured) -> None:
    found = facts["time distributed"]
    apart, together = found["distance from each step by itself"], found["distance from the bare layer"]
    if facts["major"] == 3:
        assert apart < 1e-4 and together > 1
        assert found["moving mean of ones"] == pytest.approx(1 - 0.5**5)
        assert max(map(abs, found["means of the steps in training"])) < 1e-4
        assert found["means of the steps at inference"][0] < -6
    else:
        assert together == 0 and apart > 1
        assert found["moving mean of ones"] == pytest.approx(0.5)
        gap = zip(found["means of the steps in training"], found["means of the steps at inference"], strict=True)
        assert all(abs(one - other) < 0.01 for one, other in gap)


def test_a_shared_layer_shifts_both_streams_at_inference(facts: Measured) -> None:
    apart = facts["shared"]["apart"]
    assert all(abs(mean) < 1e-4 for mean, _ in apart["training"])
    (low, _), (high, _) = apart["inference"]
    assert low < -4.5 and high > 5
    assert apart["moving variance"] == pytest.approx(1, abs=0.05)  # That of the mixture is 26.
    for harmless in ("alike", "one each"):
        assert all(abs(mean) < 0.05 for mean, _ in facts["shared"][harmless]["inference"])


def test_batch_normalization_takes_a_bias_through_some_layers_only(facts: Measured) -> None:
    through = {"nothing", "MaxPooling2D", "AveragePooling2D, same", "GlobalAveragePooling2D", "GlobalMaxPooling2D"}
    through |= {"Flatten", "UpSampling2D", "Cropping2D", "GaussianNoise"}
    change, slope = facts["bias"]["change"], facts["bias"]["gradient"]
    assert all((change[name] < 1e-4) == (name in through) for name in change)
    assert all((slope[name] < 1e-2) == (name in through) for name in slope)
    assert min(change[name] for name in change if name not in through) > 1


def test_a_frozen_layer_keeps_the_bias_and_old_weights_do_not_fit(facts: Measured) -> None:
    assert facts["bias"]["frozen"] > 1
    assert facts["bias"]["checkpoint"] == "ValueError"


def test_the_second_normalization_undoes_what_the_first_learned(facts: Measured) -> None:
    for found in facts["repeated"].values():
        assert found["first beta"] < 1e-3 < 10 < found["second beta"]
        assert found["first gamma"] < 0.1 < 10 < found["second gamma"]
    assert facts["repeated"]["nothing"]["distance"] < 0.01


def test_steps_of_a_sequence_keep_their_differences(facts: Measured) -> None:
    deviations = facts["sequence"]["deviations at steps 1, 2, 20"]
    first, _, last = deviations["BN"]
    assert last / first == pytest.approx(deviations["LSTM"][2] / deviations["LSTM"][0], rel=0.05)
    assert last / first > 1.4 > 1.1 > deviations["LayerNormalization"][2] / deviations["LayerNormalization"][0]


def test_padding_moves_the_statistics_unless_it_is_masked(facts: Measured) -> None:
    moved = facts["sequence"]["moved by padding"]
    assert moved["BN"] > 0.5
    assert moved["BN, masked"] < 1e-5
    assert moved["LayerNormalization"] < 1e-5
