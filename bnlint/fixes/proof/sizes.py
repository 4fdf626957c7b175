"""On which sizes a change is tried: small ones, those that are known, or the least that keep the relations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ...graph.nodes import Shape as Known
from .budget import BATCH, MOST_NUMBERS, MOST_WORK, numbers_of, work_of
from .costs import Run, Shape, Unequal, run_of
from .edges import edges
from .scaling import LIMITS, Limits, scaled
from .specs import Network, Uncomputable, Untried, narrowed

_WIDTH = 8
_SIZES = {2: (_WIDTH,), 3: (12, _WIDTH), 4: (12, 11, _WIDTH), 5: (9, 7, 6, _WIDTH)}
"""Sizes of a trial's inputs without the batch, by rank: different ones, so that no axis is taken for another."""
_LIKELY, _LESS = 12, (9, 7, 5)
"""The size of the first axis where there is a choice, and what is tried where that is too large."""
_MOST_STRIDES = 12
"""How many remainders by the strides are tried."""
_ROOM = (8, 4, 0)
"""How much larger than it must be an input is made, where the small sizes are too small for it."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A tensor that comes in: how many axes it has, and its shape as far as it is known; the batch counts in both."""

    rank: int
    shape: Known | None

    @property
    def known(self) -> Shape:
        """The shape without the batch, likely sizes in the place of unknown ones."""
        return tuple(likely if size is None else size for size, likely in self._pairs())

    def small(self, wide: bool) -> Shape:
        """The shape with no size above the likely one; `wide`: but the last as it is known."""
        last = self.rank - 2
        return tuple(
            likely if size is None else size if wide and axis == last else min(size, likely)
            for axis, (size, likely) in enumerate(self._pairs())
        )

    def _pairs(self) -> Iterator[tuple[int | None, int]]:
        if self.rank not in _SIZES:
            raise Untried(f"an input of {self.rank} axes")
        known = self.shape[1:] if self.shape else (None,) * (self.rank - 1)
        return zip(known, _SIZES[self.rank], strict=True)

    def said(self, shape: Shape) -> str:
        """What is assumed of it where it is drawn in this shape."""
        if self.shape is None:
            return f"an input of {_shown(shape)}, which is not known"
        known = self.shape[1:]
        return "" if known == shape else f"an input of {_shown(shape)} for {_shown(known)}"


def _shown(shape: Sequence[int | None]) -> str:
    return " × ".join("?" if size is None else str(size) for size in shape)


@dataclass(frozen=True, slots=True)
class Sized:
    """Two networks with the shapes to draw their inputs in, and what was made smaller in them."""

    before: Network
    after: Network
    shapes: tuple[Shape, ...]
    keras: int
    smaller: tuple[str, ...] = ()

    def fits(self) -> bool:
        """Whether a trial can be this large. Raises Uncomputable where the sizes do not go together."""
        return self.work <= MOST_WORK and self.numbers <= MOST_NUMBERS

    @property
    def work(self) -> float:
        """How much work a trial is."""
        return work_of(self.before, self.after, self.shapes, self.keras)

    @property
    def numbers(self) -> int:
        """How many numbers a trial holds at once."""
        return numbers_of(self.before, self.after, self.shapes, self.keras)

    def runs(self) -> tuple[Run, Run]:
        """What each network costs."""
        return tuple(run_of(network, self.shapes, self.keras, BATCH) for network in (self.before, self.after))  # type: ignore[return-value]


_MOST_LOOKED_AT = 500
"""How many layers are looked at while a size is searched for. One takes about 50 µs."""

Make = Callable[[tuple[Shape, ...]], Sized]


class Sizes:
    """The sizes on which one change may be tried."""

    def __init__(self, before: Network, after: Network, outside: Sequence[Outside], keras: int) -> None:
        self._before, self._after, self._outside, self._keras = before, after, outside, keras
        self._known = tuple(one.known for one in outside)
        self._left = _MOST_LOOKED_AT

    def tries(self) -> Iterator[Sized]:
        """Small sizes; where they do not fit together, with all channels, and then all sizes, as they are known.

        Where that is too large a trial, the least sizes that the network takes, and last those with its kernels,
        strides, paddings and the like made smaller too.
        """
        yield self._sized([one.small(False) for one in self._outside], _WIDTH)
        yield self._sized([one.small(True) for one in self._outside], None)
        yield (known := self._sized(self._known, None))
        try:
            if known.fits():
                return
            runs = known.runs()
        except Uncomputable:
            return
        yield from (sized for sized in self._made_smaller(known, runs) if sized.fits())

    def _made_smaller(self, known: Sized, runs: tuple[Run, Run]) -> Iterator[Sized]:
        strides = _strides(self._before, self._after)
        least = list(self._least(lambda shapes: self._sized(shapes, _WIDTH), runs, strides, _WIDTH))
        yield from least or self._least(lambda shapes: self._sized(shapes, None), runs, strides, None)
        for limits in LIMITS:

            def make(shapes: tuple[Shape, ...], limits: Limits = limits) -> Sized:
                networks, said = scaled((self._before, self._after), runs, known.shapes, shapes, self._keras, limits)
                return Sized(*networks, shapes, self._keras, said)

            try:
                like = self._joined(make, known.shapes)
            except Uncomputable:
                continue
            yield from self._least(make, runs, _strides(like.before, like.after), limits.width)

    def _sized(self, shapes: Sequence[Shape], width: int | None) -> Sized:
        networks = [_narrowed(network, width) if width else network for network in (self._before, self._after)]
        return Sized(
            networks[0],
            networks[1],
            tuple(shapes),
            self._keras,
            tuple(_narrowing(self._before, width)) if width else (),
        )

    def assumed(self, sized: Sized) -> list[str]:
        """What is assumed where these sizes stand for those of the program."""
        pairs = zip(self._outside, sized.shapes, strict=True)
        return [*dict.fromkeys(said for one, shape in pairs if (said := one.said(shape))), *sized.smaller]

    def _of(self, size: int, strides: int, width: int | None, more: int) -> tuple[Shape, ...]:
        """Spatial sizes of about so much, that leave the known ones' remainders by the strides, or so much more."""
        return tuple(
            tuple(
                (min(whole, width) if width else whole)
                if axis == self._channels(number)
                else _alike(whole, max(size - axis, 1), strides, more)
                for axis, whole in enumerate(shape)
            )
            for number, shape in enumerate(self._known)
        )

    def _channels(self, number: int) -> int:
        """Which axis of an outside tensor has the channels."""
        takers = [node.spec for node in self._before.nodes if -1 - number in node.inputs]
        first = any(dict(spec.args).get("data_format") == "channels_first" for spec in takers)
        return 0 if first else len(self._known[number]) - 1

    def _least(self, make: Make, known: tuple[Run, Run], strides: int, width: int | None) -> Iterator[Sized]:
        """What `make` makes of the least spatial size that does, with some room and without."""

        def good(size: int, more: int = 0) -> Sized | None:
            self._left -= len(self._before.nodes)
            try:
                sized = self._joined(make, self._of(size, strides, width, more))
                return sized if _ample(known, sized.runs()) else None
            except Uncomputable:
                return None

        low, high, most = 0, _LIKELY, max((size for shape in self._known for size in shape), default=0)
        while good(high) is None:
            if high > most or self._left < 0:
                return
            low, high = high, 2 * high
        while high - low > 1 and low and self._left > 0:
            middle = (low + high) // 2
            low, high = (low, middle) if good(middle) else (middle, high)
        kept = self._edges((self._before, self._after), known, self._known)
        for size in [high + room for room in _ROOM] if low else [high, *_LESS]:
            for more in range(min(strides, _MOST_STRIDES)):
                sized = good(size, more)
                if sized and self._edges((sized.before, sized.after), sized.runs(), sized.shapes) == kept:
                    yield sized
                    break

    @staticmethod
    def _edges(networks: Sequence[Network], runs: Sequence[Run], shapes: tuple[Shape, ...]) -> list[object]:
        return [edges(network, run, shapes) for network, run in zip(networks, runs, strict=True)]

    def _joined(self, make: Make, shapes: tuple[Shape, ...]) -> Sized:
        """What `make` makes of these shapes, those that meet in a layer changed so that they go together."""
        for _ in range(2 * len(shapes)):
            try:
                sized = make(shapes)
                sized.runs()
                return sized
            except Unequal as found:
                shapes = self._matched(shapes, found)
        return make(shapes)

    def _matched(self, shapes: tuple[Shape, ...], found: Unequal) -> tuple[Shape, ...]:
        """The shapes, one of them moved by what is missing where two inputs of a layer do not go together."""
        for network in (self._before, self._after):
            inputs = network.nodes[found.node].inputs if found.node < len(network.nodes) else ()
            if len(inputs) != len(found.shapes):
                continue
            for one, shape in reversed([*zip(inputs, found.shapes, strict=True)]):
                other = next((it for it in found.shapes if it != shape and len(it) == len(shape)), None)
                number, pitch = _source(network, one)
                if other is not None and number is not None and len(shapes[number]) == len(shape) - 1:
                    triples = zip(shapes[number], shape[1:], other[1:], strict=True)
                    moved = tuple(n + (b - a) * pitch for n, a, b in triples)
                    return (*shapes[:number], moved, *shapes[number + 1 :])
        raise found


def _alike(whole: int, size: int, modulus: int, more: int) -> int:
    """The least number from `size` on that leaves the remainder of the whole one, and `more`; never above it."""
    return whole if whole <= size else min(whole, size + (whole + more - size) % modulus)


def _strides(*networks: Network) -> int:
    """What all strides and pool sizes of these networks make together."""
    found = 1
    for spec in {node.spec for network in networks for node in network.nodes}:
        args = dict(spec.args)
        value = args.get("strides") or args.get("pool_size")
        if "Transpose" not in spec.kind and value is not None:
            sizes = (value,) if isinstance(value, int) else value
            if isinstance(sizes, tuple):
                found *= math.lcm(*(size for size in sizes if isinstance(size, int)))
    return found


def _ample(known: tuple[Run, Run], runs: tuple[Run, Run]) -> bool:
    """Whether everything that has several elements along an axis still has, and nothing else."""
    for whole, small in zip(known, runs, strict=True):
        for one, other in zip(whole.nodes, small.nodes, strict=True):
            pairs = zip(one.shape[1:], other.shape[1:], strict=True)
            if any((size > 1) != (less > 1) for size, less in pairs):
                return False
    return True


def _source(network: Network, number: int) -> tuple[int | None, int]:
    """Which outside tensor a value comes from, along single inputs, and by how much it must grow for one element."""
    pitch = 1
    while number >= 0:
        node = network.nodes[number]
        if len(node.inputs) != 1:
            return None, 0
        pitch *= _strides(Network((node,), ()))
        number = node.inputs[0]
    return -1 - number, pitch


def _narrowed(network: Network, width: int) -> Network:
    return replace(network, nodes=tuple(replace(node, spec=narrowed(node.spec, width)) for node in network.nodes))


def _narrowing(network: Network, width: int) -> Iterator[str]:
    """What was made narrower."""
    for spec in dict.fromkeys(node.spec for node in network.nodes):
        for name, value in (*spec.args, *(spec.inner.args if spec.inner else ())):
            if name in ("filters", "units") and isinstance(value, int) and value > width:
                yield f"{width} {name} for {value}"
