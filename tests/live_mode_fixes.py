"""Runs programs, each in one state, in real Keras: live_mode_fixes.py keras|tf_keras, with the programs as JSON.

Standard input holds, by name, the code, the expression of the model to look at, and that of what uses it. Prints JSON:
for each, what it raises, and in which phases the moving mean of its batch normalization moves, or gamma is learned.
Networks of keras.applications are stood in for by one with a batch normalization at each end.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

keras: Any = importlib.import_module(sys.argv[1])
LEGACY = sys.argv[1] == "tf_keras"
PARTS = ("", ".applications", ".layers", ".models")
if LEGACY:
    for part in PARTS:
        sys.modules[f"keras{part}"] = importlib.import_module(f"tf_keras{part}")
    keras.ops, keras.random = tf.nn, tf.random

SAMPLES = 8
RNG = np.random.default_rng(0)


def network(*, input_shape: Any = None, pooling: str | None = None, **_: Any) -> Any:
    """A base with more layers than any slice in the programs counts."""
    layers = keras.layers
    inputs = x = keras.Input(input_shape or (None, None, 3))
    x = layers.BatchNormalization()(layers.Conv2D(8, 1, strides=8)(x))
    for _number in range(255):
        x = layers.Activation("linear")(x)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 1)(x)))
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x) if pooling else x)


def stand_in() -> None:
    """Let the programs get such networks, and train for one epoch on data that fits."""
    for name in ("keras.applications", "tensorflow.keras.applications"):
        module = importlib.import_module(name)
        for kind in ("ResNet50", "Xception", "MobileNetV2", "EfficientNetB0", "InceptionV3"):
            setattr(module, kind, network)
    fit, predict = keras.Model.fit, keras.Model.predict
    keras.Model.fit = lambda self, *_, **__: fit(self, inputs_of(self), targets_of(self), batch_size=4, verbose=0)
    keras.Model.predict = lambda self, *_, **__: predict(self, inputs_of(self), verbose=0)
    tf.keras.utils.image_dataset_from_directory = lambda *_, **__: None


def inputs_of(model: Any) -> Any:
    known = model.built and not type(model).__name__.startswith(("Auto", "Class", "Enc", "Net"))
    shape = [size or 32 for size in model.input_shape[1:]] if known else [8]
    return RNG.normal(1, 2, (SAMPLES, *shape)).astype("float32")


def targets_of(model: Any) -> Any:
    outputs = model(inputs_of(model))
    sparse = "sparse" in str(getattr(model.loss, "name", model.loss))
    return np.zeros(SAMPLES if sparse else outputs.shape, "float32")


def moves(model: Any, act: Callable[[], object]) -> bool:
    """Whether an act moves the moving mean of any batch normalization."""
    norms = [one for one in model._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
    before = [np.array(norm.moving_mean) for norm in norms]
    act()
    return any(np.abs(np.array(norm.moving_mean) - old).max() > 0 for norm, old in zip(norms, before, strict=True))


def learns(model: Any) -> bool:
    """Whether gamma is among what a step trains."""
    return any("gamma" in variable.name for variable in model.trainable_variables)


def outcome(code: str, expression: str, use: str) -> dict[str, object]:
    """What a program does."""
    flat = RNG.normal(1, 2, (SAMPLES, 8)).astype("float32")
    names = dict.fromkeys(("x_train", "y_train", "x_test", "images", "labels", "train_data"), flat)
    scope: dict[str, Any] = {**names, "__name__": "program", "np": np, "tf": tf, "data": data}
    try:
        exec(compile(code, "program.py", "exec", dont_inherit=True), scope)
    except Exception as error:
        return {"raised": type(error).__name__}
    found: dict[str, object] = {"raised": ""}
    if not expression:
        return found
    model = eval(expression, scope)
    scope["model_of"] = model
    if not model.built:
        model(inputs_of(model))
    found["call"] = moves(model, lambda: model(inputs_of(model)))
    found["predict"] = moves(model, model.predict)
    found["tape"] = moves(model, lambda: recorded(model))
    found["learns"] = learns(model)
    if use:
        found["use"] = moves(model, lambda: eval(use, scope))
    if getattr(model, "optimizer", None) is None:
        model.compile("sgd", "mse")
    found["fit"] = moves(model, model.fit)
    return found


def recorded(model: Any) -> Any:
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(inputs_of(model)))
    return tape.gradient(loss, model.trainable_variables)


def data(*shape: int) -> Any:
    return tf.constant(RNG.normal(1, 2, (SAMPLES, *shape)), tf.float32)


stand_in()
programs: dict[str, list[str]] = json.load(sys.stdin)
print(json.dumps({name: outcome(*program) for name, program in programs.items()}))
