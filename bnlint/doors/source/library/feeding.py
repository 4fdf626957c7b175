"""How `fit` and its like get their batches."""

from __future__ import annotations

from typing import NamedTuple

from ....graph import Arg, Batch, Model, Unknown
from ..values.args import Args, to_arg
from ..values.code import Instance
from ..values.containers import Dict, List
from ..values.data import Array, Dataset, Thing
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value
from ..values.lifted import Choice
from ..values.plain import is_small


class Rounds(NamedTuple):
    """How often a fit goes over the data, and on how many devices."""

    steps: Arg | None
    epochs: Arg | None
    replicas: int


def dataset_in(m: Evaluator, value: Value) -> Value:
    """The data set or array that is fed: the first of several, and what a batch is one of."""
    value = m.settled(value)
    if isinstance(value, Opaque) and value.batch is not None:
        return value.batch
    if isinstance(value, Array) and value.shape:
        rows = value.shape[0]
        return rows.batch if isinstance(rows, Opaque) and rows.batch else value  # As many as there are in a batch.
    if isinstance(value, Choice):
        return Opaque("one of several data sets")
    if isinstance(value, (tuple, List, Dict)) and value and is_small(value):
        return dataset_in(m, next(iter(value.values() if isinstance(value, Dict) else value)))
    if isinstance(value, Thing) and "batch" in value.attributes:
        return value.attributes["batch"]
    return value


def batch_of(m: Evaluator, name: str, args: Args, model: Model) -> Batch:
    """How `fit`, `fit_generator` or `train_on_batch` gets its batches."""
    data = dataset_in(m, args.get(0, "generator" if name == "fit_generator" else "x"))
    if data is ABSENT:
        data = dataset_in(m, args.get(None, "x"))
    if name == "train_on_batch":
        return _given_batch(m, data, args, model)
    epochs = args.arg(3 if name == "fit" else None, "epochs") or args.arg(None, "nb_epoch")
    rounds = Rounds(args.arg(None, "steps_per_epoch"), epochs, replicas_of(m, model))
    if isinstance(data, Dataset):
        size = data.batch or Arg(Unknown("no batches"), args.spot)
        return Batch(size, data.samples, data.drop_remainder, *rounds, data.cut)
    if isinstance(data, Instance) and data.cls.keras == "keras.utils.Sequence":
        return Batch(_sequence_batch(data, args), None, False, *rounds)
    size = _cut(args.arg(2 if name == "fit" else None, "batch_size"), data, args, rounds)
    return Batch(size, _samples(data, args), False, *rounds)


def _given_batch(m: Evaluator, data: Value, args: Args, model: Model) -> Batch:
    spot, replicas = args.spot_of(0, "x"), replicas_of(m, model)
    if isinstance(data, Array) and data.samples is not None:
        return Batch(Arg(data.samples, spot), data.samples, replicas=replicas)
    if isinstance(data, Dataset) and data.batch is not None:
        return Batch(data.batch, None, data.drop_remainder, replicas=replicas)
    return Batch(Arg(Unknown("a batch"), spot), replicas=replicas)


def _samples(data: Value, args: Args) -> int | None:
    """How many samples of an array are trained on."""
    samples = data.samples if isinstance(data, Array) else None
    split = args.get(None, "validation_split")
    if samples is None or split is ABSENT:
        return samples
    return int(samples * (1 - split)) if isinstance(split, float) and 0 <= split < 1 else None


def _cut(given: Arg | None, data: Value, args: Args, rounds: Rounds) -> Arg:
    """The size of the batches that `fit` makes."""
    if given is None or given.value is None:
        unsure = args.open or not isinstance(data, Array) or rounds.steps is not None
        return Arg(Unknown("the data may have batches of its own"), args.spot) if unsure else Arg(32)
    if isinstance(data, Opaque) and "generator" in data.name:
        return Arg(Unknown("a generator's batches"), args.spot)
    return given


def replicas_of(m: Evaluator, model: Model) -> int:
    """Over how many devices a model's batch is spread: those of the scope it was built or is trained in."""
    return m.context.replicas or model.context.replicas or 1


def batch_of_call(m: Evaluator, value: Value, model: Model, args: Args) -> Batch | None:
    """The batch on which a model is called directly, None where nothing is known of it."""
    data = dataset_in(m, value)
    replicas = replicas_of(m, model)
    if isinstance(data, Dataset) and data.batch is not None:
        return Batch(data.batch, data.samples, data.drop_remainder, replicas=replicas, cut=data.cut)
    if isinstance(data, Array) and data.samples is not None:
        return Batch(Arg(data.samples, args.spot_of(0, "inputs")), data.samples, replicas=replicas)
    return None


def _sequence_batch(instance: Instance, args: Args) -> Arg:
    """The `batch_size` that a Sequence or PyDataset class keeps."""
    for key in ("batch_size", "_batch_size", "bs", "batchsize"):
        if key in instance.attributes:
            arg = to_arg(instance.attributes[key], None)
            return Arg(arg.value, instance.made_by or args.spot, arg.certain)
    return Arg(Unknown("a Sequence's batches"), args.spot)
