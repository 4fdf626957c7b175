"""A batch normalization whose result nothing uses normalizes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Tensor, by_origin, is_batchnorm, label, users
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
        overwritten = _overwritten(group, kept) if complete else set()
        lost = [call for call in group if _lost(call) or call in overwritten]
        if lost:
            many = f", in {len(lost)} of the {len(group)} times this line runs" if len(lost) < len(group) else ""
            said = f"Nothing uses the result of {label(lost[0].layer)}{many}: its input goes on unnormalized."
            change = None if many or not _goes_on(lost[0]) else Change("Use its result", (Join(lost[0].origin),))
            yield Problem(lost[0].origin, said, change=change)


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


def _overwritten(group: list[Call], kept: set[Tensor]) -> set[Call]:
    """The earlier rounds of loops that start every round from the same input and keep only what the last one made."""
    ways: dict[tuple[object, ...], list[Call]] = {}
    for call in group:
        ways.setdefault(tuple(origin.key for origin in call.origin.stack), []).append(call)
    found: set[Call] = set()
    for *earlier, last in ways.values():
        if not earlier or _leads_nowhere(last, kept) or not all(_leads_nowhere(call, kept) for call in earlier):
            continue
        if not _descends([*earlier, last]):
            found.update(call for call in earlier if not _on_data(call))
    return found


def _on_data(call: Call) -> bool:
    return any(given.data for given in call.inputs)


def _leads_nowhere(call: Call, kept: set[Tensor]) -> bool:
    stack, seen = [call], {call}
    while stack:
        current = stack.pop()
        if any(tensor.escaped or tensor.data or tensor in kept for tensor in (current.output, *current.outputs)):
            return False
        used_by = [user for user in users(current) if user not in seen]
        stack += used_by
        seen.update(used_by)
    return True


def _descends(rounds: list[Call]) -> bool:
    """Whether a round builds on an earlier one."""
    return any(other in rounds for call in rounds for other in _ancestors(call))


def _ancestors(call: Call) -> set[Call]:
    found: set[Call] = set()
    stack = [call]
    while stack:
        for source in (source for given in stack.pop().inputs for source in given.sources()):
            if source.call is not None and source.call not in found:
                found.add(source.call)
                stack.append(source.call)
    return found
