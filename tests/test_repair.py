"""Population statistics and fixes on live models, against the reference runtime and the model that was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from asked import asked
from hypothesis import given
from hypothesis import strategies as st

from bnlint.reference.normalizations import population_statistics
from bnlint.runtime.moments import Moments

FLOAT32 = 2.0**-23
"""A unit in the last place: what the variables that hold the statistics can be off."""

COMPUTED = 1e-6
"""What the layers in between, which compute in float32, add to that, for batches of other sizes."""


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Any], list[Any], int]:
    """Batches of any rank and sizes, their masks, and an axis."""
    rank = draw(st.integers(2, 5))
    axis = draw(st.integers(-rank + 1, rank - 1).filter(lambda axis: axis % rank != 0))
    sizes = draw(st.lists(st.integers(1, 4), min_size=rank - 1, max_size=rank - 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    offset, scale = draw(st.floats(-1e3, 1e3)), draw(st.floats(0.1, 1e3))
    parts = [rng.normal(offset, scale, (size, *sizes)) for size in draw(st.lists(st.integers(0, 6), min_size=1))]
    return parts, [rng.random(part.shape[:-1]) < 0.7 for part in parts], axis


@given(batches())
def test_moments_are_those_of_the_reference_however_the_data_are_cut(drawn: tuple[list[Any], list[Any], int]) -> None:
    parts, _, axis = drawn
    found = Moments.none()
    for part in parts:
        found = found.joined(Moments.of(part, (axis % part.ndim,)))
    if not sum(map(len, parts)):
        assert not found
        return
    mean, variance = population_statistics([part for part in parts if len(part)], axis)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12, atol=1e-12 * np.sqrt(variance).max())
    np.testing.assert_allclose(found.variance, variance, rtol=1e-9, atol=1e-9 * (np.abs(mean).max() * 1e-3) ** 2)


@given(batches())
def test_masked_positions_do_not_count(drawn: tuple[list[Any], list[Any], int]) -> None:
    parts, masks, _ = drawn
    found = Moments.none()
    for part, mask in zip(parts, masks, strict=True):
        wild = np.where(mask[..., None], part, np.nan)
        found = found.joined(Moments.of(wild, (part.ndim - 1,), mask))
    left = np.concatenate([part[mask] for part, mask in zip(parts, masks, strict=True)])
    assert bool(found) == bool(len(left))
    if len(left):
        assert set(found.count) == {len(left)}
        np.testing.assert_allclose(found.mean, left.mean(0), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(found.variance, left.var(0), rtol=1e-9, atol=1e-9)


def test_large_batches_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(3, 2, (50, 4, 5))
    mask = np.random.default_rng(1).random((50, 4)) < 0.5
    whole = [Moments.of(x, (1,)), Moments.of(x, (2,), mask)]
    monkeypatch.setattr("bnlint.runtime.moments.NUMBERS", 60)
    for one, other in zip(whole, [Moments.of(x, (1,)), Moments.of(x, (2,), mask)], strict=True):
        np.testing.assert_array_equal(one.count, other.count)
        np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12)
        np.testing.assert_allclose(one.variance, other.variance, rtol=1e-12)


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What live_repair.py prints with this Keras."""
    result: dict[str, Any] = asked("live_repair.py", request.param)
    return result


@pytest.mark.slow
def test_statistics_are_the_population_s(found: dict[str, Any]) -> None:
    """Over ranks, axes, masks, batch sizes, scales, both methods; and of other kinds of normalizations."""
    assert len(found["variety"]) == 24
    assert max(found["variety"]) < FLOAT32
    assert len(found["kinds"]) >= 7
    assert max(found["kinds"].values()) < FLOAT32


@pytest.mark.slow
@pytest.mark.parametrize("name", ["functional", "shared"])
def test_what_enters_in_inference_has_the_moments_that_the_layers_hold(name: str, found: dict[str, Any]) -> None:
    model = found["exact"][name]
    assert max(model["apart"].values()) < COMPUTED
    assert model["passes"] == len(model["layers"]) == len(model["apart"]) >= 3
    assert model["batch size"] < COMPUTED
    assert model["moved"]


@pytest.mark.slow
def test_a_layer_that_feeds_itself_is_the_only_exception(found: dict[str, Any]) -> None:
    """In the subclass, the last layer is called on what comes of its own output."""
    *others, itself = found["exact"]["subclass"]["apart"].values()
    assert len(others) == 2 and max(others) < COMPUTED
    assert itself < 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["functional", "shared", "subclass"])
def test_nothing_else_changes(name: str, found: dict[str, Any]) -> None:
    """Neither other variables (one counts calls), the optimizer's, flags, nor random numbers to come."""
    model = found["exact"][name]
    assert model["changed"] == ["moving_mean", "moving_variance"]
    assert model["same draws"] and model["flags"] and model["clean"]


@pytest.mark.slow
def test_one_pass_is_that_of_the_reference_in_training_mode(found: dict[str, Any]) -> None:
    assert len(found["precise"]) == 3
    assert max(found["precise"]) < COMPUTED


@pytest.mark.slow
def test_data_come_in_every_way(found: dict[str, Any]) -> None:
    ways = found["shapes_of_data"]
    expected = ways.pop("expected")
    assert len(ways) == 13
    for name, mean in ways.items():
        assert mean == pytest.approx(expected, rel=FLOAT32), name


@pytest.mark.slow
def test_errors_say_what_to_do_and_leave_everything_as_it_was(found: dict[str, Any]) -> None:
    said = found["refused"]
    assert said.pop("changed") == []
    apart, many = said.pop("frozen too")
    assert (apart < FLOAT32, many) == (True, 1)
    assert said.pop("half frozen") == [True, 0.0]
    parts = {
        "no model": "TypeError: not a Keras model: int",
        "unbuilt": "model.build(input_shape)",
        "no normalization": "has no batch normalization",
        "frozen": "frozen=True recalibrates them too",
        "no data": "ValueError: no data",
        "empty": "ValueError: no data",
        "a number": "TypeError: no data: int",
        "one sample": "dataset.batch(32)",
        "once": 'give a function that returns the generator, or method="batches"',
        "endless": "steps=",
        "not finite": "NaN or infinite values enter",
        "fails midway": "OSError: the disk is gone",
        "method": '"exact" or "batches"',
    }
    assert said.keys() == parts.keys()
    for name, part in parts.items():
        assert part in said[name], name


@pytest.mark.slow
def test_a_fixed_model_computes_the_same(found: dict[str, Any]) -> None:
    """A bias absorbed behind a convolution, a pooling, in a wrapper, across a flattening, in float64; a momentum."""
    model = found["repaired"]
    rules = [rule for rule, *_ in model["told"]]
    assert rules == ["pytorch-momentum", *["redundant-bias"] * 5]
    assert all(keeps and not obstacle for *_, keeps, obstacle in model["told"])
    assert model["left"] == model["unsafe"] == []
    assert max(model["apart"]) < 1e-4
    assert [path.split("/")[-1] for path in model["biases"]] == ["y"]
    assert model["momentum"] == 0.9


@pytest.mark.slow
def test_the_model_given_stays_and_the_new_one_is_like_it(found: dict[str, Any]) -> None:
    model = found["repaired"]
    assert model["untouched"] and model["names"] and model["flags"] and model["new"]


@pytest.mark.slow
def test_both_learn_the_same(found: dict[str, Any]) -> None:
    """Without a bias that has no effect, training goes the same way, moving statistics included."""
    apart, moved = found["repaired"]["trained"]
    assert apart < 1e-5 * moved


@pytest.mark.slow
def test_what_cannot_be_fixed_says_why(found: dict[str, Any]) -> None:
    said = found["unrepaired"]
    assert "only the code can be fixed" in said["subclass"]
    assert said["functional subclass"] == "Stepping"
    assert "closed (Closed) cannot be made anew from its configuration, for which it needs get_config" in said["closed"]


@pytest.mark.slow
def test_a_wrong_fix_is_caught(found: dict[str, Any]) -> None:
    """A rule that puts tanh for relu: its certificate says so, and where it is asked for all the same, the outputs."""
    said = found["unrepaired"]
    assert said["wrong, not asked for"] == "relu"
    assert said["wrong"].startswith(
        "with its fixes (of no-relu) the model gives other outputs in inference mode, off by"
    )


@pytest.mark.slow
def test_other_steps_and_models_built_late(found: dict[str, Any]) -> None:
    said = found["steps"]
    assert said["frozen"] == [True, True, False]
    assert said["synchronized"] is True
    assert said["flags"] == [["training-true-at-inference"], []]
    assert said["flags changed"] == []
    assert said["unwrapped"] in (["steps", "BatchNormalization"], ["steps", "TimeDistributed"])  # Right in Keras 2.
    assert said["late"] == [[5, 3], [3], [3], [3], [3]]


@pytest.mark.slow
def test_resnet50_loses_its_53_biases(found: dict[str, Any]) -> None:
    assert found["resnet"]["biases"] == [53, 0]
    assert found["resnet"]["apart"] < 1e-4
