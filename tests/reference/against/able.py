"""What TensorFlow can run here, found by trying once: which kernels a CPU has depends on whether oneDNN is on."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf
from real import layers

FORMATS = ("channels_last", "channels_first")
LACKING: set[str] = set()
"""What was asked for and does not run."""


@cache
def runs(name: str, **arguments: Any) -> bool:
    """Whether a small layer of this name has a kernel; a failure for another reason is raised."""
    rank = int(re.search(r"(\d)D", name)[1])  # type: ignore[index]
    sizes = (2,) if "Pooling" in name else (2, 2)
    shape = (2, 2, *[7] * rank) if arguments.get("data_format") == "channels_first" else (2, *[7] * rank, 2)
    try:
        getattr(layers, name)(*sizes, **arguments)(np.ones(shape, "float32"))
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
        if not re.search("(only|yet) support", str(error)):
            raise
        LACKING.add(" ".join([name, *(f"{key}={value}" for key, value in arguments.items())]))
        return False
    return True


@cache
def leaps(name: str, groups: int = 1) -> bool:
    """Whether a layer of three dimensions keeps its place where its stride is longer than its window.

    Without oneDNN, Conv3D and the pooling layers pad by less than nothing where padding is "same": they begin late.
    """
    x = np.tile(np.arange(9, dtype="float32"), (1, 9, 9, 1))[..., None].repeat(groups, -1)
    arguments: dict[str, Any] = {"strides": 3, "padding": "same"}
    if "Conv" in name:
        arguments |= {"filters": groups, "kernel_size": 1, "groups": groups, "kernel_initializer": "ones"}
    else:
        arguments |= {"pool_size": 1}
    right = np.array_equal(getattr(layers, name)(**arguments)(x), x[:, ::3, ::3, ::3])
    if not right:
        LACKING.add(f"{name} with a stride longer than its window" + " in groups" * (groups > 1))
    return right


def placed(name: str, window: list[int], strides: int | None, padding: str, groups: int = 1) -> bool:
    """Whether a layer's windows begin here where they should."""
    leaping = padding == "same" and strides is not None and strides > min(window)
    return not (leaping and name in ("Conv3D", "MaxPooling3D", "AveragePooling3D")) or leaps(name, min(groups, 2))


def formats(name: str) -> list[str]:
    """The data formats in which a pooling layer runs."""
    return [each for each in FORMATS if runs(name, data_format=each)]


def ways(name: str) -> list[dict[str, Any]]:
    """The strides, dilations and data formats with which a convolution runs; Keras refuses strides with a dilation.

    With the channels last: with channels_first, Keras 3.15 swaps axes of some outputs that are equally long.
    """
    dilations = [each for each in (2, 3) if "Transpose" not in name or runs(name, dilation_rate=each)]
    kinds = [{"strides": each} for each in (1, 2, 3)] + [{"dilation_rate": each} for each in dilations]
    return [{**kind, "data_format": "channels_last"} for kind in kinds]
