"""What the symbols of Keras, TensorFlow, NumPy and the standard library mean when they are called or read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from ...catalog import APPLICATIONS, is_layer, operation
from ...graph import Arg, Call, Layer, Model, Tensor, Unknown
from ...graph.nodes import NOT_GIVEN
from ...graph.program import WATCHED
from . import arrays, data, models
from .args import Args
from .builtins import BUILTIN_CALLS, MATH, call_math
from .calling import enter, escape_arguments, note_loaded, shape_tuple
from .layers import apply_layer, apply_op, is_tensor, layer_of, new_layer, tensor_of
from .machine import Machine
from .operators import items_of
from .symbols import FUNCTIONAL_LAYERS, canonical
from .values import (
    ABSENT,
    Array,
    Bound,
    Dataset,
    Dict,
    Func,
    Gradients,
    List,
    Opaque,
    Partial,
    Symbol,
    Thing,
    Value,
    Weights,
    is_small,
)

OP_PREFIXES = (
    "tf.nn.",
    "keras.activations.",
    "keras.ops.",
    "keras.backend.",
    "tf.math.",
    "tf.image.",
    "tf.signal.",
    "tf.linalg.",
    "tf.",
)
LOADERS = (
    "load_model",
    "model_from_json",
    "model_from_yaml",
    "model_from_config",
    "saved_model.load",
    "from_pretrained",
    "hub.load",
)


def symbol_attribute(m: Machine, symbol: Symbol, name: str) -> Value:
    """`symbol.name`: a longer symbol, or a constant."""
    if name in ("pi", "e") and symbol.path in ("math", "numpy"):
        return getattr(math, name)
    return _longer(symbol.path, name)


@lru_cache(maxsize=4096)
def _longer(path: str, name: str) -> Symbol:
    return Symbol(f"{path}.{name}")


def symbol_problem(path: str) -> str | None:
    """What a library symbol is that stands in a Sequential without being called."""
    name = canonical(path)
    if name.startswith("keras.layers.") and is_layer(name.rsplit(".", 1)[-1]):
        return "class"
    return (
        "function"
        if name.startswith(("keras.activations.", "tf.nn.", "keras.layers.")) and name.rsplit(".", 1)[-1].islower()
        else None
    )


def is_kind(layer: Layer, path: str) -> bool | None:
    """isinstance(layer, symbol)."""
    name = canonical(path)
    if name in ("keras.Model", "keras.models.Model"):
        return isinstance(layer, Model)
    if name == "keras.Sequential":
        return isinstance(layer, Model) and layer.style == "sequential"
    if name == "keras.layers.Layer":
        return True
    return layer.kind == name.rsplit(".", 1)[-1] if name.startswith("keras.layers.") else None


def library_call(m: Machine, symbol: Symbol, args: Args) -> Value:
    """Call a library's symbol."""
    path = canonical(symbol.path)
    if path.rsplit(".", 1)[-1] in WATCHED:
        m.note(symbol.path, args.spot, args)
    if path.startswith("builtins."):
        handler = BUILTIN_CALLS.get(path[9:])
        if handler is not None:
            return handler(m, args)
        escape_arguments(m, args)
        return Opaque(path)
    if path in _CALLS:
        return _CALLS[path](m, args)
    last = path.rsplit(".", 1)[-1]
    if path.startswith("keras.layers."):
        return _layer(m, last, args)
    if path.startswith("keras.applications."):
        if last.startswith(_NETWORKS):
            return models.new_application(m, last, args)
        return args.get(0, "x", Opaque("preprocessed input"))
    if path.startswith("keras.datasets.") and last == "load_data":
        return data.load_data(path.split(".")[-2])
    if path.startswith("tf.distribute.") and last.endswith("Strategy"):
        return Thing(path, {}, Dict({"name": last, "devices": None}))
    if path.startswith(("keras.regularizers.", "keras.optimizers.schedules.")):
        positional = {"l2": "l2", "L2": "l2", "l1": "l1", "L1": "l1"}.get(last, "initial_learning_rate")
        return Thing(path, _arguments(args, (positional,)))
    if path.startswith("keras.optimizers.") or (path.startswith("tf.train.") and last.endswith("Optimizer")):
        return Thing(
            path, _arguments(args, ("learning_rate", "weight_decay" if last.startswith("AdamW") else "beta_1"))
        )
    if last in data.FROM_FILES:
        return data.from_directory(args)
    if path.endswith(LOADERS) or path.endswith("KerasLayer"):
        return _loaded(m, path, args)
    if path.startswith(("math.", "np.", "tf.", "keras.backend.", "keras.ops.", "keras.activations.")):
        return _function(m, path, last, args)
    return _other(m, path, last, args)


def _arguments(args: Args, names: tuple[str, ...]) -> dict[str, Arg]:
    found = {name: arg for i, name in enumerate(names) if (arg := args.arg(i, name)) is not None}
    found |= {name: arg for name in args.keywords if (arg := args.arg(None, name)) is not None}
    if args.open:
        found["**"] = Arg(Unknown("an unknown **"), args.spot)
    return found


def _layer(m: Machine, name: str, args: Args) -> Value:
    if name in FUNCTIONAL_LAYERS:
        bare = Args(args.spot, [], {k: v for k, v in args.keywords.items() if k != "inputs"}, args.spots)
        layer = new_layer(m, FUNCTIONAL_LAYERS[name], bare)
        return apply_layer(m, layer, Args(args.spot, [args.get(0, "inputs")]))
    if not (is_layer(name) or name[:1].isupper()):
        return _function(m, f"keras.ops.{name}", name, args)
    layer = new_layer(m, name, args)
    if name == "Lambda":
        m.lambdas[layer] = args.get(0, "function")
    return layer


def _loaded(m: Machine, path: str, args: Args) -> Value:
    model = models.new_model(m, "loaded", args, "Model")
    model.pretrained = not path.endswith(("model_from_json", "model_from_yaml", "model_from_config"))
    model.complete = False
    source = Tensor()
    output = Tensor(escaped=True)
    call = Call(model, (source,), output, args.spot, m.context, NOT_GIVEN, time=m.tick())
    output.call = call
    model.calls.append(call)
    model.inputs, model.outputs = (source,), (output,)
    return model


def _function(m: Machine, path: str, last: str, args: Args) -> Value:
    """A function of TensorFlow, NumPy, math or keras.backend: an operation where it is given a tensor."""
    if any(is_tensor(value) or _holds_tensor(m, value) for value in (*args.positional, *args.keywords.values())):
        return _operation(m, path, last, args)
    for value in args.positional:
        if isinstance(value, (Gradients, Weights)):
            return value
        if isinstance(value, List) and any(isinstance(item, (Gradients, Weights)) for item in value):
            return value
    for value in args.positional:
        if isinstance(value, Tensor) and value.data and last in ("argmax", "top_k"):
            mark_inference(m, value)
    name = path.split(".", 1)[1]
    if name in MATH:
        return call_math(m, name, args)
    array = arrays.made(m, path, name, args)
    if array is not ABSENT:
        return array
    escape_arguments(m, args)
    batch = next(
        (value.batch for value in args.positional if isinstance(value, Opaque) and value.batch is not None), None
    )
    return Opaque(f"the result of {path}", batch=batch)


def _holds_tensor(m: Machine, value: Value) -> bool:
    return isinstance(value, (List, tuple)) and any(is_tensor(item) for item in value)


def _operation(m: Machine, path: str, last: str, args: Args) -> Value:
    if last in ("int_shape", "shape"):
        tensor = tensor_of(m, args.get(0, "x"))
        return Opaque("a shape") if tensor.shape is None else shape_tuple(tensor.shape)
    if last == "is_keras_tensor":
        return True
    name = next((path[len(prefix) :] for prefix in OP_PREFIXES if path.startswith(prefix)), last)
    if name in ("print", "debugging.assert_equal"):
        return None
    kind = operation(last)
    for value in args.positional:
        if layer_of(value) is not None or isinstance(value, Bound):
            m.escape(value)
    axis = args.get(1, "axis")
    values = [
        *args.positional,
        *(value for key, value in args.keywords.items() if is_tensor(value) or _holds_tensor(m, value)),
    ]
    if kind == "Concatenate" and is_tensor(values[0] if values else None) is False and isinstance(axis, (List, tuple)):
        axis = values[0]
    return apply_op(m, kind, values, args.spot, **({"axis": axis} if kind == "Concatenate" else {}))


def mark_inference(m: Machine, tensor: Tensor) -> None:
    """The argmax of a model's output is taken: whoever calls it wants a prediction."""
    call = tensor.call
    if call is None or call.context.purpose is not None or call.context.tape is not None:
        return
    call.context = replace(call.context, purpose="inference", because="its argmax is taken")
    for event in m.program.events:
        if event.call is call:
            event.context = call.context


def _other(m: Machine, path: str, last: str, args: Args) -> Value:
    """Symbols of libraries that are not known: a layer of theirs is still a layer."""
    if last[:1].isupper() and ".layers" in path:
        return new_layer(m, last, args)
    if last == "ImageDataGenerator":
        return Thing("ImageDataGenerator")
    if last == "train_test_split":
        return List([Array() for value in args.positional for _ in range(2)])
    if path.startswith("keras.") and last[:1].isupper():
        return Thing(path, _arguments(args, ()))
    note_loaded(last, args)
    escape_arguments(m, args)
    return Opaque(f"the result of {path}")


def _input(m: Machine, args: Args) -> Value:
    return models.new_input(m, args)


def _model(m: Machine, args: Args) -> Value:
    inputs, outputs = args.get(0, "inputs"), args.get(1, "outputs")
    if inputs is ABSENT:
        inputs = args.get(None, "input")
    if outputs is ABSENT:
        outputs = args.get(None, "output")
    model = models.new_model(m, "functional", args)
    if inputs is ABSENT or outputs is ABSENT:
        model.complete = False
    else:
        models.set_functional(m, model, inputs, outputs)
    return model


def _sequential(m: Machine, args: Args) -> Value:
    model = models.new_model(m, "sequential", args, "Sequential")
    models.fill_sequential(m, model, args)
    return model


def _gradient(m: Machine, args: Args) -> Value:
    """`jax.grad(loss)`: the models that the function calls are trained by what it gives."""
    tape, function = Thing("jax.grad"), m.settled(args.get(0, "fun"))
    if isinstance(function, Func) and not function.called:
        m.recording.append(tape)
        try:
            with m.within(tape=tape):
                enter(m, function)
        finally:
            m.recording.remove(tape)
    for event in m.tapes.get(tape, []):
        m.event("tape", event.model, event.origin, call=event.call, batch=event.batch).context = event.context
    return Opaque("gradients")


def _tape(m: Machine, args: Args) -> Value:
    return Thing("tf.GradientTape")


def _partial(m: Machine, args: Args) -> Value:
    return Partial(args.get(0, "func"), list(args.positional[1:]), dict(args.keywords))


def _copy(m: Machine, args: Args) -> Value:
    value = args.get(0, "x")
    if not is_small(value):
        m.escape(value)
        return Opaque("a copy of much")
    if isinstance(value, List):
        return List([_copy(m, Args(args.spot, [item])) for item in value], open=value.open)
    if isinstance(value, Dict):
        return Dict({key: _copy(m, Args(args.spot, [item])) for key, item in value.items()}, open=value.open)
    return value


def _function_decorator(m: Machine, args: Args) -> Value:
    return args.get(0, "func", Symbol("builtins.identity"))


def _parser(m: Machine, args: Args) -> Value:
    return Thing("argparse.ArgumentParser")


def _channels(m: Machine, args: Args) -> Value:
    return "channels_first" if m.channels_first else "channels_last"


def _set_channels(m: Machine, args: Args) -> Value:
    m.channels_first = args.get(0, "data_format") in ("channels_first", "th")
    return None


def _strategy(m: Machine, args: Args) -> Value:
    devices = args.get(0, "devices")
    thing = Thing("tf.distribute.MirroredStrategy")
    thing.attributes["devices"] = len(devices) if isinstance(devices, List) and not devices.open else None
    thing.attributes["name"] = "MirroredStrategy"
    return thing


def _namespace(m: Machine, args: Args) -> Value:
    return Thing("types.SimpleNamespace", {}, Dict(args.keywords))


_NETWORKS = tuple(application.name for application in APPLICATIONS)

_CALLS: dict[str, Callable[[Machine, Args], Value]] = {
    "keras.Input": _input,
    "keras.Model": _model,
    "keras.Sequential": _sequential,
    "keras.backend.image_data_format": _channels,
    "keras.config.image_data_format": _channels,
    "keras.backend.set_image_data_format": _set_channels,
    "keras.config.set_image_data_format": _set_channels,
    "keras.backend.image_dim_ordering": lambda m, args: "tf",
    "functools.partial": _partial,
    "copy.deepcopy": _copy,
    "copy.copy": _copy,
    "jax.grad": _gradient,
    "jax.value_and_grad": _gradient,
    "tf.GradientTape": _tape,
    "tf.function": _function_decorator,
    "argparse.ArgumentParser": _parser,
    "types.SimpleNamespace": _namespace,
    "collections.OrderedDict": BUILTIN_CALLS["dict"],
    "tf.distribute.MirroredStrategy": _strategy,
    "tf.data.Dataset.from_tensor_slices": data.from_tensor_slices,
    "tf.data.Dataset.from_tensors": lambda m, args: Dataset(),
    "tf.data.Dataset.from_generator": lambda m, args: Dataset(),
    "tf.data.Dataset.zip": lambda m, args: _zipped(m, args),
    "tf.data.Dataset.list_files": lambda m, args: Dataset(),
    "tf.data.TFRecordDataset": lambda m, args: Dataset(),
}


def _zipped(m: Machine, args: Args) -> Value:
    items, _ = items_of(m, args.get(0, "datasets"))
    batched = [item for item in items if isinstance(item, Dataset) and item.batch is not None]
    return batched[0] if batched else Dataset()
