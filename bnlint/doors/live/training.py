"""How a live model is trained, or about to be: as a `fit` in its program."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...graph import Arg, Batch, Context, Event, Model, Unknown
from ..assembly import Assembly, LayerSpot

_INITIALIZERS = ("moving_mean_initializer", "moving_variance_initializer")


@dataclass(frozen=True, slots=True)
class Training:
    """How a model is trained, for the rules that ask; None for what is not known.

    batch_size: samples a step, on all devices together. samples: how many there are. drop_remainder: whether a last
    batch that is not full is left out. steps: batches an epoch. strategy: the class of the tf.distribute strategy, ""
    for none; replicas: how many devices share a batch. begun: whether the model's weights are those that this training
    began with, some steps later; else it begins with what they are now.
    """

    batch_size: int | None = None
    samples: int | None = None
    drop_remainder: bool = False
    steps: int | None = None
    epochs: int | None = None
    strategy: str = ""
    replicas: int = 1
    begun: bool = False


def fitted(assembly: Assembly, model: Model, spot: LayerSpot, training: Training) -> None:
    """Note that the model is trained, at the end of the program so far, and what its layers begin with."""
    for layer in assembly.program.layers:
        layer.context = replace(layer.context, strategy=training.strategy, replicas=training.replicas)
        if layer.state is not None and layer.state.initial < layer.state.channels and not training.begun:
            layer.args |= {name: Arg(Unknown("earlier training"), layer.origin) for name in _INITIALIZERS}
    context = Context(purpose="training", strategy=training.strategy, replicas=training.replicas)
    args = {} if training.epochs is None else {"epochs": Arg(training.epochs, spot)}
    event = Event("fit", model, spot, context, args, _batch(training, spot), time=assembly.tick())
    model.events.append(event)
    assembly.program.events.append(event)


def _batch(training: Training, spot: LayerSpot) -> Batch:
    """The batches; that an epoch has as many steps as the samples make batches goes without saying."""
    size = Arg(Unknown("a batch size") if training.batch_size is None else training.batch_size, spot)
    steps = None if training.steps is None or _covers(training) else Arg(training.steps, spot)
    epochs = Arg(Unknown("epochs") if training.epochs is None else training.epochs, spot)
    return Batch(size, training.samples, training.drop_remainder, steps, epochs, training.replicas)


def _covers(training: Training) -> bool:
    """Whether an epoch goes once through the samples."""
    if not training.samples or not training.batch_size:
        return False
    full, rest = divmod(training.samples, training.batch_size)
    return training.steps == full + (rest > 0 and not training.drop_remainder)
