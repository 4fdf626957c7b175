"""A recurrent layer, for what batch normalization meets behind it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .activations import sigmoid
from .arrays import Array, array


def lstm(x: npt.ArrayLike, kernel: npt.ArrayLike, recurrent: npt.ArrayLike, bias: npt.ArrayLike) -> Array:
    """The states h of all steps, from h = c = 0; x is (batch, steps, inputs), the weights as Keras lays them out.

    i, f, g, o = the four parts of x[:, t] @ kernel + h @ recurrent + bias
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)     h = sigmoid(o) * tanh(c)     (Hochreiter & Schmidhuber 1997)
    """
    x, kernel, recurrent, bias = array(x), array(kernel), array(recurrent), array(bias)
    h = c = np.zeros((len(x), len(recurrent)))
    states = []
    for step in range(x.shape[1]):
        i, f, g, o = np.split(x[:, step] @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)
