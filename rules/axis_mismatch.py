"""A batch normalization keeps another axis apart than the one with the channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Origin, Tensor, by_construction, is_batchnorm, which_of
from bnlint.graph.channels import KEEPS_AXES, channel_axis, ends, normalized_axis
from bnlint.rulebook.change import Change, Function, RemoveArgument, SetArgument

category = "construction"
severity = Severity.ERROR

_COLOURS = (1, 3, 4)


@dataclass(frozen=True)
class _Mismatch:
    """What shows where the channels are, their axis, the one that is normalized, and whether that is certain."""

    shown_by: str
    origin: Origin | None
    channels: int
    normalized: int
    certain: bool


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each batch normalization whose axis is known not to be the channels'."""
    for calls in by_construction(call for call in program.calls if is_batchnorm(call.layer) and not call.layer.op):
        found = {call: wrong for call in calls if call.inputs and (wrong := _judge(call))}
        if not found:
            continue
        certain = {call: wrong for call, wrong in found.items() if wrong.certain}
        call, wrong = next(iter((certain or found).items()))
        axis = call.layer.arg("axis").value
        given = "" if axis == wrong.normalized else f" (axis={axis})"
        said = f"BatchNormalization keeps axis {wrong.normalized}{given} apart{_size(call, wrong.normalized)}"
        said += f", but the channels are on axis {wrong.channels}: {wrong.shown_by}"
        where = which_of(list(certain or found), calls, program)
        related = ((wrong.origin, "this says where the channels are"),) if wrong.origin is not None else ()
        level, change = (None, None if where else _change(call, wrong)) if certain else (Severity.ADVICE, None)
        yield Problem(call.layer.origin, f"{said}{where}.", level, related, change)


def _change(call: Call, wrong: _Mismatch) -> Change:
    """Name the channels' axis; the last one is the default."""
    origin = call.layer.origin
    step: SetArgument | RemoveArgument = RemoveArgument(origin, "axis", position=0)
    if wrong.channels == 1:
        step = SetArgument(origin, "axis", 1, position=0)
    return Change("Normalize the channels' axis", (step,), Function((call,)))


def _size(call: Call, axis: int) -> str:
    shape = call.inputs[0].shape
    size = shape[axis] if shape is not None and axis < len(shape) else None
    return "" if size is None else f", with {size} entries"


def _judge(call: Call) -> _Mismatch | None:
    """What is wrong with the axis on every way into the call; None where a way is right or not known."""
    first: _Mismatch | None = None
    for source in call.inputs[0].sources():
        wrong = _judge_way(call, source)
        if wrong is None:
            return None
        first = first or wrong
    return first


def _judge_way(call: Call, source: Tensor) -> _Mismatch | None:
    reached = [end for end, _ in ends(source, lambda step: step.layer.kind in KEEPS_AXES)]
    producers = [end.call for end in reached if end.call is not None and _convolves(end.call)]
    if producers:
        return _behind(call, producers)
    if len(reached) == 1 and reached[0].input is not None and reached[0].shape is not None:
        return _on_input(call, reached[0].shape, reached[0].input.origin)
    return None


def _convolves(call: Call) -> bool:
    return "Conv" in call.layer.kind or (call.layer.wrapped is not None and "Conv" in call.layer.wrapped.kind)


def _behind(call: Call, producers: list[Call]) -> _Mismatch | None:
    """The verdict of the convolutions in front; they must be of one mind."""
    layouts = [channel_axis(producer.layer) for producer in producers]
    known = {layout[:2] for layout in layouts if layout is not None}
    if None in layouts or len(known) != 1:
        return None
    channels, rank = known.pop()
    shape = call.inputs[0].shape
    axis = normalized_axis(call.layer, rank)
    if axis in (None, 0, channels) or (shape is not None and len(shape) != rank):
        return None
    if channels != 1 and axis == 1 and any(_fed_channels_first(producer) for producer in producers):
        return None
    sure = call.layer.arg("axis").certain and all(layout[2] for layout in layouts if layout is not None)
    said = (
        f"{producers[0].layer.kind} in front of it is {'channels_last' if channels == rank - 1 else 'channels_first'}"
    )
    return _Mismatch(said, producers[0].layer.origin, channels, axis or 0, sure)


def _fed_channels_first(producer: Call) -> bool:
    """Whether the images come with the channels in front: then keras.json, which nobody sees here, says so too."""
    if producer.layer.arg("data_format").given:
        return False
    inputs = [end.shape for given in producer.inputs for end, _ in ends(given, lambda step: True)]
    return any(
        shape is not None and shape[1:2] and shape[1] in _COLOURS and shape[-1] not in _COLOURS for shape in inputs
    )


def _on_input(call: Call, shape: tuple[int | None, ...], origin: Origin) -> _Mismatch | None:
    """The verdict of an input's shape, of an image only: a spectrogram may be normalized by frequency on purpose."""
    axis = normalized_axis(call.layer, len(shape))
    if len(shape) != 4 or axis not in (1, 2) or shape[3] not in _COLOURS or None in shape[1:3] or shape[1] in _COLOURS:
        return None
    if shape[3] == 1 and shape[1] != shape[2]:
        return None
    return _Mismatch(f"the input has shape {shape[1:]}", origin, 3, axis, call.layer.arg("axis").certain)
