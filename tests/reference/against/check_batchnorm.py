"""The reference's batch normalization against the real layer: outputs, gradients and statistics over several calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, event, given
from hypothesis import strategies as st
from real import MAJOR, dtype, layers, plain, representable
from rounding import Bounds, Rounded

from bnlint.reference import batchnorm
from bnlint.reference.batchnorm import BatchNorm

POLICIES = ("float32", "float64", "mixed_float16", "mixed_bfloat16", "float16", "bfloat16")
INPUTS = ("float32", "float64", "float16", "bfloat16")
STATISTICS = ("moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev")


@dataclass(frozen=True)
class Case:
    """A layer's arguments, what is fed to it, and how often; shapes differ in the batch only."""

    shape: tuple[int, ...]
    arguments: dict[str, Any]
    policy: str
    incoming: str
    masked: bool
    modes: tuple[bool, ...]
    mean: float
    std: float
    seed: int

    @property
    def compute(self) -> str:
        """The dtype of the layer's output."""
        return self.policy.removeprefix("mixed_")

    @property
    def variable(self) -> str:
        """The dtype that the statistics are kept in."""
        if self.policy.startswith("mixed") or (MAJOR == 2 and self.policy != "float64"):
            return "float32"
        return self.policy

    @property
    def inner(self) -> str:
        """The dtype of the layer's arithmetic: 16-bit inputs are computed in float32."""
        return "float64" if self.policy == "float64" else "float32"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any layer, with any input that it accepts."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6).map(tuple))
    axes = st.integers(-len(shape), len(shape) - 1)
    if MAJOR == 2 and len(shape) < 6:  # TensorFlow cannot broadcast what six alternating axes need.
        axes |= st.lists(st.integers(0, len(shape) - 1), unique=True, min_size=1, max_size=3)
    arguments = {
        "axis": draw(axes),
        "momentum": draw(st.sampled_from([0.0, 0.5, 0.9, 0.99, 0.999]) | st.floats(1e-6, 0.9999)),
        "epsilon": draw(st.sampled_from([1e-3, 1e-5, 1e-7, 1e-1]) | st.floats(1e-7, 1)),
        "center": draw(st.booleans()),
        "scale": draw(st.booleans()),
    }
    if draw(st.booleans()):
        keys = {"rmin": st.floats(0, 1), "rmax": st.floats(1, 3), "dmax": st.floats(0, 5)}
        arguments |= {"renorm": True, "renorm_clipping": draw(st.none() | st.fixed_dictionaries({}, optional=keys))}
        arguments["renorm_momentum"] = draw(st.sampled_from([0.99, 0.5, 0.0]))
    return Case(
        shape=shape,
        arguments=arguments,
        policy=draw(st.sampled_from(POLICIES)),
        incoming=draw(st.sampled_from(INPUTS)),
        masked=draw(st.booleans()),
        modes=tuple(draw(st.lists(st.booleans(), min_size=1, max_size=4))),
        mean=draw(st.sampled_from([0.0, 1.0, -30.0, 300.0])),
        std=draw(st.sampled_from([1.0, 0.1, 30.0])),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def accepted(case: Case) -> bool:
    """False for what the real layers refuse (see the tests of that below)."""
    axis, rank = case.arguments["axis"], len(case.shape)
    renorm = case.arguments.get("renorm", False)
    if MAJOR == 2:
        wrong_type = renorm and case.policy == "float64"
        return not wrong_type and not (axis == -4 and rank == 4 and not renorm and case.policy != "float64")
    # Squeezing the moments, where they are masked or of rank 1, drops a single channel's axis too.
    return not ((case.masked or rank == 1) and case.shape[axis] == 1 and axis != -1)


def pair(case: Case) -> tuple[Any, Rounded]:
    """The real layer and the reference beside it, with the same gamma and beta."""
    layer = layers.BatchNormalization(**case.arguments, dtype=case.policy)
    bn = BatchNorm(**case.arguments, keras=MAJOR, dtype=case.compute)
    layer.build(case.shape)
    bn.build(case.shape)
    rng = np.random.default_rng(case.seed)
    for name in [*["gamma"] * case.arguments["scale"], *["beta"] * case.arguments["center"]]:
        values = representable(rng.normal(size=bn.gamma.shape), case.variable)
        getattr(layer, name).assign(values)
        setattr(bn, name, values)
    return layer, Rounded(bn, case.inner, case.compute, case.variable)


def real_step(layer: Any, case: Case, x: np.ndarray, training: bool, mask: Any, dy: np.ndarray) -> dict[str, Any]:
    """One call of the real layer, with its gradients and the statistics after it."""
    given_x = tf.constant(x.astype(dtype(case.incoming)))
    with tf.GradientTape() as tape:
        tape.watch(given_x)
        y = layer(given_x, training=training, mask=None if mask is None else tf.constant(mask))
    assert y.dtype == case.compute
    variables = {"dgamma": layer.gamma, "dbeta": layer.beta}
    sources = {"dx": given_x} | {k: getattr(v, "value", v) for k, v in variables.items() if v is not None}
    sources = {k: v() if callable(v) else v for k, v in sources.items()}
    gradients = tape.gradient(y, sources, output_gradients=tf.constant(dy.astype(dtype(case.compute))))
    statistics = {name: getattr(layer, name) for name in STATISTICS if hasattr(layer, name)}
    return {"y": y} | gradients | statistics


def compare(real: dict[str, Any], bounds: Bounds, limit: float) -> float:
    """Assert that all is within its bound; the largest share of a bound that was used."""
    worst = 0.0
    for name, (value, bound) in bounds.items():
        if real.get(name) is None:
            continue
        got = plain(real[name])
        assert got.shape == value.shape, name
        off, bound = (
            np.abs(got - value)[np.abs(value) < limit],
            np.broadcast_to(bound, got.shape)[np.abs(value) < limit],
        )
        assert np.all(off <= bound), f"{name}: off by {off} where {bound} is allowed: {got} for {value}"
        worst = max([worst, *(off[off > 0] / bound[off > 0])])
    return worst


def run(case: Case) -> float:
    """All calls of a case, on both layers."""
    layer, rounded = pair(case)
    rng = np.random.default_rng(case.seed + 1)
    axes = rounded.bn.channel_axes(len(case.shape))
    worst = 0.0
    for training in case.modes:
        size = case.shape[0] if 0 in axes else int(rng.integers(1, 9))
        shape = (size, *case.shape[1:])
        x = representable(case.mean + case.std * rng.normal(size=shape), case.incoming, case.compute)
        dy = representable(rng.normal(size=shape), case.compute)
        mask = rng.random(shape[:-1]) < 0.6 if case.masked else None
        bounds = rounded.step(x, training, mask, dy, case.incoming)
        limit = 6e4 if "float16" in (case.compute, case.incoming) else np.inf
        worst = max(worst, compare(real_step(layer, case, x, training, mask, dy), bounds, limit))
    return worst


@given(case=cases())
def test_the_layers_agree(case: Case) -> None:
    assume(accepted(case))
    worst = run(case)
    event(f"policy {case.policy}")
    event(f"bound used up to {10 ** np.ceil(np.log10(max(worst, 1e-9))):.0e}")


def ordinary(
    shape: tuple[int, ...] = (1, 5, 6, 3), modes: tuple[bool, ...] = (True, True, False), **arguments: Any
) -> Case:
    """A float32 layer on ordinary data."""
    arguments = {"center": True, "scale": True, **arguments}
    return Case(shape, arguments, "float32", "float32", False, modes, mean=1.0, std=1.0, seed=7)


@pytest.mark.parametrize("shape", [(1, 8), (1, 4, 5), (1, 6, 6, 3), (1, 2, 3, 3, 4)], ids=len)
@pytest.mark.parametrize("renorm", [False, True])
def test_the_layers_agree_after_fifty_updates(shape: tuple[int, ...], renorm: bool) -> None:
    run(ordinary(shape, modes=(*[True] * 50, False), momentum=0.9, renorm=renorm))


def biased(x: np.ndarray) -> np.ndarray:
    """The variance over all but the last axis."""
    return x.var(axis=tuple(range(x.ndim - 1)))


@pytest.mark.parametrize("rank", [1, 2, 3, 4, 5, 6])
def test_which_variance_is_stored(rank: int) -> None:
    x = np.random.default_rng(0).normal(size=(6, *[2] * (rank - 1))).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0)
    layer(x, training=True)
    m = x.size / x.shape[-1] if rank > 1 else 1
    ratio = m / (m - 1) if MAJOR == 2 and rank in (4, 5) else 1
    np.testing.assert_allclose(plain(layer.moving_variance), ratio * biased(x) if rank > 1 else np.zeros(6), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"axis": 1}, (3, 4, 2, 2)),
        ({"axis": 2}, (3, 4, 2, 2)),
        ({"axis": 0}, (3, 4, 2, 2)),
        ({"axis": 1}, (3, 4, 2, 2, 2)),
        ({"axis": -1}, (3, 4, 2, 2, 2)),
        ({"axis": -2}, (3, 4, 2, 2, 2)),
        ({"renorm": True}, (3, 4, 2, 2)),
        ({"dtype": "float64"}, (3, 4, 2, 2)),
        ({"dtype": "float16"}, (3, 4, 2, 2)),
        ({"dtype": "bfloat16"}, (3, 4, 2, 2)),
        ({}, (3, 4, 2)),
        ({}, (3, 4)),
        ({"epsilon": 1e-7}, (3, 4, 2, 2)),
        *([(each, (3, 4, 2, 2)) for each in ({"axis": [3]}, {"axis": [1, 3]}, {"fused": False})] * (MAJOR == 2)),
    ],
    ids=str,
)
def test_which_inputs_are_fused(arguments: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Keras 3 fuses none, and refuses an axis in a list and `fused`, as is tested below."""
    layer = layers.BatchNormalization(**arguments)
    layer.build(shape)
    assert BatchNorm(**arguments, keras=MAJOR).is_fused(len(shape)) == bool(getattr(layer, "fused", False))


@pytest.mark.parametrize("option", [*[{"fused": False}] * (MAJOR == 2), {"synchronized": True}], ids=str)
def test_what_is_not_fused_stores_the_biased_variance(option: dict[str, bool]) -> None:
    x = np.random.default_rng(0).normal(size=(3, 2, 2, 4)).astype("float32")
    layer, bn = layers.BatchNormalization(momentum=0.0, **option), BatchNorm(momentum=0.0, fused=False, keras=MAJOR)
    layer(x, training=True)
    bn(x, training=True)
    np.testing.assert_allclose(plain(layer.moving_variance), bn.moving_variance, rtol=1e-5)


def test_a_frozen_layer_runs_in_inference_mode() -> None:
    x = np.random.default_rng(0).normal(3, 2, size=(8, 4)).astype("float32")
    layer, bn = layers.BatchNormalization(), BatchNorm(keras=MAJOR)
    layer.trainable = bn.trainable = False
    np.testing.assert_allclose(plain(layer(x, training=True)), bn(x, training=True), rtol=1e-6)
    assert np.all(bn.moving_mean == 0) and np.all(plain(layer.moving_mean) == 0)


@pytest.mark.parametrize(
    ("arguments", "shape", "mask"),
    [
        ({"axis": 2}, (3, 4), None),
        ({"axis": -3}, (3, 4), None),
        ({"renorm": True, "renorm_clipping": {"r": 1.0}}, (3, 4), None),
        *([({"axis": [0, 1]}, (3, 4), None), ({}, (3, 4), (3, 4))] * (MAJOR == 3)),
        *([({"axis": [1, -1]}, (3, 4), None)] * (MAJOR == 2)),
    ],
    ids=str,
)
def test_both_refuse(arguments: dict[str, Any], shape: tuple[int, ...], mask: tuple[int, ...] | None) -> None:
    x, given_mask = np.ones(shape, "float32"), None if mask is None else np.ones(mask, bool)
    with pytest.raises((ValueError, TypeError, IndexError)):
        layers.BatchNormalization(**arguments)(x, training=True, mask=given_mask)
    with pytest.raises(ValueError, match=r"axis|axes|renorm_clipping|mask"):
        BatchNorm(**arguments, keras=MAJOR)(x, training=True, mask=given_mask)


def without_the_mean(self: BatchNorm, dy: Any) -> Any:
    """The gradient with the mean taken for a constant."""
    dx, dgamma, dbeta = exact_gradient(self, dy)
    assert self._last is not None
    return dx + (dy * self._last.gamma).mean(self._last.over, keepdims=True) / self._last.sigma, dgamma, dbeta


def unbiased(self: BatchNorm, mu: Any, var: Any, m: Any) -> None:
    """The update with the variance of the other kernel."""
    exact_update(self, mu, var * ((m - 1) / m if self.is_fused(mu.ndim) else m / (m - 1)), m)


exact_gradient, exact_update = BatchNorm.gradient, BatchNorm._update
exact_corrections, exact_average = BatchNorm._corrections, batchnorm._average
PLANTED = {
    "constant mean": (BatchNorm, "gradient", without_the_mean),
    "other variance": (BatchNorm, "_update", unbiased),
    "swapped momentum": (batchnorm, "_average", lambda old, new, momentum: exact_average(new, old, momentum)),
    "no shift": (BatchNorm, "_corrections", lambda *given: (exact_corrections(*given)[0], np.zeros_like(given[1]))),
    "no scale": (BatchNorm, "_corrections", lambda *given: (np.ones_like(given[1]), exact_corrections(*given)[1])),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_mistakes_are_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = ordinary(momentum=0.9, renorm=name.startswith("no "), renorm_momentum=0.9)
    run(case)
    monkeypatch.setattr(*PLANTED[name])
    with pytest.raises(AssertionError, match="off by"):
        run(case)
