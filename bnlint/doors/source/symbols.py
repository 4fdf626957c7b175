"""From the many ways to write a Keras name to one: `tf.keras.layers.Dense`, `keras.src.layers.core.dense.Dense`, … are
all `keras.layers.Dense`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from ...catalog import LAYERS, NOTHING, is_layer, kinds, operation, row
from ...catalog.layers import in_keras

ROOTS = (
    "tensorflow.compat.v1.keras",
    "tensorflow.compat.v2.keras",
    "tensorflow.python.keras",
    "tensorflow.contrib.keras",
    "tensorflow.keras",
    "tf_keras",
    "keras_core",
    "keras",
)

FUNCTIONAL_LAYERS = {name.lower(): name for name in kinds("join") & LAYERS.keys()} | {"concatenate": "Concatenate"}
"""The functions of keras.layers that apply a layer at once."""

_TOP = {
    "Model": "keras.Model",
    "Functional": "keras.Model",
    "Sequential": "keras.Sequential",
    "Input": "keras.Input",
    "Layer": "keras.layers.Layer",
}

_SNIPPETS = {
    "tf": "tensorflow",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "layers": "keras.layers",
    "models": "keras.models",
    "optimizers": "keras.optimizers",
    "K": "keras.backend",
    "np": "numpy",
    "Sequential": "keras.Sequential",
    "Model": "keras.Model",
    "Input": "keras.Input",
    "load_model": "keras.models.load_model",
    "ImageDataGenerator": "keras.preprocessing.image.ImageDataGenerator",
}
"""What an unimported name means in a snippet, where only one meaning is likely."""

_FUNCTIONS = ("tf", "tf.math", "tf.nn", "keras.ops", "keras.backend")
"""Modules of functions on tensors."""


@lru_cache(maxsize=4096)
def canonical(path: str) -> str:
    """The one name of a library symbol: below `keras.` for all of Keras, `tf.` for TensorFlow, `np.` for NumPy."""
    for root in ROOTS:
        if path == root:
            return "keras"
        if path.startswith(root + "."):
            return _keras_name(path[len(root) + 1 :])
    for module, short in (
        ("tensorflow.compat.v1", "tf"),
        ("tensorflow.compat.v2", "tf"),
        ("tensorflow", "tf"),
        ("numpy", "np"),
    ):
        if path == module:
            return short
        if path.startswith(module + "."):
            rest = path[len(module) + 1 :]
            kind = rest.removeprefix("layers.")
            return f"keras.layers.{kind}" if kind != rest and is_layer(kind) else f"{short}.{rest}"
    return path


def _keras_name(rest: str) -> str:
    parts = [part for part in rest.split(".") if part not in ("api", "_v1", "_v2", "src", "keras", "python")]
    if not parts:
        return "keras"
    last = parts[-1]
    if last in _TOP and parts[0] in ("layers", "models", "engine", "Model", "Sequential", "Input", last):
        return _TOP[last]
    if is_layer(last) and parts[0] in ("layers", "legacy"):
        return f"keras.layers.{last}"
    if parts[0] == "applications" and last[:1].isupper():
        return f"keras.applications.{last}"
    return "keras." + ".".join(parts)


def unimported(name: str) -> str | None:
    """What a name that nothing binds means in a snippet; None where that is anybody's guess."""
    if name in _SNIPPETS:
        return _SNIPPETS[name]
    return f"keras.layers.{name}" if in_keras(name) and name != "Layer" else None


def function_in(modules: Sequence[str], name: str) -> str | None:
    """What a name means that star imports of these modules bring, where all hold functions on tensors."""
    known = modules and all(canonical(one) in _FUNCTIONS for one in modules)
    return f"{modules[-1]}.{name}" if known and name.islower() and row(operation(name)) is not NOTHING else None


def misplaced(path: str) -> Literal["class", "function"] | None:
    """What a library symbol is that stands in a Sequential without being called; None where it may be a layer."""
    name = canonical(path)
    last = name.rpartition(".")[2]
    if name.startswith("keras.layers.") and is_layer(last):
        return "class"
    functions = name.startswith(("keras.activations.", "tf.nn.", "keras.layers."))
    return "function" if functions and last.islower() else None


def handed_in(name: str, attribute: str) -> bool:
    """Whether a module that nobody knows must be `keras.layers`, as where a caller hands Keras in piece by piece."""
    return name == "layers" and in_keras(attribute)
