"""Whether training reaches a batch normalization: through `call`, a train step, a flag, or a layer made on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import Bench, Measured, outcome


def _parts(bench: Bench) -> Any:
    """A base class with a BN and an output, and no `call`."""
    keras, layers = bench.keras, bench.layers

    class Parts(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm = layers.BatchNormalization(momentum=0.5)
            self.out = layers.Dense(1, activation="sigmoid")

    return Parts


def calls_by_signature(bench: Bench) -> Measured:
    """How far one epoch of fit moves the moving mean, by the parameters of `call`."""
    parts, keras, layers = _parts(bench), bench.keras, bench.layers

    class Bare(parts):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return self.out(self.norm(x))

    class Keywords(parts):  # type: ignore[misc]
        def call(self, x: Any, **kwargs: Any) -> Any:
            return self.out(self.norm(x))

    class OtherName(parts):  # type: ignore[misc]
        def call(self, x: Any, is_training: Any = None) -> Any:
            return self.out(self.norm(x))

    class NotForwarded(parts):  # type: ignore[misc]
        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(self.norm(x))

    class DefaultFalse(parts):  # type: ignore[misc]
        def call(self, x: Any, training: Any = False) -> Any:
            return self.out(self.norm(x, training=training))

    class Literal(parts):  # type: ignore[misc]
        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(self.norm(x, training=False))

    class Block(layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm = layers.BatchNormalization(momentum=0.5)

        def call(self, x: Any) -> Any:
            return self.norm(x)

    found = {}
    for kind in (Bare, Keywords, OtherName, NotForwarded, DefaultFalse, Literal):
        keras.utils.set_random_seed(0)
        found[kind.__name__] = bench.fit(kind(), 1)
    keras.utils.set_random_seed(0)
    block = Block()
    bench.fit(keras.Sequential([keras.Input((8,)), block, layers.Dense(1, activation="sigmoid")]), 1)
    moved = {name: float(abs(bench.array(model.norm.moving_mean)).max()) for name, model in found.items()}
    told = Bare()
    told(bench.positive)
    return {
        "moved by fit": {**moved, "Layer in Sequential": float(abs(bench.array(block.norm.moving_mean)).max())},
        "moved by stateless_call": _stateless(bench) if hasattr(bench.keras.Model, "stateless_call") else None,
        "moved by model(x, training=True)": bench.moved(told.norm, lambda: told(bench.positive, training=True)),
        "accuracy on shifted features": {kind.__name__: _shifted(bench, kind) for kind in (Bare, NotForwarded)},
    }


def _stateless(bench: Bench) -> list[float]:
    """How far the moving mean that `stateless_call` returns is from the one given: without a flag, and with True."""
    keras, layers = bench.keras, bench.layers
    model = keras.Sequential([keras.Input((8,)), layers.BatchNormalization(momentum=0.5), layers.Dense(1)])
    parts = model.trainable_variables, model.non_trainable_variables
    given = [[variable.value for variable in part] for part in parts]
    returned = [model.stateless_call(*given, bench.positive, **flag)[1] for flag in ({}, {"training": True})]
    (place,) = [place for place, one in enumerate(model.non_trainable_variables) if "moving_mean" in one.path]
    return [float(abs(bench.array(values[place])).max()) for values in returned]


def _shifted(bench: Bench, kind: Any) -> float:
    """The test accuracy after training on features around 100, which a working BN brings back to 0."""
    bench.keras.utils.set_random_seed(0)
    model = kind()
    model.compile("adam", "binary_crossentropy")
    model.fit(bench.x * 10 + 100, bench.y, batch_size=64, epochs=10, verbose=0)
    return bench.accuracy(model.predict(bench.test_x * 10 + 100, verbose=0), bench.test_y)


def nested_default(bench: Bench) -> Measured:
    """A layer whose `call` defaults to True, called without a flag by a model in inference mode."""
    layers = bench.layers

    class Inner(layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm = layers.BatchNormalization(momentum=0.5)

        def call(self, x: Any, training: Any = True) -> Any:
            return self.norm(x, training=training)

    class Outer(bench.keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def call(self, x: Any, training: Any = None) -> Any:
            return self.inner(x)

    outer = Outer()
    outer(bench.positive, training=False)
    return {
        "inner default True, outer False": bench.moved(outer.inner.norm, lambda: outer(bench.positive, training=False))
    }


def train_steps(bench: Bench) -> Measured:
    """How far a custom step moves the moving mean, with and without the flag."""
    keras, layers, tf = bench.keras, bench.layers, bench.tf

    def stack(norm: Any) -> Any:
        return keras.Sequential([keras.Input((8,)), norm, layers.Dense(1, activation="sigmoid")])

    def own_step(**flag: bool) -> float:
        norm = layers.BatchNormalization(momentum=0.5)
        inner = stack(norm)

        class Own(keras.Model):  # type: ignore[name-defined, misc]
            def train_step(self, data: Any) -> Any:
                x, y = data
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean((self(x, **flag)[:, 0] - y) ** 2)
                gradients = tape.gradient(loss, self.trainable_variables)
                self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
                return {"loss": loss}

        bench.fit(Own(inner.inputs, inner.outputs), 1)
        return float(abs(bench.array(norm.moving_mean)).max())

    def loop(**flag: bool) -> tuple[float, float]:
        keras.utils.set_random_seed(0)
        norm = layers.BatchNormalization(momentum=0.9)
        model = keras.Sequential([keras.Input((8,)), layers.Dense(16), norm, layers.ReLU(), layers.Dense(1)])
        optimizer = keras.optimizers.Adam(1e-3)

        @tf.function  # type: ignore[untyped-decorator]
        def step(x: Any, y: Any) -> None:
            with tf.GradientTape() as tape:
                logits = model(x, **flag)[:, 0]
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, logits))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

        x = bench.x * 10 + 100
        for k in range(0, 3 * len(x), 64):
            k %= len(x)
            step(tf.constant(x[k : k + 64]), tf.constant(bench.y[k : k + 64]))
        scores = bench.array(tf.sigmoid(model(bench.test_x * 10 + 100, training=False)))
        return float(abs(bench.array(norm.moving_mean)).max()), bench.accuracy(scores, bench.test_y)

    return {
        "own train_step": {"no flag": own_step(), "training=True": own_step(training=True)},
        "tape loop": {"no flag": loop(), "training=True": loop(training=True)},
    }


def flags_in_a_graph(bench: Bench) -> Measured:
    """`training=False` written into a functional graph, under fit, with the BN trainable and frozen."""
    keras, layers = bench.keras, bench.layers

    def nested(frozen: str) -> tuple[Any, Any]:
        inputs = keras.Input((8,))
        norm = layers.BatchNormalization(momentum=0.5)
        base = keras.Model(inputs, layers.ReLU()(norm(layers.Dense(16)(inputs))))
        base.trainable = frozen != "all"
        norm.trainable = frozen == "nothing"
        outer = keras.Input((8,))
        return keras.Model(outer, layers.Dense(1, activation="sigmoid")(base(outer, training=False))), norm

    def fitted(frozen: str) -> Measured:
        model, norm = nested(frozen)
        return {"fit": bench.moved(norm, lambda: bench.fit(model, 1))}

    model, norm = nested("nothing")
    direct = {
        "model(x)": bench.moved(norm, lambda: model(bench.positive)),
        "model(x, training=True)": bench.moved(norm, lambda: model(bench.positive, training=True)),
    }
    inputs = keras.Input((8,))
    single = layers.BatchNormalization(momentum=0.5)
    plain = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(single(inputs, training=False)))

    class Outer(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            norm = layers.BatchNormalization(momentum=0.5)
            self.norm, self.base = norm, keras.Sequential([keras.Input((8,)), norm])
            self.out = layers.Dense(1, activation="sigmoid")

        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(self.base(x, training=False))

    inside = Outer()
    bench.fit(inside, 1)
    return {
        "flag in a graph": {
            "nothing frozen": fitted("nothing")["fit"],
            "BN frozen": fitted("BN")["fit"],
            "all frozen": fitted("all")["fit"],
            "single layer": bench.moved(single, lambda: bench.fit(plain, 1)),
            **direct,
        },
        "flag inside call": float(abs(bench.array(inside.norm.moving_mean)).max()),
    }


def made_on_the_way(bench: Bench) -> Measured:
    """What becomes of a BN that is constructed while the model runs."""
    keras, layers, tf = bench.keras, bench.layers, bench.tf

    def helper(x: Any) -> Any:
        return layers.BatchNormalization()(x)

    class InLayer(layers.Layer):  # type: ignore[name-defined, misc]
        def call(self, x: Any, training: Any = None) -> Any:
            return layers.BatchNormalization()(x, training=training)

    class InModel(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.out = layers.Dense(1, activation="sigmoid")

        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(helper(x))

    class Block(layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm = layers.BatchNormalization(momentum=0.5)

        def call(self, x: Any, training: Any = None) -> Any:
            return self.norm(x, training=training)

    class BlockInModel(InModel):
        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(Block()(x))

    class Lazy(InModel):
        norm = None

        def call(self, x: Any, training: Any = None) -> Any:
            if self.norm is None:
                self.norm = layers.BatchNormalization(momentum=0.5)
            return self.out(self.norm(x, training=training))

    class Built(InModel):
        def build(self, shape: Any) -> None:
            self.norm = layers.BatchNormalization(momentum=0.5)
            super().build(shape)

        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(self.norm(x, training=training))

    class InStep(InModel):
        def call(self, x: Any, training: Any = None) -> Any:
            return self.out(x)

        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(layers.BatchNormalization()(x, training=True))[:, 0] - y) ** 2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    def sequential() -> Any:
        return keras.Sequential([keras.Input((8,)), InLayer(), layers.Dense(1, activation="sigmoid")])

    makers: dict[str, Callable[[], Any]] = {
        "Layer.call": sequential,
        "Model.call, helper": InModel,
        "Model.call, block": BlockInModel,
        "train_step": InStep,
        "lazy": Lazy,
        "build": Built,
    }
    called = {}
    for name, make in (("Model.call, helper", InModel), ("Model.call, block", BlockInModel)):
        model = make()
        first, second = (bench.array(model(bench.x[:64], training=True)) for _ in range(2))
        called[name] = {"weights": len(model.weights), "same twice": bool((first == second).all())}
    untracked = BlockInModel()
    if bench.major == 3:
        bench.fit(untracked, 1)
    return {
        "weights of a fitted model with a block made in call": len(untracked.weights),
        "made on the way": {name: outcome(lambda make=make: bench.fit(make(), 1)) for name, make in makers.items()},
        "made on the way, called directly": called,
    }


CLAIMS = (calls_by_signature, nested_default, train_steps, flags_in_a_graph, made_on_the_way)
