"""What the cards say of a last batch of one, accumulated gradients and high learning rates, on Keras 3 and Keras 2."""

from __future__ import annotations

from typing import Any

import pytest

PARTS = ("steps",)
"""What keras_claims/ is to measure for these tests."""

Measured = dict[str, Any]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("momentum", ["0.9", "0.99"])
def test_a_last_batch_of_one_shrinks_the_moving_variance(facts: Measured, momentum: str) -> None:
    whole, rest = (facts["last batch"][f"{samples} at {momentum}"] for samples in (1024, 1025))
    assert whole["moving variance"] == pytest.approx(0.978, abs=0.01)
    assert rest["moving variance"] == pytest.approx({"0.9": 0.865, "0.99": 0.915}[momentum], abs=0.01)
    assert rest["largest moving mean"] > whole["largest moving mean"] * (2 if momentum == "0.9" else 1.2)


def test_drop_remainder_drops_it(facts: Measured) -> None:
    assert facts["remainder"] == {"kept": 1, "dropped": 64, "batches": 16}


def test_batch_normalization_sees_the_batch_and_not_the_accumulated_one(keras_3: Measured) -> None:
    found = keras_3["accumulation"]
    assert found["16 x 4"]["share of the initial variance left"] == pytest.approx(0.9**16, abs=0.03)
    assert found["64"]["share of the initial variance left"] == pytest.approx(0.9, abs=0.001)
    assert found["16 x 4"]["variance seen"] == pytest.approx(9 * 3 / 4, rel=0.03)
    assert found["difference of the update"] == pytest.approx(0.56, abs=0.05)


def test_accumulation_does_not_help_against_small_batches(keras_3: Measured) -> None:
    losses = keras_3["accumulated noise"]
    assert losses["8 x 4"] > 2 * losses["32"]
    assert losses["8 x 4"] == pytest.approx(losses["4"], rel=0.5)


def test_keras_2_accumulates_nothing(keras_2: Measured) -> None:
    assert keras_2["accumulation"] == "TypeError"


def test_batch_normalization_stands_a_higher_learning_rate_up_to_a_point(facts: Measured) -> None:
    rates = facts["learning rates"]
    assert rates["Adam 0.1 with"] > 0.6 > 0.4 > rates["Adam 0.1 without"]
    assert rates["SGD 1 with"] > 0.6
    assert max(rates["Adam 1 with"], rates["SGD 10 with"]) < 0.3
