"""Builds models of keras.applications and prints what they consist of, as JSON: python live_applications.py NAME…

Once as Keras has it, once as the live door sees it.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from typing import Any


def counted(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """The same of a graph's nodes, in the form of `bnlint graph --format json`."""
    kind = {node["id"]: node["kind"] for node in nodes}
    batchnorms = (node["config"] for node in nodes if node["kind"] == "BatchNormalization")
    values = ([config[name] for name in ("axis", "momentum", "epsilon")] for config in batchnorms)
    return {
        "kinds": Counter(kind.values()),
        "edges": Counter(f"{kind[source]} -> {node['kind']}" for node in nodes for source in node["inputs"]),
        "batchnorms": Counter(map(json.dumps, values)),
    }


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
    import keras

    constructor = getattr(keras.applications, name)
    keras.backend.clear_session()
    model = constructor(weights=None)
    found = [index for index, layer in enumerate(model.layers) if type(layer).__name__ == "BatchNormalization"]
    return {
        "file": sys.modules[constructor.__module__].__file__,
        "first and last": [*found[:1], *found[-1:]],
        "door": seen(model),
        **described(model),
    }


def seen(model: Any) -> dict[str, Any]:
    """What the live door sees."""
    from bnlint import check_model
    from bnlint.doors.live import door as live
    from bnlint.graph.view import models_of

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program = live.read(model)
        report = check_model(model, config={})
    nodes: Any = models_of(program)[-1]["nodes"]
    return {"notes": program.notes, "failures": len(report.failures), "graph": counted(nodes)}


if __name__ == "__main__":
    print(json.dumps({name: measured(name) for name in sys.argv[1:]}))
