"""One network normalizes both before and after its activations."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import (
    Call,
    Layer,
    Model,
    batchnorms,
    is_batchnorm,
    is_linear,
    nearest,
    output_activation,
    placement,
    used_on,
    users,
)
from bnlint.graph.kinds import OUTPUT_ACTIVATIONS

category = "placement"
severity = Severity.ADVICE
options = {"placement": "consistent"}

_POLICIES = {"before-activation": "before", "after-activation": "after"}
_TRAINED = {"compile", "fit", "train_on_batch", "tape"}


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each network's first BN that deviates from its majority, or every BN that is against the policy."""
    policy = str(options["placement"])
    if policy != "consistent" and policy not in _POLICIES:
        raise ValueError(f'placement = "{policy}": expected "consistent", "before-activation" or "after-activation"')
    return _deviations(program) if policy == "consistent" else _violations(program, policy)


def _violations(program: Program, policy: str) -> Iterator[Problem]:
    for call in program.calls:
        if is_batchnorm(call.layer) and placement(call) not in (None, _POLICIES[policy]):
            message = f'{_said(program, call)}; this project wants placement = "{policy}".'
            yield Problem(call.layer.origin, message, Severity.WARNING if _certain(call) else None)


def _deviations(program: Program) -> Iterator[Problem]:
    for network in _networks(program):
        hidden = (call for call in network if not call.optional and not _normalizes_output(call))
        sides = {call: side for call in hidden if (side := placement(call))}
        counts = list(sides.values())
        if len(set(counts)) == 2:
            majority = max(counts, key=counts.count)
            like = next(call for call in sides if sides[call] == majority)
            call = next(call for call in sides if sides[call] != majority)
            many = f"{counts.count(majority)} of the {len(counts)} in this network stand {majority} theirs"
            related = ((like.layer.origin, f"this one stands {majority} its activation"),)
            yield Problem(call.layer.origin, f"{_said(program, call)}, while {many}.", related=related)


def _said(program: Program, call: Call) -> str:
    side = placement(call)
    alike = [other for other in program.calls_at(call.origin) if placement(other) == side]
    return f"BatchNormalization stands {side} its activation{used_on(alike, program)}"


def _networks(program: Program) -> Iterator[list[Call]]:
    """The BN calls of each network, in program order. A part is no network of its own, but a GAN's D is no part."""
    owners: dict[Layer, set[Model]] = {}
    for model in program.models:
        for call in model.nodes:
            owners.setdefault(call.layer, set()).add(model)
    models = [(part, outer) for part, outer in owners.items() if isinstance(part, Model)]
    apart = {part for part, outer in models if len(outer) > 1 or part.event_kinds() & _TRAINED}
    counted: set[Call] = set()
    for network in sorted((list(batchnorms(model, apart=apart)) for model in program.models), key=len, reverse=True):
        if not counted.issuperset(network):
            counted.update(network)
            yield sorted(network, key=lambda call: call.time)


def _normalizes_output(call: Call) -> bool:
    """Whether the BN ends its model behind an output activation, which normalized-output judges."""
    return not list(users(call)) and any(
        given.call is not None and output_activation(given.call) in OUTPUT_ACTIVATIONS for given in call.inputs
    )


def _certain(call: Call) -> bool:
    """Whether no activation next to the BN is known only as a parameter's default."""
    front = [found for given in call.inputs for found, _ in nearest(given, lambda call: not is_linear(call.layer))]
    return all(near.layer.arg("activation").certain for near in (*front, *users(call)))
