"""From which modules Keras and its layers are imported."""

from __future__ import annotations

KERAS = ("keras", "tensorflow.keras", "tensorflow.compat.v2.keras", "tensorflow.python.keras", "tf_keras", "keras.api")
PACKAGES = ("keras", "tf_keras")
"""Those of them that are packages by themselves."""

LAYERS = tuple(f"{package}.layers" for package in KERAS)
OLD_LAYERS = ("tensorflow.layers", "tf.layers", "tensorflow.compat.v1.layers", "tf.compat.v1.layers")
"""TensorFlow 1's own layers."""
