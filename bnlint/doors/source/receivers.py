"""The methods of values that are not of the project: layers, tensors, data sets, optimizers, parsers."""

from __future__ import annotations

from ...catalog import operation
from ...graph import Arg, Layer, Model, Tensor, Unknown
from . import data, models, training
from .args import Args
from .calling import base_init, escape_arguments, shape_tuple
from .layers import apply_layer, apply_op
from .library import mark_inference
from .machine import Machine
from .methods import call_type_method
from .values import (
    Array,
    Assumed,
    Dataset,
    Dict,
    Gradients,
    Instance,
    List,
    Opaque,
    Super,
    Thing,
    Value,
    Weights,
)


def library_method(m: Machine, receiver: Value, name: str, args: Args) -> Value:
    """A method of a value that is not of the project."""
    if isinstance(receiver, Super):
        return _super_call(m, receiver, name, args)
    if isinstance(receiver, Model):
        return training.call_model_method(m, receiver, name, args)
    if isinstance(receiver, Instance):
        return (
            training.call_model_method(m, receiver.layer, name, args)
            if isinstance(receiver.layer, Model)
            else Opaque(name)
        )
    if isinstance(receiver, Layer):
        return _layer_method(m, receiver, name, args)
    if isinstance(receiver, Dataset):
        return data.dataset_method(m, receiver, name, args)
    if isinstance(receiver, Array):
        return data.array_method(m, receiver, name, args)
    if isinstance(receiver, Thing):
        return _thing_method(m, receiver, name, args)
    if isinstance(receiver, (str, List, Dict, tuple)):
        return call_type_method(m, receiver, name, args)
    if isinstance(receiver, Tensor):
        return _tensor_method(m, receiver, name, args)
    escape_arguments(m, args)
    return Opaque(f"the result of {name}")


def _tensor_method(m: Machine, tensor: Tensor, name: str, args: Args) -> Value:
    if name == "get_shape":
        return Opaque("a shape") if tensor.shape is None else shape_tuple(tensor.shape)
    if tensor.data:
        if name == "argmax":
            mark_inference(m, tensor)
        return tensor if name in ("numpy", "cpu", "detach") else Opaque(f"{name} of a tensor")
    return apply_op(m, operation(name), [tensor], args.spot)


def _layer_method(m: Machine, layer: Layer, name: str, args: Args) -> Value:
    if name in ("call", "__call__"):
        return m.apply(layer, args)
    if name in ("set_weights", "get_weights", "build", "get_config", "count_params"):
        return Opaque(name)
    escape_arguments(m, args)
    return Opaque(f"the result of {name}")


def _super_call(m: Machine, value: Super, name: str, args: Args) -> Value:
    instance = value.receiver
    if not isinstance(instance, Instance):
        escape_arguments(m, args)
        return Opaque(f"super().{name}")
    if name == "__init__":
        base_init(m, instance, args)
        return None
    layer = instance.layer
    if name in ("call", "__call__") and layer is not None:
        if isinstance(layer, Model):
            return Tensor() if layer.style != "sequential" else models.apply(m, layer, args)
        return apply_layer(m, layer, args)
    if name == "__setattr__":
        m.set_attribute(instance, str(args.get(0, "name")), args.get(1, "value"), args.spot)
        return None
    if isinstance(layer, Model) and name in ("fit", "compile", "evaluate", "predict", "train_on_batch", "save"):
        return training.call_model_method(m, layer, name, args)
    return Opaque(f"super().{name}")


def _thing_method(m: Machine, thing: Thing, name: str, args: Args) -> Value:
    if thing.symbol == "tf.GradientTape":
        if name == "gradient":
            sources = args.get(1, "sources")
            weights = sources if isinstance(sources, Weights) else Weights(())
            items = sources if isinstance(sources, (List, tuple)) else ()
            merged = tuple(layer for item in items if isinstance(item, Weights) for layer in item.models)
            escape_arguments(m, Args(args.spot, list(args.positional[:1])))
            return Gradients(thing, Weights((*weights.models, *merged)))
        return Opaque(name)
    if name == "exclude_from_weight_decay":
        thing.args[name] = Arg(Unknown("variables"), args.spot)
        return None
    if name in ("apply_gradients", "minimize", "apply"):
        m.note(f"{thing.symbol}.{name}", args.spot, args)
        training.apply_gradients(m, args)
        return Opaque(name)
    if thing.symbol == "argparse.ArgumentParser":
        return _parser_method(m, thing, name, args)
    if thing.symbol.startswith("tf.distribute.") and name == "scope":
        return Thing("tf.distribute.scope", {}, thing.attributes)
    if name in ("flow", "flow_from_directory", "flow_from_dataframe"):
        return data.flow(name, args)
    if name == "run" and thing.symbol.startswith("tf.distribute."):
        given = args.get(1, "args", ())
        return m.call(args.get(0, "fn"), Args(args.spot, list(given) if isinstance(given, (tuple, List)) else []))
    if name == "parse_args":
        return thing
    escape_arguments(m, args)
    return Opaque(f"the result of {name}")


def _parser_method(m: Machine, parser: Thing, name: str, args: Args) -> Value:
    if name == "add_argument":
        flags = [value for value in args.positional if isinstance(value, str)]
        flag = next((value for value in flags if value.startswith("--")), flags[0] if flags else "")
        dest = args.get(None, "dest")
        key = dest if isinstance(dest, str) else flag.lstrip("-").replace("-", "_")
        default = args.get(None, "default", Opaque("a command-line argument"))
        if args.get(None, "action") in ("store_true", "store_false"):
            default = args.get(None, "action") == "store_false"
        known = isinstance(default, (bool, int, float, str))
        m.store(parser.attributes, key, Assumed(default) if known else Opaque("a command-line argument"))
        return None
    if name in ("parse_args", "parse_known_args"):
        space = Thing("argparse.Namespace", {}, Dict(parser.attributes, open=True))
        return space if name == "parse_args" else (space, List(open=True))
    if name in ("add_argument_group", "add_mutually_exclusive_group"):
        return parser
    return Opaque(name)
