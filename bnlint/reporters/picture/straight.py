"""Places in layers: near what a thing is connected with, and chains straight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

COLUMN_GAP = 22.0
SWEEPS = 24


@dataclass(slots=True)
class Slots:
    """What stands in layers, by number: boxes, and of width 0 the places through which long lines pass.

    rows: each layer from left to right. steps: the pieces of lines between one layer and the next, with how far from
    the middle they leave the one slot and arrive at the other.
    """

    widths: list[float]
    rows: list[list[int]]
    steps: list[tuple[int, int, float, float]]
    up: list[list[tuple[int, float]]] = field(default_factory=list)
    down: list[list[tuple[int, float]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.up = [[] for _ in self.widths]
        self.down = [[] for _ in self.widths]
        for one, other, leaves, arrives in self.steps:
            self.down[one].append((other, arrives - leaves))
            self.up[other].append((one, leaves - arrives))

    def apart(self, left: int, right: int) -> float:
        """How far apart the middles of two neighbours must be."""
        return (self.widths[left] + self.widths[right]) / 2 + COLUMN_GAP


def centers(slots: Slots) -> list[float]:
    """The middle of each slot."""
    found = _relaxed(slots)
    chains, before, offset = _chains(slots)
    place = [sum(found[n] - offset[n] for n in chain) / len(chain) for chain in chains]
    of = {number: index for index, chain in enumerate(chains) for number in chain}
    left: list[list[tuple[int, float]]] = [[] for _ in chains]
    right: list[list[tuple[int, float]]] = [[] for _ in chains]
    for row in slots.rows:
        for one, other in pairwise(row):
            gap = slots.apart(one, other) + offset[one] - offset[other]
            left[of[other]].append((of[one], gap))
            right[of[one]].append((of[other], gap))
    near = [
        [
            (of[other], shift + offset[other] - offset[number])
            for number in chain
            for other, shift in (*slots.up[number], *slots.down[number])
            if of[other] != index
        ]
        for index, chain in enumerate(chains)
    ]
    for _ in range(SWEEPS):
        wanted = [
            sum(place[other] + shift for other, shift in around) / len(around) if around else place[index]
            for index, around in enumerate(near)
        ]
        place = _apart([(one + other) / 2 for one, other in zip(place, wanted, strict=True)], before, left, right)
    return [place[of[number]] + offset[number] for number in range(len(slots.widths))]


def _apart(
    wanted: list[float],
    order: list[int],
    left: list[list[tuple[int, float]]],
    right: list[list[tuple[int, float]]],
) -> list[float]:
    """Far enough apart: in the middle between moving all that must move to the right, and all to the left."""
    up, down = list(wanted), list(wanted)
    for index in order:
        up[index] = max([up[index], *(up[other] + gap for other, gap in left[index])])
    for index in reversed(order):
        down[index] = min([down[index], *(down[other] - gap for other, gap in right[index])])
    return [(one + other) / 2 for one, other in zip(up, down, strict=True)]


def _chains(slots: Slots) -> tuple[list[list[int]], list[int], list[float]]:
    """Slots that are to stand straight below each other, an order of these chains from left to right, and each slot's
    offset in its chain.

    Where chains cross, there is no such order: those that are in the way are taken apart.
    """
    behind: dict[int, tuple[int, float]] = {}
    for number, down in enumerate(slots.down):
        if len(down) == 1 and len(slots.up[down[0][0]]) == 1:
            behind[number] = down[0]
    while True:
        heads = set(range(len(slots.widths))) - {other for other, _ in behind.values()}
        chains, offset = [], [0.0] * len(slots.widths)
        for head in sorted(heads):
            chain = [head]
            while chain[-1] in behind:
                other, shift = behind[chain[-1]]
                offset[other] = offset[chain[-1]] - shift
                chain.append(other)
            chains.append(chain)
        order = _left_to_right(slots, chains)
        stuck = set(range(len(chains))) - set(order)
        if not stuck:
            return chains, order, offset
        for index in stuck:
            for number in chains[index]:
                behind.pop(number, None)


def _left_to_right(slots: Slots, chains: Sequence[Sequence[int]]) -> list[int]:
    """The chains, each behind those to its left; those that cannot be ordered are left out."""
    of = {number: index for index, chain in enumerate(chains) for number in chain}
    to_right: list[set[int]] = [set() for _ in chains]
    waiting = [0] * len(chains)
    for row in slots.rows:
        for one, other in pairwise(row):
            if of[other] not in to_right[of[one]]:
                to_right[of[one]].add(of[other])
                waiting[of[other]] += 1
    ready = [index for index, count in enumerate(waiting) if not count]
    for index in ready:
        for other in sorted(to_right[index]):
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return ready


def _relaxed(slots: Slots) -> list[float]:
    """Each slot near those it is connected with, layer by layer, up and down."""
    found = [0.0] * len(slots.widths)
    for row in slots.rows:
        _spread(slots, row, lambda _: 0.0, found)
    for sweep in range(SWEEPS):
        ways = ((slots.up,), (slots.down,), (slots.up, slots.down))[sweep % 3]

        def wanted(number: int, ways: tuple[list[list[tuple[int, float]]], ...] = ways) -> float:
            near = [found[other] + shift for way in ways for other, shift in way[number]]
            return sum(near) / len(near) if near else found[number]

        for row in reversed(slots.rows) if sweep % 3 == 1 else slots.rows:
            _spread(slots, row, wanted, found)
    return found


def _spread(slots: Slots, row: Sequence[int], wanted: Callable[[int], float], found: list[float]) -> None:
    """Put a layer's slots as near as can be, in squares, to where they are wanted, in order and a gap apart."""
    offsets = [0.0]
    for one, other in pairwise(row):
        offsets.append(offsets[-1] + slots.apart(one, other))
    groups: list[tuple[float, int]] = []
    for number, shift in zip(row, offsets, strict=False):
        mean, count = wanted(number) - shift, 1
        while groups and groups[-1][0] >= mean:
            other_mean, size = groups.pop()
            mean, count = (mean * count + other_mean * size) / (count + size), count + size
        groups.append((mean, count))
    means = [mean for mean, count in groups for _ in range(count)]
    for number, mean, shift in zip(row, means, offsets, strict=False):
        found[number] = mean + shift
