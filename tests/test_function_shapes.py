"""The shapes of what functions make of tensors are those that TensorFlow and Keras give."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from bnlint.doors.source import evaluate
from bnlint.graph import Tensor

HEAD = "import tensorflow as tf\nimport keras\nfrom keras import ops\n"
SHAPE, BATCH = (6, 8, 4), 5
EXPRESSIONS = """
tf.reshape(x, [-1, 48, 4]) | tf.reshape(x, (5, -1, 4)) | ops.reshape(x, [-1, 6, 8, 2, 2])
tf.reshape(x, [-1, 3, 8, 4]) | tf.transpose(x, [0, 3, 1, 2]) | tf.transpose(x, perm=[0, 2, -1, 1])
ops.transpose(x, (0, 2, 1, 3)) | ops.transpose(x) | tf.expand_dims(x, -1) | tf.expand_dims(x, axis=1)
ops.expand_dims(x, 0) | tf.squeeze(x[:, :1], 1) | tf.squeeze(x[:, :1]) | ops.squeeze(x[:, :1, 2:3], axis=(1, 2))
tf.pad(x, [[0, 0], [1, 2], [3, 0], [0, 0]]) | ops.pad(x, ((0, 0), (1, 1), (0, 0), (2, 2))) | tf.repeat(x, 3, axis=2)
ops.repeat(x, 2, axis=-1) | tf.tile(x, [1, 2, 1, 3]) | ops.tile(x, (1, 1, 1, 2)) | tf.repeat(x, 2, 1)
tf.gather(x, [0, 2, 4], axis=1) | tf.gather(x, 3, axis=2) | ops.take(x, [1, 1], axis=3) | ops.take(x, 2, axis=1)
tf.reduce_mean(x, [1, 2]) | tf.reduce_max(x, -1) | tf.reduce_sum(x, axis=[1, 2], keepdims=True)
ops.mean(x, axis=(1, 2)) | ops.max(x, axis=1, keepdims=True) | tf.reduce_sum(x) | tf.reduce_sum([x, x], axis=0)
ops.sum(x, axis=-1) | tf.norm(x, axis=-1) | tf.math.reduce_std(x, axis=1) | tf.math.reduce_variance(x, 2)
ops.var(x, axis=[1, 2]) | tf.norm(x, 2, 1, True) | ops.amax(x, 2) | tf.image.resize(x, (3, 5))
tf.image.resize(x, [12, 4], method="nearest") | tf.nn.space_to_depth(x, 2) | tf.nn.depth_to_space(x, 2)
tf.image.extract_patches(x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
tf.image.extract_patches(x, sizes=[1, 2, 3, 1], strides=[1, 2, 3, 1], rates=[1, 1, 1, 1], padding="SAME")
tf.image.extract_patches(x, [1, 3, 3, 1], [1, 1, 1, 1], [1, 2, 2, 1], "VALID") | x[:, 1] | x[..., 2] | x[:, ::2, 1:-1]
x[:, None, :, 0] | x[:, -3:, ..., 1:] | x[:, tf.newaxis] | x[..., None] | x[:, 7:, 3] | tf.split(x, 2, axis=-1)
tf.split(x, [1, 3], -1) | tf.split(x, [2, -1], axis=1) | tf.split(x, num_or_size_splits=3, axis=1)
ops.split(x, 2, axis=3) | ops.split(x, [1, 3], axis=2) | tf.unstack(x, axis=3) | ops.unstack(x, axis=1)
tf.unstack(x, num=8, axis=2) | tf.nn.moments(x, [1, 2]) | tf.nn.moments(x, axes=[1, 2], keepdims=True)
ops.moments(x, [1], True) | ops.moments(x, axes=(1, 3)) | tf.stack([x, x], axis=1) | ops.stack([x, x, x], axis=-1)
tf.stack([x, x]) | tf.concat([x, x], axis=1) | tf.concat([x, x[:, :2]], 1) | tf.matmul(x, x, transpose_b=True)
tf.matmul(x, x, True) | x @ tf.transpose(x, [0, 1, 3, 2]) | ops.matmul(x, ops.transpose(x, (0, 1, 3, 2)))
tf.matmul(x[:, 0], x[:, 1], transpose_a=True) | tf.linalg.matmul(x, x, transpose_b=True) | tf.clip_by_value(x, 0, 1)
"""


def listed(text: str) -> list[str]:
    return [one.strip() for line in text.splitlines() for one in line.split(" | ") if one.strip()]


CALLS = listed(EXPRESSIONS)

LIVE = """
import json
x = tf.zeros((BATCH, *SHAPE))
found = {}
for call in CALLS:
    made = eval(call)
    found[call] = [list(one.shape) for one in made] if isinstance(made, (list, tuple)) else list(made.shape)
print(json.dumps(found))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs tensorflow"),
]


@pytest.fixture(scope="session")
def live() -> dict[str, list[object]]:
    """What the installed libraries give, in a process of its own."""
    values = f"SHAPE, BATCH, CALLS = {SHAPE!r}, {BATCH!r}, {CALLS!r}\n"
    environment = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
    }
    command = [sys.executable, "-c", HEAD + values + LIVE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, list[object]] = json.loads(done.stdout.splitlines()[-1])
    return found


def shapes_in_source(call: str) -> list[object]:
    made = evaluate(f"{HEAD}x = keras.Input({SHAPE})\ny = keras.layers.Multiply()([{call}])\n", "program.py").calls
    return [tensor.shape for tensor in made[-1].inputs]


def agrees(said: object, real: list[int]) -> bool:
    """Each size that is said is the real one; one that is not can only hold the batch."""
    if not isinstance(said, tuple) or len(said) != len(real):
        return False
    return all(one in (None, size) for one, size in zip(said, real, strict=True)) and said.count(None) <= 1


@pytest.mark.parametrize("call", CALLS)
def test_the_shape_is_as_the_library_says(call: str, live: dict[str, list[object]]) -> None:
    real = live[call] if live[call] and isinstance(live[call][0], list) else [live[call]]
    said = shapes_in_source(call)
    assert len(said) == len(real)
    assert all(agrees(one, sizes) for one, sizes in zip(said, real, strict=True)), (said, real)  # type: ignore[arg-type]


UNKNOWN = """
tf.reshape(x, unknown) | tf.transpose(x, perm=unknown) | tf.split(x, unknown, -1) | x[unknown] | x[:, unknown]
tf.pad(x, unknown) | tf.reduce_mean(x, unknown) | tf.expand_dims(x, unknown) | tf.gather(x, unknown, axis=1)
"""


@pytest.mark.parametrize("call", listed(UNKNOWN))
def test_what_arguments_that_are_unknown_decide_is_unknown(call: str) -> None:
    text = (
        f"{HEAD}def f(unknown):\n    x = keras.Input({SHAPE})\n    return keras.layers.BatchNormalization()({call})\n"
    )
    (given,) = evaluate(text, "program.py").calls[-1].inputs
    assert isinstance(given, Tensor) and (given.shape is None or set(given.shape) == {None})
