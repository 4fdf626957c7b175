"""Every rule is asked about fits on hardly any data, and on none: bnlint may not fail."""

from __future__ import annotations

from itertools import product

import pytest

from bnlint import check_source

FITS = {
    "arrays": "model.fit(np.zeros(({n}, 4)), np.zeros(({n}, 4)), batch_size={b}, epochs={e})",
    "a validation split": "model.fit(np.zeros(({n}, 4)), y, {b}, {e}, validation_split={s})",
    "a list": "model.fit(np.array([[0.0] * 4] * {n}), y, {b}, {e})",
    "a data set": (
        "model.fit(tf.data.Dataset.from_tensor_slices((np.zeros(({n}, 4)), np.zeros(({n}, 4)))).batch({b}), epochs={e})"
    ),
    "steps": "model.fit(data, steps_per_epoch={n}, epochs={e}, batch_size={b})",
    "batches": "for epoch in range({e}):\n    model.train_on_batch(np.zeros(({n}, 4))[:{b}], np.zeros(({n}, 4))[:{b}])",
    "a tape": (
        "for x in tf.data.Dataset.from_tensor_slices(np.zeros(({n}, 4))).batch({b}):\n"
        "    with tf.GradientTape() as tape:\n        loss = tf.reduce_mean(model(x, training=True))\n"
        "    grads = tape.gradient(loss, model.trainable_variables)\n"
        "    optimizer.apply_gradients(zip(grads, model.trainable_variables))"
    ),
}
MODEL = """import keras
import numpy as np
import tensorflow as tf
from keras import layers

model = keras.Sequential([layers.Input((4,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(4)])
model.compile("sgd", "mse")
"""
SMALL = ("tiny-batch", "batch-of-one", "last-batch-of-one", "unconverged-moving-average")


@pytest.mark.parametrize("fit", FITS)
def test_no_rule_fails_on_a_fit(fit: str) -> None:
    """And where nothing is trained on, by the numbers, the rules on batches and steps say nothing."""
    splits = (0.0, 0.5, 0.99) if "{s}" in FITS[fit] else (0.0,)
    for n, b, e, s in product((0, 1, 2, 9), (-1, 0, 1, 8, None), (0, 1), splits):
        program = MODEL + FITS[fit].format(n=n, b=b, e=e, s=s) + "\n"
        report = check_source(program, select=["ALL"], fixes=True)
        assert not report.failures, f"{report.failures}\n{program}"
        cut = len(range(n)[:b]) > 0 if fit == "batches" else n > 0 and (b is None or b > 0)
        trains = cut and (e > 0 or fit == "a tape")
        assert trains or not {finding.rule for finding in report} & {*SMALL}, program
