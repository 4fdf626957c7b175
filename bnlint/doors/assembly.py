"""Putting a program together from a model that is there, live or as data: layers, their arguments, their calls."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..catalog import kind_of, parameters, row
from ..findings import Place
from ..graph import Arg, Call, Context, Event, Layer, Model, Object, Program, Tensor, is_batchnorm
from ..graph.nodes import NOT_GIVEN, Shape
from ..graph.shapes import output_shape

KEPT = frozenset({"name", "trainable", "dtype", "batch_shape", "batch_input_shape"})
"""Arguments that are no parameters of a layer's own."""
_DERIVED = frozenset({"backward_layer", "weights", "seed"})
"""Parameters whose attribute holds what Keras made of it."""

_SAME_AS_NONE: Mapping[str, object] = {
    "activation": "linear",
    "data_format": "channels_last",
    "dtype": "float32",
    "sparse": False,
    "ragged": False,
}
"""What Keras stores where None was given, by the parameter."""

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class LayerSpot:
    """A layer of a model as an origin; `node` tells its calls apart."""

    path: str
    layer: str
    node: int | None = None

    @property
    def key(self) -> object:
        return self

    @property
    def stack(self) -> tuple[LayerSpot, ...]:
        return ()

    def place(self) -> Place:
        return Place(self.path, layer=self.layer)


@dataclass(slots=True)
class Assembly:
    """A program in the making; its time counts what was added. `held` are the layers of each model, in its order."""

    program: Program
    time: int = 0
    contexts: list[Context] = field(default_factory=lambda: [Context()])
    parents: list[Call] = field(default_factory=list)
    held: dict[Model, list[Layer]] = field(default_factory=dict)

    def tick(self) -> int:
        """The next moment of the program's time."""
        self.time += 1
        return self.time

    def spot(self, layer: str, node: int | None = None) -> LayerSpot:
        """The origin of a layer, by its path: "model/block/bn"."""
        return LayerSpot(self.program.path, layer, node)

    def layer(self, kind: str, spot: LayerSpot, values: Mapping[str, object], cls: str = "") -> Layer:
        """A layer with those of its arguments that are not Keras's defaults."""
        kind = kind_of(kind)
        _, defaults = parameters(kind)
        layer = Layer(kind, spot, cls or kind, defaults=defaults, held=True, time=self.tick())
        layer.args = arguments(kind, values, spot)
        self.program.layers.append(layer)
        return layer

    def operation(self, kind: str, spot: LayerSpot, values: Mapping[str, object]) -> Layer:
        """An operation on tensors."""
        layer = Layer(kind, spot, kind, op=True, held=True, time=self.tick())
        layer.args = {name: Arg(value, spot) for name, value in values.items() if value is not None}
        return layer

    def model(self, model: Model) -> Model:
        """Enter a model: into the program's models once its graph is known, after those it holds."""
        model.held = True
        model.time = self.tick()
        self.program.layers.append(model)
        return model

    def call(
        self,
        layer: Layer,
        inputs: Iterable[Tensor],
        spot: LayerSpot,
        training: Arg = NOT_GIVEN,
        shapes: Mapping[int, Shape | None] | None = None,
    ) -> Call:
        """Apply a layer; `shapes` are those of its outputs that are known, by their number."""
        given = tuple(inputs)
        known = dict(shapes or {})
        if isinstance(layer, Model) and len(layer.outputs) > 1:
            known = {number: out.shape for number, out in enumerate(layer.outputs)} | known
        first = known.get(0) or output_shape(layer, [tensor.shape for tensor in given])
        output = Tensor(shape=first)
        parent = self.parents[-1] if self.parents else None
        call = Call(layer, given, output, spot, self.contexts[-1], training, parent, time=self.tick())
        call.outputs = tuple(Tensor(call, known.get(number)) for number in range(1, max(known, default=0) + 1))
        output.call = call
        for tensor in given:
            tensor.users.append(call)
        layer.calls.append(call)
        self.program.calls.append(call)
        return call

    def compiled(self, model: Model, spot: LayerSpot, settings: Mapping[str, object]) -> None:
        """Note that a model is compiled."""
        args = {name: Arg(value, spot) for name, value in settings.items() if value is not None}
        event = Event("compile", model, spot, self.contexts[-1], args, time=self.tick())
        model.events.append(event)
        self.program.events.append(event)


def aimed(program: Program, target: str) -> bool:
    """Give a program the version that was asked for, "2", "3" or "3.N"; False where none was ("auto")."""
    if target == "auto":
        return False
    major, _, minor = target.partition(".")
    program.keras, program.keras_minor = int(major), int(minor) if minor else None
    program.keras_because = "--target-keras"
    return True


def finish(program: Program) -> Program:
    """Note how many calls of batch normalization there are: the input of each is known."""
    calls = [call for call in program.calls if is_batchnorm(call.layer)]
    for call in calls if program.keras < 3 else []:
        shape, axis = call.inputs[0].shape if call.inputs else None, call.layer.args.get("axis")
        if shape is not None and axis is not None and axis.value == len(shape) - 1:
            del call.layer.args["axis"]  # Keras 2 keeps no axis as it was given.
    program.coverage = (len(calls), sum(bool(call.inputs) for call in calls))
    return program


def output_number(call: Call, number: int) -> Tensor:
    """A call's output by its number; one beyond those known is the last."""
    return (call.output, *call.outputs)[min(number, len(call.outputs))]


def arguments(kind: str, values: Mapping[str, object], spot: LayerSpot) -> dict[str, Arg]:
    """The arguments of a layer of this kind that differ from Keras's defaults; all where the kind is not known."""
    names, defaults = parameters(kind)
    found = {}
    values = {**values, **{new: values[old] for old, new in row(kind).renamed if old in values}}
    for name, value in values.items():
        if name in _DERIVED or (names and name not in names and name not in KEPT):
            continue
        if name in defaults and _is_default(name, value, defaults[name], values):
            continue
        if value is None or (name == "trainable" and value is True) or _SAME_AS_NONE.get(name, None) == value:
            continue
        found[name] = Arg(value, spot)
    return found


def _is_default(name: str, value: object, default: object, values: Mapping[str, object]) -> bool:
    if value == default or (name in _SAME_AS_NONE and default is None and value == _SAME_AS_NONE[name]):
        return True
    if name == "strides" and default is None:
        return value == values.get("pool_size")
    if isinstance(default, str):
        return isinstance(value, str) and value == snake(default)
    return isinstance(default, int) and isinstance(value, tuple) and bool(value) and set(_leaves(value)) == {default}


def _leaves(value: object) -> Iterable[object]:
    if isinstance(value, tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return (value,)


def snake(name: str) -> str:
    """A class's name as Keras writes it in a string: GlorotUniform is glorot_uniform."""
    return _WORDS.sub("_", name).lower()


def thing(kind: str, values: Mapping[str, object], spot: LayerSpot, name: str = "") -> object:
    """A library object as a value: an initializer with no arguments of its own is what Keras calls it in a string."""
    given = {key: Arg(value, spot) for key, value in values.items() if value is not None and key != "name"}
    if name.endswith("_initializer") and not given:
        return snake(kind)
    return Object(kind, given, spot)


def number(value: float) -> float:
    """A number as it was written: Keras keeps many as float32, which makes 0.001 0.0010000000474974513."""
    try:
        (single,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return value
    return float(f"{value:.7g}") if single == value else value


def sizes(value: object) -> Shape | None:
    """A shape as it stands in a config; None for what is none."""
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= 32:
        return None
    ok = all(size is None or (isinstance(size, int) and not isinstance(size, bool)) for size in value)
    return tuple(value) if ok else None


def input_values(values: Mapping[str, Any]) -> tuple[dict[str, object], Shape | None]:
    """An InputLayer's arguments as code gives them, and the shape of its tensor."""
    rest = {key: value for key, value in values.items() if key not in ("batch_shape", "batch_input_shape")}
    shape = sizes(values.get("batch_shape") or values.get("batch_input_shape"))
    if shape is not None:
        rest["shape"] = shape[1:]
        rest["batch_size"] = shape[0]
    return rest, shape
