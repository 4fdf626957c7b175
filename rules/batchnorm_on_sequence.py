"""A batch normalization on a sequence: its statistics mix time steps, and lengths."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.catalog import kinds, parameters, row
from bnlint.graph import (
    BATCH_NORMALIZATIONS,
    DROPOUTS,
    Call,
    Layer,
    Tensor,
    by_construction,
    is_batchnorm,
    users,
    which_of,
)
from bnlint.graph.channels import ends
from bnlint.graph.freezing import ever_frozen, may_learn
from bnlint.rulebook.change import Change, Construct, Function, RemoveArgument

category = "placement"
severity = Severity.ADVICE

_OURS, _THEIRS = (set(parameters(kind)[0]) for kind in ("BatchNormalization", "LayerNormalization"))
_SHARED = {"name", "dtype", "trainable"} | _OURS & _THEIRS - {"axis"}
"""The arguments that LayerNormalization has too, with the same meaning."""
_OVER_TIME = kinds("recurrent", "attention") | {"Conv1D"}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each learning batch normalization on the output of a layer that keeps its time axis, or on its dropout."""
    frozen = ever_frozen(program)
    normalized = (
        call for call in program.calls if is_batchnorm(call.layer) and call.layer not in frozen and call.inputs
    )
    for calls in by_construction(call for call in normalized if may_learn(call)):
        found = {call: source for call in calls if (source := _sequence(call)) is not None}
        if found:
            call, source = next(iter(found.items()))
            where = which_of(list(found), calls, program)
            kind = f"{source.kind}({source.wrapped.kind})" if source.wrapped is not None else source.kind
            said = f"BatchNormalization on the sequence that {kind} puts out{where}: all steps share one mean"
            related = ((source.origin, "this layer keeps the time axis"),)
            change = None if where else _change(call)
            said = f"{said}; LayerNormalization treats each step by itself."
            yield Problem(call.layer.origin, said, related=related, change=change)


def _change(call: Call) -> Change | None:
    """LayerNormalization in its place, with the arguments that both have; it takes no `training`."""
    layer = call.layer
    if layer.cls not in BATCH_NORMALIZATIONS or len(layer.calls) != 1:
        return None
    kept = {name: arg.value for name, arg in layer.args.items() if name in _SHARED and arg.given}
    steps: tuple[Construct | RemoveArgument, ...] = (Construct(layer.origin, "LayerNormalization", kept),)
    if call.training.given:
        steps = (*steps, RemoveArgument(call.origin, "training"))
    return Change("Normalize each step by itself: LayerNormalization", steps, Function((call,)))


def _sequence(call: Call) -> Layer | None:
    """The layer whose sequence the call normalizes; None where what comes in is none, or not known to be one."""
    reached = [end for end, _ in ends(call.inputs[0], lambda step: step.layer.kind in DROPOUTS)]
    if reached and all(_keeps_time(end, call) for end in reached):
        return reached[0].call.layer if reached[0].call is not None else None
    return None


def _keeps_time(tensor: Tensor, normalized: Call) -> bool:
    call = tensor.call
    if call is None or tensor in call.outputs:
        return False  # The states, or the attention's scores.
    layer = call.layer.wrapped if call.layer.kind == "Bidirectional" and call.layer.wrapped is not None else call.layer
    if row(layer.kind).role == "recurrent" and not row(layer.kind).spatial:
        return layer.arg("return_sequences").value is True
    if layer.kind == "MultiHeadAttention":
        return True
    return layer.kind == "Embedding" and _embeds_sequence(call, normalized)


def _embeds_sequence(embedding: Call, normalized: Call) -> bool:
    """Whether more than one index is embedded a sample: the embedding of a single category has a time axis of 1."""
    shape = embedding.inputs[0].shape if embedding.inputs else None
    if shape is not None and len(shape) == 2 and shape[1] != 1:
        return True
    length = embedding.layer.args.get("input_length")
    if shape is None and length is not None and isinstance(length.value, int):
        return length.value > 1
    return shape is None and any(user.layer.kind in _OVER_TIME for user in users(normalized))
