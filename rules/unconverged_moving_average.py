"""Training too short for the moving statistics to arrive at the data's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Event, Layer, Model, learning_batchnorms, training_batch

category = "batch"
severity = Severity.WARNING

_REST = 0.05
_LEAST_MOMENTUM = 0.5
_TRAINING = frozenset({"fit", "train_on_batch", "tape"})


@dataclass
class _Trained:
    """What is known of a batch normalization's training: its steps, the last event, whether all is certain.

    really: some of it is training, and not only a pass in training mode.
    """

    steps: float
    event: Event
    certain: bool
    really: bool = False


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each model whose training, all in all, leaves more than 5 % of the initial moving statistics."""
    trained: dict[Layer, _Trained] = {}
    for event in program.events:
        trains = event.kind in _TRAINING or training_batch(event) is not None
        if trains and not event.context.testing:
            steps, certain = _steps(event)
            for layer in dict.fromkeys(learning_batchnorms(event.model, event.time)):
                before = trained.get(layer)
                total = steps + (before.steps if before else 0)
                really = event.kind in _TRAINING or (before is not None and before.really)
                trained[layer] = _Trained(total, event, certain and (before is None or before.certain), really)
    worst: dict[object, tuple[float, Problem]] = {}
    for layer, found in trained.items():
        rest = _rest(program, layer, found.steps)
        key = found.event.origin.key
        if rest is not None and found.really and (key not in worst or rest > worst[key][0]):
            worst[key] = rest, _problem(layer, found, rest)
    yield from (problem for _, problem in worst.values())


def _rest(program: Program, layer: Layer, steps: float) -> float | None:
    """The share of the initial statistics that is left after so many steps; None where it is small or not known."""
    momentum = layer.arg("momentum").value
    if isinstance(layer, Model) or not isinstance(momentum, float) or not 0 < momentum < 1 or math.isinf(steps):
        return None
    rest = momentum**steps
    started_elsewhere = any(layer.arg(f"moving_{what}_initializer").given for what in ("mean", "variance"))
    return None if rest <= _REST or started_elsewhere or _pretrained(program, layer) else rest


def _problem(layer: Layer, found: _Trained, rest: float) -> Problem:
    momentum = layer.arg("momentum")
    said = f"After {found.steps:g} step{'s' * (found.steps > 1)} with momentum {momentum.value:g}, the moving"
    said += f" statistics are still {rest:.0%} their initial 0 and 1: train longer"
    better = 0.01 ** (1 / found.steps)
    said += f", or use momentum={_rounded(better)}." if better > _LEAST_MOMENTUM else "."
    level = Severity.WARNING if found.certain and momentum.certain else Severity.ADVICE
    return Problem(found.event.origin, said, level, ((layer.origin, "this batch normalization"),))


def _rounded(momentum: float) -> str:
    """Rounded down, so that it is fast enough, to as many nines as it has and one more digit."""
    digits = max(1, 1 - math.floor(math.log10(1 - momentum)))
    return f"{math.floor(momentum * 10**digits) / 10**digits:g}"


def _pretrained(program: Program, layer: Layer) -> bool:
    """Whether the layer may start from statistics that were learned before."""
    holders = [model for model in program.models if any(found is layer for found in learning_batchnorms(model))]
    return layer.escaped or any(model.pretrained for model in holders)


def _steps(event: Event) -> tuple[float, bool]:
    """The most steps that a training event can make, infinite where it is not known; and whether that is certain."""
    batch = event.batch
    own = "train_step" in event.model.methods  # It decides how often, and whether, statistics move.
    if event.kind == "tape" or own or batch is None or batch.empty or "**" in event.args:
        return math.inf, True
    if not _happens_as_often_as_seen(event):
        return math.inf, True
    if event.kind == "train_on_batch":
        return 1, True
    epochs = event.args.get("epochs") or event.args.get("nb_epoch")
    rounds = 1 if epochs is None else _count(epochs.value)
    certain = epochs is None or epochs.certain
    if batch.steps is not None and batch.steps.value is not None:
        return rounds * _count(batch.steps.value), certain and batch.steps.certain
    size = _count(batch.size.value)
    if batch.samples is None or math.isinf(size):
        return math.inf, True
    return rounds * math.ceil(batch.samples / size), certain and batch.size.certain


def _happens_as_often_as_seen(event: Event) -> bool:
    """Not in a loop that was cut short, nor in a function that others may call again for the same model."""
    functions, model = event.context.functions, event.model.context.functions
    called = len(event.origin.stack) >= len(functions)
    return not event.repeated and (called or functions[:1] == model[:1])


def _count(value: object) -> float:
    """The value where it is a number of something, infinity where it is not known."""
    return value if isinstance(value, int) and value > 0 else math.inf
