"""Functions of Keras, TensorFlow, NumPy and math: an operation on tensors, or what they make of numbers and arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ....catalog import operation
from ....graph import Tensor
from ..values.args import Args
from ..values.bound import Method
from ..values.code import Bound
from ..values.containers import List
from ..values.data import Array, Gradients, Weights, array_shape
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value, layer_of, of
from ..values.lifted import assumed_like, bare
from ..values.nodes import shape_tuple
from ..values.plain import NUMBERS, Sizes, computed
from ..values.recording import is_tensor
from ..values.registry import CONSTANTS, Handler, method, symbol
from ..values.shaping import parts_of, shape_of, stacked
from .builtins import ranged

CONSTANTS.update({f"{module}.{name}": getattr(math, name) for module in ("math", "numpy") for name in ("pi", "e")})
CONSTANTS.update({f"{module}.newaxis": None for module in ("numpy", "tensorflow")})

MATH: dict[str, Callable[..., Any]] = {
    name: getattr(math, name)
    for name in ("ceil", "floor", "sqrt", "log", "log2", "log10", "exp", "pow", "prod", "fabs", "trunc", "gcd")
}
_ARRAYS: dict[str, Handler] = {}
"""What functions make of numbers and arrays, by their name without the library's; ABSENT for nothing known."""


@symbol("math.*", "np.*", "tf.*", "keras.backend.*", "keras.ops.*", "keras.activations.*")
def function(m: Evaluator, args: Args) -> Value:
    """A function of a library: an operation where it is given a tensor."""
    if any(map(_has_tensor, args.values)):
        return _operation(m, args)
    path = args.callee
    name, last = path.partition(".")[2], path.rpartition(".")[2]
    trained = next(filter(_is_trained, args.positional), ABSENT)
    if trained is not ABSENT:
        return trained
    if last in ("argmax", "top_k"):
        for value in args.positional:
            if isinstance(value, Tensor) and value.data:
                mark_inference(m, value)
    if name in MATH:
        return _of_numbers(name, args)
    made = _ARRAYS[name](m, args) if name in _ARRAYS else ABSENT
    if made is not ABSENT:
        return made
    m.escape_all(args)
    batches = (value.batch for value in args.positional if isinstance(value, Opaque))
    return Opaque(f"the result of {path}", path, batch=next(filter(None, batches), None))


def _is_trained(value: Value) -> bool:
    """Whether a value is gradients or weights, or holds some."""
    items = (value, *(value if isinstance(value, List) else ()))
    return any(isinstance(item, (Gradients, Weights)) for item in items)


def _has_tensor(value: Value) -> bool:
    return (
        is_tensor(value)
        or isinstance(value, Sizes)
        or (isinstance(value, (List, tuple)) and any(map(is_tensor, value)))
    )


def _operation(m: Evaluator, args: Args) -> Value:
    last = args.callee.rpartition(".")[2]
    if last in ("int_shape", "shape"):
        return _sizes(m, args)
    if last == "is_keras_tensor":
        return True
    if last == "print" or args.callee.endswith(".debugging.assert_equal"):
        return None
    for value in args.positional:
        if layer_of(value) is not None or isinstance(value, (Bound, Method)):
            m.escape(value)
    kind, values = operation(last), [*args.positional, *filter(_has_tensor, args.keywords.values())]
    if kind != "Concatenate":
        return _shaped(m, kind, values, args)
    axis = args.get(1, "axis")
    if isinstance(axis, (List, tuple)) and values and not is_tensor(values[0]):
        axis = values[0]  # tf.concat of the first TensorFlow had the axis first.
    return m.apply_op(kind, values, args.spot, axis=axis)


def _sizes(m: Evaluator, args: Args) -> Value:
    """The sizes of a tensor. Keras 2 makes a node of `tf.shape`: what is resized by it follows from the tensor, too."""
    given = args.get(0, "input" if args.callee == "tf.shape" else "x")
    sizes = shape_tuple(m.tensor(given))
    if not (m.exact and m.program.keras == 2 and args.callee == "tf.shape" and isinstance(sizes, tuple)):
        return sizes
    made = Sizes(sizes)
    made.source = m.apply_op("Shape", [given], args.spot, (len(sizes),))
    return made


def _shaped(m: Evaluator, kind: str, values: list[Value], args: Args) -> Value:
    """An operation whose arguments may decide the shape of its output, and how many it has."""
    first = values[0] if values else ABSENT
    if kind == "Matmul":
        turned = [args.get(index, name, False) for index, name in ((2, "transpose_a"), (3, "transpose_b"))]
        return m.apply_op(kind, values[:2], args.spot, transpose_a=turned[0], transpose_b=turned[1])
    if kind == "Stack":
        listed = m.tensors(first)
        return m.apply_op(kind, values, args.spot, stacked([one.shape for one in listed], args.get(1, "axis")))
    if isinstance(first, (List, tuple)):  # Tensors in a list are stacked.
        given = stacked([one.shape for one in m.tensors(first)], 0)
    else:
        given = m.tensor(first).shape if is_tensor(first) else None
    several = parts_of(kind, given, args)
    output = m.apply_op(kind, values, args.spot, shape_of(kind, given, args))
    call = output.call
    if not several or call is None:
        return output
    call.outputs = tuple(Tensor(call=call, shape=shape) for shape in several)
    return List(call.outputs)


def mark_inference(m: Evaluator, tensor: Tensor) -> None:
    """The argmax of a model's output is taken: whoever calls it wants a prediction."""
    call = tensor.call
    if call is None or call.context.purpose is not None or call.context.tape is not None:
        return
    call.context = replace(call.context, purpose="inference", because="its argmax is taken")
    for event in m.program.events:
        if event.call is call:
            event.context = call.context


def _of_numbers(name: str, args: Args) -> Value:
    """A function of the math module, or NumPy's of the same name, on known numbers."""
    values: list[Any] = [bare(value) for value in args.positional]
    if len(values) == 1 and isinstance(values[0], (List, tuple)) and name == "prod" and not of(values[0]).open:
        values = [list(values[0])]
    numbers = values[0] if len(values) == 1 and type(values[0]) is list else values
    if not values or not all(isinstance(value, NUMBERS) for value in numbers):
        return next((value for value in values if isinstance(value, Array)), Opaque(f"math.{name}", f"math.{name}"))
    return assumed_like(args.positional, computed(MATH[name], *values))


def array(*names: str) -> Callable[[Handler], Handler]:
    """The function is what these functions make of numbers and arrays; ABSENT where it makes nothing that is known."""

    def register(handler: Handler) -> Handler:
        _ARRAYS.update(dict.fromkeys(names, handler))
        return handler

    return register


@array("zeros", "ones", "empty", "full", "ndarray")
def _new(m: Evaluator, args: Args) -> Value:
    return Array(array_shape(args.get(0, "shape")))


@array("random.rand", "random.randn")
def _of_sizes(m: Evaluator, args: Args) -> Value:
    sizes = args.positional
    return Array(array_shape(tuple(sizes) if len(sizes) > 1 else sizes[0] if sizes else ABSENT))


@array("random.normal", "random.uniform", "random.randint")
def _distributed(m: Evaluator, args: Args) -> Value:
    size = args.get(0, "shape") if args.callee.startswith("tf.") else args.get(2, "size")
    return Array(array_shape(size))


@array("random.random", "random.standard_normal", "random.random_sample")
def _drawn(m: Evaluator, args: Args) -> Value:
    return Array(array_shape(args.get(0, "shape" if args.callee.startswith("tf.") else "size")))


@array("array", "asarray")
def _as_array(m: Evaluator, args: Args) -> Value:
    first = args.get(0, "x")
    if isinstance(first, (List, tuple)):
        return Array() if of(first).open else Array((len(first),))
    return _same(m, args)


@array(*"float32 float64 copy ascontiguousarray squeeze clip abs zeros_like ones_like".split())
def _same(m: Evaluator, args: Args) -> Value:
    first = args.get(0, "x")
    return first if isinstance(first, Array) else ABSENT


@array("expand_dims")
def _expanded(m: Evaluator, args: Args) -> Value:
    first = args.get(0, "x")
    if not isinstance(first, Array):
        return ABSENT
    return Array((*first.shape, 1)) if first.shape is not None and args.get(1, "axis") == -1 else Array()


@array("repeat", "tile")
def _again(m: Evaluator, args: Args) -> Value:
    """The samples stay as many as they are where another axis is made longer."""
    first, axis = args.get(0, "a"), args.get(2, "axis")
    if not isinstance(first, Array) or first.shape is None or args.callee.endswith("tile"):
        return Array() if isinstance(first, Array) else ABSENT
    times = args.get(1, "repeats")
    if type(axis) is not int or not -len(first.shape) <= axis < len(first.shape):
        return Array()
    sizes = list(first.shape)
    size = sizes[axis]
    sizes[axis] = size * times if type(size) is int and type(times) is int else Opaque("a size")
    return Array(tuple(sizes))


@array("arange")
def _arange(m: Evaluator, args: Args) -> Value:
    known = args.positional and all(isinstance(value, int) for value in args.positional)
    return ranged(m, args) if known else ABSENT


@array("reshape")
def _reshaped(m: Evaluator, args: Args) -> Value:
    first = args.get(0, "x")
    return reshape(m, first, args.rest(1)) if isinstance(first, Array) else ABSENT


@array("cast", "convert_to_tensor", "constant", "identity", "stop_gradient")
def _passed_on(m: Evaluator, args: Args) -> Value:
    first = args.get(0, "x")
    return first if isinstance(first, (Array, Opaque)) else ABSENT


@method(Array, "reshape")
def reshape(m: Evaluator, array: Array, args: Args) -> Value:
    shape = array_shape(args.positional[0] if len(args.positional) == 1 else tuple(args.positional))
    if shape is None:
        return Array()
    first = shape[0] if shape else None
    if first == -1:
        first = array.samples if array.samples is not None else Opaque("a number of samples")
    return Array((first, *[size if size != -1 else Opaque("a size") for size in shape[1:]]))


@method(Array, "astype", "copy", "numpy", "clip", "round")
def same_array(m: Evaluator, array: Array, args: Args) -> Value:
    return array


@method(Array, *"mean std sum min max argmax flatten ravel transpose".split())
def other_array(m: Evaluator, array: Array, args: Args) -> Value:
    return Array()


@method(Tensor, "get_shape")
def get_shape(m: Evaluator, tensor: Tensor, args: Args) -> Value:
    return shape_tuple(tensor)


@method(Tensor, "argmax")
def argmax(m: Evaluator, tensor: Tensor, args: Args) -> Value:
    if not tensor.data:
        return m.apply_op(operation(args.callee), [tensor], args.spot)
    mark_inference(m, tensor)
    return Opaque("argmax of a tensor")


@method(Tensor, "numpy", "cpu", "detach")
def same_tensor(m: Evaluator, tensor: Tensor, args: Args) -> Value:
    return tensor if tensor.data else m.apply_op(operation(args.callee), [tensor], args.spot)
