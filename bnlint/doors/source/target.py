"""Which Keras a file is written for: as asked, as the project pins, or as the code shows."""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ...inputs import disk

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
_PIN = re.compile(
    r"^\s*[\"'-]*\s*(tensorflow(?:[-_](?:cpu|gpu|macos|intel))?|keras|tf[-_]keras)\s*(?:\[[^\]]*\])?\s*([=~<>!]=?[^;#\"'\n]*)",
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
_TF1_LAYERS = re.compile(r"\b(?:tf|tf1|v1)\.(?:compat\.v1\.)?layers\.(?:batch_normalization|BatchNormalization)\b")
_MOST_SIBLINGS = 60
_LONGEST = 1_000_000
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
    around = (_required(pins, "the notebook") if pins else None) or (_around(text, file) if file is not None else None)
    if around is not None:
        return around
    found = _old_api(text)
    return Target(3, None, "the default", False) if found is None else Target(2, None, f"the code has {found}", False)


def _around(text: str, file: pathlib.Path) -> Target | None:
    """What the files around say: requirements, and code beside it for TensorFlow 1."""
    pinned = _pinned(file.parent)
    if pinned is None and _TF1_LAYERS.search(text) and (sibling := _beside(file)):
        return Target(2, None, f"{sibling} beside it is for TensorFlow 1", True)
    return pinned


def _old_api(text: str) -> str | None:
    """What a text has that only Keras 1 or 2 knows."""
    if keras_1(text):
        return "arguments of Keras 1"
    found = next((name for name in _KERAS_2 if name in text), None)
    if found is None and ("lr=" in text or "decay=" in text) and (old := _OLD_OPTIMIZER.search(text)):
        return old.group(0)
    return found


def _beside(file: pathlib.Path) -> str:
    """The name of another file in the same folder that is written for TensorFlow 1, "" for none."""
    return next((name for name in _for_tensorflow_1(file.parent) if name != file.name), "")


@lru_cache(maxsize=512)
def _for_tensorflow_1(folder: pathlib.Path) -> tuple[str, ...]:
    """Two files of a folder that are written for TensorFlow 1, as far as there are."""
    found: list[str] = []
    for path in sorted(folder.glob("*.py"))[:_MOST_SIBLINGS]:
        try:
            written_so = tensorflow_1(_text(path)) != ""
        except OSError:
            continue
        if written_so:
            found.append(path.name)
        if len(found) == 2:
            break
    return tuple(found)


@lru_cache(maxsize=512)
def _pinned(folder: pathlib.Path, depth: int = 0) -> Target | None:
    """What the nearest requirements above a folder pin, None where they leave it open."""
    for name in _FILES:
        path = folder / name
        try:
            text = _text(path)
        except OSError:
            text = ""
        found = _required(text, name)
        if found is not None:
            return found
    if depth >= 8 or folder.parent == folder or (folder / ".git").exists():
        return None
    return _pinned(folder.parent, depth + 1)


def _text(path: pathlib.Path) -> str:
    return disk.read(path, _LONGEST).decode("utf-8", "replace")


def _required(text: str, name: str) -> Target | None:
    """What the requirements in a text pin, None where they leave it open."""
    for package, bounds in _PIN.findall(text):
        found = _version(package.lower(), bounds)
        if found is not None:
            return Target(found, None, f"{name} has {package}{bounds.strip()}", True)
    return None


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
