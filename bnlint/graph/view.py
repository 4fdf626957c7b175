"""A program's models as plain data: one node for each call of a layer or operation, as Keras shows a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .nodes import Call, Function, Layer, Model, Object, Tensor, Unknown
from .program import Program

Node = dict[str, object]


def models_of(program: Program) -> list[dict[str, object]]:
    """Each model as {"name", "origin", "style", "nodes", "outputs"}; the models that a model holds come before it.

    So do the project's own layers, of style "layer", with the calls of the first time that their `call` was evaluated.
    The "model" of a node is the index of the entry of what stands for it: a model, or such a layer.
    """
    inside = _inside(program)
    entries: list[Model | Call] = []
    seen: set[Layer] = set()
    for model in ordered(program.models):
        entries += _layers_in(graph_of(model), inside, seen)
        entries.append(model)
    numbers = {entry if isinstance(entry, Model) else entry.layer: index for index, entry in enumerate(entries)}
    return [
        _model(entry, numbers)[0] if isinstance(entry, Model) else _layer(entry, inside[entry], numbers)
        for entry in entries
    ]


def _inside(program: Program) -> dict[Call, list[Call]]:
    """The calls that happen directly in the `call` of each of the project's own layers."""
    found: dict[Call, list[Call]] = {}
    for call in program.calls:
        if call.parent is not None and call.parent.layer.kind == "Layer":
            found.setdefault(call.parent, []).append(call)
    return found


def _layers_in(calls: list[Call], inside: dict[Call, list[Call]], seen: set[Layer]) -> list[Call]:
    """The first call of each of the project's own layers that is not seen yet, in these and in in them; inner first."""
    found: list[Call] = []
    stack = [(call, False) for call in reversed(calls)]
    while stack:
        call, closing = stack.pop()
        if closing:
            found.append(call)
        elif call in inside and call.layer not in seen:
            seen.add(call.layer)
            stack.append((call, True))
            stack += [(one, False) for one in reversed(inside[call])]
    return found


def kind_of(layer: Layer) -> str:
    """The class name: the project's own for its own layers, Keras's for Keras's."""
    return layer.cls if layer.kind in ("Layer", "Model") and layer.cls else layer.kind


def top(call: Call, calls: set[Call]) -> Call:
    """The outermost call that a call happens in, of those that are the model's own."""
    while call.parent is not None and call.parent in calls:
        call = call.parent
    return call


def graph_of(model: Model) -> list[Call]:
    """The model's calls without those inside the project's own layers."""
    calls = set(model.nodes)
    for call in model.nodes:
        while call.parent is not None and call.parent not in calls and call.parent.layer is not model:
            call = call.parent
            calls.add(call)
    return sorted((call for call in calls if top(call, calls) is call), key=lambda call: call.time)


def ordered(models: list[Model]) -> list[Model]:
    """Models before those that hold them, else as they were made."""
    wanted = set(models)
    done: dict[Model, None] = {}
    stack = [(model, False) for model in reversed(models)]
    opened: set[Model] = set()
    while stack:
        model, closing = stack.pop()
        if closing:
            done[model] = None
        elif model not in opened:
            opened.add(model)
            stack.append((model, True))
            stack += [
                (call.layer, False) for call in model.nodes if isinstance(call.layer, Model) and call.layer in wanted
            ]
    return list(done)


def described(model: Model) -> tuple[dict[str, Any], dict[object, int]]:
    """The model as `models_of` gives it, and the number of the node that each call, or tensor from outside, is."""
    return _model(model, {})


def _model(model: Model, numbers: Mapping[Layer, int]) -> tuple[dict[str, Any], dict[object, int]]:
    calls = graph_of(model)
    within = {*model.nodes, *calls}

    def end_of(source: Tensor) -> Call | Tensor:
        return source if source.call is None else top(source.call, within)

    nodes = _Nodes(model.inputs, end_of, numbers)
    nodes.add(calls)
    return _entry(model, model.style, nodes, model.outputs), nodes.ids


def _layer(outer: Call, calls: list[Call], numbers: Mapping[Layer, int]) -> dict[str, Any]:
    """A layer of the project's own, by the calls that happen in one of it."""

    def end_of(source: Tensor) -> Call | Tensor | None:
        call = source.call
        while call is not None and call.parent is not outer:
            call = call.parent
        return call or (source if source.call is not outer else None)

    nodes = _Nodes(outer.inputs, end_of, numbers)
    nodes.add(calls)
    return _entry(outer.layer, "layer", nodes, outer.outputs or (outer.output,))


def _entry(layer: Layer, style: str, nodes: _Nodes, outputs: tuple[Tensor, ...]) -> dict[str, Any]:
    place = layer.origin.place()
    return {
        "name": _name(layer) or layer.cls or layer.kind,
        "origin": {"path": place.path, "cell": place.cell, "line": place.line, "column": place.column},
        "style": style,
        "nodes": nodes.made,
        "outputs": [number for tensor in outputs for number in nodes.sources(tensor)],
    }


class _Nodes:
    """The nodes of one graph: its inputs, and its calls.

    `end_of` tells which of the calls gives a tensor, or which tensor from outside it is.
    """

    def __init__(
        self,
        inputs: tuple[Tensor, ...],
        end_of: Callable[[Tensor], Call | Tensor | None],
        numbers: Mapping[Layer, int],
    ) -> None:
        self.ids: dict[object, int] = {}
        self.made: list[Node] = []
        self._inputs, self._end_of, self._numbers = inputs, end_of, numbers
        for tensor in inputs:
            self.sources(tensor)

    def add(self, calls: Iterable[Call]) -> None:
        """Make a node of each call."""
        for call in calls:
            inputs = [number for tensor in call.inputs for number in self.sources(tensor)]
            self._add(call, call.layer, kind_of(call.layer), inputs)

    def sources(self, tensor: Tensor) -> list[int]:
        """The numbers of the nodes that a tensor may come from."""
        found = []
        for source in tensor.sources():
            end = self._end_of(source)
            if end not in self.ids and isinstance(end, Tensor):
                self._add(end, end.input, "InputLayer" if end in self._inputs or end.input else "unknown", [])
            if end in self.ids:
                found.append(self.ids[end])
        return found

    def _add(self, end: object, layer: Layer | None, kind: str, inputs: list[int]) -> None:
        self.ids[end] = len(self.made)
        held = None if layer is None else self._numbers.get(layer, self._numbers.get(layer.wrapped or layer))
        self.made.append(_node(len(self.made), layer, kind, inputs) | {"model": held})


def _node(number: int, layer: Layer | None, kind: str, inputs: list[int]) -> Node:
    config = {} if layer is None else dict(_config(layer))
    return {
        "id": number,
        "kind": kind,
        "name": _name(layer) if layer is not None else None,
        "inputs": inputs,
        "config": config,
    }


def _name(layer: Layer) -> str | None:
    value = layer.args["name"].value if "name" in layer.args else None
    return value if isinstance(value, str) else None


def _config(layer: Layer) -> list[tuple[str, object]]:
    """The constructor's known arguments, Keras's defaults filled in."""
    values = {**layer.defaults, **{name: arg.value for name, arg in layer.args.items()}}
    return [
        (name, _plain(value)) for name, value in values.items() if name != "name" and not isinstance(value, Unknown)
    ]


def _plain(value: object) -> object:
    if isinstance(value, (Function, Object)):
        return value.name if isinstance(value, Function) else value.kind
    if isinstance(value, Layer):
        return kind_of(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(value)
