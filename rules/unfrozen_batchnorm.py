"""A pretrained network is fine-tuned together with its batch normalization."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Arg, Event, Model, Origin, label, samples_per_step, training_batch
from bnlint.graph.freezing import Reached, judged_at, reached, thawed_at, trainable_ends, training_events
from bnlint.reference.modes import mode
from bnlint.reference.situations import situation_of
from bnlint.rulebook.change import Change, Modes, freeze

category = "mode"
severity = Severity.WARNING
source_only = "a model does not tell where its weights come from"

_MEASURABLY_WORSE = 16


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each pretrained base whose batch normalization layers are trainable when a model that holds it is fitted."""
    said: set[object] = set()
    for event in training_events(program):
        at = judged_at(event, program)
        for found in reached(event.model):
            base = found.layer
            # A flag in the graph: Keras 2 obeys it, and in Keras 3 training-flag-ignored speaks.
            if not isinstance(base, Model) or not _pretrained(base) or found.flag.given:
                continue
            if "train_step" not in event.model.methods and not mode(situation_of(program, found, "fit")).training:
                continue  # Nothing moves: fit never puts it into training mode.
            if True in trainable_ends(base, found.within, at):
                where, how = _where(base, found, at)
                if where.key not in said:
                    said.add(where.key)
                    related, change = _related(event, base, where), _change(program, base, found, at)
                    yield Problem(where, _message(base, how), _grade(event), related, change)


def _grade(event: Event) -> Severity:
    """A warning where the harm was measured: known, small batches."""
    batch = training_batch(event)
    size = samples_per_step(batch) if batch is not None and batch.size.certain else None
    return Severity.WARNING if size is not None and size < _MEASURABLY_WORSE else Severity.ADVICE


def _pretrained(base: Model) -> bool:
    weights = base.args.get("weights", Arg("imagenet"))
    return base.style == "application" and base.pretrained and weights.certain


def _where(base: Model, found: Reached, at: int) -> tuple[Origin, str]:
    """The line that makes the batch normalization trainable, else the base, which nobody froze, or not all of it."""
    whole = trainable_ends(base, found.within, at) == (True, True)
    where, _ = thawed_at(base, found, at)
    if where is base.origin:
        return where, "never frozen" if whole else "frozen only in part"
    return where, "made trainable with the rest" if whole else "in part made trainable"


def _change(program: Program, base: Model, found: Reached, at: int) -> Change:
    """Freeze the batch normalization layers behind that line."""
    before = situation_of(program, found, "fit")
    proof = Modes(before, before._replace(trainable=False))
    return Change("Freeze its batch normalization", (freeze(program, *thawed_at(base, found, at)),), proof)


def _message(base: Model, how: str) -> str:
    return (
        f"The pretrained batch normalization of {label(base)} is {how}: fit replaces the statistics its weights were "
        "trained with by those of the new, usually smaller data."
    )


def _related(event: Event, base: Model, where: Origin) -> tuple[tuple[Origin, str], ...]:
    fitted = ((event.origin, "fitted here"),)
    return fitted if where.key == base.origin.key else ((base.origin, "the pretrained base"), *fitted)
