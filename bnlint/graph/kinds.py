"""Sets of kinds, as the catalog's rows say what layers and operations do to a tensor."""

from __future__ import annotations

from ..catalog import LAYERS, kinds
from ..catalog.layers import WRAPPING

BATCH_NORMALIZATIONS = kinds("batch-normalization")
LINEAR = kinds("linear")
DROPOUTS = kinds("dropout")
RECURRENT = kinds("recurrent")
ACTIVATIONS = kinds("activation")
PASS_THROUGH = kinds("pass-through")
JOINS = kinds("join")
MERGES = JOINS | {"Concatenate"}
RANDOM = frozenset(row.name for row in LAYERS.values() if row.random)
"""Dropouts and noise."""
WRAPPERS = frozenset(row.name for row in LAYERS.values() if row.shape in WRAPPING) | {"WeightNormalization"}
"""Layers whose first argument is a layer that they apply; the last is TensorFlow Addons'."""

OUTPUT_ACTIVATIONS = frozenset({"softmax", "sigmoid", "tanh", "log_softmax", "hard_sigmoid"})
IDENTITY_ACTIVATIONS = frozenset({"linear", ""})
