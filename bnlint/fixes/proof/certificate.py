"""What a change does, found by trying it: on the reference runtime before and after, or in the mode table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...findings import ROUNDING, Certificate
from ...graph import Program
from ...rulebook.change import Change, Function, Modes, Raises
from .flags import contradiction, differing, shown
from .specs import Spec, Untried

if TYPE_CHECKING:
    from .trials import Trial


def certify(change: Change, program: Program) -> Certificate:
    """Try a change out. What cannot be tried is not safe, and the certificate says so."""
    try:
        found = _PROOFS[type(change.proof)](change, program)
    except Untried as reason:
        found = Certificate(f"{reason} could not be tried", False, False)
    effects = (*found.effects, *_noted(change))
    return replace(found, effects=effects, safe=found.safe and not change.effect)


def _noted(change: Change) -> Iterator[str]:
    from .effects import noise_of

    yield from noise_of(change)
    if change.effect:
        yield change.effect


def _nothing(change: Change, program: Program) -> Certificate:
    raise Untried("what it changes")


def _raises(change: Change, program: Program) -> Certificate:
    proof = change.proof
    assert isinstance(proof, Raises)
    if proof.keras not in (None, program.keras) and not program.explicit_keras:
        said = f"under Keras {proof.keras} the code as it stands raises {proof.error}"
        return Certificate(said, None, False, assumed=f"Keras {proof.keras}; --target-keras makes it sure")
    if proof.keras not in (None, program.keras):
        raise Untried(f"the code runs on Keras {program.keras}, and {proof.error} is of Keras {proof.keras}: that")
    guessed = proof.keras is not None and not program.explicit_keras
    assumed = f"Keras {program.keras} ({program.keras_because}); --target-keras makes it sure" if guessed else ""
    said = f"the code as it stands raises {proof.error}, so nothing that works is changed"
    return Certificate(said, None, not guessed, assumed=assumed)


def _modes(change: Change, program: Program) -> Certificate:
    """Whether the batch normalization runs in the same mode, and learns the same, in every row of the table."""
    proof = change.proof
    assert isinstance(proof, Modes)
    if said := contradiction(change, proof.after):
        return Certificate(said, False, False)
    other = differing(proof, program)
    modes = tuple(shown(proof, program, other))
    if not other:
        return Certificate("the same mode in every phase", True, True, modes=modes)
    said = f"another mode in {_listed(other)}"
    return Certificate(said, False, False, modes=modes)


def _function(change: Change, program: Program) -> Certificate:
    """Whether every use of the code computes the same."""
    from .effects import effects_of
    from .trials import trials

    found = trials(change, program)
    training, inference = (max(max(gaps) for gaps in mode) for mode in _gaps(found))
    same = max(training, inference) <= ROUNDING and not any(one.outcome.statistics for one in found)
    why = _objections(found, same)
    claim = _claim(same, found, training, inference)
    return Certificate(
        f"{claim}, {'but' if same else 'and'} {_listed(why)}" if why else claim,
        same and not any(one.outcome.learns for one in found),
        same and not why,
        training,
        inference,
        weights=_weights(found),
        effects=tuple(dict.fromkeys(effects_of(change, program, found))),
        assumed=", ".join(dict.fromkeys(said for one in found for said in one.assumed)),
    )


def _gaps(found: list[Trial]) -> Iterator[list[tuple[float, ...]]]:
    yield [one.outcome.training for one in found]
    yield [one.outcome.inference for one in found]


def _claim(same: bool, found: list[Trial], training: float, inference: float) -> str:
    if same:
        return "the same function in both modes"
    where = [mode for mode, gap in (("training", training), ("inference", inference)) if gap > ROUNDING]
    claim = f"another function in {_listed(where)}"
    if any(one.outcome.statistics for one in found):
        claim += " (other values are dropped: in training, means and standard deviations are compared)"
    return claim


def _objections(found: list[Trial], same: bool) -> list[str]:
    """Why the change is not safe even where it computes the same."""
    said = [f"{_variables(one.outcome.learns)} learned" for one in found if same and one.outcome.learns]
    said += [f"{_listed(one.unseen)} counts where weights are made, trained or loaded" for one in found if one.unseen]
    if any(not one.outcome.layout for one in found):
        said.append("weights saved before no longer load")
    return list(dict.fromkeys(said))


def _weights(found: list[Trial]) -> str:
    """How the old variables become the new ones."""
    said = []
    for one in found:
        outcome = one.outcome
        if outcome.dropped:
            said.append(f"{_variables(outcome.dropped)} dropped")
        if outcome.folded:
            said.append("its beta, and gamma with the sign of the other's, go to the BatchNormalization in front")
        for spec, whole in outcome.shifted:
            less = _listed(dict.fromkeys(f"the {name}" for _, name in outcome.dropped if name == "bias"))
            said.append(f"{spec.name}'s moving mean less {less if whole and less else 'what that added'}")
        if outcome.changed:
            said.append(f"{_variables(outcome.changed)} of another shape, from their initial values")
        if outcome.added:
            said.append(f"{_variables(outcome.added)} new")
    return ", ".join(dict.fromkeys(said))


def _variables(keys: Iterable[tuple[Spec, str]]) -> str:
    """Variables by the layer they are of: Conv2D's kernel and bias."""
    names: dict[str, dict[str, None]] = {}
    for spec, name in keys:
        names.setdefault(spec.name, {})[name.replace("_", " ")] = None
    return _listed(f"{kind}'s {_listed(found)}" for kind, found in names.items())


def _listed(words: Iterable[str]) -> str:
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


_PROOFS = {Function: _function, Modes: _modes, Raises: _raises, type(None): _nothing}
