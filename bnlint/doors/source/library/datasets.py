"""Data sets and how they are cut into batches: keras.datasets, tf.data, the generators."""

from __future__ import annotations

from ....graph import Arg, Unknown
from ..values.args import Args
from ..values.containers import List
from ..values.data import Array, Dataset, Thing
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value
from ..values.registry import method, symbol

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


@symbol("keras.datasets.*.load_data")
def load_data(m: Evaluator, args: Args) -> Value:
    name = args.callee.split(".")[-2]
    if name not in SAMPLES:
        return Opaque("a data set")
    train, test, shape = SAMPLES[name]
    return tuple((Array((n, *shape)), Array((n,))) for n in (train, test))


@symbol(*(f"*.{kind}_dataset_from_directory" for kind in ("image", "text", "audio")), "*.timeseries_dataset_from_array")
def from_directory(m: Evaluator, args: Args) -> Value:
    """Batches of 32 unless `batch_size` says else, None for no batches."""
    arg = args.arg(5, "batch_size")
    if arg is None:
        return Dataset(Arg(32))
    return Dataset(None if arg.known and arg.value is None else arg)


@symbol("*.ImageDataGenerator")
def image_data_generator(m: Evaluator, args: Args) -> Value:
    return Thing("ImageDataGenerator")


@method(Thing, "flow", "flow_from_directory", "flow_from_dataframe")
def flow(m: Evaluator, generator: Thing, args: Args) -> Value:
    """`ImageDataGenerator.flow` and its relatives: batches of 32 unless `batch_size` says else."""
    position = {"flow": 2, "flow_from_directory": 5}.get(args.callee)
    arg = args.arg(None, "batch_size") or (args.arg(position, "batch_size") if position is not None else None)
    if arg is None and args.open:
        arg = Arg(Unknown("may be in an unknown **"), args.spot)
    first = args.get(0, "x")
    return Dataset(arg or Arg(32), first.samples if isinstance(first, Array) else None)


@symbol("tf.data.Dataset.from_tensor_slices")
def from_tensor_slices(m: Evaluator, args: Args) -> Value:
    """One element a sample."""
    value = m.settled(args.get(0, "tensors"))
    if isinstance(value, (tuple, List)) and value:
        value = value[0]
    return Dataset(None, value.samples if isinstance(value, Array) else None)


@symbol(
    *(f"tf.data.Dataset.{name}" for name in ("from_tensors", "from_generator", "list_files")), "tf.data.TFRecordDataset"
)
def unbatched(m: Evaluator, args: Args) -> Value:
    return Dataset()


@symbol("tf.data.Dataset.zip")
def zipped(m: Evaluator, args: Args) -> Value:
    items, _ = m.iterate(args.get(0, "datasets"))
    batched = [item for item in items if isinstance(item, Dataset) and item.batch is not None]
    return batched[0] if batched else Dataset()


@method(Dataset, "batch", "padded_batch", "ragged_batch")
def batch(m: Evaluator, data: Dataset, args: Args) -> Value:
    plain = args.callee == "batch"
    size = args.arg(0, "batch_size") or Arg(Unknown("a batch size"), args.spot)
    drop = args.get(1 if plain else None, "drop_remainder", False)
    return Dataset(size, data.samples, drop is not False, args.spot if plain else None)


@method(Opaque, "batch", "padded_batch")
def batch_unknown(m: Evaluator, data: Opaque, args: Args) -> Value:
    size = args.arg(0, "batch_size")
    return ABSENT if size is None else Dataset(size, None, args.get(1, "drop_remainder") is True)


@method(Dataset, "unbatch", "rebatch")
def rebatch(m: Evaluator, data: Dataset, args: Args) -> Value:
    return Dataset(None if args.callee == "unbatch" else args.arg(0, "batch_size"), data.samples)


@method(Dataset, "repeat")
def repeat(m: Evaluator, data: Dataset, args: Args) -> Value:
    return Dataset(data.batch, None, data.drop_remainder, data.cut)


@method(Dataset, "take", "skip", "filter", "shard", "interleave")
def part(m: Evaluator, data: Dataset, args: Args) -> Value:
    return Dataset(data.batch, None, data.drop_remainder)


@method(
    Dataset,
    *"shuffle map prefetch cache with_options apply enumerate as_numpy_iterator snapshot zip concatenate".split(),
)
def same(m: Evaluator, data: Dataset, args: Args) -> Value:
    return data


@method(Dataset, "__len__")
def size(m: Evaluator, data: Dataset, args: Args) -> Value:
    return Opaque("a length")


@method(Dataset, "next", "get_next", "__next__", "make_one_shot_iterator", "__iter__")
def next_batch(m: Evaluator, data: Dataset, args: Args) -> Value:
    return Opaque("a batch of a data set", batch=data)
