"""What is done with models: compiled, trained, evaluated, saved; and what a gradient tape trains."""

from __future__ import annotations

from collections.abc import Iterable

from ....graph import Arg, Call, Entry, Layer, Model, Tensor, Unknown
from ....graph.nodes import Shape
from ..values.args import Args
from ..values.code import Func
from ..values.containers import List
from ..values.data import Array, Gradients, Tape, Thing, Weights
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, layer_of, parts
from ..values.lifted import bare
from ..values.registry import method, symbol
from .applying import trace
from .feeding import batch_of
from .models import nodes_of
from .sequential import chain

TRAINED = frozenset({"fit", "train_on_batch", "tape"})
MAX_NESTING = 4
"""Gradients and variables are zipped, and mapped over, but not in lists of lists of lists."""


@method(Model, "compile")
def compile_model(m: Evaluator, model: Model, args: Args) -> Value:
    m.event("compile", model, args.spot, args=args.named(("optimizer", "loss", "metrics")))
    return None


@method(Model, "fit", "fit_generator", "train_on_batch")
def train(m: Evaluator, model: Model, args: Args) -> Value:
    name, data = args.callee, args.get(0, "x")
    kind = "train_on_batch" if name == "train_on_batch" else "fit"
    instance = m.objects.get(model)
    if model.style == "subclass" and instance is not None:
        trace(m, model, instance, (Tensor(shape=_batched(data)),))
    batch = batch_of(m, name, args, model)
    m.event(kind, model, args.spot, args=args.named(("x", "y", "batch_size", "epochs")), batch=batch)
    m.escape(args.get(None, "callbacks"))
    return Opaque("a history")


def _batched(data: Value) -> Shape | None:
    """The shape of the batches that data is cut into."""
    shape = data.shape if isinstance(data, Array) else None
    return None if shape is None else (None, *(size if type(size) is int else None for size in shape[1:]))


@method(Model, *"evaluate predict test_on_batch predict_on_batch evaluate_generator".split())
@method(Model, *"predict_generator predict_classes predict_proba".split())
def infer(m: Evaluator, model: Model, args: Args) -> Value:
    short = args.callee.replace("_generator", "").replace("_classes", "").replace("_proba", "")
    m.event(short, model, args.spot, args=args.named(("x",)))
    return Array()


@method(Model, "save", "save_weights", "export")
def save(m: Evaluator, model: Model, args: Args) -> Value:
    m.event("save", model, args.spot)
    return None


@method(Model, "load_weights")
def load(m: Evaluator, model: Model, args: Args) -> Value:
    # What the program has trained itself it may train again, without what the weights have too much.
    model.pretrained = model.pretrained or not any(event.kind in TRAINED for event in model.events)
    return None


@method(Layer, "get_weights")
def get_weights(m: Evaluator, layer: Layer, args: Args) -> Value:
    return Weights((layer,))


@method(Model, "set_weights")
def set_weights(m: Evaluator, model: Model, args: Args) -> Value:
    """Weights from elsewhere; those of another network of the program bring only what that one was loaded with."""
    given = map(bare, parts(args.get(0, "weights")))
    found = [part for part in given if isinstance(part, Weights)]
    if not found:
        return load(m, model, args)
    sources = [layer for part in found for layer in part.models]
    model.pretrained = model.pretrained or any(isinstance(one, Model) and one.pretrained for one in sources)
    return None


@method(Model, "summary", "reset_states", "to_json")
def unknown(m: Evaluator, model: Model, args: Args) -> Value:
    return Opaque(args.callee, args.callee)


@method(Model, "stateless_call")
def stateless_call(m: Evaluator, model: Model, args: Args) -> Value:
    with m.within(purpose=None, because=""):  # Nobody else's mode reaches it.
        output = m.apply(model, args.rest(2))
    more = 1 + (args.get(None, "return_losses") is True)
    return List([output, *(Opaque("stateless_call") for _ in range(more))])


@method(Model, "get_layer")
def get_layer(m: Evaluator, model: Model, args: Args) -> Value:
    """A layer inside: known for a Sequential by index, else some layer whose output belongs to the model."""
    index = args.get(None, "index")
    if model.style == "sequential" and isinstance(index, int) and -len(model.entries) <= index < len(model.entries):
        chain(m, model)
        entry = model.entries[index]
        return entry.value if isinstance(entry, Entry) else Opaque("a layer")  # type: ignore[return-value]
    wanted = args.get(0, "name")
    if isinstance(wanted, str):
        for call in model.nodes or nodes_of(model):
            if call.layer.arg("name").value == wanted:
                return call.layer
    layer = Layer("unknown", args.spot, "a layer", context=m.context, held=True, escaped=True)
    if model.style in ("application", "loaded") and model.calls:
        layer.calls.append(model.calls[0])
    return layer


@symbol("tf.GradientTape")
def tape(m: Evaluator, args: Args) -> Value:
    return Tape(args.callee)


@method(Tape, "gradient")
def gradient(m: Evaluator, tape: Tape, args: Args) -> Value:
    sources = args.get(1, "sources")
    items = (sources, *(sources if isinstance(sources, (List, tuple)) else ()))
    m.escape_all(Args(args.spot, list(args.positional[:1])))
    models = tuple(layer for item in items if isinstance(item, Weights) for layer in item.models)
    return Gradients(tape, Weights(models))


@symbol("jax.grad", "jax.value_and_grad")
def jax_gradient(m: Evaluator, args: Args) -> Value:
    """`jax.grad(loss)`: the models that the function calls are trained by what it gives."""
    tape, function = Tape("jax.grad"), m.settled(args.get(0, "fun"))
    if isinstance(function, Func) and not function.called:
        m.recording.append(tape)
        try:
            with m.within(tape=tape):
                m.enter(function)
        finally:
            m.recording.remove(tape)
    _train_by(m, tape)
    return Opaque("gradients")


@method(Thing, "apply_gradients", "minimize", "apply")
def apply_gradients(m: Evaluator, optimizer: Thing, args: Args) -> Value:
    """Gradients are applied: the models they belong to are trained by the tape they come from."""
    return _apply_gradients(m, optimizer.symbol, args)


@method(Opaque, "apply_gradients", "minimize")
def apply_gradients_unknown(m: Evaluator, optimizer: Opaque, args: Args) -> Value:
    return _apply_gradients(m, "an optimizer", args)


@method(Opaque, "apply")
def apply_unknown(m: Evaluator, optimizer: Opaque, args: Args) -> Value:
    return _apply_gradients(m, "an optimizer", args) if _gradients(m, args.values)[0] else ABSENT


def _apply_gradients(m: Evaluator, optimizer: str, args: Args) -> Value:
    m.note(f"{optimizer}.{args.callee}", args.spot, args)
    tapes, models = _gradients(m, args.values)
    for instance in [m.objects[model] for model in models if model in m.objects]:
        models.update(layer for part in parts(instance.attributes, calls=True) if (layer := layer_of(part)) is not None)
    for tape in tapes:
        _train_by(m, tape, models)
    return Opaque(args.callee, args.callee)


def _train_by(m: Evaluator, tape: Value, models: set[Layer] | None = None) -> None:
    """The models called under a tape are trained; only these of them, where they are known."""
    for event in m.tapes.get(tape, []):
        call = event.call
        if (models is None or event.model in models) and call is not None and _is_for(tape, call):
            m.event("tape", event.model, event.origin, call=call, batch=event.batch).context = event.context
    direct = [call for call in m.taped.get(tape, []) if models is None or call.layer in models]
    m.program.taught += [call for call in direct if _is_for(tape, call)]


def _is_for(tape: Value, call: Call) -> bool:
    """Whether a call under a tape is for this one: with `training=False`, one inside of it asks for the slope alone."""
    return call.context.tape is tape or call.training.value is not False


def _gradients(m: Evaluator, values: Iterable[Value], depth: int = 0) -> tuple[list[Value], set[Layer]]:
    """The tapes and the models of the gradients and variables in these values."""
    tapes: list[Value] = []
    models: set[Layer] = set()
    for value in values:
        value = m.settled(value)
        if isinstance(value, Gradients):
            tapes.append(value.tape)
            models.update(value.weights.models)
        elif isinstance(value, Weights):
            models.update(value.models)
        elif isinstance(value, (List, tuple)) and depth < MAX_NESTING:
            more, layers = _gradients(m, list(value), depth + 1)
            tapes += [tape for tape in more if tape not in tapes]
            models |= layers
    return tapes, models


@method(Thing, "exclude_from_weight_decay")
def exclude(m: Evaluator, optimizer: Thing, args: Args) -> Value:
    optimizer.args[args.callee] = Arg(Unknown("variables"), args.spot)
    return None
