"""Runs programs before and after a change in real Keras: live_certificates.py keras|tf_keras.

Prints JSON: for each case, the differences that the certificate claims, those found with the same weights and data, and
how far Keras is from the reference runtime anywhere.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from bnlint.doors.source import evaluate
from bnlint.fixes.proof.certificate import certify
from bnlint.fixes.proof.comparing import UPDATES, Comparison
from bnlint.fixes.proof.running import Runner, Variables
from bnlint.fixes.proof.specs import Network
from bnlint.fixes.proof.trials import trials
from bnlint.graph import Call
from bnlint.rulebook.change import (
    AddCall,
    Change,
    Construct,
    Function,
    RemoveArgument,
    RemoveCall,
    Replace,
    SetArgument,
    Step,
)

LEGACY = sys.argv[1] == "tf_keras"
SHAPE = (12, 10, 3)
BIAS = [lambda calls: SetArgument(calls[0].layer.origin, "use_bias", False)]

Make = Callable[[list[Call]], Step]

CASES: dict[str, tuple[str, str, list[Make]]] = {
    "bias": ("Conv2D(8, 3), BatchNormalization()", "Conv2D(8, 3, use_bias=False), BatchNormalization()", BIAS),
    "bias through pooling": (
        "Conv2D(8, 3), MaxPooling2D(), AveragePooling2D(3, 2, 'same'), Flatten(), BatchNormalization(), ReLU()",
        "Conv2D(8, 3, use_bias=False), MaxPooling2D(), AveragePooling2D(3, 2, 'same'), Flatten(), BatchNormalization(),"
        " ReLU()",
        BIAS,
    ),
    "bias through sampling": (
        "SeparableConv2D(8, 3), UpSampling2D(interpolation='bilinear'), Cropping2D(1), BatchNormalization()",
        "SeparableConv2D(8, 3, use_bias=False), UpSampling2D(interpolation='bilinear'), Cropping2D(1),"
        " BatchNormalization()",
        BIAS,
    ),
    "bias of a dense layer": (
        "GlobalAveragePooling2D(), Dense(8), BatchNormalization()",
        "GlobalAveragePooling2D(), Dense(8, use_bias=False), BatchNormalization()",
        [lambda calls: SetArgument(calls[1].layer.origin, "use_bias", False)],
    ),
    "bias across ReLU": (
        "Conv2D(8, 3), ReLU(), BatchNormalization()",
        "Conv2D(8, 3, use_bias=False), ReLU(), BatchNormalization()",
        BIAS,
    ),
    "bias across padding": (
        "Conv2D(8, 3), ZeroPadding2D(), BatchNormalization()",
        "Conv2D(8, 3, use_bias=False), ZeroPadding2D(), BatchNormalization()",
        BIAS,
    ),
    "bias before a frozen one": (
        "Conv2D(8, 3), BatchNormalization(trainable=False)",
        "Conv2D(8, 3, use_bias=False), BatchNormalization(trainable=False)",
        BIAS,
    ),
    "second dropped": (
        "BatchNormalization(), BatchNormalization()",
        "BatchNormalization()",
        [lambda calls: RemoveCall(calls[1])],
    ),
    "momentum": (
        "Dense(8), BatchNormalization(momentum=0.1)",
        "Dense(8), BatchNormalization(momentum=0.9)",
        [lambda calls: SetArgument(calls[1].layer.origin, "momentum", 0.9)],
    ),
    "axis": (
        "Conv2D(8, 3), BatchNormalization(axis=1)",
        "Conv2D(8, 3), BatchNormalization(axis=3)",
        [lambda calls: SetArgument(calls[1].layer.origin, "axis", 3)],
    ),
    "layer normalization": (
        "Conv2D(8, 3), BatchNormalization()",
        "Conv2D(8, 3), LayerNormalization()",
        [lambda calls: Construct(calls[1].layer.origin, "LayerNormalization")],
    ),
    "activation behind": (
        "Conv2D(8, 3, activation='relu'), BatchNormalization()",
        "Conv2D(8, 3), BatchNormalization(), ReLU()",
        [
            lambda calls: RemoveArgument(calls[0].layer.origin, "activation"),
            lambda calls: AddCall(calls[1], "ReLU"),
        ],
    ),
    "bare": (
        "TimeDistributed(BatchNormalization())",
        "BatchNormalization()",
        [lambda calls: Replace(calls[0].layer.origin, calls[0].layer.wrapped.origin)],  # type: ignore[union-attr]
    ),
}


class Twin:
    """A model of real Keras beside a network of the reference runtime, with the same variables."""

    def __init__(self, keras: Any, made: str, network: Network, variables: Variables) -> None:
        inside = eval(f"[{made}]", vars(keras.layers))
        self.model = keras.Sequential([keras.Input(SHAPE), *inside])
        self.runner = Runner(network, 2 if LEGACY else 3, dict(variables), False)
        # In the order of the data: every case is a chain.
        chain, here = [], -1
        while following := [node for node in enumerate(network.nodes) if here in node[1].inputs]:
            here, node = following[0]
            chain.append(node.layer)
        self.last = here
        for layer, number in zip(inside, chain, strict=True):
            for weight in layer.weights:
                weight.assign(variables[number, weight.name.rsplit("/", 1)[-1].removesuffix(":0")])

    def run(self, x: Any, training: bool, step: int) -> tuple[Any, float]:
        """What Keras computes, and how far the reference runtime is from that."""
        real = np.asarray(self.model(x.astype("float32"), training=training), "float64")
        return real, float(np.abs(self.runner.run([x], training, step)[self.last] - real).max())


def case(keras: Any, before: str, after: str, makes: list[Make]) -> dict[str, Any]:
    text = f"from keras import Input, Sequential\nfrom keras.layers import *\nSequential([Input({SHAPE}), {before}])\n"
    program = evaluate(text, "model.py", target="2" if LEGACY else "3")
    calls = program.calls
    change = Change("Change it", tuple(make(calls) for make in makes), Function(tuple(calls)))
    (trial,) = trials(change, program)
    found = Comparison(trial.before, trial.after, (SHAPE,), (len(calls) - 1,), program.keras)
    certificate = certify(change, program)
    twins = Twin(keras, before, trial.before, found.old), Twin(keras, after, trial.after, found.new)
    gaps: dict[bool, list[float]] = {True: [], False: []}
    error = 0.0
    for step in range(UPDATES + 2):
        training = 0 < step <= UPDATES
        (one, off), (other, away) = (twin.run(found.inputs(step)[0], training, step) for twin in twins)
        gaps[training].append(float(np.abs(one - other).max()))
        error = max(error, off, away)
    return {
        "same": certificate.same,
        "claimed": [certificate.training, certificate.inference],
        "found": [max(gaps[True]), max(gaps[False])],
        "largest": float(np.abs(one).max()),
        "error": error,
    }


def main() -> None:
    keras = importlib.import_module(sys.argv[1])
    print(json.dumps({name: case(keras, *given) for name, given in CASES.items()}))


if __name__ == "__main__":
    main()
