"""What programs feed to models, and what they get from them: arrays, data sets, weights, objects of libraries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ....graph import Arg, Layer, Model, Object
from ....graph.nodes import Write
from .about import Devices, IsInstance
from .args import to_arg
from .bound import Method, Symbol
from .containers import Dict
from .kind import Items, Kind, Opaque, Operator, Value, of
from .lifted import bare, there

if TYPE_CHECKING:
    from ..module import Spot
    from .args import Args
    from .evaluator import Evaluator


class WithMethods(Kind):
    """A value whose attributes are methods."""

    __slots__ = ()

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        return Method(self, name)


@dataclass(frozen=True, slots=True, eq=False)
class Array(WithMethods):
    """Data: its shape with samples first, as far as known."""

    shape: tuple[Value, ...] | None = None

    @property
    def samples(self) -> int | None:
        """How many samples, if known."""
        return self.shape[0] if self.shape and isinstance(self.shape[0], int) else None

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        if name == "shape":
            return self.shape if self.shape is not None else Opaque("a shape")
        return Method(self, name)

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        return Opaque(f"{name} of an array", name)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        if not self.shape:
            return Array()
        first = key[0] if isinstance(key, tuple) and key else key
        rest = self.shape[1:]
        if isinstance(first, slice):
            return Array((self._cut(first), *rest))
        if isinstance(first, Array) and first.samples is not None:
            return Array((first.samples, *rest))
        if isinstance(first, int):
            return Array(rest) if rest else Opaque("a number")
        return Array((Opaque("an index array"), *rest))

    def _cut(self, cut: slice) -> Value:
        """How many rows a slice takes."""
        bounds = (cut.start, cut.stop, cut.step)
        size = of(cut).rows()
        if self.samples is not None:
            if cut.step != 0 and all(type(one) in (int, type(None)) for one in bounds):
                return len(range(self.samples)[cut])
            if size is not None:
                return min(size, self.samples)
        whole = self.shape is not None and bounds == (None, None, None)
        return size if size is not None else self.shape[0] if whole and self.shape else Opaque("a slice")

    def iterate(self, m: Evaluator) -> Items:
        if not self.shape:
            return Kind.iterate(self, m)
        return [Array(self.shape[1:]) if len(self.shape) > 1 else Opaque("a number")], False

    def unpack(self, m: Evaluator, count: int, star: int | None) -> list[Value]:
        if self.shape and len(self.shape) == 1:
            return [Opaque("a number")] * count
        return [Opaque("a part of it") for _ in range(count)]

    def size(self) -> int | None:
        return self.samples

    def rows(self) -> int | None:
        return self.samples

    def truth(self, m: Evaluator) -> bool | Opaque:
        return Opaque("data")

    def unary(self, m: Evaluator, op: Operator, spot: Spot) -> Value:
        return self

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        return self if op.name in ("Add", "Subtract", "Multiply", "TrueDivide") else Array()

    def reflected(self, m: Evaluator, op: Operator, left: Value) -> Value:
        return self.binary(m, op, left)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset(WithMethods):
    """tf.data and the generators: batches of data. `batch` is None while there are none, `cut` is what makes them."""

    batch: Arg | None = None
    samples: int | None = None
    drop_remainder: bool = False
    cut: Spot | None = None

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        return Opaque(f"{name} of a data set", name)

    def iterate(self, m: Evaluator) -> Items:
        return [Opaque("a batch of a data set", batch=self)], False


@dataclass(eq=False, slots=True)
class Thing(Kind):
    """A library object known by the symbol that made it and its arguments: an optimizer, a schedule, a namespace."""

    symbol: str
    args: dict[str, Arg] = field(default_factory=dict)
    attributes: Dict = field(default_factory=Dict)

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        if name in self.attributes:
            return there(m.settled(self.attributes[name]))
        return Method(self, name)

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        m.store(self.attributes, name, new)

    def as_arg(self) -> object:
        return Object(self.symbol.rsplit(".", 1)[-1], self.args)


@dataclass(eq=False, slots=True)
class Tape(Thing):
    """A GradientTape, or what records in its place."""

    def entered(self, m: Evaluator) -> dict[str, object]:
        m.recording.append(self)
        return {"tape": self}


@dataclass(eq=False, slots=True)
class Strategy(Thing):
    """A tf.distribute strategy of `devices` devices, None where their number is not known."""

    name: str = ""
    devices: int | None = None

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        if name == "num_replicas_in_sync":
            return self.devices or m.derived(Devices(self))
        return Thing.attribute(self, m, name, spot)


@dataclass(frozen=True, slots=True, eq=False)
class Weights(WithMethods):
    """`model.trainable_variables` or `model.get_weights()`, also of several models, and what is computed of them."""

    models: tuple[Layer, ...]

    def iterate(self, m: Evaluator) -> Items:
        return [self], False

    def binary(self, m: Evaluator, op: Operator, right: Value) -> Value:
        return Weights((*self.models, *right.models)) if isinstance(right, Weights) else self

    def reflected(self, m: Evaluator, op: Operator, left: Value) -> Value:
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Gradients(WithMethods):
    """What `tape.gradient` returns."""

    tape: Value
    weights: Weights

    def iterate(self, m: Evaluator) -> Items:
        return [self], False


Part = tuple["int | None", "int | None"]


@dataclass(frozen=True, slots=True, eq=False)
class Layers(WithMethods):
    """`model.layers` of a model whose layers are not all known, or the slice `part` of it; None for an unknown part."""

    model: Model
    part: Part | None = (None, None)

    @property
    def whole(self) -> bool:
        """Whether these are all."""
        return self.part == (None, None)

    def item(self, m: Evaluator, key: Value, spot: Spot) -> Value:
        part = Layers(self.model, _part_of(key) if self.whole else None)
        return part if isinstance(key, slice) else SomeLayer(part)

    def iterate(self, m: Evaluator) -> Items:
        return [SomeLayer(self)], False


def _part_of(key: Value) -> Part | None:
    """Where the layers of a slice, or the one at an index, begin and end; None where that is not known."""
    if isinstance(key, int):
        return key, key + 1 or None
    if not isinstance(key, slice) or key.step is not None:
        return None
    bounds = (key.start, key.stop)
    return bounds if all(bound is None or isinstance(bound, int) for bound in bounds) else None


class SomeLayer(Opaque):
    """One of a model's layers."""

    __slots__ = ("layers",)

    def __init__(self, layers: Layers) -> None:
        super().__init__("a layer of a model")
        self.layers = layers

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        if name != "trainable":
            m.escape(new)
            return
        only = self._which(m)
        part = self.layers.part if only == "some" and not m.optional else None
        self.layers.model.writes.append(Write(to_arg(new, spot), m.tick(), only, part))

    def _which(self, m: Evaluator) -> Literal["", "batchnorm", "others", "some"]:
        """To which of the model's layers a write in a loop over them goes, from the isinstance tests around it."""
        for condition, fact in m.facts.items():
            about = condition.about
            if isinstance(about, IsInstance) and about.value is self and _is_batchnorm_class(about.wanted):
                return "others" if not fact else "batchnorm" if self.layers.whole else "some"
        return "" if self.layers.whole and not m.optional else "some"


def _is_batchnorm_class(value: Value) -> bool:
    return isinstance(value, Symbol) and value.last.startswith(("BatchNormalization", "SyncBatchNormalization"))


def array_shape(value: Value) -> tuple[Value, ...] | None:
    """The shape that nested lists, or a shape argument, describe."""
    value = bare(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    return tuple(value) if isinstance(value, (tuple, list)) and not of(value).open else None
