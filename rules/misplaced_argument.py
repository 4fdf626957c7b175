"""An argument of BatchNormalization at a place where it means something else."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Arg, Call, Layer, Unknown, by_origin, is_batchnorm
from bnlint.graph.freezing import FORWARDED
from bnlint.rulebook.change import Apply, Change, NameArgument, Raises, RemoveArgument, Step, Unfold

category = "construction"
severity = Severity.ERROR
source_only = "Keras raises, or what the call meant is not in the model"

_MOST_AXES = 5
"""Batch, three spatial axes, channels."""
_LEAST_MOMENTUM = 0.5
_MOST_EPSILON = 0.01


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each batch normalization whose `axis` cannot be one; in Keras 3, each called with a positional flag."""
    made = (layer for layer in program.layers if is_batchnorm(layer) and not layer.op and not layer.context.raises)
    for layers in by_origin(made):
        layer = next((layer for layer in layers if _said(layer)), None)
        if layer is not None:
            axis = layer.arg("axis")
            grade, change = (None, _change(program, layers)) if axis.certain else (Severity.ADVICE, None)
            where = axis.origin or layer.origin
            related = ((where, "this is meant to call it"),) if layer.unmade is not None else ()
            yield Problem(layer.unmade or where, _said(layer), grade, related, change)
    if program.keras >= 3:
        for calls in by_origin(call for call in program.calls if is_batchnorm(call.layer) and not call.context.raises):
            flags = [flag for call in calls if (flag := _positional_flag(call)) is not None]
            if flags:
                said = "Keras 3 takes only tensors as positional arguments of a layer, and raises: write training=…"
                steps = tuple(NameArgument(flag.origin, "training") for flag in flags[:1] if flag.origin is not None)
                change = Change("Name the flag", steps, Raises("ValueError", 3)) if steps else None
                yield Problem(flags[0].origin or calls[0].origin, said, change=change)


def _positional_flag(call: Call) -> Arg | None:
    """A second positional argument that is a truth value, or the flag of the `call` around it."""
    flag = call.positional[0] if call.positional and not call.layer.op else None
    if flag is None or not flag.certain:
        return None
    return flag if isinstance(flag.value, (bool, int)) or flag.value == FORWARDED else None


def _said(layer: Layer) -> str:
    """What is wrong with the layer's `axis`; empty where nothing is."""
    value = layer.arg("axis").value
    if value == Unknown("tensor"):
        if layer.unmade is not None:
            return "BatchNormalization stands here as a class, without parentheses, and takes its input for its `axis`."
        return "BatchNormalization gets a tensor for its `axis`: make the layer, then call it: BatchNormalization()(x)."
    if "axis again" in layer.args:
        return "BatchNormalization gets `axis` twice, the first time without its name, and raises TypeError."
    if isinstance(value, float):
        return f"BatchNormalization takes {value:g} for its `axis`: name the argument that it is."
    if not isinstance(value, int) or isinstance(value, bool):
        return ""
    shapes = [call.inputs[0].shape if call.inputs else None for call in layer.calls]
    ranks = [len(shape) for shape in shapes if shape is not None]
    wrong = [rank for rank in ranks if not -rank <= value < rank]
    said = f"BatchNormalization takes {value} for its `axis`"
    if wrong and len(wrong) == len(shapes):
        return f"{said}, and its input has {wrong[0]} axes; how many channels there are it finds by itself."
    if not ranks and value >= _MOST_AXES:
        return f"{said}; how many channels there are it finds by itself."
    return ""


def _change(program: Program, layers: list[Layer]) -> Change | None:
    """What was meant, where that is plain for every use of the line; None elsewhere."""
    layer, value = layers[0], layers[0].arg("axis").value
    if any(_said(other) != _said(layer) for other in layers):
        return None
    called = all(other.calls for other in layers)
    error = "ValueError" if program.keras > 2 else "TypeError"
    if value == Unknown("tensor") and layer.unmade is not None:
        return Change("Make an instance of the class", (Unfold(layer.unmade),), Raises(error))
    if value == Unknown("tensor"):
        error = "TypeError" if "axis again" in layer.args else error
        step: Step = RemoveArgument(layer.origin, "axis", 0) if called else Apply(layer.origin)
        return Change("Call the layer with the tensor", (step,), Raises(error))
    proof = Raises(error) if called else None
    if isinstance(value, float):
        name = "momentum" if _LEAST_MOMENTUM <= value < 1 else "epsilon" if 0 < value <= _MOST_EPSILON else ""
        origin = layer.arg("axis").origin
        if not name or name in layer.args or origin is None:
            return None
        return Change(f"Name it: {name}", (NameArgument(origin, name),), proof)
    if not isinstance(value, int) or value < 0 or "axis again" in layer.args:
        return None
    proof = Raises("IndexError" if program.keras > 2 else "ValueError") if called else None
    return Change("Leave out the number of channels", (RemoveArgument(layer.origin, "axis", 0),), proof)
