"""A batch normalization whose result nothing uses normalizes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, by_origin, is_batchnorm, label, users

category = "construction"
severity = Severity.ERROR


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Batch normalizations that are never called, and calls of them that lead nowhere."""
    layers = [layer for layer in program.layers if is_batchnorm(layer) and not layer.op]
    for layer, *_ in by_origin(layer for layer in layers if not layer.calls and not layer.escaped and not layer.held):
        yield Problem(layer.origin, f"{label(layer)} is created and thrown away: it is never called and in no model.")
    for layer, *_ in by_origin(layer for layer in layers if layer.attribute and not layer.calls and not layer.escaped):
        yield Problem(layer.origin, f"{label(layer)} is never called.", Severity.ADVICE)
    for group in by_origin(call for call in program.calls if is_batchnorm(call.layer) and not call.layer.op):
        lost = [call for call in group if _lost(call, group)]
        if lost:
            many = f", in {len(lost)} of the {len(group)} times this line runs" if len(lost) < len(group) else ""
            said = f"Nothing uses the result of {label(lost[0].layer)}{many}: its input goes on unnormalized."
            yield Problem(lost[0].origin, said)


def _lost(call: Call, group: list[Call]) -> bool:
    """Whether the call leads nowhere, and was not made on data to build the layer's variables."""
    if any(given.data for given in call.inputs):
        return False
    if call.dropped:
        return any(source.call or source.input for given in call.inputs for source in given.sources())
    # A loop that starts every round from its input keeps the last round only. The rest of dead code is left alone.
    rounds = [other for other in group if other is not call and _way(other) == _way(call)]
    return any(not _leads_nowhere(other) for other in rounds) and _leads_nowhere(call)


def _way(call: Call) -> list[object]:
    return [origin.key for origin in call.origin.stack]


def _leads_nowhere(call: Call) -> bool:
    stack, seen = [call], {call}
    while stack:
        current = stack.pop()
        used_by = list(users(current))
        if current.output.escaped or not (used_by or current.dropped):
            return False
        stack += [user for user in used_by if user not in seen]
        seen.update(used_by)
    return True
