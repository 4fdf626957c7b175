"""One network normalizes both before and after its activations."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import (
    Call,
    Layer,
    Model,
    activates,
    activation_name,
    batchnorms,
    is_batchnorm,
    is_frozen,
    is_linear,
    is_pass_through,
    nearest,
    output_activation,
    placement,
    used_on,
    users,
)
from bnlint.graph import (
    Function as Named,
)
from bnlint.graph.kinds import OUTPUT_ACTIVATIONS
from bnlint.graph.ways import alike, back_to, before, on_to
from bnlint.rulebook.change import AddCall, Change, Function, MoveCall, RemoveArgument, Step

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
            level = Severity.WARNING if _certain(call) else None
            yield Problem(call.layer.origin, message, level, change=_change(program, [call]))


def _deviations(program: Program) -> Iterator[Problem]:
    for network in _networks(program):
        hidden = (call for call in network if not (call.optional or is_frozen(call.layer) or _normalizes_output(call)))
        sides = {call: side for call in hidden if (side := placement(call))}
        counts = list(sides.values())
        if len(set(counts)) == 2:
            majority = max(counts, key=counts.count)
            like = next(call for call in sides if sides[call] == majority)
            call = next(call for call in sides if sides[call] != majority)
            many = f"{counts.count(majority)} of the {len(counts)} in this network stand {majority} theirs"
            related = ((like.layer.origin, f"this one stands {majority} its activation"),)
            change = _change(program, [call for call in sides if sides[call] != majority])
            yield Problem(call.layer.origin, f"{_said(program, call)}, while {many}.", related=related, change=change)


def _change(program: Program, calls: list[Call]) -> Change | None:
    """Swap each of these batch normalizations with its activation; None where that cannot be done for all of them."""
    steps: list[Step] = []
    chains: list[Call] = []
    for call in {call.origin.key: call for call in calls}.values():
        runs = {placement(other) for other in program.calls_at(call.origin)}
        found = (_in_front if placement(call) == "before" else _behind)(call) if len(runs) == 1 else None
        if found is None or not alike(found[1], program):
            return None
        steps += found[0]
        chains += found[1]
    where = "in front of" if placement(calls[0]) == "before" else "behind"
    return Change(f"Put the activation {where} BatchNormalization", tuple(steps), Function(tuple(chains)))


_Swap = tuple[list[Step], tuple[Call, ...]]
"""Steps, and the calls along the data that they concern."""


def _in_front(call: Call) -> _Swap | None:
    """Move the activation behind a batch normalization to in front of it."""
    way = on_to(call, lambda other: bool(activates(other)), _passes)
    if not way or is_linear(way[-1].layer):
        return None
    if len(way) == 1:
        return [MoveCall(call, way[0])], (call, *way)
    front = before(call)
    return ([MoveCall(way[-1], front)], (front, call, *way)) if front is not None else None


def _behind(call: Call) -> _Swap | None:
    """Move the activation in front of a batch normalization to behind it, out of the linear layer if it is fused."""
    way = back_to(call, lambda other: bool(activates(other)), _passes)
    if not way:
        return None
    chain, layer = (*way, call), way[0].layer
    if not is_linear(layer):
        return [MoveCall(way[0], call)], chain
    while layer.wrapped is not None:
        layer = layer.wrapped
    value = layer.arg("activation").value
    name = activation_name(value)
    if name not in _STRINGS or not (isinstance(value, str) or (isinstance(value, Named) and value.keras)):
        return None
    return [RemoveArgument(layer.origin, "activation"), AddCall(call, "Activation", positional=(name,))], chain


_STRINGS = frozenset({"relu", "sigmoid", "tanh", "elu", "selu", "gelu", "swish", "softplus", "softsign"})
"""Activations that every version of Keras has under this name."""


def _passes(call: Call) -> bool:
    return is_pass_through(call.layer) or "Dropout" in call.layer.kind


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
