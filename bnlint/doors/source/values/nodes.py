"""How the nodes of the graph answer as values: tensors, layers, models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ....catalog import operation
from ....graph import Entry, Layer, Model, Tensor, Unknown
from ....graph.nodes import Write
from .args import to_arg
from .bound import Method, Symbol
from .containers import List
from .data import Layers, Thing, Weights
from .kind import ABSENT, Adapter, Opaque, Value, adapts, layer_of

if TYPE_CHECKING:
    from ..module import Spot
    from .args import Args
    from .evaluator import Evaluator


@adapts(Tensor)
class TensorValue(Adapter[Tensor]):
    """A symbolic tensor, or data that a model gives."""

    __slots__ = ()

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        if name in ("shape", "_keras_shape"):
            return shape_tuple(self.value)
        return Opaque("dtype") if name == "dtype" else Method(self.value, name)

    def other_method(self, m: Evaluator, name: str, args: Args) -> Value:
        if self.value.data:
            return Opaque(f"{name} of a tensor", name)
        return m.apply_op(operation(name), [self.value], args.spot)

    def truth(self, m: Evaluator) -> bool | Opaque:
        return Opaque("data")

    def escape(self, m: Evaluator) -> None:
        for source in (self.value, *self.value.sources()):
            source.escaped = True

    def as_arg(self) -> object:
        return Unknown("tensor")

    def as_entry(self, m: Evaluator, spot: Spot) -> Entry:
        entry = Entry(self.value, spot)
        if not self.value.data:
            entry.problem = None if self.value.input is not None else "tensor"
            entry.name = self.value.call.layer.cls if self.value.call is not None else "a tensor"
            m.escape(self.value)
        return entry


def shape_tuple(tensor: Tensor) -> Value:
    """A tensor's shape as code sees it: None for the batch axis, unknown sizes unknown."""
    if tensor.shape is None:
        return Opaque("a shape")
    sizes = enumerate(tensor.shape)
    return tuple(size if size is not None or index == 0 else Opaque("a size") for index, size in sizes)


def _inputs(layer: Layer) -> Value:
    given = layer.calls[-1].inputs if layer.calls else ()
    return given[0] if given else ABSENT


def _outputs(layer: Layer) -> Value:
    return layer.calls[-1].output if layer.calls else ABSENT


def _input_shape(layer: Layer) -> Value:
    given = layer.calls[-1].inputs if layer.calls else ()
    return shape_tuple(given[0]) if len(given) == 1 else ABSENT


def _output_shape(layer: Layer) -> Value:
    return shape_tuple(layer.calls[-1].output) if layer.calls and not layer.calls[-1].outputs else ABSENT


def _written(layer: Layer) -> Value:
    value = layer.writes[-1].value.value if layer.writes else ABSENT
    return value if isinstance(value, (bool, int, float, str, tuple)) or value is ABSENT else Opaque("trainable")


def _weights(layer: Layer) -> Value:
    return Weights((layer,))


_READ: dict[str, Callable[[Layer], Value]] = {
    **dict.fromkeys(("output", "outputs"), _outputs),
    **dict.fromkeys(("input", "inputs"), _inputs),
    **dict.fromkeys(("trainable_variables", "trainable_weights", "variables", "weights"), _weights),
    "trainable": _written,
    "input_shape": _input_shape,
    "output_shape": _output_shape,
}
_UNKNOWN = frozenset({"name", "dtype", "built", "losses", "metrics", "input_shape", "output_shape"})
_NOTED = frozenset({"updates", "get_updates_for"})


@adapts(Layer)
class LayerValue(Adapter[Layer]):
    """A layer."""

    __slots__ = ()

    @property
    def layer(self) -> Layer | None:
        return self.value

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        found = _READ[name](self.value) if name in _READ else ABSENT
        return self._argument(m, name, spot) if found is ABSENT else found

    def _argument(self, m: Evaluator, name: str, spot: Spot) -> Value:
        layer = self.value
        given = layer.args[name].value if name in layer.args else ABSENT
        if given is None or isinstance(given, (bool, int, float, str, tuple)):
            return given
        default = layer.defaults.get(name)
        if isinstance(default, (bool, int, float, str)):
            return default
        if name in _UNKNOWN:
            return Opaque(name, name)
        if name == "__class__":
            return Symbol(f"keras.layers.{layer.kind}")
        if name in _NOTED:
            m.note(f"keras.layers.Layer.{name}", spot)
        return Method(layer, name)

    def set_attribute(self, m: Evaluator, name: str, new: Value, spot: Spot) -> None:
        own(m, self.value, name, new, spot)
        m.escape(new)

    def call(self, m: Evaluator, args: Args) -> Value:
        return m.apply(self.value, args)

    def escape(self, m: Evaluator) -> None:
        self.value.escaped = self.value.held = True

    def as_arg(self) -> object:
        return self.value


@adapts(Model)
class ModelValue(LayerValue):
    """A model."""

    __slots__ = ()

    value: Model

    def attribute(self, m: Evaluator, name: str, spot: Spot) -> Value:
        model = self.value
        if name in ("output", "outputs", "layers", "input", "inputs", "input_shape", "output_shape"):
            m.connect(model)
        if name in ("output", "outputs"):
            return _one_or_all(model.outputs, name == "output")
        if name in ("input", "inputs"):
            return _one_or_all(model.inputs, name == "input")
        if name == "layers":
            return self._layers()
        if name in ("input_shape", "output_shape"):
            ends = model.inputs if name == "input_shape" else model.outputs
            return shape_tuple(ends[0]) if len(ends) == 1 else Opaque(name, name)
        if name == "optimizer":
            return Thing("keras.optimizers.Optimizer")
        return Opaque(name, name) if name in ("stop_training", "loss", "history") else super().attribute(m, name, spot)

    def _layers(self) -> Value:
        entries = [entry for entry in self.value.entries if not _is_input(entry)]
        known = all(isinstance(entry, Entry) and entry.layer is not None for entry in entries)
        if self.value.style == "sequential" and self.value.complete and known:
            return List(entry.value for entry in entries)  # type: ignore[misc]
        return Layers(self.value)

    def escape(self, m: Evaluator) -> None:
        super().escape(m)
        for tensor in self.value.outputs:
            tensor.escaped = True


def own(m: Evaluator, layer: Layer, name: str, new: Value, spot: Spot) -> None:
    """`layer.name = new`: it is frozen or not from now on, or holds another layer."""
    if name == "trainable":
        layer.writes.append(Write(to_arg(new if not m.optional else Opaque("set in a branch"), spot), m.tick()))
        return
    child = layer_of(new)
    if child is not None:
        child.held = True
        child.attribute = child.attribute or name


def _one_or_all(tensors: tuple[Tensor, ...], one: bool) -> Value:
    if not tensors:
        return Tensor()
    return tensors[0] if len(tensors) == 1 and one else List(tensors)


def _is_input(entry: object) -> bool:
    value = entry.value if isinstance(entry, Entry) else None
    return isinstance(value, Tensor) or (isinstance(value, Layer) and value.kind == "InputLayer")
