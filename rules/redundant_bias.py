"""A bias in front of a batch normalization, which subtracts it again."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.catalog import kind_of, row
from bnlint.graph import (
    BATCH_NORMALIZATIONS,
    Call,
    Layer,
    Tensor,
    activates,
    by_construction,
    is_batchnorm,
    is_linear,
    users,
    which_of,
)
from bnlint.graph.channels import channel_axis, data_format, normalized_axis
from bnlint.graph.freezing import contents, ever_frozen, may_learn
from bnlint.rulebook.change import Change, Function, SetArgument

category = "placement"
severity = Severity.ADVICE

_Axis = tuple[int, int]
"""An axis, and the number of axes there are; (-1, 0) for the last of an unknown number."""


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each linear layer whose bias reaches nothing but batch normalizations over the same channels, unchanged.

    Not where trained weights are loaded, which have the bias; nor where a model is made to be shown on some data.
    """
    given = [model for model in program.models if model.pretrained or model.event_kinds() == {"call"}]
    spared = {inner for model in given for inner in contents(model)}
    kept = {source for model in program.models for output in model.outputs for source in (output, *output.sources())}
    frozen = ever_frozen(program)
    for calls in by_construction(call for call in program.calls if is_linear(call.layer) and not call.layer.op):
        layers = {call.layer: None for call in calls}
        if calls[0].context.testing or not spared.isdisjoint(layers):
            continue
        found = {layer: absorbed for layer in layers if (absorbed := _absorbed(layer, kept, frozen))}
        # Of a helper in another file this program knows some uses only.
        if found and calls[0].layer.origin.path == program.path:
            layer, normalized = next(iter(found.items()))
            kind = f"{layer.kind}({layer.wrapped.kind})" if layer.wrapped is not None else layer.kind
            related = ((normalized.layer.origin, "this batch normalization subtracts it"),)
            where = which_of([one.calls[0] for one in found], [one.calls[0] for one in layers], program, made=True)
            argument = "bias" if program.keras_1 else "use_bias"
            said = f"The bias of {kind} has no effect{where}: BatchNormalization subtracts it with the mean"
            said += f"; {argument}=False computes the same{' there' if where else ''}."
            change = None if where else _change(layer, argument)
            yield Problem(layer.origin, said, related=related, change=change)


def _change(layer: Layer, argument: str) -> Change:
    """Leave the bias out; the way to the first batch normalization is what has to compute the same."""
    way = [layer.calls[0]]
    while not is_batchnorm(way[-1].layer):
        way.append(next(iter(users(way[-1]))))
    while layer.wrapped is not None:
        layer = layer.wrapped
    return Change("Leave out the bias", (SetArgument(layer.origin, argument, False),), Function(tuple(way)))


def _absorbed(layer: Layer, kept: set[Tensor], frozen: set[Layer]) -> Call | None:
    """A batch normalization that takes the layer's bias, if on every way from every call of the layer there is one."""
    found: list[Call] = []
    if not _has_bias(layer):
        return None
    for call in layer.calls:
        axis = _channels(call)
        stack = [(call, axis)] if axis is not None and activates(call) is False else []
        if not stack:
            return None
        while stack:
            current, axis = stack.pop()
            following = list(users(current))
            if not following or current.output.escaped or current.output in kept:
                return None
            for user in following:
                moved = None if user.optional and not call.optional else _carried(user, axis)
                if moved is not None:
                    stack.append((user, moved))
                elif user.layer not in frozen and _subtracts(user, axis, call):
                    found.append(user)
                else:
                    return None
    return found[0] if found else None


def _has_bias(layer: Layer) -> bool:
    """Whether a linear layer, of Keras's own class, adds one number to each channel, without being asked to."""
    while layer.wrapped is not None:
        layer = layer.wrapped
    if (
        layer.kind == "EinsumDense"
        or layer.kind.startswith("Locally")
        or kind_of(layer.cls or layer.kind) != layer.kind
    ):
        return False
    bias = layer.arg("use_bias")
    return bias.value is True and not (bias.given and bias.certain)


def _channels(call: Call) -> _Axis | None:
    """Where the channels of a linear layer's output are."""
    layout = channel_axis(call.layer)
    if layout is not None:
        return layout[:2]
    if (call.layer.wrapped or call.layer).kind != "Dense":
        return None
    shape = call.output.shape
    return (len(shape) - 1, len(shape)) if shape else (-1, 0)


def _carried(call: Call, channels: _Axis) -> _Axis | None:
    """Where the channels are behind a call that lets a bias pass as one number a channel; None behind others."""
    kind, (axis, rank) = call.layer.kind, channels
    if kind in ("Identity", "GaussianNoise") or (kind == "Activation" and activates(call) is False):
        return channels
    if kind == "Flatten":
        return 1, 2
    if rank < 3 or not row(kind).transparent:
        return None
    format_ = data_format(call.layer).value if "data_format" in call.layer.defaults else "channels_last"
    if axis != {"channels_first": 1, "channels_last": rank - 1}.get(str(format_)):
        return None
    if kind.startswith("Global"):
        return {False: (1, 2), True: channels}.get(call.layer.arg("keepdims").value is True)
    return channels


def _subtracts(normalized: Call, channels: _Axis, linear: Call) -> bool:
    """Whether the call is a batch normalization that surely subtracts the mean of each of these channels."""
    layer, (axis, rank) = normalized.layer, channels
    if not is_batchnorm(layer) or layer.cls not in BATCH_NORMALIZATIONS or layer.arg("renorm").value is True:
        return False
    over = layer.arg("axis").value == -1 if rank == 0 else normalized_axis(layer, rank) == axis
    return over and (linear.optional or not normalized.optional) and may_learn(normalized)
