"""What a last batch of one, accumulated gradients and high learning rates do to batch normalization."""

from __future__ import annotations

from bench import Bench, Measured, outcome


def last_batch(bench: Bench) -> Measured:
    """Moving statistics after epochs of batches of 64, with one sample left over and without."""
    np, keras, layers = bench.np, bench.keras, bench.layers
    found: Measured = {}
    for momentum in (0.9, 0.99):
        for samples in (1024, 1025):
            keras.utils.set_random_seed(0)
            x = np.random.default_rng(0).standard_normal((samples, 16)).astype("float32")
            norm = layers.BatchNormalization(momentum=momentum)
            model = keras.Sequential([keras.Input((16,)), norm, layers.Dense(1)])
            model.compile(keras.optimizers.SGD(0.0), "mse")
            model.fit(x, x[:, :1], batch_size=64, epochs=1000 // 17, verbose=0)
            found[f"{samples} at {momentum}"] = {
                "moving variance": float(bench.array(norm.moving_variance).mean()),
                "largest moving mean": float(abs(bench.array(norm.moving_mean)).max()),
            }
    return {"last batch": found}


def dropped_remainder(bench: Bench) -> Measured:
    """How many batches, and of how many samples, a data set gives with drop_remainder."""
    tf = bench.tf
    data = tf.data.Dataset.range(1025)
    sizes = {drop: [int(batch.shape[0]) for batch in data.batch(64, drop_remainder=drop)] for drop in (False, True)}
    return {"remainder": {"kept": sizes[False][-1], "dropped": sizes[True][-1], "batches": len(sizes[True])}}


def accumulation(bench: Bench) -> Measured:
    """What batch normalization stores, and what the update is, where 16 gradients of 4 samples are accumulated."""
    keras, layers, np = bench.keras, bench.layers, bench.np
    if bench.major < 3:
        return {"accumulation": outcome(lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=16))}
    x = 3 * np.random.default_rng(0).standard_normal((64, 200)).astype("float32")
    found: Measured = {}
    updates = []
    for name, batch, steps in (("16 x 4", 4, 16), ("64", 64, None)):
        keras.utils.set_random_seed(0)
        norm, out = layers.BatchNormalization(momentum=0.9), layers.Dense(1)
        model = keras.Sequential([keras.Input((200,)), norm, layers.ReLU(), out])
        model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=steps), "mse")
        before = bench.array(out.kernel).copy()
        model.fit(x, x[:, :1], batch_size=batch, shuffle=False, verbose=0)
        updates.append(bench.array(out.kernel) - before)
        seen = x.reshape(-1, batch, 200).var(1).mean()
        left = float((bench.array(norm.moving_variance).mean() - seen) / (1 - seen))
        found[name] = {"share of the initial variance left": left, "variance seen": float(seen)}
    found["difference of the update"] = float(np.linalg.norm(updates[0] - updates[1]) / np.linalg.norm(updates[1]))
    return {"accumulation": found}


def accumulated_noise(bench: Bench) -> Measured:
    """Test loss, and how far a moving variance moves in 20 steps, by batch and accumulation. Keras 3 only."""
    keras, layers, np = bench.keras, bench.layers, bench.np
    found: Measured = {}
    for name, batch, steps in (("32", 32, None), ("8 x 4", 4, 8), ("4", 4, None)) if bench.major == 3 else ():
        losses = []
        for seed in range(3):
            keras.utils.set_random_seed(seed)
            norm = layers.BatchNormalization(momentum=0.9)
            stack = [keras.Input((8,)), layers.Dense(16), norm, layers.ReLU(), layers.Dense(1, activation="sigmoid")]
            model = keras.Sequential(stack)
            model.compile(keras.optimizers.Adam(0.01, gradient_accumulation_steps=steps), "binary_crossentropy")
            model.fit(bench.x, bench.y, batch_size=batch, epochs=5, verbose=0)
            losses.append(float(model.evaluate(bench.test_x, bench.test_y, verbose=0)))
        found[name] = float(np.mean(losses))
    return {"accumulated noise": found}


def learning_rates(bench: Bench) -> Measured:
    """Test accuracy of a small network with batch normalization, by optimizer and learning rate."""
    keras, layers, np = bench.keras, bench.layers, bench.np
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((16, 10))
    x = rng.standard_normal((4096, 16)).astype("float32")
    y = (x @ matrix + 0.5 * (x**2) @ rng.standard_normal((16, 10))).argmax(1)
    found: Measured = {}
    for name, rates in (("Adam", (0.1, 1.0)), ("SGD", (1.0, 10.0))):
        for rate in rates:
            for normalized in (True, False):
                scores = []
                for seed in range(3):
                    keras.utils.set_random_seed(seed)
                    model = keras.Sequential([keras.Input((16,))])
                    for _ in range(3):
                        model.add(layers.Dense(64, use_bias=not normalized))
                        if normalized:
                            model.add(layers.BatchNormalization(momentum=0.9))
                        model.add(layers.ReLU())
                    model.add(layers.Dense(10))
                    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                    model.compile(getattr(keras.optimizers, name)(rate), loss, metrics=["accuracy"])
                    model.fit(x[:3072], y[:3072], batch_size=64, epochs=8, verbose=0)
                    scores.append(float(model.evaluate(x[3072:], y[3072:], verbose=0)[1]))
                found[f"{name} {rate:g} {'with' if normalized else 'without'}"] = float(np.mean(scores))
    return {"learning rates": found}


CLAIMS = (last_batch, dropped_remainder, accumulation, accumulated_noise, learning_rates)
