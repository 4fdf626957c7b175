"""What batch normalization does with few samples."""

from __future__ import annotations

from bench import Bench, Measured


def small_batches(bench: Bench) -> Measured:
    np, tf, keras, layers = bench.np, bench.tf, bench.keras, bench.layers
    rng = np.random.default_rng(1)

    def step(shape: tuple[int, ...]) -> Measured:
        norm = layers.BatchNormalization(beta_initializer=keras.initializers.Constant(0.25))
        x = tf.Variable(rng.standard_normal(shape).astype("float32"))
        weight = rng.standard_normal(shape).astype("float32")
        with tf.GradientTape() as tape:
            y = norm(x, training=True)
            loss = tf.reduce_sum(weight * y)
        return {
            "distance of output from beta": float(abs(y - 0.25).numpy().max()),
            "gradient before": float(abs(tape.gradient(loss, x)).numpy().max()),
        }

    one = step((1, 8))
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("sgd", "mse")
    kernel = bench.array(model.layers[0].kernel).copy()
    model.fit(bench.x[:32], bench.y[:32], batch_size=1, verbose=0)
    one["dense kernel changed"] = float(abs(bench.array(model.layers[0].kernel) - kernel).max())
    decayed = keras.Sequential([keras.Input((8,)), layers.Dense(4), layers.BatchNormalization(momentum=0.9)])
    decayed.add(layers.Dense(1))
    decayed.compile("sgd", "mse")
    decayed.fit(bench.x[:64], bench.y[:64], batch_size=1, epochs=5, verbose=0)
    one["moving variance"] = float(bench.array(decayed.layers[1].moving_variance).max())
    one["range of predictions"] = float(bench.np.ptp(decayed.predict(bench.x[:64], verbose=0)))
    spread = {}
    for m in (2, 4, 8, 16, 32, 64, 128):
        norm = layers.BatchNormalization(momentum=0.0)
        norm(rng.standard_normal((m, 20000)).astype("float32"), training=True)
        variance = bench.array(norm.moving_variance)
        spread[str(m)] = float(variance.std() / variance.mean())
    return {
        "batch of one": one,
        "batch of two": step((2, 8)),
        "batch of one, spatial": step((1, 4, 4, 8)),
        "batch of one, 1 x 1": step((1, 1, 1, 8)),
        "spread of batch variance": spread,
    }


CLAIMS = (small_batches,)
