"""What is done with models: compiled, trained, evaluated, saved; and what a gradient tape trains."""

from __future__ import annotations

from typing import Any

from ...graph import Arg, Entry, Event, Layer, Model, Tensor, Unknown
from ...graph.nodes import Shape
from .args import Args, to_arg
from .calling import escape_arguments
from .data import batch_of
from .layers import (
    layers_in,
)
from .machine import Machine
from .models import add_entry, chain, int_of, nodes_of, trace
from .module import Spot
from .values import (
    Array,
    Gradients,
    List,
    Opaque,
    Value,
    Weights,
)

TRAINED = frozenset({"fit", "train_on_batch", "tape"})


def call_model_method(m: Machine, model: Model, name: str, args: Args) -> Value:
    """`model.add`, `.compile`, `.fit` and their like."""
    if name == "add":
        add_entry(m, model, args.get(0, "layer"), args.spot_of(0, "layer"))
        return None
    if name == "pop":
        m.journal.touch(model.entries)  # type: ignore[arg-type]
        if model.entries:
            model.entries.pop()
        return None
    if name == "compile":
        m.event("compile", model, args.spot, args=_named(args, ("optimizer", "loss", "metrics")))
        return None
    if name in ("fit", "fit_generator", "train_on_batch"):
        return _train(m, model, name, args)
    if name in (
        "evaluate",
        "predict",
        "test_on_batch",
        "predict_on_batch",
        "evaluate_generator",
        "predict_generator",
        "predict_classes",
        "predict_proba",
    ):
        short = name.replace("_generator", "").replace("_classes", "").replace("_proba", "")
        m.event(short, model, args.spot, args=_named(args, ("x",)))
        return Array()
    if name in ("save", "save_weights", "export"):
        m.event("save", model, args.spot)
        return None
    if name in ("load_weights", "set_weights"):
        # What the program has trained itself it may train again, without what the weights have too much.
        model.pretrained = model.pretrained or not any(event.kind in TRAINED for event in model.events)
        return None
    if name in ("summary", "get_config", "count_params", "build", "reset_states", "get_weights", "to_json"):
        return Opaque(name)
    if name == "get_layer":
        return _get_layer(m, model, args)
    if name in ("call", "__call__"):
        return m.apply(model, args)
    if name == "stateless_call":
        with m.within(purpose=None, because=""):  # Nobody else's mode reaches it.
            output = m.apply(model, args.rest(2))
        more = 1 + (args.get(None, "return_losses") is True)
        return List([output, *(Opaque(name) for _ in range(more))])
    escape_arguments(m, args)
    return Opaque(f"the result of {name}")


def _get_layer(m: Machine, model: Model, args: Args) -> Value:
    """A layer inside: known for a Sequential by index, else some layer whose output belongs to the model."""
    index = args.get(None, "index")
    if model.style == "sequential" and isinstance(index, int) and -len(model.entries) <= index < len(model.entries):
        chain(m, model)
        entry = model.entries[index]
        return entry.value if isinstance(entry, Entry) else Opaque("a layer")
    wanted = args.get(0, "name")
    if isinstance(wanted, str):
        for call in model.nodes or nodes_of(model):
            if call.layer.arg("name").value == wanted:
                return call.layer
    layer = Layer("unknown", args.spot, "a layer", context=m.context, held=True, escaped=True)
    if model.style in ("application", "loaded") and model.calls:
        layer.calls.append(model.calls[0])
    return layer


def _train(m: Machine, model: Model, name: str, args: Args) -> Value:
    kind: Any = "train_on_batch" if name == "train_on_batch" else "fit"
    instance, data = m.objects.get(model), args.get(0, "x")
    if model.style == "subclass" and instance is not None:
        trace(m, model, instance, (Tensor(shape=_batched(data)),))
    batch = batch_of(m, name, args, model)
    m.event(kind, model, args.spot, args=_named(args, ("x", "y", "batch_size", "epochs")), batch=batch)
    for callback in (args.get(None, "callbacks"),):
        m.escape(callback)
    return Opaque("a history")


def _batched(data: Value) -> Shape | None:
    """The shape of the batches that data is cut into."""
    shape = data.shape if isinstance(data, Array) else None
    return None if shape is None else (None, *(int_of(size) for size in shape[1:]))


def _named(args: Args, names: tuple[str, ...]) -> dict[str, Arg]:
    found = {
        name: to_arg(value, args.spot_of(index, name))
        for index, (name, value) in enumerate(zip(names, args.positional, strict=False))
    }
    found |= {name: to_arg(value, args.spot_of(None, name)) for name, value in args.keywords.items()}
    if args.open:
        found.setdefault("**", Arg(Unknown("an unknown **"), args.spot))
    return found


def make_event(m: Machine, kind: Any, model: Model, spot: Spot, **details: Any) -> Event:
    """Note that something happens to a model."""
    event = Event(kind, model, spot, m.context, optional=m.optional > 0, time=m.tick(), **details)
    model.events.append(event)
    m.program.events.append(event)
    return event


def apply_gradients(m: Machine, args: Args) -> None:
    """Gradients are applied: the models they belong to are trained by the tape they come from."""
    from_tape, models = _gradients(m, [*args.positional, *args.keywords.values()])
    models |= {
        inner for model in list(models) if model in m.objects for inner in layers_in(m.objects[model].attributes)
    }
    for tape in from_tape:
        for event in m.tapes.get(tape, []):
            if event.model in models:
                m.event("tape", event.model, event.origin, call=event.call, batch=event.batch).context = event.context


def _gradients(m: Machine, values: list[Value], depth: int = 0) -> tuple[list[Value], set[Layer]]:
    tapes: list[Value] = []
    models: set[Layer] = set()
    for value in values:
        value = m.settled(value)
        if isinstance(value, Gradients):
            tapes.append(value.tape)
            models.update(value.weights.models)
        elif isinstance(value, Weights):
            models.update(value.models)
        elif isinstance(value, (List, tuple)) and depth < 4:
            more, layers = _gradients(m, list(value), depth + 1)
            tapes += [tape for tape in more if tape not in tapes]
            models |= layers
    return tapes, models
