"""Which Keras a file is written for: as asked, as the project pins, or as the code shows."""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

_LEGACY = re.compile(r"^\s*(?:import|from)\s+tf_keras\b|TF_USE_LEGACY_KERAS\W{1,6}(?:1|True|true)", re.MULTILINE)
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
        "nb_epoch",
        "nb_filter",
        "border_mode=",
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
_OLD_OPTIMIZER = re.compile(r"\b(?:Adam|SGD|RMSprop|Adagrad|Adadelta|Adamax|Nadam)\((?:[^()\n]*,\s*)?(?:lr|decay)=")
_PIN = re.compile(
    r"^\s*[\"'-]*\s*(tensorflow(?:[-_](?:cpu|gpu|macos|intel))?|keras|tf[-_]keras)\s*(?:\[[^\]]*\])?\s*([=~<>!]=?[^;#\"']*)",
    re.IGNORECASE | re.MULTILINE,
)
_FILES = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "requirements.txt",
    "environment.yml",
    "environment.yaml",
    "Pipfile",
)
_BOUND = re.compile(r"(==|~=|<=|<|>=|>|=)\s*(\d+)(?:\.(\d+))?")


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


def keras_of(text: str, target: str, file: pathlib.Path | None) -> Target:
    """The Keras that a text is for. `target` is "auto", "2", "3" or "3.N"; `file` where the text was read."""
    if target != "auto":
        major, _, minor = target.partition(".")
        return Target(int(major), int(minor) if minor else None, "--target-keras", True)
    legacy = _LEGACY.search(text) if "tf_keras" in text or "TF_USE_LEGACY" in text else None
    if legacy:
        return Target(2, None, f"the code has {legacy.group(0).strip()}", True)
    pinned = _pinned(file.parent) if file is not None else None
    if pinned is not None:
        return pinned
    found = next((name for name in _KERAS_2 if name in text), None)
    if found is None and ("lr=" in text or "decay=" in text) and (old := _OLD_OPTIMIZER.search(text)):
        found = old.group(0)
    if found is not None:
        return Target(2, None, f"the code has {found}", False)
    return Target(3, None, "the default", False)


@lru_cache(maxsize=512)
def _pinned(folder: pathlib.Path, depth: int = 0) -> Target | None:
    """What the nearest requirements above a folder pin, None where they leave it open."""
    for name in _FILES:
        path = folder / name
        try:
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        except OSError:
            text = ""
        for package, bounds in _PIN.findall(text):
            found = _version(package.lower(), bounds)
            if found is not None:
                return Target(found, None, f"{name} has {package}{bounds.strip()}", True)
    if depth >= 8 or folder.parent == folder or (folder / ".git").exists():
        return None
    return _pinned(folder.parent, depth + 1)


def _version(package: str, bounds: str) -> int | None:
    """Keras's major version that a requirement allows no other than: tensorflow < 2.16 and keras < 3 are 2."""
    if package.startswith("tf"):
        return None
    first_of_3 = (3, 0) if package == "keras" else (2, 16)
    for sign, major, minor in _BOUND.findall(bounds):
        version = (int(major), int(minor or 0))
        if sign in ("==", "=", "~=") and version < first_of_3:
            return 2
        if sign in ("==", "=", ">=", ">", "~=") and version >= first_of_3:
            return 3
        if (sign == "<" and version <= first_of_3) or (sign == "<=" and version < first_of_3):
            return 2
    return None
