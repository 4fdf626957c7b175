"""Population statistics for the batch normalizations of a live model: means and variances over a whole data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..doors.live.door import library, not_built
from ..doors.live.objects import array
from ..doors.live.tracing import unmarked
from .batches import Batches
from .moments import Moments
from .watching import STATISTICS, Enough, Seen, Statistics, kept, normalizations, run, shaped, watched

Method = Literal["exact", "batches"]

Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """One layer that got new statistics.

    layer: its path, "model/block/bn". positions: from how many values of a channel they come, at least. shift: by how
    many of the new standard deviations a mean moved, and ratio: by which factor a variance grew or shrank (at least 1),
    each in the channel where that is most; both variances with the layer's epsilon added.
    """

    layer: str
    positions: int
    shift: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Recalibration:
    """What `recalibrate` did: which layers changed, in the order in which they run, and by how much.

    batches: how many there were; passes: how often the model ran over them. unreached: the paths of layers that the
    data never came to; they keep their statistics.
    """

    layers: tuple[Recalibrated, ...]
    batches: int
    passes: int
    unreached: tuple[str, ...] = ()

    def __str__(self) -> str:
        many = ", ".join(
            f"{number} {name}{'' if number == 1 else end}"
            for number, name, end in (
                (len(self.layers), "batch normalization", "s"),
                (self.batches, "batch", "es"),
                (self.passes, "pass", "es"),
            )
        )
        lines = [f"recalibrated: {many}"]
        for one in self.layers:
            lines.append(f"{one.layer}: means by up to {one.shift:.2g} σ, variances by up to a factor {one.ratio:.3g}")
        return "\n".join([*lines, *(f"{path}: not reached, unchanged" for path in self.unreached)])


def recalibrate(
    model: Any,
    data: Any,
    *,
    method: Method = "exact",
    batch_size: int = 32,
    steps: int | None = None,
    frozen: bool = False,
    progress: bool | None = None,
) -> Recalibration:
    """Replace the moving statistics of a model's batch normalizations by those of a data set.

    Each layer's mean and variance are those of all samples and positions together, whatever the sizes of the batches:
    not a moving average, and not a mean of variances. They are summed up in float64 while the data stream by. Masked
    positions do not count. The model runs in inference mode, without dropout. Nothing changes but `moving_mean`,
    `moving_variance` and, with renorm, `moving_stddev`; and they only when all is computed.

    model: of Keras 3 or tf_keras, in any API style, built. Its normalizations may be nested, wrapped or shared; one
    that is called several times gets the statistics of all that enters it, and where its own output comes back to it,
    that is as normalized with batch statistics.

    data: arrays, as `fit` takes them: one, a mapping, a list for several inputs, or a tuple (x, y). Or batches: a
    tf.data dataset, a Sequence or PyDataset, an iterable, a function that returns one. Targets are left out.

    method: what a layer's input is, behind other normalizations. "exact": what it is in inference, when the earlier
    layers have their new statistics. The outcome does not depend on batches, and on these data the layer's input has
    precisely the moments it is normalized with; it takes one pass for each layer, up to that layer. "batches": what it
    is in training, when every layer uses the statistics of its batch: "precise" batch normalization (Wu & Johnson 2021,
    arXiv:2105.07576), in one pass; the larger the batches, the nearer it comes. In between, errors of estimation add
    up from layer to layer (Huang et al. 2022, arXiv:2203.10778), which is why "exact" is the default.

    batch_size: samples a batch, for arrays: without influence on "exact" but for speed and memory. steps: how many
    batches to take, needed for a dataset without end. frozen: also layers with `trainable = False`, which otherwise
    keep their statistics and run with them. progress: whether to show a bar; by default on a terminal.

    Raises TypeError for what is no model or no data; and ValueError for a model that is not built or has nothing to
    recalibrate, for no data, for inputs that are not finite, and for a generator where several passes are needed.
    The model is then as it was.

    >>> recalibrate(model, x_train)
    >>> recalibrate(model, dataset, method="batches", steps=100)
    """
    if method not in ("exact", "batches"):
        raise ValueError(f'method is "exact" or "batches", not {method!r}')
    library(model)
    if not model.built:
        raise not_built(model)
    layers = _chosen(model, frozen)
    batches = Batches(model, data, batch_size, steps)
    if batches.once and method == "exact" and len(layers) > 1:
        said = f"the data come only once, and {len(layers)} layers take a pass each"
        raise ValueError(f'{said}: give a function that returns the generator, or method="batches"')
    with unmarked(model), kept(model), _bar(progress) as bar:
        estimate = _Estimate(model, list(layers.values()), batches, bar)
        estimate.exactly() if method == "exact" else estimate.at_once()
    return _written(layers, estimate)


def _chosen(model: Any, frozen: bool) -> dict[str, Any]:
    """The layers to recalibrate, by path. Raises ValueError where there are none."""
    layers = normalizations(model)
    chosen = {path: layer for path, layer in layers.items() if frozen or layer.trainable}
    if not layers:
        raise ValueError(f"{model.name} has no batch normalization with moving statistics")
    if not chosen:
        raise ValueError(f"the batch normalizations of {model.name} are all frozen: frozen=True recalibrates them too")
    return chosen


class _Estimate:
    """The moments of what enters the layers; `found` has them in the order in which the layers run."""

    def __init__(self, model: Any, layers: list[Any], batches: Batches, bar: _Bar) -> None:
        self._model, self._layers, self._data, self._bar = model, layers, batches, bar
        self._done: dict[int, Statistics] = {}
        self.found: list[tuple[Any, Moments]] = []
        self.batches = self.passes = 0

    def at_once(self) -> None:
        """In one pass, all layers using the statistics of their batch."""
        order: dict[int, Any] = {}
        moments: dict[int, Moments] = {}

        def handle(seen: Seen) -> Statistics:
            batch = seen.moments()
            key = id(seen.layer)
            order[key] = seen.layer
            moments[key] = moments.get(key, Moments.none()).joined(batch)
            return batch.mean, batch.variance

        self._pass(handle, 1)
        self.found = [(layer, moments[key]) for key, layer in order.items()]

    def exactly(self) -> None:
        """In a pass for each layer, all earlier ones having their new statistics."""
        calls = self._calls()
        order = list({id(layer): layer for layer in [*calls, *self._layers]}.values())
        for layer in order:
            moments = self._of(layer, _later(layer, calls), len(order))
            self.found.append((layer, moments))
            self._done[id(layer)] = moments.mean, moments.variance

    def _calls(self) -> list[Any]:
        """The layers in the order in which a first batch calls them."""
        calls: list[Any] = []

        def handle(seen: Seen) -> Statistics:
            calls.append(seen.layer)
            return self._statistics(seen)

        with watched(self._layers, handle):
            for inputs in self._data if not self._data.once else ():
                run(self._model, inputs)
                break
        return calls

    def _of(self, target: Any, later: set[int], passes: int) -> Moments:
        """The moments of one layer's inputs; of each batch, no more is computed than they need."""
        moments = Moments.none()

        def handle(seen: Seen) -> Statistics:
            nonlocal moments
            if id(seen.layer) in later:
                raise Enough
            if seen.layer is target:
                moments = moments.joined(seen.moments())
            return self._statistics(seen)

        self._pass(handle, passes)
        return moments

    def _statistics(self, seen: Seen) -> Statistics:
        """Those of the layer, once they are known and it runs in inference mode; else those of the batch."""
        known = self._done.get(id(seen.layer))
        if known is not None and not seen.training:
            return known
        batch = seen.moments()
        return batch.mean, batch.variance

    def _pass(self, handle: Callable[[Seen], Statistics], passes: int) -> None:
        """Run the model over the data. Raises ValueError where there are none."""
        number = 0
        with watched(self._layers, handle):
            for number, inputs in enumerate(self._data, 1):
                with suppress(Enough):
                    run(self._model, inputs)
                total = self._data.total or self.batches
                self._bar(self.passes * total + number, passes, total)
        if not number:
            raise ValueError("no data: there is no batch")
        self.batches, self.passes = number, self.passes + 1


def _later(target: Any, calls: list[Any]) -> set[int]:
    """The layers whose first call comes after the last one of this layer: none where it was not called."""
    numbers = [number for number, layer in enumerate(calls) if layer is target]
    if not numbers:
        return set()
    return {id(layer) for layer in calls[numbers[-1] + 1 :]} - {id(layer) for layer in calls[: numbers[-1] + 1]}


def _written(layers: Mapping[str, Any], estimate: _Estimate) -> Recalibration:
    """Give the layers what was found. Raises ValueError, and writes nothing, where it is not finite."""
    paths = {id(layer): path for path, layer in layers.items()}
    changed = [(paths[id(layer)], layer, moments) for layer, moments in estimate.found if moments]
    for path, _, moments in changed:
        bad = ~(np.isfinite(moments.mean) & np.isfinite(moments.variance))
        if bad.any():
            raise ValueError(f"NaN or infinite values enter {path}, in {bad.sum()} of its {bad.size} channels")
    told = tuple(_told(path, layer, moments) for path, layer, moments in changed)
    _assign([(layer, moments) for _, layer, moments in changed])
    reached = {path for path, *_ in changed}
    unreached = tuple(path for path in layers if path not in reached)
    return Recalibration(told, estimate.batches, estimate.passes, unreached)


def _told(path: str, layer: Any, moments: Moments) -> Recalibrated:
    """How much a layer's statistics are about to change."""
    mean, variance = (array(getattr(layer, name)).astype(np.float64).reshape(-1) for name in STATISTICS)
    new, old = moments.variance + float(layer.epsilon), variance + float(layer.epsilon)
    with np.errstate(all="ignore"):  # The old ones may be anything.
        shift = np.abs(moments.mean - mean) / np.sqrt(new)
        ratio = np.maximum(new / old, old / new)
    return Recalibrated(path, int(moments.count.min()), float(shift.max()), float(ratio.max()))


def _assign(changed: list[tuple[Any, Moments]]) -> None:
    """Write the statistics: all of them, or, where one cannot be written, none."""
    values = []
    for layer, moments in changed:
        new = dict(zip(STATISTICS, (moments.mean, moments.variance), strict=True))
        if getattr(layer, "moving_stddev", None) is not None:
            new["moving_stddev"] = np.sqrt(moments.variance + float(layer.epsilon))
        values += [(getattr(layer, name), shaped(layer, name, value)) for name, value in new.items()]
    before = [(variable, array(variable).copy()) for variable, _ in values]
    try:
        for variable, value in values:
            variable.assign(value)
    except BaseException:
        for variable, value in before:
            variable.assign(value)
        raise


_Bar = Callable[[int, int, int], None]
"""Told how many batches are done, of how many passes of how many batches each; 0 where that is not known."""


@contextmanager
def _bar(wanted: bool | None) -> Iterator[_Bar]:
    """A progress bar on the standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("recalibrating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = console.is_interactive if wanted is None else wanted
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, passes, batches: bar.update(task, completed=done, total=passes * batches or None)
