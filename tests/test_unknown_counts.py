"""A number is known only where it is exact: a loop of unknown length counts and fills lists nobody knows how often."""

from __future__ import annotations

import pytest

from bnlint import check_source

START = """import os
import numpy as np
import keras
from keras import layers

net = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(), layers.Dense(1)])
net.compile("adam", "mse")
rows = []
"""
GROWN = {
    "appended": "for name in os.listdir('d'):\n    rows.append(np.load(name))",
    "added": "for name in names:\n    rows += [np.load(name)]",
    "extended": "for name in names:\n    rows.extend([np.load(name), np.load(name)])",
    "inserted": "for name in names:\n    rows.insert(0, np.load(name))",
    "while": "while more():\n    rows.append(read())",
    "while true": "while True:\n    rows.append(read())\n    if not more():\n        break",
    "numbered": "for number, name in enumerate(names):\n    rows.append(np.load(name))",
    "in a branch": "for name in names:\n    if name.endswith('.npy'):\n        rows.append(np.load(name))",
    "of a product": "for a in names:\n    for b in range(3):\n        rows.append(np.load(a))",
    "in a function": "def gather(into):\n    for name in names:\n        into.append(np.load(name))\ngather(rows)",
    "of an object": (
        "class Data:\n    def __init__(self):\n        self.rows = []\n        for name in names:\n"
        "            self.rows.append(np.load(name))\nrows = Data().rows"
    ),
    "long": "for number in range(200):\n    rows.append(read(number))",
    "comprehended": "rows = [np.load(name) for name in names]",
}
KEPT = ("np.array(rows)", "np.asarray(rows) / 255", "np.array(list(rows))", "np.array(rows[:])")
USED = (*KEPT, "np.array(sorted(rows))")
SMALL = {"tiny-batch", "batch-of-one", "last-batch-of-one", "unconverged-moving-average"}


def found(text: str) -> set[str]:
    """The rules on numbers of samples and steps that speak."""
    report = check_source(START + text)
    assert not report.failures
    return {finding.rule for finding in report} & SMALL


@pytest.mark.parametrize("used", USED)
@pytest.mark.parametrize("loop", GROWN)
def test_how_many_rows_a_loop_gathers_is_not_known(loop: str, used: str) -> None:
    data = f"{GROWN[loop]}\nx = {used}\n"
    assert found(f"{data}net.fit(x, y, epochs=5)\n") == set()
    assert found(f"{data}net.fit(x, y, epochs=5, validation_split=0.2)\n") == set()
    assert found(f"{data}net.fit(x, y, batch_size=16, epochs=1)\n") == {"tiny-batch"}, "what is written is known"


@pytest.mark.parametrize("used", KEPT)
@pytest.mark.parametrize("count", [1, 5])
def test_how_many_a_loop_over_known_items_gathers_is_known(count: int, used: str) -> None:
    data = f"for number in range({count}):\n    rows.append(read(number))\nx = {used}\n"
    assert found(f"{data}net.fit(x, y)\n") >= {"unconverged-moving-average"}


@pytest.mark.parametrize("loop", ["for name in names:", "while more():", "for number in range(200):"])
def test_what_a_loop_counts_is_not_known(loop: str) -> None:
    for start, step in (("0", "n += 1"), ("1", "n = n * 2"), ("0", "n, m = n + 1, n")):
        counted = f"n = {start}\n{loop}\n    {step}\n"
        assert found(f"{counted}net.fit(data, steps_per_epoch=n, epochs=1)\n") == set()
        assert found(f"{counted}net.fit(np.zeros((n, 4)), y)\n") == set()
    assert found("n = 0\nfor number in range(3):\n    n += 1\nnet.fit(data, steps_per_epoch=n)\n") == {
        "unconverged-moving-average"
    }


def test_a_number_that_a_loop_leaves_alone_stays_known() -> None:
    assert found("n = 4\nfor name in names:\n    m = n\nnet.fit(np.zeros((n, 4)), y)\n") == {
        "unconverged-moving-average"
    }


def test_what_is_taken_from_a_list_of_unknown_length_is_used() -> None:
    """Any item may be meant by an index that is not known, so none is lost."""
    text = "tensors = [keras.Input((4,))]\n"
    text += "for name in names:\n    tensors.append(layers.BatchNormalization()(tensors[-1]))\n"
    text += "model = keras.Model(tensors[0], tensors[-1])\n"
    assert "discarded-batchnorm" not in {finding.rule for finding in check_source(START + text)}


@pytest.mark.parametrize("axis", [-1, 1, 3, 4])
def test_tensors_of_different_ranks_are_put_together_by_nobody(axis: int) -> None:
    """Keras raises there; bnlint knows no shape, and reads on."""
    text = "a, b = keras.Input((4, 4, 3)), keras.Input((4,))\n"
    text += f"both = layers.Concatenate(axis={axis})([a, b])\nlast = layers.concatenate([b, a], axis={axis})\n"
    text += "norm = layers.BatchNormalization(fused=True)(both)\nmodel = keras.Model([a, b], [norm, last])\n"
    report = check_source(START + text)
    assert not report.failures
    assert "removed-api" in {finding.rule for finding in report}
