"""When Keras reads `trainable`, and what fine-tuning does to pretrained statistics."""

from __future__ import annotations

from typing import Any

from bench import Bench, Measured


def moments(bench: Bench) -> Measured:
    """By how much the moving mean moves when `trainable` is assigned at different moments."""
    keras, layers = bench.keras, bench.layers

    def step(model: Any) -> None:
        model.fit(bench.x, bench.y, batch_size=64, epochs=1, verbose=0)

    def moved(before: bool, after_compile: bool | None, after_fit: bool | None) -> tuple[float, float]:
        norm = layers.BatchNormalization(momentum=0.9)
        model = keras.Sequential([keras.Input((8,)), norm, layers.Dense(1, activation="sigmoid")])
        norm.trainable = before
        model.compile("adam", "binary_crossentropy")
        if after_compile is not None:
            norm.trainable = after_compile
        first = bench.moved(norm, lambda: step(model))
        if after_fit is not None:
            norm.trainable = after_fit
        return first, bench.moved(norm, lambda: step(model))

    return {
        "trainable": {
            "False before compile": moved(False, None, None),
            "False after compile": moved(True, False, None),
            "False after the first fit": moved(True, None, False),
            "True after the first fit": moved(False, None, True),
        }
    }


def adversarial(bench: Bench) -> Measured:
    """What the discriminator's kernel and the combined model's step change, in the orders people write."""
    np, keras, layers = bench.np, bench.keras, bench.layers
    noise, ones = bench.x[:64], np.ones((64, 1))

    def play(thaw: bool, refreeze: bool, compile_last: bool = False) -> Measured:
        kernel = layers.Dense(16)
        disc = keras.Sequential(
            [keras.Input((8,)), kernel, layers.BatchNormalization(), layers.ReLU(), layers.Dense(1)]
        )
        gen = keras.Sequential([keras.Input((8,)), layers.Dense(8), layers.BatchNormalization()])
        if not compile_last:
            disc.compile("sgd", "mse")
        disc.trainable = False
        inputs = keras.Input((8,))
        combined = keras.Model(inputs, disc(gen(inputs)))
        combined.compile("sgd", "mse")
        if compile_last:
            disc.trainable = True
            disc.compile("sgd", "mse")
        changed: Measured = {"own step": 0.0, "combined step": 0.0}
        for _ in range(2):
            if thaw:
                disc.trainable = True
            for name, model in (("own step", disc), ("combined step", combined)):
                if refreeze and model is combined:
                    disc.trainable = False
                before = bench.array(kernel.kernel).copy()
                model.train_on_batch(noise, ones)
                changed[name] += float(abs(bench.array(kernel.kernel) - before).max())
        return changed

    return {
        "adversarial": {
            "frozen once": play(thaw=False, refreeze=False),
            "thawed for its own step": play(thaw=True, refreeze=False),
            "toggled": play(thaw=True, refreeze=True),
            "compiled last": play(thaw=False, refreeze=True, compile_last=True),
        }
    }


def fine_tuning(bench: Bench) -> Measured:
    """Test accuracy after fine-tuning in batches of 4, with the pretrained BN layers frozen and trained."""
    np, keras, layers = bench.np, bench.keras, bench.layers

    def network() -> Any:
        stack: list[Any] = [keras.Input((20,))]
        for _ in range(2):
            stack += [layers.Dense(64, use_bias=False), layers.BatchNormalization(), layers.ReLU()]
        return keras.Sequential([keras.Input((20,)), keras.Sequential(stack), layers.Dense(5)])

    def fit(model: Any, data: tuple[Any, Any], batch_size: int, epochs: int) -> None:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-3), loss)
        model.fit(*data, batch_size=batch_size, epochs=epochs, verbose=0)

    accuracy: dict[str, list[float]] = {"frozen": [], "trained": []}
    for seed in range(2):
        rng = np.random.default_rng(seed)
        mixing = rng.standard_normal((20, 20)) / 20**0.5
        old, new = rng.standard_normal((20, 5)), rng.standard_normal((20, 5))

        def task(samples: int, classes: Any, rng: Any = rng, mixing: Any = mixing) -> tuple[Any, Any]:
            x = rng.standard_normal((samples, 20))
            return x.astype("float32"), np.argmax(np.tanh(1.5 * x @ mixing) @ classes, 1)

        keras.utils.set_random_seed(seed)
        pretrained = network()
        fit(pretrained, task(8192, old), 64, 15)
        test, few = task(4096, new), task(1024, new)
        keras.utils.set_random_seed(seed)
        start = network()
        start.layers[0].set_weights(pretrained.layers[0].get_weights())
        start.layers[0].trainable = False
        fit(start, few, 32, 20)
        start.layers[0].trainable = True
        for name, scores in accuracy.items():
            keras.utils.set_random_seed(seed)
            model = network()
            model.set_weights(start.get_weights())
            for layer in model.layers[0].layers:
                layer.trainable = name == "trained" or not isinstance(layer, layers.BatchNormalization)
            fit(model, few, 4, 5)
            scores.append(float((model.predict(test[0], batch_size=1024, verbose=0).argmax(1) == test[1]).mean()))
    return {"fine-tuned": {name: float(np.mean(scores)) for name, scores in accuracy.items()}}


CLAIMS = (moments, adversarial, fine_tuning)
