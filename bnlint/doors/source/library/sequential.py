"""Sequential models: their elements, and how these are connected."""

from __future__ import annotations

from dataclasses import replace

from ....graph import Entry, Layer, Model, Tensor
from ....graph.nodes import Shape
from ..module import Spot
from ..values.about import Member, Parameter
from ..values.args import Args
from ..values.containers import List
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, layer_of, of
from ..values.lifted import Choice
from ..values.registry import method, symbol
from .models import new_model, sizes_of


@symbol("keras.Sequential")
def sequential(m: Evaluator, args: Args) -> Value:
    model = new_model(m, "sequential", args, "Sequential")
    fill(m, model, args)
    return model


def fill(m: Evaluator, model: Model, args: Args) -> None:
    """The list that a Sequential is given."""
    value = m.settled(args.get(0, "layers", None))
    if isinstance(value, Choice):
        value = next((leaf for leaf in value.leaves() if isinstance(leaf, (List, tuple))), Opaque("layers"))
    if isinstance(value, (List, tuple)):
        _, spots = m.element_spots.get(id(value), (None, []))
        for index, item in enumerate(value):
            add(m, model, item, spots[index] if len(spots) == len(value) else args.spot)
        model.complete = model.complete and not of(value).open
    elif value is not None:
        model.complete = False
        m.escape(value)


def add(m: Evaluator, model: Model, value: Value, spot: Spot) -> None:
    """One element: a layer, or a mistake."""
    entries = _entries(model)
    m.journal.touch(entries)
    value = m.settled(value)
    if isinstance(value, Choice):
        then, other = (leaf if leaf is ABSENT else _entry(m, leaf, spot) for leaf in (value.then, value.other))
        entries.append(m.choose(value.condition, then, other))  # type: ignore[arg-type]
    else:
        entries.append(_entry(m, value, spot))  # type: ignore[arg-type]


def _entries(model: Model) -> List:
    """The elements, in a list that the journal can take back."""
    assert isinstance(model.entries, List)
    return model.entries


def _entry(m: Evaluator, value: Value, spot: Spot) -> Entry:
    answers = of(value)
    return Entry(value, spot) if m.context.raises and answers.layer is None else answers.as_entry(m, spot)


@method(Model, "add")
def add_method(m: Evaluator, model: Model, args: Args) -> Value:
    add(m, model, args.get(0, "layer"), args.spot_of(0, "layer"))
    return None


@method(Opaque, "add")
def add_to_given(m: Evaluator, given: Opaque, args: Args) -> Value:
    """A layer made in place, for a model that the function's caller has: the end of a Sequential that is not known."""
    owner = given.about.owner if isinstance(given.about, Member) else given
    layer, spot = layer_of(args.get(0, "layer")), args.spot_of(0, "layer")
    made_here = (
        layer is not None and isinstance(layer.origin, Spot) and layer.origin.node is getattr(spot.node, "value", None)
    )
    if not (isinstance(owner, Opaque) and isinstance(owner.about, Parameter) and made_here):
        return ABSENT
    model = m.given.get(owner)
    if model is None:
        model = m.given[owner] = new_model(m, "sequential", Args(args.spot), "Sequential")
        model.escaped, model.complete = True, False
    add(m, model, layer, spot)
    return None


@method(Model, "pop")
def pop(m: Evaluator, model: Model, args: Args) -> Value:
    entries = _entries(model)
    m.journal.touch(entries)
    if entries:
        entries.pop()
    return None


def chain(m: Evaluator, model: Model, shape: Shape | None = None) -> None:
    """Connect the layers: each new entry is applied to what the one before gives."""
    done, tensor = m.chained.get(model, (0, None))
    entries = list(model.entries)
    if done >= len(entries) and tensor is not None:
        return
    if tensor is None:
        tensor = _input(entries, shape)
        model.inputs = (tensor,)
    context, inside = m.context, m.inside
    m.context, m.inside = replace(context, kind="build", tape=None), []
    first = len(m.program.calls)
    try:
        for item in entries[done:]:
            tensor = _link(m, model, item, tensor)
    finally:
        m.context, m.inside = context, inside
    m.chained[model] = (len(entries), tensor)
    model.nodes += list(m.program.calls[first:])
    model.outputs = (tensor,)


def _link(m: Evaluator, model: Model, item: object, tensor: Tensor) -> Tensor:
    """What an entry gives for the output of the one before it."""
    if isinstance(item, Choice):
        m.optional += 1
        then, other = (tensor if side is ABSENT else _link(m, model, side, tensor) for side in (item.then, item.other))
        m.optional -= 1
        for side in (item.then, item.other):
            if isinstance(side, Entry):
                side.optional = True
        return then if then is other else m.one_of((then, other))
    assert isinstance(item, Entry)
    if _is_input(item.value) or (item.layer is not None and item.layer.kind == "InputLayer"):
        return tensor
    if item.layer is None:
        model.complete = False
        m.escape(tensor)  # What is not known may be a layer that takes it.
        return Tensor()
    assert isinstance(item.origin, Spot)
    result = m.apply(item.layer, Args(item.origin, [tensor]))
    return m.tensor(result) if not isinstance(result, (List, tuple)) else Tensor()


def _is_input(value: object) -> bool:
    return isinstance(value, Tensor) and value.input is not None


_SHAPES = ("input_shape", "shape", "batch_input_shape", "batch_shape", "input_dim")


def _input(entries: list[Entry], shape: Shape | None) -> Tensor:
    """What the first layer says of the input, or else what it is called on."""
    first = next((entry for entry in entries if isinstance(entry, Entry)), None)
    if first is not None and isinstance(first.value, Tensor) and first.value.input is not None:
        return first.value
    layer = first.layer if first is not None else None
    if layer is None:
        return Tensor(shape=shape)
    if layer.kind == "TimeDistributed" and "input_shape" not in layer.args:
        layer = layer.wrapped or layer
    return _declared(layer) or Tensor(shape=shape)


def _declared(layer: Layer) -> Tensor | None:
    """The input that a first layer's arguments ask for."""
    for name in _SHAPES:
        arg = layer.args.get(name)
        if arg is None or (name == "input_dim" and layer.kind == "Embedding"):
            continue
        sizes = sizes_of(arg.value)
        if sizes is not None:
            return Tensor(shape=sizes if name.startswith("batch") else (None, *sizes), input=layer)
    return Tensor(shape=layer.inputs[0].shape) if isinstance(layer, Model) and layer.inputs else None
