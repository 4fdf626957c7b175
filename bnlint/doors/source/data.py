"""Data sets and how they are cut into batches: tf.data, the generators, arrays."""

from __future__ import annotations

from ...graph import Arg, Batch, Model, Unknown
from .args import Args, to_arg
from .machine import Machine
from .values import (
    ABSENT,
    Array,
    Assumed,
    Choice,
    Dataset,
    Dict,
    Instance,
    List,
    Opaque,
    Thing,
    Value,
    is_small,
)

SAMPLES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "mnist": (60_000, 10_000, (28, 28)),
    "fashion_mnist": (60_000, 10_000, (28, 28)),
    "cifar10": (50_000, 10_000, (32, 32, 3)),
    "cifar100": (50_000, 10_000, (32, 32, 3)),
    "boston_housing": (404, 102, (13,)),
    "imdb": (25_000, 25_000, ()),
    "reuters": (8_982, 2_246, ()),
}
"""keras.datasets: training samples, test samples, and the shape of one."""

FROM_FILES = frozenset(
    {
        "image_dataset_from_directory",
        "text_dataset_from_directory",
        "audio_dataset_from_directory",
        "timeseries_dataset_from_array",
    }
)
_SAME = frozenset(
    {
        "shuffle",
        "map",
        "prefetch",
        "cache",
        "take",
        "skip",
        "filter",
        "with_options",
        "apply",
        "enumerate",
        "as_numpy_iterator",
        "shard",
        "snapshot",
        "interleave",
    }
)


def load_data(name: str) -> Value:
    """`keras.datasets.<name>.load_data()`."""
    if name not in SAMPLES:
        return Opaque("a data set")
    train, test, shape = SAMPLES[name]
    return tuple((Array((n, *shape)), Array((n,))) for n in (train, test))


def from_directory(args: Args) -> Dataset:
    """The `…_dataset_from_directory` functions: batches of 32 unless `batch_size` says else, None for no batches."""
    arg = args.arg(5, "batch_size")
    if arg is None:
        return Dataset(Arg(32))
    return Dataset(None if arg.known and arg.value is None else arg)


def flow(name: str, args: Args) -> Dataset:
    """`ImageDataGenerator.flow` and its relatives: batches of 32 unless `batch_size` says else."""
    position = {"flow": 2, "flow_from_directory": 5}.get(name)
    arg = args.arg(None, "batch_size") or (args.arg(position, "batch_size") if position is not None else None)
    if arg is None and args.open:
        arg = Arg(Unknown("may be in an unknown **"), args.spot)
    first = args.get(0, "x")
    return Dataset(arg or Arg(32), first.samples if isinstance(first, Array) else None)


def from_tensor_slices(m: Machine, args: Args) -> Dataset:
    """One element a sample."""
    value = m.settled(args.get(0, "tensors"))
    if isinstance(value, (tuple, List)) and value:
        value = value[0]
    return Dataset(None, value.samples if isinstance(value, Array) else None)


def dataset_method(m: Machine, data: Dataset, name: str, args: Args) -> Value:
    """A method of a tf.data.Dataset."""
    if name in ("batch", "padded_batch", "ragged_batch"):
        size = args.arg(0, "batch_size") or Arg(Unknown("a batch size"), args.spot)
        drop = args.get(1 if name == "batch" else None, "drop_remainder", False)
        return Dataset(size, data.samples, drop is not False, args.spot if name == "batch" else None)
    if name in ("unbatch", "rebatch"):
        return Dataset(None if name == "unbatch" else args.arg(0, "batch_size"), data.samples)
    if name == "repeat":
        return Dataset(data.batch, None, data.drop_remainder, data.cut)
    if name in ("take", "skip", "filter", "shard", "interleave"):
        return Dataset(data.batch, None, data.drop_remainder)
    if name == "__len__":
        return Opaque("a length")
    if name in _SAME:
        return data
    if name in ("next", "get_next", "__next__", "make_one_shot_iterator", "__iter__"):
        return Opaque("a batch of a data set", batch=data)
    return Opaque(f"{name} of a data set") if name not in ("zip", "concatenate") else data


def array_shape(value: Value) -> tuple[Value, ...] | None:
    """The shape that nested lists, or a shape argument, describe."""
    if isinstance(value, Assumed):
        value = value.value
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, (tuple, List)) and not getattr(value, "open", False):
        return tuple(value)
    return None


def array_method(m: Machine, array: Array, name: str, args: Args) -> Value:
    """A method of an array, and the NumPy functions that keep its samples."""
    if name == "reshape":
        values = args.positional[0] if len(args.positional) == 1 else tuple(args.positional)
        shape = array_shape(values)
        if shape is None:
            return Array()
        first: Value = (
            array.samples if shape and shape[0] == -1 and array.samples is not None else shape[0] if shape else None
        )
        return Array(
            (
                first if first != -1 else Opaque("a number of samples"),
                *[size if size != -1 else Opaque("a size") for size in shape[1:]],
            )
        )
    if name in ("astype", "copy", "numpy", "clip", "round"):
        return array
    if name in ("mean", "std", "sum", "min", "max", "argmax", "flatten", "ravel", "transpose"):
        return Array()
    return Opaque(f"{name} of an array")


def _dataset_in(m: Machine, value: Value) -> Value:
    value = m.settled(value)
    if isinstance(value, Opaque) and value.batch is not None:
        return value.batch
    if isinstance(value, Array) and value.shape and isinstance(value.shape[0], Opaque) and value.shape[0].batch:
        return value.shape[0].batch  # As many as there are in a batch of that data.
    if isinstance(value, Choice):
        return Opaque("one of several data sets")
    if isinstance(value, (tuple, List, Dict)) and value and is_small(value):
        return _dataset_in(m, next(iter(value.values() if isinstance(value, Dict) else value)))
    if isinstance(value, Thing) and "batch" in value.attributes:
        return value.attributes["batch"]
    return value


def batch_of(m: Machine, name: str, args: Args, model: Model) -> Batch:
    """How `fit`, `fit_generator` or `train_on_batch` gets its batches."""
    data = _dataset_in(m, args.get(0, "generator" if name == "fit_generator" else "x"))
    if data is ABSENT:
        data = _dataset_in(m, args.get(None, "x"))
    epochs = args.arg(3 if name == "fit" else None, "epochs") or args.arg(None, "nb_epoch")
    steps = args.arg(None, "steps_per_epoch")
    replicas = replicas_of(m, model)
    if name == "train_on_batch":
        spot = args.spot_of(0, "x")
        if isinstance(data, Array) and data.samples is not None:
            return Batch(Arg(data.samples, spot), data.samples, replicas=replicas)
        if isinstance(data, Dataset) and data.batch is not None:
            return Batch(data.batch, None, data.drop_remainder, replicas=replicas)
        return Batch(Arg(Unknown("a batch"), spot), replicas=replicas)
    if isinstance(data, Dataset):
        return Batch(
            data.batch or Arg(Unknown("no batches"), args.spot),
            data.samples,
            data.drop_remainder,
            steps,
            epochs,
            replicas,
            data.cut,
        )
    if isinstance(data, Instance) and data.cls.keras == "keras.utils.Sequence":
        return Batch(_sequence_batch(data, args), None, False, steps, epochs, replicas)
    given = args.arg(2 if name == "fit" else None, "batch_size")
    samples = data.samples if isinstance(data, Array) else None
    if samples is not None and (split := args.get(None, "validation_split")) is not ABSENT:
        samples = int(samples * (1 - split)) if isinstance(split, float) and 0 <= split < 1 else None
    if given is None or given.value is None:
        unsure = args.open or not isinstance(data, Array) or steps is not None
        given = Arg(Unknown("the data may have batches of its own"), args.spot) if unsure else Arg(32)
    elif isinstance(data, Opaque) and "generator" in data.reason:
        given = Arg(Unknown("a generator's batches"), args.spot)
    return Batch(given, samples, False, steps, epochs, replicas)


def replicas_of(m: Machine, model: Model) -> int:
    """Over how many devices a model's batch is spread: those of the scope it was built or is trained in."""
    return m.context.replicas or model.context.replicas or 1


def batch_of_call(m: Machine, value: Value, model: Model, args: Args) -> Batch | None:
    """The batch on which a model is called directly, None where nothing is known of it."""
    data = _dataset_in(m, value)
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
