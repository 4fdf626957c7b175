"""What functions of NumPy and TensorFlow make of numbers and arrays: an array of which the shape may be known."""

from __future__ import annotations

from . import data
from .args import Args
from .builtins import BUILTIN_CALLS
from .machine import Machine
from .values import ABSENT, Array, List, Opaque, Value

NEW_ARRAYS = frozenset({"zeros", "ones", "empty", "full", "random.rand", "random.randn"})
SIZED_ARRAYS = frozenset(
    {
        "random.normal",
        "random.uniform",
        "random.random",
        "random.standard_normal",
        "random.random_sample",
        "random.randint",
    }
)
SAME_ARRAYS = frozenset(
    {
        "array",
        "asarray",
        "expand_dims",
        "float32",
        "float64",
        "copy",
        "ascontiguousarray",
        "squeeze",
        "clip",
        "abs",
        "zeros_like",
        "ones_like",
    }
)


def made(m: Machine, path: str, name: str, args: Args) -> Value:
    """What the function gives; ABSENT where it is none that makes an array, or not of these arguments.

    `name` is what follows the library's in `path`.
    """
    first = args.get(0, "x")
    if name in NEW_ARRAYS:
        shape = args.positional if name in ("random.rand", "random.randn") else [args.get(0, "shape")]
        return Array(data.array_shape(tuple(shape) if len(shape) > 1 else shape[0] if shape else ABSENT))
    if name in SIZED_ARRAYS:
        position = 2 if name in ("random.normal", "random.uniform", "random.randint") else 0
        return Array(data.array_shape(args.get(0, "shape") if path.startswith("tf.") else args.get(position, "size")))
    if name in SAME_ARRAYS and isinstance(first, Array):
        if name == "expand_dims":
            return Array((*first.shape, 1)) if first.shape is not None and args.get(1, "axis") == -1 else Array()
        return first
    if name in ("array", "asarray") and isinstance(first, (List, tuple)):
        return Array((len(first),)) if not getattr(first, "open", False) else Array()
    if name == "linspace":
        return _linspace(args)
    if name == "arange" and args.positional and all(isinstance(v, int) for v in args.positional):
        return BUILTIN_CALLS["range"](m, args)
    if name == "reshape" and isinstance(first, Array):
        return data.array_method(m, first, "reshape", args.rest(1))
    if name in ("cast", "convert_to_tensor", "constant", "identity", "stop_gradient"):
        return first if isinstance(first, (Array, Opaque)) else ABSENT
    return ABSENT


def _linspace(args: Args) -> Value:
    start, stop, count = args.get(0, "start"), args.get(1, "stop"), args.get(2, "num", 50)
    if not all(isinstance(value, (int, float)) for value in (start, stop, count)) or not 0 < count < 10_000:
        return Array()
    return List([start + (stop - start) * i / max(count - 1, 1) for i in range(int(count))])
