"""Batch normalization under a strategy of two devices: whose statistics it uses. In a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench import Bench, Measured


def two_devices(bench: Bench) -> Measured:
    """The devices must be made before TensorFlow starts."""
    library = bench.keras.__name__
    done = subprocess.run([sys.executable, __file__, library], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: Measured = json.loads(done.stdout.splitlines()[-1])
    return {"two devices": found}


def measure(library: str) -> Measured:
    import tensorflow as tf

    devices = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    bench = Bench(library)
    np, keras, layers = bench.np, bench.keras, bench.layers
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    x = np.random.default_rng(0).standard_normal((64, 4000)).astype("float32")

    def synchronized() -> Any:
        if bench.major == 2:
            return layers.experimental.SyncBatchNormalization(momentum=0.0)
        return layers.BatchNormalization(momentum=0.0, synchronized=True)

    found: Measured = {"spread among channels, a device's batch": float(x[:32].var(axis=0).std())}
    found["spread among channels, the whole batch"] = float(x.var(axis=0).std())
    for name, make in (("local", lambda: layers.BatchNormalization(momentum=0.0)), ("synchronized", synchronized)):
        with strategy.scope():
            norm = make()
            outputs = layers.Dense(1, kernel_initializer="zeros")(norm(inputs := keras.Input((4000,))))
            model = keras.Model(inputs, outputs)
            model.compile("sgd", "mse", jit_compile=False) if bench.major == 3 else model.compile("sgd", "mse")
        data = tf.data.Dataset.from_tensor_slices((x, np.zeros((64, 1), "float32"))).batch(64)
        model.fit(data, verbose=0)
        variance = bench.array(norm.moving_variance)
        halves = [x[:32].var(axis=0), x[32:].var(axis=0)]
        found[name] = {
            "from the batch's": float(abs(variance - x.var(axis=0)).mean()),
            "from the mean of the devices'": float(abs(variance - sum(halves) / 2).mean()),
            "from a device's": min(float(abs(variance - half).mean()) for half in halves),
        }
    return found


CLAIMS = (two_devices,)

if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
