"""From the many ways to write a Keras name to one: `tf.keras.layers.Dense`, `keras.src.layers.core.dense.Dense`, … are
all `keras.layers.Dense`.
"""

from __future__ import annotations

import ast
from functools import lru_cache

from .signatures import SIGNATURES

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

OLD_LAYERS = frozenset(
    {
        *(
            "CuDNNLSTM",
            "CuDNNGRU",
            "LocallyConnected1D",
            "LocallyConnected2D",
            "ThresholdedReLU",
            "SyncBatchNormalization",
        ),
        *("AtrousConvolution1D", "AtrousConvolution2D", "Deconvolution2D", "Deconvolution3D", "Highway", "MaxoutDense"),
        *("Merge", "BatchNormalizationV1", "BatchNormalizationV2", "RandomHeight", "RandomWidth", "DenseFeatures"),
        *("Convolution3DTranspose", "ParametricSoftplus", "TimeDistributedDense", "AlphaDropout", "Subtract"),
    }
)
"""Layers of Keras 1 and 2 that Keras 3 does not have."""

FUNCTIONAL_LAYERS = {
    "add": "Add",
    "subtract": "Subtract",
    "multiply": "Multiply",
    "average": "Average",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "concatenate": "Concatenate",
    "dot": "Dot",
}
"""The functions of keras.layers that apply a layer at once."""

ALIASES = {
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3DTranspose": "Conv3DTranspose",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
}

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
            return f"{short}.{path[len(module) + 1 :]}"
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


def is_layer(name: str) -> bool:
    """Whether Keras has, or had, a layer of this name."""
    return name in SIGNATURES or name in OLD_LAYERS


def unimported(name: str) -> str | None:
    """What a name that nothing binds means in a snippet; None where that is anybody's guess."""
    if name in _SNIPPETS:
        return _SNIPPETS[name]
    return f"keras.layers.{name}" if name in SIGNATURES and name != "Layer" else None


def kind_of(name: str) -> str:
    """The layer's kind: its class name, with the aliases of one class under one name."""
    return ALIASES.get(name, name)


@lru_cache(maxsize=256)
def parameters(kind: str) -> tuple[tuple[str, ...], dict[str, object]]:
    """The layer's constructor parameters in order, and the defaults of those that have one."""
    text = SIGNATURES.get(kind)
    if text is None:
        return (), {}
    names: list[str] = []
    defaults: dict[str, object] = {}
    function = ast.parse(f"def f({text}): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = function.args
    names = [argument.arg for argument in arguments.args]
    for name, default in zip(reversed(names), reversed(arguments.defaults), strict=False):
        defaults[name] = ast.literal_eval(default)
    return tuple(names), defaults


def camel(name: str) -> str:
    """An operation's kind from a function's name, as Keras names its own: `leaky_relu` is `LeakyRelu`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
