"""Where things go: a layered layout by igraph's Sugiyama, for boxes of unlike sizes.

igraph orders what stands in a layer so that few edges cross; from that order the places follow, as near to what a box
is connected with as the others leave room.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from .straight import Slots, centers

Point = tuple[float, float]

LAYER_GAP = 16.0


class Missing(ImportError):
    """igraph is not installed."""


@dataclass(frozen=True, slots=True)
class Box:
    """Something to be placed, with its size in pixels; at an edge, where lines lead on from there."""

    key: Hashable
    width: float
    height: float
    edge: Literal["", "top", "bottom"] = ""


@dataclass(frozen=True, slots=True)
class Line:
    """An edge between two boxes; from where below the one to where above the other, as offsets from their middles."""

    source: Hashable
    target: Hashable
    leaves: float = 0.0
    arrives: float = 0.0


@dataclass(slots=True)
class Layout:
    """The left upper corner of each box, the way of each line from its box to the other, and the size of it all."""

    width: float
    height: float
    corners: dict[Hashable, Point] = field(default_factory=dict)
    ways: list[list[Point]] = field(default_factory=list)


def arrange(boxes: Sequence[Box], lines: Sequence[Line]) -> Layout:
    """Place boxes in layers from top to bottom, each below those it has a line from.

    Every line's source stands before its target in `boxes`. Raises Missing without igraph.
    """
    layers = _layers(boxes, lines)
    chains, steps = _chains(boxes, lines, layers)
    widths = [box.width for box in boxes] + [0.0] * (len(layers) - len(boxes))
    slots = Slots(widths, _rows(layers, steps), steps)
    middles = centers(slots)
    left = min((middle - width / 2 for middle, width in zip(middles, widths, strict=True)), default=0.0)
    right = max((middle + width / 2 for middle, width in zip(middles, widths, strict=True)), default=0.0)
    middles = [middle - left for middle in middles]
    tops: list[float] = []
    bottom = -LAYER_GAP
    heights = [max((boxes[n].height for n in row if n < len(boxes)), default=0.0) for row in slots.rows]
    for height in heights:
        tops.append(bottom + LAYER_GAP)
        bottom = tops[-1] + height
    layout = Layout(right - left, max(bottom, 0.0))
    for number, box in enumerate(boxes):
        row = layers[number]
        top = tops[row] + (heights[row] - box.height) / 2
        layout.corners[box.key] = (middles[number] - box.width / 2, top)
    for line, chain in zip(lines, chains, strict=True):
        source, target = chain[0], chain[-1]
        out, into = middles[source] + line.leaves, middles[target] + line.arrives
        way = [(out, layout.corners[line.source][1] + boxes[source].height)]
        way.append((out, tops[layers[source]] + heights[layers[source]]))
        for number in chain[1:-1]:
            row = layers[number]
            way += [(middles[number], tops[row]), (middles[number], tops[row] + heights[row])]
        way.append((into, tops[layers[target]]))
        way.append((into, layout.corners[line.target][1]))
        layout.ways.append(way)
    return layout


def _layers(boxes: Sequence[Box], lines: Sequence[Line]) -> list[int]:
    """As high up as can be, or at an edge; what has no line into it as far down as can be."""
    index = {box.key: number for number, box in enumerate(boxes)}
    before: list[list[int]] = [[] for _ in boxes]
    behind: list[list[int]] = [[] for _ in boxes]
    for line in lines:
        source, target = index[line.source], index[line.target]
        before[target].append(source)
        behind[source].append(target)
    layers = [0] * len(boxes)
    for number in range(len(boxes)):
        layers[number] = max((layers[other] + 1 for other in before[number]), default=0)
    for number in range(len(boxes)):
        if not before[number] and behind[number] and boxes[number].edge != "top":
            layers[number] = min(layers[other] for other in behind[number]) - 1
    last = max(layers, default=0)
    return [last if box.edge == "bottom" else layer for box, layer in zip(boxes, layers, strict=True)]


def _chains(
    boxes: Sequence[Box], lines: Sequence[Line], layers: list[int]
) -> tuple[list[list[int]], list[tuple[int, int, float, float]]]:
    """The slots that each line passes, and all steps from slot to slot; adds the slots without a box to `layers`.

    Lines out of one box pass through the same slots as long as they can.
    """
    index = {box.key: number for number, box in enumerate(boxes)}
    chains: list[list[int]] = []
    steps: dict[tuple[int, int, float, float], None] = {}
    shared: dict[tuple[int, int], int] = {}
    for line in lines:
        source, target = index[line.source], index[line.target]
        chain = [source]
        for layer in range(layers[source] + 1, layers[target]):
            if (source, layer) not in shared:
                shared[source, layer] = len(layers)
                layers.append(layer)
            chain.append(shared[source, layer])
        chain.append(target)
        chains.append(chain)
        for one, other in pairwise(chain):
            ends = (line.leaves if one == source else 0.0, line.arrives if other == target else 0.0)
            steps[(one, other, *ends)] = None
    return chains, list(steps)


def _rows(layers: list[int], steps: Sequence[tuple[int, int, float, float]]) -> list[list[int]]:
    """The slots of each layer from left to right, as igraph orders them."""
    rows: list[list[int]] = [[] for _ in range(max(layers, default=-1) + 1)]
    for number, layer in enumerate(layers):
        rows[layer].append(number)
    if all(len(row) < 2 for row in rows):
        return rows
    edges = sorted({(one, other) for one, other, _, _ in steps})
    found = _igraph().Graph(len(layers), edges, directed=True).layout_sugiyama(layers=layers, hgap=1, vgap=1)
    places = found[0] if isinstance(found, tuple) else found
    return [sorted(row, key=lambda number: (places[number][0], number)) for row in rows]


def _igraph() -> Any:
    try:
        import igraph
    except ImportError:
        raise Missing("pictures of models need igraph: pip install 'bnlint[plots]'") from None
    return igraph


def spare_matplotlib() -> None:
    """Load igraph without matplotlib, on which it would spend most of a second.

    For a process that is bnlint's own: the plots of igraph do not work there any more.
    """
    if "matplotlib" in sys.modules:
        return
    sys.modules["matplotlib"] = None  # type: ignore[assignment]
    try:
        with suppress(Missing):
            _igraph()
    finally:
        del sys.modules["matplotlib"]
