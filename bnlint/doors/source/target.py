"""Which Keras a file is written for: as asked, as the project pins, or as the code shows."""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass
from typing import Literal

from ...inputs.pins import decided, pinned

_LEGACY = re.compile(
    r"^\s*(?:from\s+|import\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*)tf_keras\b|TF_USE_LEGACY_KERAS\W{1,6}(?:1|True|true)",
    re.MULTILINE,
)
_OLD_MODULES = (
    "core",
    "normalization",
    "convolutional",
    "advanced_activations",
    "pooling",
    "embeddings",
    "recurrent",
    "merge",
    "noise",
    "wrappers",
)
_KERAS_2 = (
    *(
        "tf.layers.",
        "tf.contrib",
        "tensorflow.contrib",
        "tf.Session(",
        "compat.v1.Session(",
    ),
    *(
        ".fit_generator(",
        ".predict_generator(",
        ".evaluate_generator(",
        ".predict_classes(",
        "tf.placeholder(",
        "keras.objectives",
    ),
    *(f"keras.layers.{name}" for name in _OLD_MODULES),
    *(
        "keras.utils.np_utils",
        "import np_utils",
        ".layers.experimental.",
        "tensorflow.python.keras",
        "keras.optimizers.legacy",
    ),
    *("keras.wrappers.scikit_learn", "keras.engine", "keras.backend.tensorflow_backend", "CuDNNLSTM", "CuDNNGRU"),
    *("multi_gpu_model", "image_dim_ordering"),
)
_SESSIONS = ("tf.Session(", "tf.variable_scope(", "UPDATE_OPS", "TPUEstimator", "tf.estimator.", "tf1.layers.")
_RENAMED = (
    *("nb_epoch", "nb_filter", "nb_row", "nb_col", "nb_val_samples", "samples_per_epoch", "border_mode"),
    *("dim_ordering", "W_regularizer", "b_regularizer", "W_constraint"),
)
_KERAS_1 = re.compile(
    rf"\b(?:[A-Z]\w*|fit\w*)\([^()]*(?:\([^()]*\)[^()]*)*\b(?:{'|'.join(_RENAMED)})\s*="
    r"|\bConvolution2D\(\s*[\w.*/ ]+,\s*\d+\s*,\s*\d+"
)
"""A layer or a training with an argument that Keras 2 renamed (functions of the project may call theirs so), and a
convolution with rows and columns of their own."""
_OLD_OPTIMIZER = re.compile(r"\b(?:Adam|SGD|RMSprop|Adagrad|Adadelta|Adamax|Nadam)\((?:[^()\n]*,\s*)?(?:lr|decay)=")


@dataclass(frozen=True, slots=True)
class Target:
    """A version of Keras, `minor` None where any will do, and why it is believed; `explicit` if not read off code."""

    major: int
    minor: int | None
    because: str
    explicit: bool


def tensorflow_1(text: str) -> Literal["", "likely", "only"]:
    """Whether a text is TensorFlow 1 code: "only" with tf.contrib, "likely" with sessions, scopes and estimators."""
    if "tensorflow.contrib" in text or "tf.contrib." in text:
        return "only"
    return "likely" if any(sign in text for sign in _SESSIONS) else ""


def keras_1(text: str) -> bool:
    """Whether a text passes arguments that Keras 2 renamed to what has the names of Keras's own."""
    return any(name in text for name in (*_RENAMED, "Convolution2D")) and _KERAS_1.search(text) is not None


def keras_of(text: str, target: str, file: pathlib.Path | None, pins: str = "") -> Target:
    """The Keras that a text is for. `target` is "auto", "2", "3" or "3.N"; `file` where the text was read.

    `pins` are requirements of its own, one a line.
    """
    if target != "auto":
        major, _, minor = target.partition(".")
        return Target(int(major), int(minor) if minor else None, "--target-keras", True)
    legacy = _LEGACY.search(text) if "tf_keras" in text or "TF_USE_LEGACY" in text else None
    if legacy:
        return Target(2, None, f"the code has {legacy.group(0).strip()}", True)
    pin = decided(pins) if pins else None
    if pin is not None:
        return Target(pin[0], None, f"the notebook has {pin[1]}", True)
    around = pinned(file.parent) if file is not None else None
    if around is not None:
        return Target(around[0], None, around[1], True)
    found = _old_api(text)
    return Target(3, None, "the default", False) if found is None else Target(2, None, f"the code has {found}", False)


def _old_api(text: str) -> str | None:
    """What a text has that only Keras 1 or 2 knows."""
    if keras_1(text):
        return "arguments of Keras 1"
    found = next((name for name in _KERAS_2 if name in text), None)
    if found is None and ("lr=" in text or "decay=" in text) and (old := _OLD_OPTIMIZER.search(text)):
        return old.group(0)
    return found
