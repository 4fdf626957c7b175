"""The optimizers of Keras."""

from __future__ import annotations

from typing import NamedTuple


class Optimizer(NamedTuple):
    """adaptive: it divides the gradient by its size, so that a rate is a step's length.

    weight_decay: what Keras takes where it is not given.
    """

    name: str
    aliases: tuple[str, ...] = ()
    adaptive: bool = False
    weight_decay: float | None = None


_ADAPTIVE = ("Adam", "Adamax", "Nadam", "RMSprop", "Lion", "Adafactor", "Lamb", "ScheduleFreeAdamW")
_OTHERS = ("SGD", "Adagrad", "Adadelta", "Ftrl", "Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap")
"""Rates of Adagrad and Adadelta are of another scale."""

OPTIMIZERS = (
    *(Optimizer(name, adaptive=True) for name in _ADAPTIVE),
    *map(Optimizer, _OTHERS),
    Optimizer("AdamW", adaptive=True, weight_decay=0.004),
    Optimizer("Muon", weight_decay=0.004),
)
_NAMED = {one.name.lower(): one for one in OPTIMIZERS}


def optimizer(name: str) -> Optimizer:
    """The optimizer of this name, as `compile` takes it too: in any case; one without facts where Keras has none."""
    return _NAMED.get(name.lower()) or Optimizer("")
