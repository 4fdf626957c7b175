"""Graphs in a session, as TensorFlow 1 had them: who runs the updates of the moving statistics."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench import Bench, Measured


def sessions(bench: Bench) -> Measured:
    """Eager mode is switched off for good."""
    library = bench.keras.__name__
    done = subprocess.run([sys.executable, __file__, library], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: Measured = json.loads(done.stdout.splitlines()[-1])
    return {"sessions": found}


def trained(bench: Bench, kind: str, flag: bool, run: str) -> Measured:
    """A logistic regression behind a batch normalization; `run` says which updates the train op waits for."""
    tf, np, v1 = bench.tf, bench.np, bench.tf.compat.v1
    inputs, labels = bench.x + 3, bench.y[:, None]
    with tf.Graph().as_default():
        v1.set_random_seed(0)
        x, y = v1.placeholder(tf.float32, (None, 8)), v1.placeholder(tf.float32, (None, 1))
        training = v1.placeholder_with_default(False, ())
        # Keras 3 takes no tensor for the flag.
        given: dict[str, Any] = {"training": training if bench.major == 2 else True} if flag else {}
        updates: list[Any] = []
        if kind == "tf.layers":
            hidden = v1.layers.batch_normalization(x, momentum=0.9, **given)
        else:
            norm = bench.layers.BatchNormalization(momentum=0.9)
            hidden = norm(x, **given)
            updates = norm.updates if run == "updates" else []
        logits = hidden @ v1.get_variable("w", (8, 1)) + v1.get_variable("b", ())
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
        collected = v1.get_collection(v1.GraphKeys.UPDATE_OPS)
        with tf.control_dependencies(collected if run == "UPDATE_OPS" else updates):
            step = v1.train.AdamOptimizer(0.05).minimize(loss)
        mean = next(variable for variable in v1.global_variables() if "moving_mean" in variable.name)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for start in [*range(0, 2048, 64)] * 5:
                batch = slice(start, start + 64)
                session.run(step, {x: inputs[batch], y: labels[batch], training: True})
            tested = session.run(logits, {x: bench.test_x + 3}) > 0
            return {
                "update ops": len(collected),
                "moving mean": float(session.run(mean).mean()),
                "accuracy": float((tested[:, 0] == (bench.test_y == 1)).mean()),
                "batch mean": float(np.mean(inputs)),
            }


def in_phase(bench: Bench, phase: int | None) -> Measured:
    """Keras's own fit and predict in a session."""
    keras, layers = bench.keras, bench.layers
    keras.backend.clear_session()
    if phase is not None:
        keras.backend.set_learning_phase(phase)
    norm = layers.BatchNormalization(momentum=0.5)
    model = keras.Sequential([keras.Input((8,)), norm, layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    together, alone = model.predict(bench.x[:64])[0], model.predict(bench.x[:1])[0]
    model.fit(bench.x[:256] + 3, bench.y[:256], batch_size=32, shuffle=False, verbose=0)
    return {
        "a sample alone and in company": float(abs(together - alone).max()),
        "moving mean after fit": float(keras.backend.get_value(norm.moving_mean).mean()),
    }


def measure(library: str) -> Measured:
    bench = Bench(library)
    if bench.major == 3:
        return {"Keras layer": trained(bench, "keras", True, "UPDATE_OPS")}
    found = {
        "tf.layers": trained(bench, "tf.layers", True, "nothing"),
        "tf.layers, UPDATE_OPS": trained(bench, "tf.layers", True, "UPDATE_OPS"),
        "tf.layers without training, UPDATE_OPS": trained(bench, "tf.layers", False, "UPDATE_OPS"),
        "Keras layer": trained(bench, "keras", True, "UPDATE_OPS"),
    }
    bench.tf.compat.v1.disable_eager_execution()
    found["Keras layer, updates"] = trained(bench, "keras", True, "updates")
    for phase in (None, 0, 1):
        found[f"phase {phase}"] = in_phase(bench, phase)
    return found


CLAIMS = (sessions,)

if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
