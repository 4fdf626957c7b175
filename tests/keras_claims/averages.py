"""The moving statistics: how fast they follow, with which settings they do not, and who pulls at gamma and beta."""

from __future__ import annotations

from typing import Any

from bench import Bench, Measured, outcome


def momenta(bench: Bench) -> Measured:
    """What the newest batch is given, how far the average swings, and what that does to a trained model's loss."""
    np, layers, keras = bench.np, bench.layers, bench.keras
    rng = np.random.default_rng(0)
    found: Measured = {}
    for momentum in (0.1, 0.5, 0.9, 0.99):
        norm = layers.BatchNormalization(momentum=momentum)
        norm(np.full((32, 2000), 1.0, "float32"), training=True)
        newest = float(bench.array(norm.moving_mean).mean())
        norm = layers.BatchNormalization(momentum=momentum)
        for _ in range(400):
            norm(rng.standard_normal((32, 2000)).astype("float32"), training=True)
        swing = float(bench.array(norm.moving_mean).std()) * 32**0.5
        found[str(momentum)] = {"weight of the newest batch": newest, "deviation against a batch's": swing}
    for momentum in (0.1, 0.9):
        keras.utils.set_random_seed(0)
        norm = layers.BatchNormalization(momentum=momentum)
        stack = [keras.Input((8,)), layers.Dense(16), norm, layers.ReLU(), layers.Dense(1, activation="sigmoid")]
        model = bench.fit(keras.Sequential(stack))
        losses = []
        for start in range(0, 1600, 16):
            norm(model.layers[0](bench.x[start : start + 16]), training=True)
            losses.append(float(model.evaluate(bench.test_x, bench.test_y, verbose=0, batch_size=1024)))
        found[str(momentum)] |= {"least loss": min(losses), "highest loss": max(losses)}
    return {"momentum": found}


def settings(bench: Bench) -> Measured:
    np, layers = bench.np, bench.layers
    x = np.random.default_rng(0).standard_normal((64, 4)).astype("float32") + 3
    constant = np.full((8, 4), 3, "float32")
    found: Measured = {"axis=None": outcome(lambda: layers.BatchNormalization(axis=None))}
    for momentum in (-0.5, 0.0, 1.0, 2.0):
        norm = layers.BatchNormalization(momentum=momentum)
        means = []
        for step in range(10):
            norm(x, training=True) if step < 9 else norm(x + 4, training=True)
            means.append(float(bench.array(norm.moving_mean).mean()))
        found[f"momentum={momentum:g}"] = {"after 9 steps": means[8], "after a batch 4 higher": means[9]}
    found["batch mean"] = float(x.mean())
    for epsilon in (-1e-3, 0.0, 1e-12):
        norm = layers.BatchNormalization(epsilon=epsilon)
        output = bench.array(norm(constant, training=True))
        found[f"epsilon={epsilon:g}"] = bool(np.isnan(output).any())
    return {"hyperparameters": found}


def short_training(bench: Bench) -> Measured:
    """A classifier of data around 5, trained for a few steps: what the statistics hold, and what evaluate says."""
    keras, layers = bench.keras, bench.layers
    found: Measured = {}
    for momentum, steps in ((0.99, 32), (0.99, 320), (0.9, 32), (0.5, 32)):
        keras.utils.set_random_seed(0)
        norm = layers.BatchNormalization(momentum=momentum)
        stack = [keras.Input((8,)), norm, layers.Dense(16, activation="relu"), layers.Dense(1, activation="sigmoid")]
        model = keras.Sequential(stack)
        model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
        model.fit(bench.x + 5, bench.y, batch_size=64, epochs=steps // 32, verbose=0)
        mean = float(bench.array(norm.moving_mean).mean() / (bench.x + 5).mean())
        test = bench.test_x + 5
        found[f"{momentum}, {steps}"] = {
            "rest": 1 - mean,
            "accuracy": bench.accuracy(model.predict(test, verbose=0), bench.test_y),
            "with batch statistics": bench.accuracy(bench.array(model(test, training=True)), bench.test_y),
        }
    return {"short training": found}


def decay(bench: Bench) -> Measured:
    """Gamma and beta after 10 steps in which the loss asks nothing of them."""
    keras, layers = bench.keras, bench.layers

    def gamma(optimizer: Any, **regularizers: Any) -> float:
        norm = layers.BatchNormalization(**regularizers)
        model = keras.Sequential([keras.Input((8,)), norm, layers.Dense(1, kernel_initializer="zeros")])
        model.layers[-1].trainable = False
        model.compile(optimizer, "mse")
        model.fit(bench.x[:640], bench.y[:640], batch_size=64, verbose=0)
        return float(bench.array(norm.gamma).mean())

    def excluding(optimizer: Any) -> Any:
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"])
        return optimizer

    adamw, sgd = keras.optimizers.AdamW, keras.optimizers.SGD
    return {
        "gamma after 10 steps": {
            "AdamW(0.1, weight_decay=0.1)": gamma(adamw(0.1, weight_decay=0.1)),
            "AdamW(0.1)": gamma(adamw(0.1)),
            "adamw": gamma("adamw"),
            "SGD(0.1, weight_decay=0.1)": gamma(sgd(0.1, weight_decay=0.1)),
            "SGD(0.1)": gamma(sgd(0.1)),
            "excluded": gamma(excluding(adamw(0.1, weight_decay=0.1))),
            "L2(0.1)": gamma(sgd(0.1), gamma_regularizer=keras.regularizers.L2(0.1)),
        },
        "default weight decay of AdamW": float(adamw().weight_decay),
    }


def slimmed(bench: Bench) -> Measured:
    """The same model trained with strong decay, on gamma and beta too and without them."""
    keras, layers = bench.keras, bench.layers
    found: Measured = {}
    for name in ("all", "kernels only", "none"):
        keras.utils.set_random_seed(0)
        norm = layers.BatchNormalization(momentum=0.9)
        stack = [keras.Input((8,)), layers.Dense(16), norm, layers.ReLU(), layers.Dense(1, activation="sigmoid")]
        model = keras.Sequential(stack)
        optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.0 if name == "none" else 1.0)
        if name == "kernels only":
            optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"])
        model.compile(optimizer, "binary_crossentropy")
        model.fit(bench.x, bench.y, batch_size=64, epochs=10, verbose=0)
        loss = float(model.evaluate(bench.test_x, bench.test_y, verbose=0))
        found[name] = {"mean gamma": float(bench.array(norm.gamma).mean()), "test loss": loss}
    return {"decayed gamma": found}


CLAIMS = (momenta, settings, short_training, decay, slimmed)
