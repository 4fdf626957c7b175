"""How the windows, paddings and reshapes of a network meet the ends of what comes in.

A bias that is added in front of them is the same number everywhere only where none of this gets in the way. Sizes stand
for others where all of it is the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...reference.windows import each, padding_of
from .budget import BATCH
from .costs import Given, Run, Shape, each_pair
from .specs import Network, Spec, arranged

Window: TypeAlias = tuple[int, int, int, int, str]
"""On one axis: its length, the number of taps, stride, dilation, and padding."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Of one value: how many elements of each spatial axis a padding reaches, in front and behind; with which period a
    constant changes along it, behind a transposed convolution; and how many channels there were where elements were
    last in order.
    """

    reached: tuple[tuple[int, int], ...]
    periods: tuple[int, ...]
    channels: int


def edges(network: Network, run: Run, shapes: Sequence[Shape]) -> list[object]:
    """What is said of each layer; two lists are equal where the sizes behind them say the same of a constant."""
    sizes = {-1 - number: (BATCH, *shape) for number, shape in enumerate(shapes)}
    sizes |= {number: cost.shape for number, cost in enumerate(run.nodes)}
    found = {
        number: Edge(((0, 0),) * max(len(shape) - 2, 0), (1,) * max(len(shape) - 2, 0), shape[-1])
        for number, shape in sizes.items()
    }
    said: list[object] = []
    for number in arranged(network):
        spec, inputs = network.nodes[number].spec, network.nodes[number].inputs
        if not inputs:
            continue
        before, after = sizes[inputs[0]], sizes[number]
        reached = _most([found[one].reached for one in inputs])
        channels = found[inputs[0]].channels
        if spec.kind in ("Flatten", "Reshape"):
            last = after[-1]
            said.append((last == channels, last % channels == 0, channels % last == 0))
            found[number] = Edge((), (), channels)
            continue
        reached = _reached(spec, reached, before, len(after) - 2)
        periods, phases = _periods(spec, found[inputs[0]].periods, before, len(after) - 2)
        found[number] = Edge(reached, periods, after[-1])
        said.append((border(spec, before), phases, [(front > 0, behind > 0) for front, behind in reached]))
    return said


def _most(several: list[tuple[tuple[int, int], ...]]) -> tuple[tuple[int, int], ...]:
    """Of values that are joined, what reaches furthest."""
    if len({len(one) for one in several}) != 1:
        return ()
    return tuple((max(one for one, _ in axis), max(one for _, one in axis)) for axis in zip(*several, strict=True))


def _reached(spec: Spec, reached: tuple[tuple[int, int], ...], shape: Shape, rank: int) -> tuple[tuple[int, int], ...]:
    """How far paddings reach into a layer's output, its own too."""
    if rank != len(reached):
        return ()
    if spec.inner is not None:
        return (reached[0], *_reached(spec.inner, reached[1:], (shape[0], *shape[2:]), rank - 1))
    if spec.row.spatial != rank:
        return reached
    args: dict[str, Any] = dict(spec.args)
    if spec.row.family == "Cropping":
        pairs = zip(reached, each_pair(args["cropping"], rank), strict=True)
        return tuple((max(front - a, 0), max(behind - b, 0)) for (front, behind), (a, b) in pairs)
    if spec.row.family == "ZeroPadding":
        pairs = zip(reached, each_pair(args["padding"], rank), strict=True)
        return tuple((front + a if a else front, behind + b if b else behind) for (front, behind), (a, b) in pairs)
    if spec.row.family == "UpSampling":
        sizes = each(args["size"], rank)
        return tuple((front * s, behind * s) for (front, behind), s in zip(reached, sizes, strict=True))
    through = _through_transposed if spec.row.family == "ConvTranspose" else _through
    axes = _windows(spec, args, shape)
    return tuple(through(*pair) for pair in zip(reached, axes, strict=True)) if axes else reached


def _windows(spec: Spec, args: dict[str, Any], shape: Shape) -> list[Window]:
    """How windows lie on each spatial axis; nothing where the layer has none."""
    rank = spec.row.spatial
    size = args.get("kernel_size") or args.get("pool_size")
    if size is None:
        return []
    sizes, strides = each(size, rank), each(args.get("strides") or size, rank)
    dilation = each(args.get("dilation_rate") or 1, rank)
    spatial, _ = Given(spec, args).parts(shape)
    return [(*axis, str(args["padding"])) for axis in zip(spatial, sizes, strides, dilation, strict=True)]


def _through(reached: tuple[int, int], window: Window) -> tuple[int, int]:
    """How far a padding reaches behind windows."""
    n, k, s, d, padding = window
    front, behind = padding_of(n, k, s, d, padding)
    count = (n + front + behind - (k - 1) * d - 1) // s + 1
    first = -(-(front + reached[0]) // s)
    last = (n - reached[1] + front - (k - 1) * d - 1) // s + 1
    return min(first, count), min(max(count - last, 0), count)


def _through_transposed(reached: tuple[int, int], window: Window) -> tuple[int, int]:
    """How far ends, which fewer taps see, reach behind a transposed convolution."""
    _, k, s, d, padding = window
    cut = max((k - 1) * d + 1 - s, 0) if padding == "same" else 0
    front, behind = (one * s + (k - 1) * d for one in reached)
    return max(front - cut // 2, 0), max(behind - (cut - cut // 2), 0)


def _periods(
    spec: Spec, periods: tuple[int, ...], shape: Shape, rank: int
) -> tuple[tuple[int, ...], list[tuple[bool, bool]]]:
    """The periods with which a constant changes in a layer's output; and whether its windows see one phase of each."""
    windows = _windows(spec, dict(spec.args), shape) if spec.inner is None and spec.row.spatial == rank else []
    if rank != len(periods) or (windows and len(windows) != rank):
        return (1,) * max(rank, 0), []
    if spec.row.family == "ConvTranspose":
        made = [1 if d == 1 and k % s == 0 else s for _, k, s, d, _ in windows]
        return tuple(map(math.lcm, periods, made)), []
    phases = [(period > 1, s % period == 0) for period, (_, _, s, _, _) in zip(periods, windows, strict=False)]
    left = tuple(period // math.gcd(period, s) for period, (_, _, s, _, _) in zip(periods, windows, strict=False))
    return left or periods, phases


def border(spec: Spec, shape: Shape) -> list[object]:
    """How a layer's windows meet the ends of each axis: padded before or behind, and whether some of it is in none.

    And how they meet each other, if at all, whether one of them sees all of it, and what they see of it.
    """
    if spec.inner is not None:
        return border(spec.inner, (shape[0], *shape[2:]))
    found: list[object] = []
    for window in _windows(spec, dict(spec.args), shape) if "Transpose" not in spec.kind else ():
        n, k, s, d, padding = window
        before, behind = padding_of(n, k, s, d, padding)
        reach = (k - 1) * d + 1
        left = (n + before + behind - reach) % s
        found.append((before > 0, behind > 0, left > 0, reach > s, reach < s, n > reach, n < reach, *_sight(window)))
    return found


def _sight(window: Window) -> tuple[bool, bool]:
    """Whether all windows see the axis with the same taps, and whether one of them sees nothing of it."""
    n, k, s, d, padding = window
    front, behind = padding_of(n, k, s, d, padding)
    count = (n + front + behind - (k - 1) * d - 1) // s + 1

    def taps(at: int) -> tuple[int, int]:
        start = front - at * s
        return max(-(-start // d), 0), min((start + n - 1) // d, k - 1)

    blind = n < d and any(first > last for first, last in map(taps, range(count)))
    return taps(0) == taps(count - 1), blind
