"""One network normalizes both before and after its activations."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Layer, Model, batchnorms, is_batchnorm, is_linear, nearest, placement, used_on, users

category = "placement"
severity = Severity.ADVICE
options = {"placement": "consistent"}

_TRAINED = {"compile", "fit", "train_on_batch", "tape"}
_POLICIES = {"before-activation": "before", "after-activation": "after"}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each network's first BN that deviates from the majority, or every BN that is against the policy."""
    policy = options["placement"]
    if policy != "consistent" and policy not in _POLICIES:
        raise ValueError(f'placement = {policy!r}: expected "consistent", {" or ".join(map(repr, _POLICIES))}')
    reported: set[object] = set()
    for wanted, side, call, like in _misplaced(program, _POLICIES.get(str(policy))):
        if call.layer.origin.key in reported:
            continue
        reported.add(call.layer.origin.key)
        where = used_on([other for other in program.calls_at(call.origin) if placement(other) == side], program)
        if like is None:
            yield Problem(call.layer.origin, f'BatchNormalization stands {side} its activation{where}; placement = "{policy}".', Severity.WARNING if _certain(call) else None)
        else:
            related = ((like.layer.origin, f"this one stands {wanted} its activation"),)
            message = f"BatchNormalization stands {side} its activation{where}, while others of this network stand {wanted} theirs."
            yield Problem(call.layer.origin, message, related=related)


def _misplaced(program: Program, wanted: str | None) -> Iterator[tuple[str, str, Call, Call | None]]:
    """What is wanted, what is found, at which BN call, and a call that shows the majority where no policy does."""
    if wanted is not None:
        for call in program.calls:
            if is_batchnorm(call.layer) and (side := placement(call)) not in (None, wanted):
                yield wanted, str(side), call, None
        return
    for network in _networks(program):
        placed = [(side, call) for call in network if not call.optional and (side := placement(call))]
        sides = [side for side, _ in placed]
        if len(set(sides)) == 2:
            majority = max(sides, key=sides.count)
            side, call = next(pair for pair in placed if pair[0] != majority)
            yield majority, side, call, next(call for side, call in placed if side == majority)


def _networks(program: Program) -> Iterator[list[Call]]:
    """The BN calls of each network, in program order. A part is not a network of its own, and D is no part of G's."""
    owners: dict[Layer, set[Model]] = {}
    for model in program.models:
        for call in model.nodes:
            owners.setdefault(call.layer, set()).add(model)
    apart = {part for part, outer in owners.items() if isinstance(part, Model) and (len(outer) > 1 or part.event_kinds() & _TRAINED)}
    found = [list(batchnorms(model, apart=apart)) for model in program.models]
    whole: set[Call] = set()
    for network in sorted(found, key=len, reverse=True):
        if not whole.issuperset(network):
            whole.update(network)
            yield sorted(network, key=lambda call: call.time)


def _certain(call: Call) -> bool:
    """Whether no activation next to the BN is known only as a parameter's default."""
    front = [found for given in call.inputs for found, _ in nearest(given, lambda call: not is_linear(call.layer))]
    return all(near.layer.arg("activation").certain for near in (*front, *users(call)))
