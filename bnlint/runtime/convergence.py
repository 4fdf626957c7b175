"""How far the moving statistics of batch normalizations have come on their way to those of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..doors.live.objects import arrays_of, nearest_class
from ..graph import BATCH_NORMALIZATIONS


@dataclass(frozen=True, slots=True)
class Convergence:
    """A batch normalization at the end of an epoch.

    left: the share of its moving statistics that is still what training began with, momentum^steps. mean, variance: how
    far they moved in the epoch, as root mean squares over the channels: the mean in standard deviations, the variance
    relative to itself.
    """

    layer: str
    left: float
    mean: float
    variance: float


class Statistics:
    """The moving statistics of a model's trainable batch normalizations, and of the steps they have made."""

    def __init__(self, model: Any) -> None:
        self._layers: list[Any] = [
            layer
            for layer in model._flatten_layers()
            if nearest_class(layer) in BATCH_NORMALIZATIONS and layer.trainable
        ]
        self._last = [arrays_of(layer) for layer in self._layers]
        self._steps = 0

    def after(self, steps: int) -> list[Convergence]:
        """Where they are, so many steps later than when they were last looked at."""
        self._steps += steps
        now = [arrays_of(layer) for layer in self._layers]
        found = [
            _compared(layer, old, new, self._steps)
            for layer, old, new in zip(self._layers, self._last, now, strict=True)
            if old and new
        ]
        self._last = now
        return found


def _compared(layer: Any, old: dict[str, Any], new: dict[str, Any], steps: int) -> Convergence:
    import numpy as np

    with np.errstate(all="ignore"):
        variance = np.asarray(new["moving_variance"], np.float64)
        scale = np.maximum(variance, float(layer.epsilon))
        moves = (np.asarray(new["moving_mean"], np.float64) - old["moving_mean"]) / np.sqrt(scale)
        changes = (variance - old["moving_variance"]) / scale
        mean, change = (float(np.sqrt(np.mean(values**2))) for values in (moves, changes))
    left = float(layer.momentum) ** steps if mean or change else 1.0
    return Convergence(str(layer.name), left, mean, change)


def line_of(epoch: int, found: list[Convergence]) -> str:
    """The farthest from converged, in a line."""
    left, mean, variance = (
        max(found, key=lambda each: float(getattr(each, name))) for name in ("left", "mean", "variance")
    )
    return (
        f"bnlint, epoch {epoch + 1}: up to {left.left:.0%} of the moving statistics is still what training began with "
        f"({left.layer}); in this epoch they moved by up to {mean.mean:.2g} standard deviations (mean, {mean.layer}) "
        f"and {variance.variance:.0%} (variance, {variance.layer})"
    )


def table_of(epoch: int, found: list[Convergence]) -> str:
    """All of them, a line each."""
    width = max(len(each.layer) for each in found)
    lines = [
        f"bnlint, epoch {epoch + 1}: the share of the moving statistics that training began with, and their moves",
        f"{'':{width}}  initial  mean moved  variance moved",
    ]
    for each in found:
        lines.append(f"{each.layer:{width}}  {each.left:>7.1%}  {each.mean:>7.2g} sd  {each.variance:>14.1%}")
    return "\n".join(lines)
