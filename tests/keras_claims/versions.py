"""What is gone in Keras 3, and the learning phase where it is left."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path

from bench import Bench, Measured, outcome


def learning_phase(bench: Bench) -> Measured:
    """Whether the moving mean moves, with the phase set to 0 and to 1; in eager mode."""
    keras, layers, tf = bench.keras, bench.layers, bench.tf
    names = ("learning_phase", "set_learning_phase", "learning_phase_scope")
    found: Measured = {name: outcome(lambda name=name: getattr(keras.backend, name)) for name in names}
    found["tf.keras"] = outcome(lambda: tf.keras.backend.set_learning_phase)
    copy = importlib.import_module("tensorflow.python.keras.backend")
    for phase in (0, 1):
        if bench.major == 3:
            copy.set_learning_phase(phase)
        else:
            keras.backend.set_learning_phase(phase)
        moved = {}
        for name in ("fit", "predict", "call"):
            norm = layers.BatchNormalization(momentum=0.5)
            model = keras.Sequential([keras.Input((8,)), norm, layers.Dense(1)])
            model.compile("sgd", "mse")
            acts: dict[str, Callable[[], object]] = {
                "fit": lambda model=model: model.fit(bench.positive[:64], bench.y[:64], batch_size=64, verbose=0),
                "predict": lambda model=model: model.predict(bench.positive[:64], verbose=0),
                "call": lambda model=model: model(bench.positive[:64]),
            }
            moved[name] = bench.moved(norm, acts[name])
        found[f"moved in phase {phase}"] = moved
    if bench.major == 2:
        model = keras.Sequential([keras.Input((8,)), layers.BatchNormalization()])
        inputs = [model.input, keras.backend.learning_phase()]
        found["phase as an input"] = outcome(lambda: keras.backend.function(inputs, [model.output]))
        keras.backend.clear_session()
    return {"learning phase": found}


def removed(bench: Bench) -> Measured:
    np, layers, tf = bench.np, bench.layers, bench.tf
    values = {
        "fused": True,
        "virtual_batch_size": 8,
        "adjustment": lambda shape: (1.0, 0.0),
        "mode": 0,
        "beta_init": "zero",
        "gamma_init": "one",
        "weights": [np.ones(8)] * 4,
        "renorm": True,
        "renorm_clipping": {},
        "renorm_momentum": 0.9,
        "synchronized": True,
    }
    found = {name: outcome(lambda name=name: layers.BatchNormalization(**{name: values[name]})) for name in values}
    found["SyncBatchNormalization"] = outcome(lambda: layers.experimental.SyncBatchNormalization)
    found["BatchNormalizationV1"] = outcome(lambda: layers.BatchNormalizationV1)
    library = bench.keras.__name__
    for module in (f"{library}.layers.normalization", "tensorflow.keras.layers.normalization"):
        found[module.replace("tf_keras", "keras")] = outcome(lambda module=module: importlib.import_module(module))
    found["tf.layers"] = outcome(lambda: tf.layers.batch_normalization)
    found["tf.compat.v1.layers.batch_normalization"] = outcome(lambda: tf.compat.v1.layers.batch_normalization)
    found["tf.compat.v1.layers.BatchNormalization"] = outcome(lambda: tf.compat.v1.layers.BatchNormalization)
    return {"removed": found}


def bad_examples(bench: Bench) -> Measured:
    """Those of removed_api.md, run as they stand."""
    if bench.major == 2:
        return {}
    card = Path(__file__).parents[2] / "rules" / "removed_api.md"
    examples = re.findall(r"```python bad\n(.*?)```", card.read_text(encoding="utf-8"), re.DOTALL)
    return {"removed_api.md": [outcome(lambda code=code: exec(code, {})) for code in examples]}


CLAIMS = (removed, bad_examples, learning_phase)
