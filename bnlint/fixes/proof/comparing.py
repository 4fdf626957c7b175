"""Two networks side by side: over updates of the moving statistics, and in inference, with the old weights in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...findings import ROUNDING
from ...reference.arrays import Array
from .budget import BATCH, UPDATES, many
from .running import Runner, Variables
from .specs import Network, Spec, Uncomputable, axis_of, moved, normalizes

_SHIFT = 3.0
"""How much darker or brighter than the mean a sample is at most, in standard deviations of its numbers."""

Gaps = tuple[float, ...]
"""The largest difference of each output that is looked at."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial.

    training, inference: the largest difference for each output, over all updates; before them and behind them.
    statistics: in training, means and standard deviations were compared, because other numbers are dropped.
    dropped, added, changed: variables, as (layer, name), that are gone, new, or of another shape. learns: those of the
    dropped ones that an output depends on in training. shifted: layers whose moving mean becomes less, and whether by
    the values of a dropped bias. folded: a layer that takes on the gamma and beta of one that is dropped.
    layout: whether all layers and variables are the same, in the same order. variance: of what enters a batch
    normalization, training against inference, before and after, where a random layer is moved or changed.
    """

    training: Gaps
    inference: Gaps
    statistics: bool
    dropped: tuple[tuple[Spec, str], ...]
    added: tuple[tuple[Spec, str], ...]
    changed: tuple[tuple[Spec, str], ...]
    learns: tuple[tuple[Spec, str], ...]
    shifted: tuple[tuple[Spec, bool], ...]
    folded: bool
    layout: bool
    variance: tuple[float, float] | None


@lru_cache(maxsize=256)
def compare(
    before: Network, after: Network, shapes: tuple[tuple[int, ...], ...], watched: tuple[int, ...], keras: int
) -> Outcome:
    """Run both. `shapes` are those of the inputs without the batch, `watched` the numbers of the outputs that count.

    Raises Uncomputable.
    """
    return Comparison(before, after, shapes, watched, keras).outcome()


class Comparison:
    """Two networks with their variables: `old` as drawn for the one before, `new` what the one after makes of them."""

    def __init__(
        self,
        before: Network,
        after: Network,
        shapes: Sequence[tuple[int, ...]],
        watched: tuple[int, ...],
        keras: int,
    ) -> None:
        self.before, self.after = before, after
        self.shapes, self.watched, self.keras = tuple(shapes), watched, keras
        self.statistics = False
        self.old: Variables = {}
        first = self._runner(before, self.old, drawn=True)
        x = self.inputs(0)
        first.run(x, False, 0)
        self.new: Variables = dict(self.old)
        second = self._runner(after, self.new, drawn=False)
        second.run(x, False, 0)
        self.orders = first.order, second.order
        self.new = {key: self.new[key] for key in second.order}
        self.gone = [key for key in first.order if key not in second.order]
        self.shifted: dict[int, bool] = {}
        self.folded = False
        self._shift(self.gone)
        self._fold(self.gone)

    def _runner(self, network: Network, variables: Variables, drawn: bool = False) -> Runner:
        return Runner(network, self.keras, variables, drawn)

    def inputs(self, step: int, batch: int = BATCH) -> list[Array]:
        """Fresh numbers for each step, the same for both networks; samples are darker or brighter as a whole.

        Without that, what a pooling leaves of many numbers would have one sign, and pass through a ReLU as it is.
        """
        found = [
            np.random.default_rng([1, step, number]).standard_normal((batch, *shape))
            for number, shape in enumerate(self.shapes)
        ]
        if batch == BATCH:
            for one in found:
                one += np.linspace(-_SHIFT, _SHIFT, batch).reshape(-1, *[1] * (one.ndim - 1))
        return found

    def outcome(self) -> Outcome:
        """What comes of it."""
        old_order, new_order = self.orders
        gone = self.gone
        training, inference = self._gaps(self.old, self.new)
        if moved(self.before, self.after) and max(training) > ROUNDING:
            self.statistics = True
            training, inference = self._gaps(self.old, self.new)
        specs = {node.layer: node.spec for node in (*self.after.nodes, *self.before.nodes)}
        news = {node.layer: node.spec for node in self.after.nodes}

        def named(keys: Sequence[tuple[int, str]], specs: dict[int, Spec] = specs) -> tuple[tuple[Spec, str], ...]:
            return tuple((specs[layer], name) for layer, name in keys)

        return Outcome(
            training,
            inference,
            self.statistics,
            named(gone),
            named([key for key in new_order if key not in old_order], news),
            named([key for key in new_order if old_order.get(key, new_order[key]) != new_order[key]]),
            named(self._learned(gone)),
            tuple((specs[layer], whole) for layer, whole in self.shifted.items()),
            self.folded,
            self._layout(self.before, old_order) == self._layout(self.after, new_order),
            self._variance() if self.statistics else None,
        )

    def _layout(self, network: Network, order: dict[tuple[int, str], tuple[int, ...]]) -> object:
        """What weights are stored by: the layers that have any, in their order, and which."""
        names = {node.layer: node.spec.name for node in network.nodes}
        holders = {layer for layer, _ in order}
        stored = [name for layer, name in names.items() if layer in holders]
        return stored, [(names[layer], name, shape) for (layer, name), shape in order.items()]

    # The old weights in the new network

    def _shift(self, gone: list[tuple[int, str]]) -> None:
        """Take from a moving mean what a dropped variable added to each channel that it is the mean of."""
        normalized = {node.layer: node.spec for node in self.after.nodes if normalizes(node.spec)}
        if not gone:
            return
        x, first = self.inputs(0), self._runner(self.before, dict(self.old))
        first.run(x, False, 0)
        for _ in normalized:
            second = self._runner(self.after, dict(self.new))
            second.run(x, False, 0)
            for layer in second.into:
                shift = _per_channel(normalized[layer], first.into.get(layer), second.into[layer])
                if shift is not None and layer not in self.shifted:
                    self._shift_by(layer, shift, gone)
                    break
            else:
                return

    def _shift_by(self, layer: int, shift: Array, gone: list[tuple[int, str]]) -> None:
        dropped = [value for key in gone for value in self.old[key].flat]
        self.shifted[layer] = bool(np.isin(shift.round(9), np.round(dropped, 9)).all())
        for name in ("moving_mean", "renorm_mean"):
            if (layer, name) in self.new:
                self.new[layer, name] = self.new[layer, name] - shift

    def _fold(self, gone: list[tuple[int, str]]) -> None:
        """Give a batch normalization the gamma and beta of a dropped one behind it, if that comes nearer."""
        layers = {layer for layer, _ in gone} - {node.layer for node in self.after.nodes}
        for number, node in enumerate(self.before.nodes):
            first = self._in_front(number) if node.layer in layers and normalizes(node.spec) else None
            keys = [(layer, name) for layer in (node.layer, first) for name in ("gamma", "beta") if layer is not None]
            if first is None or any(key not in self.old for key in keys) or (first, "gamma") not in self.new:
                continue
            gamma, beta, own, _ = (self.old[key] for key in keys)
            if gamma.shape != own.shape:
                continue
            folded = {**self.new, (first, "gamma"): gamma * np.sign(own), (first, "beta"): beta}
            if max(self._gaps(self.old, folded)[0]) < max(self._gaps(self.old, self.new)[0]):
                self.new, self.folded = folded, True

    def _in_front(self, number: int) -> int | None:
        """The layer of the batch normalization before a node, up along single inputs."""
        node = self.before.nodes[number]
        while len(node.inputs) == 1 and node.inputs[0] >= 0:
            node = self.before.nodes[node.inputs[0]]
            if normalizes(node.spec):
                return node.layer
        return None

    # Differences

    def _gaps(self, old: Variables, new: Variables) -> tuple[Gaps, Gaps]:
        """In inference before any update, in training at each update, and in inference again; the largest of each."""
        first, second = self._runner(self.before, dict(old)), self._runner(self.after, dict(new))
        steps = [self._gap(first, second, step, True) for step in range(1, UPDATES + 1)]
        behind = self._gap(first, second, UPDATES + 1, False)
        start = self._gap(self._runner(self.before, dict(old)), self._runner(self.after, dict(new)), 0, False)
        return tuple(map(max, zip(*steps, strict=True))), tuple(map(max, start, behind))

    def _gap(self, first: Runner, second: Runner, step: int, training: bool) -> Gaps:
        x = self.inputs(step)
        one, other = first.run(x, training, step), second.run(x, training, step)
        measure = _of_statistics if training and self.statistics else _of_values
        pairs = [(one[number], _at(other, x, self.after.seen[number])) for number in self.watched]
        return tuple(measure(*pair) for pair in pairs)

    def _learned(self, gone: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """Those variables that an output depends on in training: their gradients are not 0, and they are missed."""
        trained = [key for key in gone if not key[1].startswith(("moving", "renorm"))]
        if not trained:
            return []
        x = self.inputs(1)
        usual = self._runner(self.before, dict(self.old)).run(x, True, 1)
        return [key for key in trained if self._matters(key, x, usual)]

    def _matters(self, key: tuple[int, str], x: list[Array], usual: list[Array]) -> bool:
        other = self._runner(self.before, {**self.old, key: self.old[key] + 1}).run(x, True, 1)
        return any(_of_values(usual[number], other[number]) > ROUNDING for number in self.watched)

    def _variance(self) -> tuple[float, float] | None:
        """How much larger the variance is that enters a batch normalization, with the noise than without."""
        ratios = []
        for network, variables in ((self.before, self.old), (self.after, self.new)):
            runner = self._runner(network, dict(variables))
            specs = {node.layer: node.spec for node in network.nodes}
            x = self.inputs(1, many(self.before, self.after, self.shapes, self.keras))
            found: list[dict[int, float]] = []
            for noisy in (True, False):
                runner.run(x, True, 1, noisy)
                spreads = {layer: _by_channel(specs[layer], into).var(0) for layer, into in runner.into.items()}
                found.append({layer: float(spread.mean()) for layer, spread in spreads.items()})
            known = [layer for layer, spread in found[1].items() if spread]  # Of one channel, a layer may leave none.
            ratios.append(max((found[0][layer] / found[1][layer] for layer in known), default=0.0))
        return (ratios[0], ratios[1]) if all(ratios) else None


def _at(values: list[Array], outside: list[Array], number: int) -> Array:
    return values[number] if number >= 0 else outside[-1 - number]


def _of_values(one: Array, other: Array) -> float:
    if one.shape != other.shape:
        raise Uncomputable(f"the output has the shape {one.shape[1:]} before and {other.shape[1:]} after")
    return float(np.abs(one - other).max())


def _of_statistics(one: Array, other: Array) -> float:
    over = tuple(range(one.ndim - 1))
    return max(_of_values(f(one, over), f(other, over)) for f in (np.mean, np.std))


def _per_channel(spec: Spec, one: Array | None, other: Array) -> Array | None:
    """The difference of two inputs of a batch normalization, where it is one number a channel, and not 0."""
    if one is None or one.shape != other.shape:
        return None
    difference = _by_channel(spec, one - other)
    constant = np.ptp(difference, axis=0).max() < ROUNDING
    return difference[0] if constant and np.abs(difference).max() > ROUNDING else None


def _by_channel(spec: Spec, x: Array) -> Array:
    """The input of a batch normalization as (positions, channels)."""
    shift, inner = 0, spec
    while inner.inner is not None:
        shift, inner = shift + 1, inner.inner
    axis = axis_of(inner)
    axis = axis if axis < 0 else axis + shift
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
