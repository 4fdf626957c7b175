"""Builds models of keras.applications and prints what they consist of, as JSON: python live_applications.py NAME…"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

import keras


def described(model: Any) -> dict[str, Any]:
    """One count for each call of a layer or operation: its kind, the edges into it, and what a BN is set to."""
    kinds: Counter[str] = Counter()
    edges: Counter[str] = Counter()
    batchnorms: Counter[str] = Counter()
    for operation in model.operations:
        kind = type(operation).__name__
        for node in operation._inbound_nodes:
            kinds[kind] += 1
            edges.update(f"{type(tensor._keras_history.operation).__name__} -> {kind}" for tensor in node.input_tensors)
            if kind == "BatchNormalization":
                batchnorms[json.dumps([operation.axis, operation.momentum, operation.epsilon])] += 1
    return {"kinds": kinds, "edges": edges, "batchnorms": batchnorms}


def measured(name: str) -> dict[str, Any]:
    """The application of this name without weights, and the file that its constructor stands in."""
    constructor = getattr(keras.applications, name)
    keras.backend.clear_session()
    model = constructor(weights=None)
    found = [index for index, layer in enumerate(model.layers) if type(layer).__name__ == "BatchNormalization"]
    return {
        "file": sys.modules[constructor.__module__].__file__,
        "first and last": [*found[:1], *found[-1:]],
        **described(model),
    }


if __name__ == "__main__":
    print(json.dumps({name: measured(name) for name in sys.argv[1:]}))
