"""A batch normalization normalizes what another one has just normalized."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Layer, by_construction, is_batchnorm, is_pass_through, which_of
from bnlint.graph.channels import ends, normalized_axis
from bnlint.graph.freezing import ever_frozen
from bnlint.rulebook.change import Change, Function, RemoveCall

category = "placement"
severity = Severity.WARNING

_Before = tuple[Call, tuple[Call, ...]]


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each batch normalization whose whole input comes from batch normalizations, through pass-through layers only."""
    frozen = ever_frozen(program)
    for calls in by_construction(call for call in program.calls if is_batchnorm(call.layer)):
        found = {call: before for call in calls if (before := _before(call, frozen))}
        for call, (first, passed) in list(found.items())[:1]:
            way = " and ".join(step.layer.kind for step in reversed(passed))
            where = which_of(found, calls, program)
            said = f"BatchNormalization behind BatchNormalization{f', with only {way} between' if way else ''}"
            said += f"{where}: it undoes the scale and offset of the first."
            proof = Function((first, *reversed(passed), call))
            change = None if where else Change("Leave out the second of the two", (RemoveCall(call),), proof)
            related = ((first.layer.origin, "this one normalizes it first"),)
            yield Problem(call.layer.origin, said, related=related, change=change)


def _before(call: Call, frozen: set[Layer]) -> _Before | None:
    """The batch normalization in front, and the calls between; None unless all that comes in is normalized."""
    found: list[_Before] = []
    if call.layer in frozen or not call.inputs:
        return None
    for end, passed in ends(call.inputs[0], lambda step: is_pass_through(step.layer)):
        first = end.call
        if first is None or not is_batchnorm(first.layer) or first.layer in frozen or not _alike(first, call):
            return None
        found.append((first, passed))
    return found[0] if found else None


def _alike(first: Call, second: Call) -> bool:
    """Whether both keep the same axis apart, as far as a change of rank between them lets one say."""
    one, other = first.layer.arg("axis").value, second.layer.arg("axis").value
    if one == other and isinstance(one, int):
        return True
    ranks = [len(call.inputs[0].shape or ()) if call.inputs else 0 for call in (first, second)]
    if ranks[0] != ranks[1] or not ranks[0]:
        return False
    axis = normalized_axis(first.layer, ranks[0])
    return axis is not None and axis == normalized_axis(second.layer, ranks[1])
