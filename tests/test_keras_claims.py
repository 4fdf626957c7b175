"""What the cards say Keras does, compared with what keras_claims/ measures on Keras 3 and on Keras 2 (tf_keras)."""

from __future__ import annotations

from typing import Any

import pytest

Measured = dict[str, Any]

pytestmark = pytest.mark.slow


def test_a_sequential_takes_layers_only(facts: Measured) -> None:
    error = "ValueError" if facts["major"] == 3 else "TypeError"
    assert set(facts["sequential"].values()) == {error}
    assert facts["factory in sequential"] == "accepted"


def test_bad_examples_of_function_in_sequential_raise(facts: Measured) -> None:
    assert len(facts["function_in_sequential.md"]) >= 2
    assert set(facts["function_in_sequential.md"]) == {"ValueError" if facts["major"] == 3 else "TypeError"}


def test_bad_examples_of_batchnorm_in_lambda_raise_or_lose_weights(facts: Measured) -> None:
    created, named, outside = facts["batchnorm_in_lambda.md"]
    assert created == "ValueError"
    # Keras 3 looks into the function only when the model runs.
    assert (named, outside) == (("ran", "ran") if facts["major"] == 3 else ("ValueError", "ValueError"))


def test_batchnorm_created_in_a_lambda_raises_when_it_runs(facts: Measured) -> None:
    built = "ran" if facts["major"] == 3 else "ValueError"
    assert facts["created in lambda"] == {"build": built, "fit": "ValueError", "predict": "ValueError"}


def test_batchnorm_closed_over_by_a_lambda_is_untracked(facts: Measured) -> None:
    inside = facts["closed over by lambda"]
    assert inside["tracked variables"] == 4  # the two Dense layers; gamma and beta are missing
    assert inside["gamma moved"] == 0
    assert inside["moving mean moved"] > 0.1
    assert inside["difference after loading weights"] > 1


def test_frozen_model_in_a_lambda_is_left_alone(facts: Measured) -> None:
    assert facts["frozen model in lambda"] == {"kernel moved": 0, "moving mean moved": 0}


def test_batch_of_one_outputs_beta_and_stops_the_gradient(facts: Measured) -> None:
    one = facts["batch of one"]
    assert one["distance of output from beta"] == 0
    assert one["gradient before"] == 0
    assert one["dense kernel changed"] == 0
    assert facts["batch of two"]["gradient before"] > 0
    assert one["moving variance"] < 1e-12
    assert one["range of predictions"] > 5  # of targets 0 and 1


def test_batch_of_one_is_harmless_with_spatial_axes(facts: Measured) -> None:
    assert facts["batch of one, spatial"]["gradient before"] > 0
    assert facts["batch of one, 1 x 1"]["gradient before"] == 0


@pytest.mark.parametrize("m", [2, 4, 8, 16, 32, 64, 128])
def test_batch_variance_spreads_as_the_formula_says(facts: Measured, m: int) -> None:
    assert facts["spread of batch variance"][str(m)] == pytest.approx((2 / (m - 1)) ** 0.5, rel=0.05)


@pytest.mark.parametrize(("rate", "ratio"), [("0.1", 1.11), ("0.2", 1.25), ("0.3", 1.43), ("0.5", 1.99)])
def test_dropout_shifts_the_variance_a_batchnorm_sees(facts: Measured, rate: str, ratio: float) -> None:
    assert facts["variance shift"][rate] == pytest.approx(ratio, rel=0.02)


def test_variance_shift_behind_other_layers(facts: Measured) -> None:
    assert facts["variance shift behind ReLU"] == {
        "0.2": pytest.approx(1.37, rel=0.02),
        "0.5": pytest.approx(2.47, rel=0.02),
    }
    assert facts["variance shift, GaussianDropout"] == pytest.approx(2, rel=0.03)
    assert facts["variance shift, SpatialDropout2D"] == pytest.approx(2, rel=0.03)
    assert facts["variance shift through max pooling"] > 3


def test_dropout_behind_the_batchnorm_shifts_nothing(facts: Measured) -> None:
    assert facts["variance shift, dropout behind"] == pytest.approx(1, rel=1e-3)


def test_normalized_softmax_is_no_distribution(facts: Measured) -> None:
    output = facts["normalized softmax"]
    assert output["share of rows with a negative entry"] > 0.9
    assert output["largest distance of a row's sum from 1"] > 0.1
    assert facts["test loss"]["softmax, BN"] > 2 * facts["test loss"]["softmax"]


def test_the_two_orders_feed_the_next_layer_differently(facts: Measured) -> None:
    before, after = facts["fed to the next layer"]["before"], facts["fed to the next layer"]["after"]
    assert before == {
        key: pytest.approx(value, abs=0.02) for key, value in {"mean": 0.4, "variance": 0.34, "zeros": 0.5}.items()
    }
    assert after == {
        key: pytest.approx(value, abs=0.02) for key, value in {"mean": 0, "variance": 1, "zeros": 0}.items()
    }


def test_direct_call_is_inference_outside_a_training_context(facts: Measured) -> None:
    assert facts["direct call"]["difference from predict"] < 1e-5
    assert facts["direct call in train_step"]["difference from predict"] < 1e-5
    assert facts["direct call"]["moved"] == facts["direct call in train_step"]["moved"] == 0


def test_direct_call_inside_a_training_context_trains(facts: Measured) -> None:
    open_, false = facts["inside training, no flag"], facts["inside training, training=False"]
    assert open_["moved"] > 0.1 and open_["accuracy"] < 0.6
    assert false == {"moved": 0, "accuracy": 1, "difference from predict": pytest.approx(0, abs=1e-5)}


def test_default_of_call_decides_a_direct_call(facts: Measured) -> None:
    assert facts["call default True"]["model(x)"] > 0.1
    assert facts["call default True"]["predict"] == facts["call default True"]["training=False"] == 0
    assert set(facts["call default None"].values()) == {0}


def test_training_true_at_inference_depends_on_the_batch_and_moves(facts: Measured) -> None:
    flag = facts["training=True at inference"]
    assert flag["accuracy in inference mode"] > 0.98
    assert flag["mixed batches"] > 0.97
    assert flag["one class a batch"] < 0.6
    assert flag["single samples"] < 0.6
    assert flag["predict after one class"] < 0.85


def test_training_true_inside_call_reaches_predict(facts: Measured) -> None:
    literal = facts["training=True inside call"]
    assert literal["same sample alone and in company"] > 0.1
    assert literal["moved by predict"] > 0.1


def test_training_true_in_a_functional_graph(facts: Measured) -> None:
    graph = facts["training=True in a functional graph"]
    assert graph["model(x)"] > 0.05
    for overridden in ("predict", "evaluate", "training=False"):
        assert (graph[overridden] == 0) == (facts["major"] == 3), overridden


def test_frozen_batchnorm_ignores_training_true(facts: Measured) -> None:
    assert facts["frozen, training=True"] == 0


def test_discarded_layers_are_not_in_the_model(facts: Measured) -> None:
    assert facts["statement between two add"] == {"layers": 2, "variables": 4}
    assert facts["loop from the input"] == 1
    assert facts["attribute never called"] == {"variables": 4, "built": False}
    dropped = facts["result dropped in call"]
    assert dropped["gamma moved"] == 0 and dropped["moving mean moved"] > 0.05
