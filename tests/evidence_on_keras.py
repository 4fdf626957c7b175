"""Runs the cards' experiments on real Keras: the same code, with the reference runtime's parts replaced by Keras's.

    python evidence_on_keras.py keras|tf_keras

prints the rows of each table as JSON, or why there is none. All in float64. Where a network is trained, Keras trains
it, from the same weights and on the same batches; elsewhere each layer is Keras's.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import numpy as np
import tensorflow as tf

from bnlint.reference import activations, batchnorm, linear, noise, normalizations, ops, recurrent, training
from bnlint.rulebook.experiments import Experiment, Failed, experiments
from bnlint.rulebook.folders import open_book

keras = importlib.import_module(sys.argv[1])
layers = keras.layers
keras.backend.set_floatx("float64")


class BatchNorm:
    """The layer, with the runtime's interface."""

    VARIABLES = ("gamma", "beta", "moving_mean", "moving_variance")

    def __init__(self, **arguments: Any) -> None:
        self.layer = layers.BatchNormalization(**arguments)
        self._compiled = tf.function(self.layer, reduce_retracing=True)  # Some experiments call it 40,000 times.

    def __call__(self, x: Any, training: bool = False, mask: Any = None) -> Any:
        self._x = tf.constant(np.asarray(x, np.float64))
        mask = None if mask is None else tf.constant(mask)
        with tf.GradientTape() as self._tape:
            self._tape.watch(self._x)
            self._y = self._compiled(self._x, training=training, mask=mask)
        return self._y.numpy()

    def gradient(self, dy: Any) -> list[Any]:
        sources = [self._x, plain(self.layer.gamma), plain(self.layer.beta)]
        return [part.numpy() for part in self._tape.gradient(self._y, sources, tf.constant(dy))]

    def __copy__(self) -> BatchNorm:
        new = BatchNorm(**{name: self.layer.get_config()[name] for name in ("momentum", "epsilon")})
        new.layer.build(self._x.shape)
        new.layer.set_weights(self.layer.get_weights())
        return new

    def __getattr__(self, name: str) -> Any:
        if name == "axis":
            return -1
        if name in self.VARIABLES:
            return getattr(self.layer, name).numpy()
        return object.__getattribute__(self, "layer").__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.VARIABLES:
            getattr(self.layer, name).assign(value)
        else:
            object.__setattr__(self, name, value)


def plain(variable: Any) -> Any:
    """The TensorFlow variable in one of Keras 3."""
    return variable.value if sys.argv[1] == "keras" else variable


def applied(name: str, *options: str) -> Any:
    """A function of an input like the runtime's, made of the Keras layer of this name."""

    def function(x: Any, *values: Any, **named: Any) -> Any:
        x = np.asarray(x, np.float64)
        kind = f"{name}{x.ndim - 2}D" if name.endswith(("Pooling", "Sampling", "Padding", "Cropping")) else name
        arguments = dict(zip(options, values, strict=False)) | named
        return np.array(getattr(layers, kind)(**arguments)(tf.constant(x), training=True))

    return function


def noisy(name: str) -> Any:
    """The same for a layer of noise, which takes its seed from the generator."""

    def function(x: Any, amount: float, rng: np.random.Generator) -> Any:
        seed = int(rng.integers(2**31))
        keras.utils.set_random_seed(seed)  # Keras 2 counts its draws
        return applied(name)(x, **{"stddev" if name == "GaussianNoise" else "rate": amount}, seed=seed)

    return function


def convolution(x: Any, kernel: Any, bias: Any = 0.0) -> Any:
    """Conv2D with these weights."""
    layer = layers.Conv2D(kernel.shape[-1], kernel.shape[:2])
    layer.build(x.shape)
    layer.set_weights([kernel, np.zeros(kernel.shape[-1]) + bias])
    return np.array(layer(tf.constant(x)))


def dense(x: Any, kernel: Any, bias: Any = 0.0) -> Any:
    """Dense with these weights."""
    layer = layers.Dense(kernel.shape[-1])
    layer.build(x.shape)
    layer.set_weights([kernel, np.zeros(kernel.shape[-1]) + bias])
    return np.array(layer(tf.constant(x)))


def lstm(x: Any, kernel: Any, state_kernel: Any, bias: Any) -> Any:
    """The states of an LSTM with these weights."""
    layer = layers.LSTM(len(state_kernel), return_sequences=True)
    layer.build(x.shape)
    layer.set_weights([kernel, state_kernel, bias])
    return np.array(layer(tf.constant(x)))


class Trainer:
    """A Keras network and its optimizer, with an epoch of theirs compiled, which takes far longer than the epoch."""

    def __init__(self, shape: Any, twins: list[Any], optimizer: Any) -> None:
        self.model = keras.Sequential([keras.Input(shape), *twins])
        self.optimizer = optimizer_like(optimizer)
        self.optimizer.build(self.model.trainable_variables)
        self.epoch = tf.function(self._epoch, reduce_retracing=True)
        self.start = self.moments

    @property
    def moments(self) -> list[Any]:
        """What the optimizer holds."""
        return [np.array(variable) for variable in self.optimizer.variables]

    @moments.setter
    def moments(self, values: list[Any]) -> None:
        for variable, value in zip(self.optimizer.variables, values, strict=True):
            variable.assign(value)

    def _epoch(self, x: Any, y: Any, batches: Any, training: bool) -> Any:
        total = tf.zeros((), tf.float64)
        for rows in batches:
            with tf.GradientTape() as tape:
                logits = self.model(tf.gather(x, rows), training=training)
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(y, rows), logits))
            gradients = tape.gradient(loss, [plain(variable) for variable in self.model.trainable_variables])
            self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables, strict=True))
            total += loss
        return total / tf.cast(tf.shape(batches)[0], tf.float64)


TRAINERS: dict[str, Trainer] = {}
"""By what they train: networks that are alike share one, at any learning rate."""


def trainer_of(network: Network, shape: Any) -> Trainer:
    twins = [twin(layer) for layer in network.layers]
    settings = [vars(network.optimizer), *(made.get_config() for made in twins)]
    own = ("name", "seed", "learning_rate")
    known = [{key: one[key] for key in one if key not in own and key[0] != "_"} for one in settings]
    kinds = [type(one).__name__ for one in (network.optimizer, *twins)]
    alike = repr((shape, kinds, known))
    if alike not in TRAINERS:
        TRAINERS[alike] = Trainer(shape, twins, network.optimizer)
    return TRAINERS[alike]


class Network(training.Network):
    """Keras trains; the runtime's layers hold the variables between the epochs."""

    _trainer: Trainer | None = None

    def step(self, x: Any, y: Any, training: bool = True) -> float:
        return self._run(np.asarray(x, np.float64), y, np.arange(len(y))[None], training)

    def epoch(self, x: Any, y: Any, batch: int, rng: np.random.Generator, training: bool = True) -> float:
        order = rng.permutation(len(y))
        return self._run(np.asarray(x, np.float64), y, order[: len(y) // batch * batch].reshape(-1, batch), training)

    def _run(self, x: Any, y: Any, batches: Any, training: bool) -> float:
        if self._trainer is None:
            self(x[:2])
            self._trainer = trainer_of(self, x.shape[1:])
            self._moments = self._trainer.start
        trainer = self._trainer
        trainer.moments, trainer.optimizer.learning_rate = self._moments, self.optimizer.learning_rate
        pairs = list(zip(self.layers, trainer.model.layers, strict=True))
        for ours, theirs in pairs:
            if names := variables(ours):
                theirs.set_weights([getattr(ours, name) for name in names])
        loss = trainer.epoch(tf.constant(x), tf.constant(y), tf.constant(batches), training)
        for ours, theirs in pairs:
            for name, value in zip(variables(ours), theirs.get_weights(), strict=True):
                setattr(ours, name, value)
        self._moments = trainer.moments
        return float(loss)


def variables(layer: Any) -> list[str]:
    """What the Keras layer's weights are called, in its order."""
    if isinstance(layer, batchnorm.BatchNorm):
        renorm = ["moving_stddev", "renorm_mean", "renorm_stddev"] if layer.renorm else []
        learned = ["gamma"] * layer.scale + ["beta"] * layer.center
        return [*learned, "moving_mean", "moving_variance", *renorm]
    if isinstance(layer, training.Dense):
        return ["kernel", "bias"] if layer.use_bias else ["kernel"]
    return list(layer.variables)


def twin(layer: Any) -> Any:
    """The Keras layer for one of the runtime's."""
    made: Any
    if isinstance(layer, batchnorm.BatchNorm):
        renorm = {"renorm": True, "renorm_momentum": layer.renorm_momentum} if layer.renorm else {}
        kept = {name: getattr(layer, name) for name in ("momentum", "epsilon", "center", "scale")}
        made = layers.BatchNormalization(**kept, **renorm)
    elif isinstance(layer, training.Dense):
        made = layers.Dense(layer.units, use_bias=layer.use_bias)
    elif isinstance(layer, training.GroupNorm):
        made = layers.GroupNormalization(layer.groups, epsilon=layer.epsilon)
    elif isinstance(layer, training.Dropout):
        made = layers.Dropout(layer.rate, seed=int(layer._rng.integers(2**31)))
    else:
        made = layers.Activation(layer.name)
    made.trainable = layer.trainable
    return made


def optimizer_like(optimizer: Any) -> Any:
    """The Keras optimizer for one of the runtime's."""
    if isinstance(optimizer, training.Adam) and optimizer.weight_decay:
        decaying = keras.optimizers.AdamW(optimizer.learning_rate, weight_decay=optimizer.weight_decay)
        if optimizer.excluded:
            decaying.exclude_from_weight_decay(var_names=list(optimizer.excluded))
        return decaying
    if isinstance(optimizer, training.Adam):
        return keras.optimizers.Adam(optimizer.learning_rate)
    return keras.optimizers.SGD(optimizer.learning_rate, momentum=optimizer.momentum)


def substitutes(trains: bool) -> dict[Any, dict[str, Any]]:
    """What stands in for parts of the runtime's modules: where an experiment trains, its network; else the layers."""
    if trains:
        return {training: {"Network": Network}}
    return {
        batchnorm: {"BatchNorm": BatchNorm},
        linear: {"convolution": convolution, "dense": dense},
        recurrent: {"lstm": lstm},
        activations: {"relu": applied("ReLU")},
        normalizations: {"layer_normalization": applied("LayerNormalization")},
        noise: {
            "dropout": noisy("Dropout"),
            "gaussian_dropout": noisy("GaussianDropout"),
            "gaussian_noise": noisy("GaussianNoise"),
            "spatial_dropout": noisy("SpatialDropout2D"),
        },
        ops: {
            "max_pooling": applied("MaxPooling", "pool_size"),
            "average_pooling": applied("AveragePooling", "pool_size"),
            "global_average_pooling": applied("GlobalAveragePooling"),
            "global_max_pooling": applied("GlobalMaxPooling"),
            "up_sampling": applied("UpSampling", "size", "interpolation"),
            "zero_padding": applied("ZeroPadding"),
            "cropping": applied("Cropping"),
            "flatten": applied("Flatten"),
            "reshape": applied("Reshape", "target_shape"),
        },
    }


def rows_of(experiment: Experiment) -> Any:
    """The rows of an experiment's table, or why there is none."""
    keras.backend.clear_session()
    TRAINERS.clear()
    with ExitStack() as replaced:
        for module, parts in substitutes("reference.training" in experiment.code).items():
            replaced.enter_context(patch.multiple(module, **parts))
        try:
            rows = experiment.run().rows
        except Failed as error:
            return str(error)
    return [[value if isinstance(value, str) else np.asarray(value).tolist() for value in row] for row in rows]


if __name__ == "__main__":
    gc.freeze()  # Else each clear_session goes through all of TensorFlow.
    print(json.dumps({str(experiment): rows_of(experiment) for experiment in experiments(open_book().values())}))
