"""A program's models as scenes to be drawn, with the places of findings on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..catalog import row
from ..findings import Place
from .kinds import ACTIVATIONS, LINEAR, MERGES, PASS_THROUGH, RANDOM, RECURRENT
from .nodes import Arg, Call, Layer, Model, Object, Origin, Tensor
from .picture import Form, Scene, Shown
from .program import Program
from .questions import activation_name, is_batchnorm, is_frozen
from .view import described, ordered, top

_NORMALIZATIONS = ("Normalization", "BatchNorm")


def scenes_of(program: Program, wanted: Collection[Place] = ()) -> list[Scene]:
    """Each model with what `bnlint graph` shows of it. `wanted` are the places of findings, to be marked."""
    marks = _Marks(wanted)
    return [_scene(model, marks) for model in ordered(program.models)]


class _Marks:
    """Which of the wanted places an origin stands at; no position is computed where there are none."""

    def __init__(self, wanted: Collection[Place]) -> None:
        self._wanted = set(wanted)
        self._paths = {place.path for place in wanted}
        self._known: dict[object, Place | None] = {}

    def __call__(self, origins: Iterator[Origin]) -> frozenset[Place]:
        found = {self._place(origin) for origin in origins if origin.path in self._paths}
        return frozenset(place for place in found if place is not None)

    def _place(self, origin: Origin) -> Place | None:
        key = origin.key
        if key not in self._known:
            place = origin.place()
            self._known[key] = place if place in self._wanted else None
        return self._known[key]


class _Taken:
    """The numbers of the nodes that a tensor may come from."""

    def __init__(self, numbers: Mapping[object, int], within: set[Call]) -> None:
        self._numbers = numbers
        self._within = within

    def __call__(self, tensor: Tensor, before: int) -> tuple[int, ...]:
        """Those with numbers below `before`."""
        ends = (source if source.call is None else top(source.call, self._within) for source in tensor.sources())
        return tuple(n for end in ends if (n := self._numbers.get(end)) is not None and n < before)


def _scene(model: Model, marks: _Marks) -> Scene:
    seen, numbers = described(model)
    calls = {number: call for call, number in numbers.items() if isinstance(call, Call)}
    inputs = {number: tensor for tensor, number in numbers.items() if isinstance(tensor, Tensor)}
    places: dict[int, frozenset[Place]] = {
        number: marks(_of_layer(tensor.input)) for number, tensor in inputs.items() if tensor.input is not None
    }
    within = {*model.nodes, *calls.values()}
    for call in within:
        number = numbers.get(top(call, within))
        if number is not None:
            places[number] = places.get(number, frozenset()) | marks(_of_call(call))
    taken = _Taken(numbers, within)
    nodes = tuple(
        _node(node, calls.get(node["id"]), places.get(node["id"], frozenset()), taken) for node in seen["nodes"]
    )
    on_nodes = frozenset(place for node in nodes for place in node.places)
    return Scene(
        seen["name"],
        model.style,
        model.origin.place(),
        nodes,
        tuple(found for tensor in model.outputs if (found := taken(tensor, len(nodes)))),
        marks(_of_model(model)) - on_nodes,
        model.complete,
    )


def _of_call(call: Call) -> Iterator[Origin]:
    """The spots that speak of a call: itself, its arguments, its layer."""
    yield call.origin
    yield from _of_args({"training": call.training, **{str(n): arg for n, arg in enumerate(call.positional)}})
    yield from _of_layer(call.layer)


def _of_layer(layer: Layer) -> Iterator[Origin]:
    yield layer.origin
    yield from _of_args(layer.args)
    yield from (origin for write in layer.writes for origin in _of_args({"": write.value}))
    if layer.wrapped is not None:
        yield from _of_layer(layer.wrapped)


def _of_args(args: Mapping[str, Arg]) -> Iterator[Origin]:
    for arg in args.values():
        if arg.origin is not None:
            yield arg.origin
        if isinstance(arg.value, Object):
            yield from () if arg.value.origin is None else (arg.value.origin,)
            yield from _of_args(arg.value.args)


def _of_model(model: Model) -> Iterator[Origin]:
    """The spots that speak of a model as a whole: where it is made, called, compiled, trained; its layers' too."""
    yield from _of_layer(model)
    if model.call_origin is not None:
        yield model.call_origin
    for call in (*model.nodes, *model.calls):
        yield from _of_call(call)
    for entry in model.entries:
        yield entry.origin
    for event in model.events:
        yield event.origin
        yield from _of_args(event.args)
        if event.call is not None:
            yield from _of_args({"training": event.call.training})
        if event.batch is not None:
            known = (event.batch.size, event.batch.steps, event.batch.epochs)
            yield from _of_args({str(n): arg for n, arg in enumerate(known) if arg is not None})
            yield from () if event.batch.cut is None else (event.batch.cut,)


def _node(seen: dict[str, Any], call: Call | None, places: frozenset[Place], taken: _Taken) -> Shown:
    inputs = [] if call is None else [taken(tensor, seen["id"]) for tensor in call.inputs]
    layer = None if call is None else call.layer
    config = seen["config"]
    rate = config.get("rate")
    return Shown(
        seen["id"],
        seen["kind"],
        _form(layer) if layer is not None else "input" if seen["kind"] == "InputLayer" else "other",
        seen["name"] or "",
        tuple(_settings(config, layer)),
        float(rate) if isinstance(rate, (int, float)) else None,
        "" if call is None else _training(call.training),
        call is not None and call.optional,
        tuple(number for found in inputs for number in found),
        tuple(len(found) > 1 for found in inputs for _ in found),
        places,
    )


def _training(flag: Arg) -> str:
    if not flag.given:
        return ""
    return str(bool(flag.value)) if isinstance(flag.value, (bool, int)) else "…" if flag.value is not None else ""


def _form(layer: Layer) -> Form:
    """What a layer is drawn as; a wrapper as what it wraps."""
    kind = layer.kind
    if is_batchnorm(layer):
        return "batchnorm"
    if isinstance(layer, Model):
        return "model"
    named: tuple[tuple[Form, frozenset[str]], ...] = (
        ("linear", LINEAR),
        ("activation", ACTIVATIONS),
        ("dropout", RANDOM),
        ("recurrent", RECURRENT),
        ("join", MERGES),
        ("reshaping", PASS_THROUGH),
    )
    for form, kinds in named:
        if kind in kinds:
            return form
    if layer.wrapped is not None:
        return _form(layer.wrapped)
    if kind.endswith(_NORMALIZATIONS):
        return "normalization"
    return "recurrent" if "Attention" in kind else "other"


def _settings(config: Mapping[str, Any], layer: Layer | None) -> Iterator[str]:
    """What a label says of a layer: how large it is, and what is not as usual."""
    if layer is None:
        shape = config.get("shape")
        yield from [_product(shape)] if isinstance(shape, list) and shape else []
        return
    if layer.wrapped is not None:
        yield layer.wrapped.cls or layer.wrapped.kind
    for key in ("units", "filters"):
        if isinstance(config.get(key), int):
            yield str(config[key])
    for key in ("kernel_size", "pool_size", "size"):
        if isinstance(config.get(key), (int, list)):
            yield _window(config[key], layer.kind)
    if (strides := config.get("strides")) is not None and _one(strides) != 1 and "Pool" not in layer.kind:
        yield f"stride {_product(_one(strides))}"
    if name := activation_name(layer.arg("activation").value) if "activation" in config else "":
        yield name
    if isinstance(config.get("momentum"), float) and config["momentum"] != 0.99 and is_batchnorm(layer):
        yield f"momentum {config['momentum']:g}"
    if isinstance(config.get("axis"), int) and config["axis"] != -1:
        yield f"axis {config['axis']}"
    if config.get("use_bias") is False:
        yield "no bias"
    if is_frozen(layer):
        yield "frozen"


def _window(size: Any, kind: str) -> str:
    """The sides of a window: a single number stands for as many as the layer has dimensions."""
    return _product([size] * (row(kind).spatial or 1) if isinstance(size, int) else size)


def _one(value: Any) -> Any:
    """A list of equal values as one of them."""
    return value[0] if isinstance(value, list) and value and all(item == value[0] for item in value) else value


def _product(value: Any) -> str:
    sides = value if isinstance(value, list) else [value]
    return "×".join("?" if side is None else str(side) for side in sides)
