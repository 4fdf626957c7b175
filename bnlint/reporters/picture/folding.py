"""Which blocks of a model repeat, so that one copy with a count stands for all.

A block folds only if its copies are alike in all that is shown and each takes what comes from outside in one of two
ways: as the one before it puts it out, or from where all the others take it. So one copy and the count say everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...graph.picture import Shown

WHOLE = 30
"""Up to how many nodes a model is drawn as it is."""

LEAST = 4
"""How many nodes folding must save."""

LONGEST = 150
"""Blocks of more nodes are not looked for."""


@dataclass(frozen=True, slots=True)
class Fold:
    """`times` copies of a block of `size` nodes, the first from node `first` on; each puts out its `exit`-th node."""

    first: int
    size: int
    times: int
    exit: int

    @property
    def end(self) -> int:
        """The number behind its last node."""
        return self.first + self.size * self.times

    @property
    def entry(self) -> int:
        """The node whose output the first copy takes as the others take the exit of the copy before."""
        return self.first - self.size + self.exit


def folds(nodes: Sequence[Shown], outputs: Iterable[int]) -> list[Fold]:
    """The blocks to fold, in order; they do not overlap."""
    if len(nodes) <= WHOLE:
        return []
    search = _Search(nodes, outputs)
    found: list[Fold] = []
    open_ranges = [(0, len(nodes))]
    while open_ranges:
        low, high = open_ranges.pop()
        fold = search.best(low, high)
        if fold is not None:
            found.append(fold)
            open_ranges += [(low, fold.first), (fold.end, high)]
    return sorted(found, key=lambda fold: fold.first)


class _Search:
    """Looks for repetitions in the series of nodes."""

    def __init__(self, nodes: Sequence[Shown], outputs: Iterable[int]) -> None:
        self._nodes = nodes
        kinds: dict[object, int] = {}
        self._kinds = [kinds.setdefault(_shown(node), len(kinds)) for node in nodes]
        self._last_use = [-1] * len(nodes)
        for node in nodes:
            for number in node.inputs:
                self._last_use[number] = max(self._last_use[number], node.number)
        for number in outputs:
            self._last_use[number] = len(nodes)

    def best(self, low: int, high: int) -> Fold | None:
        """The fold within these nodes that saves most; of those, one that begins with a linear layer, and the last."""
        candidates = sorted(self._candidates(low, high), reverse=True)
        for _, _, first, size, times in candidates:
            fold = self._fold(first, size, times)
            if fold is not None:
                return fold
        return None

    def _candidates(self, low: int, high: int) -> Iterator[tuple[int, bool, int, int, int]]:
        for size in range(1, min(LONGEST, (high - low) // 2) + 1):
            run = 0
            for first in range(high - size - 1, low - 1, -1):
                run = run + 1 if self._alike(first, size) else 0
                times = run // size + 1
                linear = self._nodes[first].form == "linear"
                for count in range(times, max(1, times - 2), -1):
                    if (count - 1) * size >= LEAST:
                        yield (count - 1) * size, linear, first, size, count

    def _alike(self, number: int, size: int) -> bool:
        """Whether a node and the one `size` further look alike and take alike: the same nodes, or as much further."""
        if self._kinds[number] != self._kinds[number + size]:
            return False
        here, there = self._nodes[number].inputs, self._nodes[number + size].inputs
        return len(here) == len(there) and all(b in (a, a + size) for a, b in zip(here, there, strict=True))

    def _fold(self, first: int, size: int, times: int) -> Fold | None:
        """The fold, where one copy can stand for all."""
        carried, shared = set(), set()
        for place in range(size):
            takes = [self._nodes[first + copy * size + place].inputs for copy in range(times)]
            for slot, (before, taken) in enumerate(zip(takes[0], takes[1], strict=True)):
                step = taken - before
                if any(taken + step * copy != other[slot] for copy, other in enumerate(takes[1:])):
                    return None
                if (taken < first and step) or (first <= taken and not step):
                    return None
                if first <= taken < first + size:
                    carried.add(taken - first)
                elif not step:
                    shared.add(taken)
        if len(carried) != 1:
            return None
        fold = Fold(first, size, times, carried.pop())
        if fold.entry < 0 or fold.entry in shared:  # a line from there would not say which of the two it is
            return None
        last = fold.end - size + fold.exit
        hidden = (number for number in range(first, fold.end) if number != last)
        return None if any(self._last_use[number] >= fold.end for number in hidden) else fold


def _shown(node: Shown) -> object:
    """What a node shows but for its name; nodes that differ in it are not of the same block."""
    return (node.kind, node.form, node.settings, node.rate is None, node.training, node.optional, node.branched)
