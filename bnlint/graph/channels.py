"""Where a tensor's channels are, and which of its axes a batch normalization keeps apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..catalog import FUNCTIONS, LAYERS, row
from .kinds import LINEAR
from .nodes import Arg, Call, Layer, Model, Tensor

KEEPS_AXES = frozenset(one.name for one in (*LAYERS.values(), *FUNCTIONS.values()) if one.keeps_axes)
"""What leaves the axes of a tensor where they are, whatever it does to the values."""


Trail = tuple[Call, "Trail"] | None
"""A call and the trail that leads to it."""


def ends(
    tensor: Tensor, through: Callable[[Call], bool], limit: int = 200
) -> Iterator[tuple[Tensor, tuple[Call, ...]]]:
    """Walk back from a tensor to every nearest one that `through` does not let pass, inputs included.

    Each comes with the calls passed on the way, from the last to the first. Follows alternatives, and looks into a
    nested model of one output.
    """
    stack: list[tuple[Tensor, Trail]] = [(tensor, None)]
    seen: set[Tensor] = set()
    while stack and len(seen) < limit:
        current, passed = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        call = current.call
        if current.either:
            stack.extend((one, passed) for one in reversed(current.either) if one not in seen)
        elif call is not None and through(call):
            further = (call, passed)
            stack.extend((given, further) for given in call.inputs if given not in seen)
        elif (
            call is not None
            and isinstance(call.layer, Model)
            and len(call.layer.outputs) == 1
            and current is call.output
        ):
            stack.append((call.layer.outputs[0], passed))
        else:
            yield current, along(passed)


def along(trail: Trail) -> tuple[Call, ...]:
    """The calls of a trail, from the one where it begins."""
    calls = []
    while trail is not None:
        call, trail = trail
        calls.append(call)
    return tuple(reversed(calls))


def data_format(layer: Layer) -> Arg:
    """A layer's data format, Keras's default filled in; Unknown where it has none, or that is not known."""
    given = layer.arg("data_format")
    return Arg("channels_last", given.origin, given.certain) if given.value is None else given


def channel_axis(layer: Layer) -> tuple[int, int, bool] | None:
    """The axis of a convolution's channels, the rank of its output, and whether that is more than a default.

    None for other layers, and where the data format is not known.
    """
    if layer.kind == "TimeDistributed" and layer.wrapped is not None:
        inner = channel_axis(layer.wrapped)
        return None if inner is None else (inner[0] + 1, inner[1] + 1, inner[2])
    if layer.wrapped is not None:
        return channel_axis(layer.wrapped)
    rank = row(layer.kind).spatial
    format_ = data_format(layer)
    if layer.kind not in LINEAR or layer.op or not rank or format_.value not in ("channels_first", "channels_last"):
        return None
    return (1 if format_.value == "channels_first" else rank + 1), rank + 2, format_.certain


def normalized_axis(layer: Layer, rank: int) -> int | None:
    """The axis whose entries a batch normalization keeps apart, from 0; None where it is not known or not there."""
    axis = layer.arg("axis").value
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    if not isinstance(axis, int) or isinstance(axis, bool) or not -rank <= axis < rank:
        return None
    return axis % rank
