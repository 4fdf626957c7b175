"""A program's models as plain data: one node for each call of a layer or operation, as Keras shows a model."""

from __future__ import annotations

from typing import Any

from .nodes import Call, Function, Layer, Model, Object, Tensor, Unknown
from .program import Program

Node = dict[str, object]


def models_of(program: Program) -> list[dict[str, object]]:
    """Each model as {"name", "origin", "style", "nodes", "outputs"}; the models that a model holds come before it."""
    return [described(model)[0] for model in ordered(program.models)]


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
    calls = graph_of(model)
    within = {*model.nodes, *calls}
    ids: dict[object, int] = {}
    nodes: list[Node] = []

    def sources(tensor: Tensor) -> list[int]:
        found = []
        for source in tensor.sources():
            end: object = source if source.call is None else top(source.call, within)
            if end not in ids and isinstance(end, Tensor):
                ids[end] = len(nodes)
                nodes.append(
                    _node(len(nodes), end.input, "InputLayer" if end in model.inputs or end.input else "unknown", [])
                )
            if end in ids:
                found.append(ids[end])
        return found

    for tensor in model.inputs:
        sources(tensor)
    for call in calls:
        inputs = [number for tensor in call.inputs for number in sources(tensor)]
        ids[call] = len(nodes)
        nodes.append(_node(len(nodes), call.layer, kind_of(call.layer), inputs))
    place = model.origin.place()
    seen = {
        "name": _name(model) or model.cls or model.kind,
        "origin": {"path": place.path, "cell": place.cell, "line": place.line, "column": place.column},
        "style": model.style,
        "nodes": nodes,
        "outputs": [number for tensor in model.outputs for number in sources(tensor)],
    }
    return seen, ids


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
