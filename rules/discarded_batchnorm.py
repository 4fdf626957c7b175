"""A batch normalization whose result nothing uses normalizes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Origin, Tensor, by_origin, is_batchnorm, label, users
from bnlint.rulebook.change import Change, Join

category = "construction"
severity = Severity.ERROR
source_only = "a layer that nothing uses is in no model, or is not called in it"


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Batch normalizations that are never called, and calls of them that lead nowhere."""
    yield from _never_called(program)
    kept = {source for model in program.models for output in model.outputs for source in (output, *output.sources())}
    complete = not any("not followed to the end" in note for note in program.notes)
    for group in by_origin(call for call in program.calls if is_batchnorm(call.layer) and not call.layer.op):
        given_up = {call: where for call in group if complete and (where := _overwritten(call, kept))}
        lost = [call for call in group if _lost(call) or call in given_up]
        if lost:
            many = f", in {len(lost)} of the {len(group)} times this line runs" if len(lost) < len(group) else ""
            said = f"Nothing uses the result of {label(lost[0].layer)}{many}: its input goes on unnormalized."
            joins = not (many or given_up) and _goes_on(lost[0])
            change = Change("Use its result", (Join(lost[0].origin),)) if joins else None
            where = given_up.get(lost[0])
            related = ((where, "what it leads to is overwritten here"),) if where is not None else ()
            yield Problem(lost[0].origin, said, related=related, change=change)


def _goes_on(call: Call) -> bool:
    """Whether what the call takes is used behind it, where the result was meant to be."""
    return any(user.time > call.time for given in call.inputs for user in given.users) or any(
        given.escaped for given in call.inputs
    )


def _never_called(program: Program) -> Iterator[Problem]:
    wrapped = {layer.wrapped for layer in program.layers}
    for group in by_origin(layer for layer in program.layers if is_batchnorm(layer) and not layer.op):
        layer = group[0]
        # A class that others inherit makes the layer once for each of them, and one of them may call it.
        if any(other.calls or other.escaped or other in wrapped for other in group):
            continue
        if not any(other.held for other in group):
            said = f"{label(layer)} is created and thrown away: it is never called and in no model."
            yield Problem(layer.origin, said, change=Change("Let it take part", (Join(layer.origin),)))
        elif layer.attribute:
            yield Problem(layer.origin, f"{label(layer)} is never called.", Severity.ADVICE)


def _lost(call: Call) -> bool:
    """Whether nothing uses the result of a call on a symbolic tensor; one on data may be there to build the layer."""
    sources = [source for given in call.inputs for source in given.sources()]
    return call.dropped and any(source.call or source.input for source in sources) and not _on_data(call)


def _overwritten(call: Call, kept: set[Tensor]) -> Origin | None:
    """Where a variable that holds what the call led to was given what stands in its place; None where it leads on.

    What stands there starts from the same tensor and goes the same way: else one of the two may be an experiment.
    """
    found: Origin | None = None
    for end in _ends(call):
        if end.overwritten is None or end.escaped or end.data or end in kept:
            return None
        found, instead = end.overwritten
        while instead.overwritten is not None and not instead.users:
            _, instead = instead.overwritten
        other = instead.call
        if other is None or _leads_nowhere(other, kept):
            return None
        ours, theirs = _before(call), _before(other)
        mine, others = ours - theirs, theirs - ours
        if not _sources(mine) & _sources(others) or not _kinds(mine | _behind(call)) <= _kinds(others | _behind(other)):
            return None
    return found if not _on_data(call) else None


def _sources(calls: set[Call]) -> set[Tensor]:
    return {source for call in calls for given in call.inputs for source in given.sources()}


def _kinds(calls: set[Call]) -> Counter[str]:
    return Counter(call.layer.kind for call in calls)


def _ends(call: Call) -> set[Tensor]:
    """The tensors that a call leads to, and that nothing takes."""
    return {tensor for end in _behind(call) for tensor in (end.output, *end.outputs) if not tensor.users}


def _on_data(call: Call) -> bool:
    return any(given.data for given in call.inputs)


def _leads_nowhere(call: Call, kept: set[Tensor]) -> bool:
    found = (tensor for one in _behind(call) for tensor in (one.output, *one.outputs))
    return not any(tensor.escaped or tensor.data or tensor in kept for tensor in found)


def _behind(call: Call) -> set[Call]:
    """The call, and all that it leads to."""
    stack, seen = [call], {call}
    while stack:
        used_by = [user for user in users(stack.pop()) if user not in seen]
        stack += used_by
        seen.update(used_by)
    return seen


def _before(call: Call) -> set[Call]:
    """The call, and all that leads to it."""
    found, stack = {call}, [call]
    while stack:
        for source in _sources({stack.pop()}):
            if source.call is not None and source.call not in found:
                found.add(source.call)
                stack.append(source.call)
    return found
