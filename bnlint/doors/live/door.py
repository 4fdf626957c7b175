"""The live door: a Keras model as it stands in memory, the graph out. Nothing of the model is changed or trained.

Keras is not imported: the model has been, and its package is taken from there.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from typing import Any

from ...graph import Arg, Call, Context, Entry, Layer, Model, Program, Tensor, Unknown, is_batchnorm
from ...graph.freezing import FORWARDED
from ...graph.kinds import WRAPPERS
from ...graph.nodes import NOT_GIVEN
from ..assembly import Assembly, LayerSpot, aimed, finish, input_values, output_number, sizes
from ..saved.weights import state_of
from .objects import (
    MODELS,
    arrays_of,
    compile_settings,
    is_keras,
    is_operation,
    iterations_of,
    leaves,
    nearest_class,
    operation_kind,
    values_of,
)
from .operations import Operations, shape_of
from .tracing import MISSING, Trace, Traced, Tracer, held_layers, is_model, parameters_of, takes_training
from .training import Training, fitted


def read(
    model: Any,
    *,
    path: str | None = None,
    data: Any = None,
    training: Training | None = None,
    target: str = "auto",
) -> Program:
    """The program that a live model is, of Keras 3 or tf_keras.

    path: what findings show for a file's name; the model's own name in angle brackets by default.
    data: a batch of inputs, as the model takes them; each batch normalization's modes are compared on it.
    training: how the model is trained.
    target: "auto" for the model's own Keras, or "2", "3" or "3.N" for what it would be there.

    Raises TypeError for what is no Keras model, and ValueError for one that is not built.
    """
    root, version = library(model)
    if not model.built:
        raise not_built(model)
    program = Program(path or f"<{model.name}>", explicit_keras=True)
    found = re.match(r"(\d+)\.(\d+)", version)
    major, minor = (int(found[1]), int(found[2])) if found else (3, 0)
    if not aimed(program, target):
        program.keras, program.keras_minor = (3 if major >= 3 else 2), minor
        program.keras_because = f"the model is of {root} {version}"
    reader = _Reader(Assembly(program), Tracer(root, major))
    made = reader.layer(model, "")
    assert isinstance(made, Model)
    if training is not None:
        fitted(reader.assembly, made, reader.assembly.spot(made.origin.place().layer or ""), training)
    if data is not None:
        from .gaps import measure

        measure(model, data, {live: layer for live, layer in reader.layers.values() if is_batchnorm(layer)}, major)
    return finish(program)


def library(model: Any) -> tuple[str, str]:
    """The package that a model's class comes from, and its version."""
    for cls in type(model).__mro__:
        root = cls.__module__.split(".")[0]
        if cls.__name__ == "Model" and root in ("keras", "tf_keras") and root in sys.modules:
            return root, str(getattr(sys.modules[root], "__version__", "3.0"))
    raise TypeError(f"not a Keras model: {type(model).__name__}")


class _Reader:
    """Reads one live model; `layers` are those met so far, each with what became of it."""

    def __init__(self, assembly: Assembly, tracer: Tracer) -> None:
        self.assembly, self._tracer = assembly, tracer
        self.layers: dict[int, tuple[Any, Layer]] = {}

    def layer(self, live: Any, within: str, specs: Any = None) -> Layer:
        """A live layer or model in the graph, once; `specs` are what it is called on, where it must be traced."""
        if id(live) in self.layers:
            return self.layers[id(live)][1]
        path = f"{within}/{live.name}" if within else str(live.name)
        spot = self.assembly.spot(path)
        if is_operation(live):
            made = self.assembly.operation(operation_kind(live), spot, {"name": live.name})
            if made.kind == "Concatenate" and hasattr(live, "axis"):
                made.args["axis"] = Arg(live.axis, spot)
            self.layers[id(live)] = (live, made)
            return made
        if is_model(live):
            return self._model(live, path, spot, specs)
        return self._layer(live, path, spot)

    def _layer(self, live: Any, path: str, spot: LayerSpot) -> Layer:
        kind = nearest_class(live)
        values = values_of(live, kind, spot)
        if kind == "InputLayer":
            batch_shape = getattr(live, "batch_shape", None) or getattr(live, "_batch_input_shape", None)
            values, _ = input_values({**values, "batch_shape": tuple(batch_shape) if batch_shape else None})
        inner = getattr(live, "layer", getattr(live, "forward_layer", None)) if kind in WRAPPERS else None
        if inner is not None:
            values["layer"] = self.layer(inner, path)
        made = self.assembly.layer(kind, spot, values, type(live).__name__)
        self.layers[id(live)] = (live, made)
        if inner is not None:
            made.wrapped = self.layers[id(inner)][1]
        if is_batchnorm(made):
            arrays = arrays_of(live)
            made.state = state_of(arrays, made) if arrays else None
        if not is_keras(type(live)):
            made.children = [self.layer(child, path) for child in held_layers(live) if not is_model(child)]
        return made

    def _model(self, live: Any, path: str, spot: LayerSpot, specs: Any = None) -> Model:
        kind = nearest_class(live)
        own = type(live).__name__ in MODELS and is_keras(type(live))
        nodes = graph_of(live)
        style = "sequential" if kind == "Sequential" else "functional" if nodes is not None else "subclass"
        model = Model(
            ("Sequential" if style == "sequential" else "Functional") if own else "Model",
            spot,
            type(live).__name__ if not own else ("Sequential" if style == "sequential" else "Functional"),
            style=style,  # type: ignore[arg-type]
        )
        model.args = {"name": Arg(live.name, spot)}
        if live.trainable is False:
            model.args["trainable"] = Arg(False, spot)
        self.assembly.model(model)
        self.layers[id(live)] = (live, model)
        if nodes is not None:
            self._connect(live, model, nodes, path)
        else:
            self._traced(live, model, path, specs)
        if style == "sequential":
            self._enter(live, model, path)
        self.assembly.program.models.append(model)
        settings = compile_settings(live, spot)
        if settings:
            self.assembly.compiled(model, spot, settings)
            model.iterations = iterations_of(live)
        return model

    def _enter(self, live: Any, model: Model, path: str) -> None:
        """A Sequential's entries."""
        first = model.inputs[0] if model.inputs else None
        if first is not None and first.input is not None:
            model.entries.append(Entry(first, first.input.origin))
        for each in live.layers:
            layer = self.layer(each, path)
            model.entries.append(Entry(layer, layer.origin, layer))

    def _connect(self, live: Any, model: Model, nodes: list[Any], path: str) -> None:
        """A functional model, node by node."""
        tensors: dict[int, Tensor] = {}
        numbers: dict[int, int] = {}
        for node in nodes:
            operation = getattr(node, "operation", None) or node.layer
            outputs = list(leaves(node.outputs))
            if node.is_input:
                layer = self.layer(operation, path)
                tensors.update({id(out): Tensor(shape=shape_of(out), input=layer) for out in outputs})
                continue
            given = node.input_tensors if hasattr(node, "input_tensors") and hasattr(node, "arguments") else None
            symbolic = list(leaves(given if given is not None else node.keras_inputs))
            inputs = [tensors[id(one)] for one in symbolic if id(one) in tensors]
            layer = self.layer(operation, path, symbolic)
            numbers[id(operation)] = index = numbers.get(id(operation), -1) + 1
            spot = self.assembly.spot(layer.origin.place().layer or path, index)
            keywords = node.arguments.kwargs if given is not None else node.call_kwargs
            known = {number: shape for number, out in enumerate(outputs) if (shape := shape_of(out))}
            call = self.assembly.call(layer, inputs, spot, _passed(_flag_of(keywords, operation), spot), known)
            model.nodes.append(call)
            if not layer.op and not isinstance(layer, Model) and not is_keras(type(operation)):
                self._open(operation, call, symbolic, model, path)
            tensors.update({id(out): output_number(call, number) for number, out in enumerate(outputs)})
        model.inputs = tuple(tensors[id(one)] for one in leaves(live.inputs) if id(one) in tensors)
        model.outputs = tuple(tensors[id(one)] for one in leaves(live.outputs) if id(one) in tensors)
        model.complete = bool(model.outputs)

    def _open(self, live: Any, call: Call, symbolic: list[Any], model: Model, path: str) -> None:
        """Look into a custom layer of a functional model: what its `call` does, between the same tensors."""
        trace, other = self._runs(live, [symbolic[0] if len(symbolic) == 1 else symbolic], path)
        if trace is None or len(trace.inputs) != len(call.inputs):
            return
        operations = Operations(self.assembly, call.layer.origin.place().layer or path)
        for one, tensor in zip(trace.inputs, call.inputs, strict=True):
            operations.note(one, tensor)
        self.assembly.parents.append(call)
        outputs = self._replay(trace, other, operations, model, path)
        self.assembly.parents.pop()
        if len(outputs) == 1:
            call.output = outputs[0]
        call.outputs = tuple(outputs)

    def _runs(self, live: Any, arguments: Any, path: str) -> tuple[Trace | None, Trace | None]:
        """Its `call` as fit has it run, and as inference does, where that may differ."""
        if not takes_training(live):
            return self._attempt(live, arguments, {}, path), None
        trace = self._attempt(live, arguments, {"training": True}, path)
        differs = trace is not None and any(event.training is not MISSING for event in trace.events())
        return trace, self._attempt(live, arguments, {"training": False}, path) if differs else None

    def _attempt(self, live: Any, specs: Any, keywords: dict[str, Any], path: str) -> Trace | None:
        """A symbolic run; None, with a note, where the code raises on symbolic tensors."""
        try:
            return self._tracer.run(live, specs, keywords)
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            self.assembly.program.notes.append(
                f"{path}: {live.name} could not be traced: {type(error).__name__}: {said}"
            )
            return None

    def _traced(self, live: Any, model: Model, path: str, specs: Any = None) -> None:
        """A subclass of Model: its `call` run once as in fit and once as in inference."""
        _signature(live, model)
        arguments = [specs[0] if len(specs) == 1 else specs] if specs else _specs(live)
        fitting, inferring = self._runs(live, arguments, path)
        model.children = [self.layer(child, path) for child in held_layers(live) if not is_model(child)]
        if fitting is None:
            model.complete = False
            return
        operations = Operations(self.assembly, path)
        model.inputs = tuple(Tensor(shape=shape_of(one)) for one in fitting.inputs)
        for one, tensor in zip(fitting.inputs, model.inputs, strict=True):
            operations.note(one, tensor)
        self.assembly.contexts.append(Context(kind="call"))
        model.outputs = tuple(self._replay(fitting, inferring, operations, model, path))
        self.assembly.contexts.pop()
        model.complete = bool(model.nodes) and not operations.lost

    def _replay(
        self, trace: Trace, other: Trace | None, operations: Operations, model: Model, path: str
    ) -> list[Tensor]:
        """Put a run's calls into the graph; returns its outputs. `other` is the same run in inference."""
        modes = _modes(trace, other)
        opened: list[Call] = []
        counts: dict[int, int] = {}
        for begins, event in trace.steps:
            if begins:
                layer = self.layer(event.layer, path, event.inputs)
                counts[id(event.layer)] = index = counts.get(id(event.layer), -1) + 1
                spot = self.assembly.spot(layer.origin.place().layer or path, index)
                inputs = operations.tensors(event.inputs)
                call = self.assembly.call(layer, inputs, spot, _passed(modes[id(event)], spot))
                call.dropped = False
                model.nodes.append(call)
                opened.append(call)
                self.assembly.parents.append(call)
            else:
                call = opened.pop()
                opaque = is_keras(type(event.layer)) or is_model(event.layer)
                inside = [] if opaque else operations.tensors(event.outputs)
                self.assembly.parents.pop()
                self._close(call, event, inside, operations)
        outputs = operations.tensors(trace.outputs)
        model.nodes += operations.calls
        model.nodes.sort(key=lambda call: call.time)
        return outputs

    def _close(self, call: Call, event: Traced, inside: list[Tensor], operations: Operations) -> None:
        """Note what a call gave: of a custom layer, what came out inside it."""
        made_inside = [tensor for tensor in inside if tensor.call is not None and tensor not in call.inputs]
        if made_inside:
            call.outputs = tuple(inside)
            if len(inside) == 1:
                call.output = inside[0]
            return
        call.output.shape = shape_of(event.outputs[0]) if event.outputs else None
        call.outputs = tuple(Tensor(call, shape_of(one)) for one in event.outputs[1:])
        for one, tensor in zip(event.outputs, (call.output, *call.outputs), strict=False):
            operations.note(one, tensor)


def graph_of(live: Any) -> list[Any] | None:
    """The nodes of a functional or built Sequential model, each after those it needs; None for others."""
    graph = getattr(live, "_functional", None) or live
    by_depth = getattr(graph, "_nodes_by_depth", None)
    if not by_depth or not getattr(graph, "outputs", None):
        return None
    if live is graph and type(live).call is not _call_of(live):
        return None
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def _call_of(live: Any) -> Any:
    """The `call` of the nearest of Keras's own classes: one of the project's own replaces the graph."""
    return next((cls.call for cls in type(live).__mro__ if is_keras(cls)), None)  # type: ignore[attr-defined]


def _modes(trace: Trace, other: Trace | None) -> dict[int, object]:
    """The `training` that each call passes: one value in both runs, or the flag that the model itself gets."""
    mine, theirs = trace.events(), other.events() if other is not None else None
    if theirs is None or [id(event.layer) for event in mine] != [id(event.layer) for event in theirs]:
        return {id(event): event.training for event in mine}
    return {
        id(event): event.training if event.training == twin.training else _flag(event.training, twin.training)
        for event, twin in zip(mine, theirs, strict=True)
    }


def _flag(fitting: object, inferring: object) -> Unknown:
    return FORWARDED if fitting is True and not inferring else Unknown("an expression of the training flag")


def _flag_of(keywords: Mapping[str, Any], live: Any) -> object:
    """The `training` that was given to a call of a functional model; Keras 3 notes the default of `call`, too."""
    value = keywords.get("training")
    default = parameters_of(live).get("training")
    return MISSING if default is not None and value is default.default else value


def _passed(value: object, spot: LayerSpot) -> Arg:
    if value is None or value is MISSING:
        return NOT_GIVEN
    if isinstance(value, (bool, int)):
        return Arg(bool(value), spot)
    return Arg(value if isinstance(value, Unknown) else Unknown("a tensor"), spot)


def _signature(live: Any, model: Model) -> None:
    """What a subclass's `call` takes, and what it defines."""
    found = parameters_of(live)
    model.signature = tuple(found)
    model.call_origin = model.origin
    default = found["training"].default if "training" in found else inspect.Parameter.empty
    if default is not inspect.Parameter.empty:
        model.call_default = Arg(default, model.origin)
    own = [
        cls for cls in type(live).__mro__ if not is_keras(cls) and not cls.__module__.startswith(("keras", "tf_keras"))
    ]
    model.methods = frozenset(
        name for cls in own if cls is not object for name in vars(cls) if callable(vars(cls)[name])
    )


def _specs(live: Any) -> list[Any]:
    """What a subclass is called on, symbolically, from the shapes it was built with. ValueError where it was not."""
    shapes = getattr(live, "_build_shapes_dict", None) or getattr(live, "_build_input_shape", None)
    if isinstance(shapes, dict) and shapes and all(key.endswith("shape") for key in shapes):
        arguments = list(shapes.values())
    else:
        arguments = [shapes] if shapes is not None else []
    if not arguments:
        raise not_built(live)
    return [_spec(argument, live) for argument in arguments]


def not_built(live: Any) -> ValueError:
    return ValueError(
        f"the model {live.name} is not built: call it on a batch (model(x)), or model.build(input_shape) with the "
        "batch first, such as model.build((None, 28, 28, 1))"
    )


def _spec(shape: Any, live: Any) -> Any:
    if isinstance(shape, dict):
        return {key: _spec(value, live) for key, value in shape.items()}
    if hasattr(shape, "as_list"):
        shape = shape.as_list()
    if sizes(shape) is None:
        return [_spec(value, live) for value in shape]
    root = library(live)[0]
    dtype = getattr(live, "input_dtype", None) or "float32"
    if root == "keras" and "keras.src.backend" in sys.modules:
        return sys.modules["keras"].KerasTensor((None, *shape[1:]), dtype=dtype)
    return sys.modules["tensorflow"].TensorSpec((None, *shape[1:]), "float32")
