"""The names of Keras's layers and operations, and the parameters of their constructors."""

from __future__ import annotations

import ast
from functools import lru_cache

from .signatures import SIGNATURES

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

_OP_NAMES = {
    "concat": "Concatenate",
    "concatenate": "Concatenate",
    "resize_bilinear": "Resize",
    "swish": "Silu",
    "div": "TrueDivide",
}

_TENSOR_OPS = {
    "getitem": "GetItem",
    "truediv": "TrueDivide",
    "sub": "Subtract",
    "mul": "Multiply",
    "neg": "Negative",
    "pow": "Power",
    "floordiv": "FloorDivide",
}

ACTIVATION_CLASSES = {"ReLU": "Relu", "LeakyReLU": "LeakyRelu"}
"""Keras 3's operations that have the name of a layer."""


def is_layer(name: str) -> bool:
    """Whether Keras has, or had, a layer of this name."""
    return name in SIGNATURES or name in OLD_LAYERS


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


def operation(name: str) -> str:
    """An operation's kind from the name of the function that does it: `concat` is `Concatenate`."""
    return _OP_NAMES.get(name) or camel(name)


def tensor_operation(function: str) -> str:
    """The kind of the call of a TensorFlow function, by its path: `math.multiply` is Multiply."""
    last = function.rpartition(".")[2].strip("_")
    return _TENSOR_OPS.get(last) or operation(last)
