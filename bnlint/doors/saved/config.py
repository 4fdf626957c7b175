"""A Keras configuration as a graph: what `model.get_config()` and `model.to_json()` say, of Keras 3, 2 and 1.

The configuration is data. Nothing in it is looked up, imported or unpacked; a Lambda's code stays a string.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...catalog import MARKS, is_layer, operation
from ...graph import Arg, Call, Entry, Function, Layer, Model, Tensor, Unknown
from ...graph.kinds import BATCH_NORMALIZATIONS, WRAPPERS
from ...graph.nodes import NOT_GIVEN, Shape
from ...inputs.gate import Refused
from ..assembly import Assembly, LayerSpot, input_values, number, output_number, sizes, thing

MAX_LAYERS = 50_000
MAX_OUTPUTS = 1_000

_MODELS = frozenset({"Functional", "Model", "Sequential"})
_ASKING = BATCH_NORMALIZATIONS | {"TimeDistributed"}
"""Layers for which a stored `training=False` was asked for. Keras 3 also stores the default of `call`, as Dropout's."""
Config = Mapping[str, Any]
Reference = tuple[str, int, int]
"""A layer's name, which of its calls, and which of that call's outputs."""


@dataclass(slots=True)
class ConfigNode:
    """A call as the configuration has it: its inputs, with their shapes where it says them, and `training`."""

    inputs: list[Reference] = field(default_factory=list)
    shapes: list[Shape | None] = field(default_factory=list)
    training: object = None


def read_model(assembly: Assembly, config: Config, within: str = "") -> Model:
    """The model of a configuration, and all it holds, put into the program. Raises Refused for what is no model's."""
    reader = _ConfigReader(assembly)
    model = reader.layer(config, within)
    if not isinstance(model, Model):
        name = config.get("class_name")
        raise Refused(f"the configuration is of a {name}, not of a model" if name else "no model's configuration")
    return model


def value_of(value: object, spot: LayerSpot, name: str = "") -> object:
    """A value of a configuration as an argument's value."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return tuple(value_of(item, spot) for item in value)
    if not isinstance(value, dict):
        return value
    kind, inner = value.get("class_name"), value.get("config")
    if kind == "__tuple__":
        items = value.get("items", inner.get("value") if isinstance(inner, dict) else None)
        return value_of(items, spot)
    if kind == "function":
        return Function(str(inner), keras=_is_keras(value))
    if not isinstance(kind, str) or kind.startswith("__"):
        return Unknown("a value of the configuration")
    if kind == "DTypePolicy" or kind.endswith("Policy"):
        return inner.get("name") if isinstance(inner, dict) else None
    given = inner if isinstance(inner, dict) else {}
    return thing(kind.rpartition(">")[2], {key: value_of(item, spot) for key, item in given.items()}, spot, name)


def settings_of(config: object, spot: LayerSpot) -> dict[str, object]:
    """What a model is compiled with, from a compile_config or training_config."""
    if not isinstance(config, dict):
        return {}
    given = dict(config)
    if "optimizer_config" in given:
        given["optimizer"] = given.pop("optimizer_config")
    found = {name: value_of(given.get(name), spot) for name in ("optimizer", "loss", "metrics")}
    optimizer = found["optimizer"]
    args = getattr(optimizer, "args", None)
    if isinstance(args, dict) and "weight_decay" in args:
        args["exclude_from_weight_decay"] = Arg(Unknown("what is excluded is not saved"), spot)
    return found


def _is_keras(config: Config) -> bool:
    module = config.get("module")
    return module is None or str(module).split(".")[0] in ("keras", "tf_keras", "tensorflow", "builtins")


def _is_operation(config: Config, values: Config) -> bool:
    """Whether it is of an operation on tensors, by its module, or because it says nothing of a layer's state."""
    module = config.get("module")
    if module is not None:
        return _is_keras(config) and (".ops." in str(module) or ".activations" in str(module))
    return "trainable" not in values and config.get("class_name") != "InputLayer" and bool(config.get("inbound_nodes"))


class _ConfigReader:
    """Builds one configuration's layers."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly

    def layer(self, config: Config, within: str) -> Layer:
        """A layer or model with all it holds; `within` is the path of what it stands in."""
        if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
            raise Refused("a layer's configuration has no class_name")
        if len(self.assembly.program.layers) >= MAX_LAYERS:
            raise Refused(f"over {MAX_LAYERS:,} layers", kind="limit")
        kind = str(config["class_name"]).rpartition(">")[2]
        values = config.get("config") or {}
        if isinstance(values, list) and kind == "Sequential":
            values = {"layers": values}
        if not isinstance(values, dict):
            raise Refused(f"the configuration of a {kind} is not a mapping")
        name = _name(config, values) or kind.lower()
        path = f"{within}/{name}" if within else name
        if isinstance(values.get("layers"), list) and (kind in _MODELS or not is_layer(kind)):
            return self._model(config, kind, values, path)
        if kind in _MODELS or (not within and not is_layer(kind)):
            return self._opaque(kind, values, path)
        return self._layer(config, kind, values, path)

    def _layer(self, config: Config, kind: str, values: Config, path: str) -> Layer:
        spot = self.assembly.spot(path)
        found = {key: value_of(value, spot, key) for key, value in values.items()}
        if "name" in config:
            found.setdefault("name", config["name"])
        keras = _is_keras(config)
        if kind in ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"):
            return self.assembly.operation(
                operation(str(values.get("function", kind))), spot, {"name": path.rpartition("/")[2]}
            )
        if _is_operation(config, values):
            return self.assembly.operation(operation(kind), spot, found)
        if kind == "InputLayer":
            found, _ = input_values(found)
        axis = found.get("axis")
        if isinstance(axis, tuple) and len(axis) == 1 and kind in BATCH_NORMALIZATIONS:
            found["axis"] = axis[0]
        if kind == "Lambda":
            found["function"] = Function("<lambda>", keras=False)
        cls = kind
        if not (keras and is_layer(kind)):
            kind = "BatchNormalization" if values.keys() >= {*MARKS} else "Layer"
        inner = list(self._inner(values, path))
        found |= dict(inner)
        layer = self.assembly.layer(kind, spot, found, cls)
        if kind in WRAPPERS:
            layer.wrapped = next((child for key, child in inner if key == "layer"), None)
        layer.children = [child for _, child in inner if child is not layer.wrapped]
        return layer

    def _inner(self, values: Config, path: str) -> Iterator[tuple[str, Layer]]:
        """The layers that a layer's arguments hold, a recurrent layer's cells and the like left out."""
        for key, value in values.items():
            for item in value if isinstance(value, list) else [value]:
                kind = str(item.get("class_name")).rpartition(">")[2] if isinstance(item, dict) else ""
                if (is_layer(kind) or kind in _MODELS) and isinstance(item.get("config"), dict):
                    yield key, self.layer(item, path)

    def _opaque(self, kind: str, values: Config, path: str) -> Model:
        """A model of which the configuration says only how its class is constructed."""
        spot = self.assembly.spot(path)
        model = Model("Model", spot, kind, style="subclass", complete=False, context=self.assembly.contexts[-1])
        model.args = {"name": Arg(values.get("name") or path, spot)}
        model.children = [child for _, child in self._inner(values, path)]
        self.assembly.model(model)
        self.assembly.program.models.append(model)
        self.assembly.program.notes.append(f"{spot.place()}: a {kind} is saved without its graph")
        return model

    def _model(self, config: Config, kind: str, values: Config, path: str) -> Model:
        spot = self.assembly.spot(path)
        functional = "input_layers" in values or "output_layers" in values
        own = "Functional" if functional else "Sequential"
        names = (own, spot, own) if kind in _MODELS else ("Model", spot, kind)
        model = Model(*names, style="functional" if functional else "sequential")
        model.args = {"name": Arg(values.get("name") or path.rpartition("/")[2], spot)}
        if values.get("trainable") is False:
            model.args["trainable"] = Arg(False, spot)
        self.assembly.model(model)
        specs = values["layers"]
        layers = [self.layer(spec, path) for spec in specs]
        self.assembly.held[model] = layers
        if functional:
            _Functional(self.assembly, model, values, specs, layers, path).connect()
        else:
            self._chain(model, values, layers)
        self.assembly.program.models.append(model)
        settings = config.get("compile_config") or values.get("compile_config")
        if settings and "/" not in path:
            self.assembly.compiled(model, spot, settings_of(settings, spot))
        return model

    def _chain(self, model: Model, values: Config, layers: list[Layer]) -> None:
        """Connect a Sequential."""
        shape = sizes(values.get("build_input_shape"))
        tensor = Tensor(shape=shape)
        for index, layer in enumerate(layers):
            spot = self.assembly.spot(layer.origin.place().layer or "")
            if index == 0:
                shape = _input_shape(layer) or shape
                tensor = Tensor(shape=shape, input=None if isinstance(layer, Model) else layer)
                model.inputs = (tensor,)
                if layer.kind == "InputLayer":
                    model.entries.append(Entry(tensor, spot))
                    continue
                tensor.input = layer if "batch_input_shape" in layer.args else None
            model.entries.append(Entry(layer, spot, layer))
            call = self.assembly.call(layer, [tensor], self.assembly.spot(spot.layer, 0))
            model.nodes.append(call)
            tensor = call.output
        model.outputs = (tensor,) if layers else ()
        model.complete = bool(layers)


def _input_shape(layer: Layer) -> Shape | None:
    if layer.kind == "InputLayer":
        rest = sizes(layer.arg("shape").value)
        batch = layer.arg("batch_size").value
        return None if rest is None else (batch if isinstance(batch, int) else None, *rest)
    if isinstance(layer, Model):
        return layer.inputs[0].shape if layer.inputs else None
    return sizes(layer.args["batch_input_shape"].value) if "batch_input_shape" in layer.args else None


def _name(config: Config, values: Config) -> str:
    name = values.get("name") or config.get("name")
    return name.replace("/", "_")[:200] if isinstance(name, str) else ""


class _Functional:
    """Connects a functional model's layers as its configuration says."""

    def __init__(
        self, assembly: Assembly, model: Model, values: Config, specs: list[Config], layers: list[Layer], path: str
    ) -> None:
        self.assembly, self.model, self.values, self.path = assembly, model, values, path
        self.layers = {
            str(spec.get("name") or _name(spec, spec.get("config") or {})): layer
            for spec, layer in zip(specs, layers, strict=True)
        }
        if len(self.layers) < len(layers):
            raise Refused(f"two layers of {path} have the same name")
        self.specs = specs
        self.made: dict[tuple[str, int], Call | Tensor] = {}
        self.outputs: dict[tuple[str, int], dict[int, Shape]] = {}

    def connect(self) -> None:
        """Make the calls, each after those it takes its inputs from."""
        waiting = dict(self._nodes())
        for key, node in waiting.items():
            for (name, index, number_), shape in zip(node.inputs, node.shapes, strict=True):
                if (name, index) not in waiting and (name, index) not in self.made:
                    raise Refused(f"{self.path}/{key[0]} takes its input from {name}, which gives none")
                if number_ > MAX_OUTPUTS:
                    raise Refused(f"{self.path}/{name} has over {MAX_OUTPUTS:,} outputs", kind="limit")
                if shape is not None:
                    self.outputs.setdefault((name, index), {})[number_] = shape
        for key in _in_order({key: [source[:2] for source in node.inputs] for key, node in waiting.items()}, self.path):
            self._make(key, waiting[key])
        self.model.inputs = tuple(self._tensors(self.values.get("input_layers")))
        self.model.outputs = tuple(self._tensors(self.values.get("output_layers")))
        self.model.complete = bool(self.model.outputs)

    def _nodes(self) -> Iterator[tuple[tuple[str, int], ConfigNode]]:
        for spec, (name, layer) in zip(self.specs, self.layers.items(), strict=True):
            nodes = spec.get("inbound_nodes") or []
            if not isinstance(nodes, list):
                raise Refused(f"{self.path}/{name}: its inbound_nodes are no list")
            if layer.kind == "InputLayer":
                self.made[name, 0] = Tensor(shape=_input_shape(layer), input=layer)
                continue
            first = 0
            if self.assembly.program.keras < 3 and _has_own_node(layer):
                first = 1
            for index, node in enumerate(nodes):
                yield (name, first + index), _node(node, self.layers, f"{self.path}/{name}")

    def _make(self, key: tuple[str, int], node: ConfigNode) -> None:
        layer = self.layers[key[0]]
        inputs = [self._tensor(*source) for source in node.inputs]
        spot = self.assembly.spot(layer.origin.place().layer or "", key[1])
        noted = node.training is False and not (isinstance(layer, Model) or layer.kind in _ASKING)
        training = NOT_GIVEN if node.training is None or noted else Arg(_flag(node.training), spot)
        call = self.assembly.call(layer, inputs, spot, training, self.outputs.get(key))
        self.made[key] = call
        self.model.nodes.append(call)

    def _tensor(self, name: str, index: int, output: int) -> Tensor:
        made = self.made[name, index]
        return made if isinstance(made, Tensor) else output_number(made, output)

    def _tensors(self, value: object) -> Iterator[Tensor]:
        for reference in _references(value, self.layers):
            if reference[:2] not in self.made:
                raise Refused(f"{self.path} has an output or input of {reference[0]}, which gives none")
            yield self._tensor(*reference)


def _flag(value: object) -> object:
    return bool(value) if isinstance(value, (bool, int)) else Unknown("the training flag")


def _has_own_node(layer: Layer) -> bool:
    """Whether Keras 2 counts a layer's calls from 1: a model that was built with inputs of its own has one before."""
    return isinstance(layer, Model) and layer.style in ("functional", "sequential")


def _in_order(needs: Mapping[tuple[str, int], list[tuple[str, int]]], path: str) -> list[tuple[str, int]]:
    """The keys, each behind those it needs, else as they come. Refused where they need each other."""
    done: dict[tuple[str, int], None] = {}
    for start in needs:
        stack = [(start, False)]
        opened = set()
        while stack:
            key, closing = stack.pop()
            if closing:
                done[key] = None
            elif key not in done and key in needs:
                if key in opened:
                    raise Refused(f"{path}/{key[0]} takes its input from itself")
                opened.add(key)
                stack.append((key, True))
                stack.extend((need, False) for need in reversed(needs[key]) if need not in done)
    return list(done)


def _node(node: object, layers: Mapping[str, Layer], path: str) -> ConfigNode:
    """One inbound node, in the form of Keras 3 ({"args", "kwargs"}) or of Keras 1 and 2 (lists)."""
    found = ConfigNode()
    if isinstance(node, dict):
        kwargs = node.get("kwargs")
        for tensor in _keras_tensors([node.get("args"), kwargs]):
            history: Any = tensor.get("keras_history")
            shape = sizes(tensor.get("shape"))
            if not _is_reference(history):
                raise Refused(f"{path}: one of its inputs has no keras_history")
            found.inputs.append((history[0], history[1], history[2]))
            found.shapes.append(shape)
        found.training = kwargs.get("training") if isinstance(kwargs, dict) else None
        return found
    if not isinstance(node, (list, dict)):
        raise Refused(f"{path}: an inbound node is neither a list nor a mapping")
    found.inputs = list(_references(node, layers))
    found.shapes = [None] * len(found.inputs)
    found.training = next((given["training"] for given in _keywords(node) if "training" in given), None)
    return found


def _keras_tensors(value: object) -> Iterator[Config]:
    if isinstance(value, list):
        for item in value:
            yield from _keras_tensors(item)
    elif isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__" and isinstance(value.get("config"), dict):
            yield value["config"]
        else:
            yield from _keras_tensors(list(value.values()))


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and all(isinstance(index, int) and not isinstance(index, bool) and index >= 0 for index in value[1:3])
    )


def _references(value: object, layers: Mapping[str, Layer]) -> Iterator[Reference]:
    """The tensors named in a structure of Keras 2: ["dense", 0, 0], perhaps with the call's keywords behind."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return
    if _is_reference(value) and value[0] in layers:
        yield value[0], value[1], value[2]
        if len(value) > 3 and isinstance(value[3], dict):
            yield from _references(value[3], layers)
        return
    for item in value:
        yield from _references(item, layers)


def _keywords(value: object) -> Iterator[Config]:
    if isinstance(value, list):
        if _is_reference(value):
            yield from (item for item in value[3:4] if isinstance(item, dict))
            return
        for item in value:
            yield from _keywords(item)
