"""Recalibrates and fixes live models and prints what came of it, as JSON: python live_repair.py keras|tf_keras"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bnlint.doors.assembly import LayerSpot
from bnlint.doors.live.objects import array
from bnlint.doors.live.training import Training
from bnlint.reference.batchnorm import BatchNorm
from bnlint.reference.normalizations import population_statistics
from bnlint.rulebook.change import Change, Freeze
from bnlint.runtime.fixed import fixed, fixes_of
from bnlint.runtime.rebuild import Edits, reachable, rebuilt
from bnlint.runtime.recalibrate import recalibrate
from bnlint.runtime.watching import layer_paths

STATISTICS = ("moving_mean", "moving_variance")


def values(model: Any) -> dict[str, Any]:
    """Every variable of a model and its optimizer, by its place and name."""
    variables = [*model.variables, *getattr(getattr(model, "optimizer", None), "variables", [])]
    return {f"{number} {variable.name}": array(variable).copy() for number, variable in enumerate(variables)}


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The short names of the variables that are not what they were."""
    assert before.keys() == after.keys()
    names = (name for name in before if not np.array_equal(before[name], after[name], equal_nan=True))
    return sorted({name.split(" ")[1].split("/")[-1].split(":")[0] for name in names})


def shaken(model: Any, seed: int = 1) -> Any:
    """The model with random variables, as if it were trained."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        old = np.asarray(variable)
        if old.dtype.kind == "f":
            drawn = rng.normal(0, 0.3, old.shape)
            positive = any(word in variable.name for word in ("variance", "gamma", "stddev"))
            variable.assign((np.exp(drawn) if positive else drawn).astype(old.dtype))
    return model


def entering(model: Any, norm: Any, x: Any) -> list[tuple[Any, Any]]:
    """What enters a layer in inference, on all data at once: inputs and mask of each of its calls."""
    seen: list[tuple[Any, Any]] = []
    original = norm.call

    def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        seen.append((np.asarray(inputs), None if mask is None else np.asarray(mask)))
        return original(inputs, training=training)

    vars(norm)["call"] = call
    try:
        model(x, training=False)
    finally:
        del vars(norm)["call"]
    return seen


def off(norm: Any, inputs: list[Any], axis: int) -> float:
    """How far a layer's statistics are off the population's: relative to mean and deviation, and to the variance."""
    mean, variance = population_statistics(inputs, axis)
    mine = [np.asarray(getattr(norm, name), np.float64).reshape(-1) for name in STATISTICS]
    gaps = np.abs(mine[0] - mean) / (np.abs(mean) + np.sqrt(variance)), np.abs(mine[1] - variance) / variance
    return float(np.max(gaps))


def axis_of(norm: Any) -> int:
    """A layer's one axis."""
    return int(np.ravel(norm.axis)[0])


def variety(keras: Any) -> list[float]:
    """One layer after another, over ranks, axes, masks, batch sizes and scales."""
    found = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        rank = int(rng.integers(2, 6))
        sizes = [int(size) for size in rng.integers(2, 5, rank - 1)]
        axis = int(rng.integers(1, rank)) if rank != 3 else 2
        norm = keras.layers.BatchNormalization(axis=axis)
        samples = int(rng.integers(3, 40))
        x = (rng.normal(0, 1, (samples, *sizes)) * 10.0 ** rng.integers(-2, 3) + rng.normal(0, 50)).astype("float32")
        inputs = keras.Input(sizes)
        masked = rank == 3 and seed % 2
        if masked:
            x[rng.random(x.shape[:2]) < 0.4] = 0.0
        model = keras.Model(inputs, norm(keras.layers.Masking()(inputs) if masked else inputs))
        recalibrate(model, x, batch_size=int(rng.integers(1, samples + 2)), method=("exact", "batches")[seed % 2])
        kept = x[np.any(x != 0, -1)] if masked else x
        found.append(off(norm, [kept], -1 if masked else axis))
    return found


def architectures(keras: Any) -> dict[str, tuple[Any, Any]]:
    """Models of all kinds, each with data."""
    layers = keras.layers
    rng = np.random.default_rng(3)
    images, rows = rng.normal(1, 2, (37, 8, 7, 3)).astype("float32"), rng.normal(3, 2, (37, 6)).astype("float32")

    class Block(layers.Layer):  # type: ignore[misc, name-defined]
        """A layer with a normalization, with dropout, and with a counter of its calls."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.dense, self.norm, self.drop = layers.Dense(6), layers.BatchNormalization(), layers.Dropout(0.5)

        def build(self, shape: Any) -> None:
            self.calls = self.add_weight(name="calls", shape=(), initializer="zeros", trainable=False)
            super().build(shape)

        def call(self, x: Any, training: Any = None) -> Any:
            self.calls.assign(self.calls + 1.0)
            return self.drop(self.norm(self.dense(x), training=training), training=training)

    class Net(keras.Model):  # type: ignore[misc, name-defined]
        """A subclass of two blocks, one of which is called twice, with a normalization in front."""

        def __init__(self) -> None:
            super().__init__()
            self.norm, self.first, self.second = layers.BatchNormalization(), Block(), Block()

        def call(self, x: Any, training: Any = None) -> Any:
            x = self.second(self.first(self.norm(x, training=training), training=training), training=training)
            return self.second(x, training=training)

    inputs = keras.Input((8, 7, 3))
    inner = keras.Sequential([layers.Conv2D(4, 2), layers.BatchNormalization(axis=1), layers.Dropout(0.5)], name="in")
    hidden = layers.ReLU()(layers.BatchNormalization(epsilon=0.1)(layers.Conv2D(5, 3)(inputs)))
    left, right = inner(hidden), layers.BatchNormalization(scale=False)(layers.Conv2D(4, 2)(hidden))
    hidden = layers.Flatten()(layers.Add()([left, right]))
    functional = keras.Model(inputs, layers.Dense(2)(layers.BatchNormalization(center=False)(hidden)))
    norm, first, last = (layers.BatchNormalization() for _ in range(3))
    inputs = keras.Input((6,))
    hidden = first(inputs)
    twins = layers.Add()([norm(layers.Dense(6)(hidden)), norm(layers.Dense(6)(hidden))])
    shared = keras.Model(inputs, last(twins))
    subclass = Net()
    subclass(rows[:2])
    return {"functional": (functional, images), "shared": (shared, rows), "subclass": (subclass, rows)}


def exact(keras: Any) -> dict[str, Any]:
    """Afterwards, what enters each layer in inference has the moments that the layer holds; and nothing else moved."""
    found: dict[str, Any] = {}
    for name, (model, x) in architectures(keras).items():
        shaken(model)
        model.compile("adam", "mse")
        norms = [layer for _, layer in layer_paths(model) if type(layer).__name__ == "BatchNormalization"]
        flags, state = [layer.trainable for _, layer in layer_paths(model)], values(model)
        keras.utils.set_random_seed(5)
        draw = [np.random.rand(), np.asarray(keras.layers.Dropout(0.5)(x, training=True)).tolist()]
        keras.utils.set_random_seed(5)
        report = recalibrate(model, x, batch_size=8)
        after = values(model)
        again = [np.random.rand(), np.asarray(keras.layers.Dropout(0.5)(x, training=True)).tolist()]
        apart = {}
        for norm in {id(norm): norm for norm in norms}.values():
            seen = [inputs for inputs, _ in entering(model, norm, x)]
            apart[norm.name] = off(norm, seen, axis_of(norm))
        recalibrate(model, x, batch_size=37)
        other = values(model)
        names = [key for key in other if "moving" in key]
        found[name] = {
            "apart": apart,
            "changed": changed(state, after),
            "same draws": draw == again,
            "flags": flags == [layer.trainable for _, layer in layer_paths(model)],
            "clean": not any("call" in vars(norm) for norm in norms),
            "passes": report.passes,
            "layers": [one.layer for one in report.layers],
            "batch size": float(max(np.abs(other[key] - after[key]).max() for key in names)),
            "moved": min(one.ratio for one in report.layers) > 1.01,
        }
    return found


def precise(keras: Any) -> list[float]:
    """The method of Wu & Johnson, against the reference runtime: three layers, batches of different sizes."""
    layers = keras.layers
    rng = np.random.default_rng(6)
    x = rng.normal(1, 2, (50, 4)).astype("float32")
    norms = [layers.BatchNormalization() for _ in range(3)]
    dense = [layers.Dense(4, activation="tanh") for _ in range(2)]
    model = keras.Sequential([norms[0], dense[0], norms[1], layers.Dropout(0.5), dense[1], norms[2]])
    model(x[:1])
    shaken(model)
    parts = [x[:7], x[7:9], x[9:40], x[40:]]
    recalibrate(model, [(part, part) for part in parts], method="batches")
    inputs: list[list[Any]] = [[], [], []]
    for part in parts:
        value = part.astype(np.float64)
        for number, norm in enumerate(norms):
            inputs[number].append(value)
            reference = BatchNorm()
            reference.build(value.shape)
            reference.gamma, reference.beta = np.asarray(norm.gamma, np.float64), np.asarray(norm.beta, np.float64)
            value = reference(value, training=True)
            if number < 2:
                kernel, bias = (np.asarray(variable, np.float64) for variable in dense[number].variables)
                value = np.tanh(value @ kernel + bias)
    return [off(norm, seen, -1) for norm, seen in zip(norms, inputs, strict=True)]


def kinds(keras: Any) -> dict[str, float]:
    """Normalizations of other kinds than the plain one: how far their statistics are off."""
    import tensorflow as tf

    layers = keras.layers
    rng = np.random.default_rng(8)
    x = rng.normal(2, 3, (24, 5, 6)).astype("float32")
    found = {}

    def tried(name: str, norm: Any, wrap: Callable[[Any], Any] = lambda norm: norm) -> None:
        inputs = keras.Input((5, 6))
        model = keras.Model(inputs, wrap(norm)(inputs))
        recalibrate(model, x, batch_size=8)
        found[name] = off(norm, [x.astype("float16") if name == "mixed" else x], -1)

    class Own(layers.BatchNormalization):  # type: ignore[misc, name-defined]
        """A class made from it."""

    class Compiled(layers.Layer):  # type: ignore[misc, name-defined]
        """A layer whose `call` is a graph."""

        def __init__(self, norm: Any) -> None:
            super().__init__()
            self.norm = norm

        @tf.function  # type: ignore[misc, untyped-decorator]
        def call(self, x: Any) -> Any:
            return self.norm(x)

    tried("subclass", Own())
    tried("wrapped", layers.BatchNormalization(), layers.TimeDistributed)
    tried("compiled", layers.BatchNormalization(), lambda norm: keras.Sequential([Compiled(norm)]))
    tried("mixed", layers.BatchNormalization(dtype="mixed_float16"))
    renorm = layers.BatchNormalization(renorm=True)
    tried("renorm", renorm)
    deviation = np.sqrt(x.astype(np.float64).var((0, 1)) + 1e-3)
    found["renorm stddev"] = float(np.abs(np.asarray(renorm.moving_stddev) / deviation - 1).max())
    if keras.__name__ == "tf_keras":
        tried("synchronized", layers.experimental.SyncBatchNormalization())
        tried("fused", layers.BatchNormalization(), lambda norm: keras.Sequential([layers.Reshape((5, 1, 6)), norm]))
        tried("virtual", layers.BatchNormalization(virtual_batch_size=4))
        several = layers.BatchNormalization(axis=[1, 2])
        inputs = keras.Input((5, 6))
        recalibrate(keras.Model(inputs, several(inputs)), x, batch_size=5)
        found["several axes"] = off(several, [x.reshape(24, 30)], -1)
    else:
        tried("synchronized", layers.BatchNormalization(synchronized=True))
    return found


def shapes_of_data(keras: Any) -> dict[str, list[float]]:
    """The mean after each way to give the same data."""
    import tensorflow as tf

    rng = np.random.default_rng(9)
    x = rng.normal(1, 2, (20, 3)).astype("float32")
    norm = keras.layers.BatchNormalization()
    inputs = keras.Input((3,), name="a")
    model = keras.Model({"a": inputs}, norm(inputs))
    plain = keras.Model(inputs, norm(inputs))
    two = keras.Input((2,))
    joined = keras.Model([inputs, two], [norm(inputs), keras.layers.Dense(2)(two)])
    data = tf.data.Dataset.from_tensor_slices((x, x)).batch(6)

    class Pairs(getattr(keras.utils, "PyDataset", keras.utils.Sequence)):  # type: ignore[misc]
        """Batches by number."""

        def __len__(self) -> int:
            return 4

        def __getitem__(self, number: int) -> Any:
            return x[5 * number : 5 * number + 5], x[:5]

    def generated() -> Iterator[Any]:
        yield from (x[start : start + 7] for start in range(0, 20, 7))

    given: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "array": (plain, x, {}),
        "tensor": (plain, tf.constant(x), {"batch_size": 3}),
        "pair": (plain, (x, x), {}),
        "mapping": (model, {"a": x}, {"batch_size": 9}),
        "list": (plain, [x[:3], x[3:]], {}),
        "dataset": (plain, data, {}),
        "repeated": (plain, data.repeat(), {"steps": 4}),
        "unknown size": (plain, data.filter(lambda *_: True), {}),
        "sequence": (plain, Pairs(), {}),
        "generator": (plain, generated(), {}),
        "function": (plain, generated, {}),
        "several inputs": (joined, [x, x[:, :2]], {"batch_size": 6}),
        "several inputs, batches": (joined, [([x[:5], x[:5, :2]], x[:5]), ((x[5:], x[5:, :2]),)], {}),
    }
    found = {}
    for name, (one, values, more) in given.items():
        norm.moving_mean.assign(np.zeros(3))
        recalibrate(one, values, **more)
        found[name] = np.asarray(norm.moving_mean).tolist()
    return {"expected": x.astype(np.float64).mean(0).tolist(), **found}


def refused(keras: Any) -> dict[str, Any]:
    """What is said where it cannot be done; and that nothing has changed then."""
    import tensorflow as tf

    layers = keras.layers
    x = np.random.default_rng(0).normal(2, 3, (12, 4)).astype("float32")
    model = keras.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.BatchNormalization()])
    unbuilt = keras.Sequential([layers.Dense(4), layers.BatchNormalization()])
    model(x)
    bare = keras.Sequential([layers.Dense(4)])
    bare(x)
    still = keras.Sequential([layers.BatchNormalization()])
    still(x)
    still.trainable = False

    def failing() -> Iterator[Any]:
        yield x
        raise OSError("the disk is gone")

    given: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "no model": (3, x, {}),
        "unbuilt": (unbuilt, x, {}),
        "no normalization": (bare, x, {}),
        "frozen": (still, x, {}),
        "no data": (model, [], {}),
        "empty": (model, x[:0], {}),
        "a number": (model, 3, {}),
        "one sample": (model, [x[0]], {}),
        "once": (model, iter([x]), {}),
        "endless": (model, tf.data.Dataset.from_tensors(x).repeat(), {}),
        "not finite": (model, np.where(x > 4, np.nan, x), {}),
        "fails midway": (model, failing, {}),
        "method": (model, x, {"method": "mean"}),
    }
    before, found = values(model), {}
    for name, (one, data, more) in given.items():
        try:
            recalibrate(one, data, **more)
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    found["changed"] = changed(before, values(model)) + [
        name for layer in model.layers for name in vars(layer) if name == "call"
    ]
    half = keras.Sequential([layers.BatchNormalization(), layers.BatchNormalization()])
    half(x)
    half.layers[0].trainable = False
    found["half frozen"] = [one.layer.split("/")[-1] == half.layers[1].name for one in recalibrate(half, x).layers]
    found["half frozen"].append(float(np.abs(np.asarray(half.layers[0].moving_mean)).max()))
    report = recalibrate(still, x, frozen=True)
    found["frozen too"] = [off(still.layers[-1], [x], -1), len(report.layers)]
    return found


def repairable(keras: Any) -> Any:
    """A functional model with nested, shared and wrapped layers and operations, and all that can be fixed."""
    layers = keras.layers
    inputs = keras.Input((10, 10, 3), name="a")
    conv, norm = layers.Conv2D(5, 3, name="conv"), layers.BatchNormalization(momentum=0.1, name="norm")
    hidden = layers.ReLU()(norm(conv(inputs)))
    inner = keras.Sequential(
        [
            layers.Conv2D(6, 2, name="c"),
            layers.MaxPooling2D(),
            layers.BatchNormalization(name="b"),
            layers.Dropout(0.4),
        ],
        name="inner",
    )
    hidden = layers.Lambda(lambda t: t + 1.0)(inner(hidden) * 2.0)
    steps = layers.TimeDistributed(layers.Dense(4, name="d"), name="steps")(layers.Reshape((9, 6))(hidden[:, :3, :3]))
    steps = layers.Flatten()(layers.BatchNormalization(name="t", axis=-1)(steps))
    hidden = layers.Flatten()(layers.Conv2D(3, 2, name="flat")(hidden))
    hidden = layers.Concatenate()([layers.BatchNormalization(name="f")(hidden), steps])
    hidden = layers.BatchNormalization(name="o", dtype="float64")(
        layers.Dense(7, name="dense", dtype="float64")(hidden)
    )
    model = shaken(keras.Model(inputs, {"y": layers.Dense(2, name="y")(hidden), "z": hidden}))
    conv.trainable = norm.trainable = inner.layers[-1].trainable = False
    norm.trainable = True
    model.compile("adam", {"y": "mse", "z": "mse"})
    return model


def repaired(keras: Any) -> dict[str, Any]:
    """What `fixed` makes of it, against the model that was given."""
    model = repairable(keras)
    state, nodes = values(model), [len(layer._inbound_nodes) for _, layer in layer_paths(model)]
    flags = {path: layer.trainable for path, layer in layer_paths(model)}
    told = [[one.rule, one.layer, one.keeps, one.obstacle] for one in fixes_of(model, config={})]
    new = fixed(model, config={})
    x = np.random.default_rng(2).normal(1, 2, (64, 10, 10, 3)).astype("float32")
    one, other = model(x, training=False), new(x, training=False)
    apart = [float(np.abs(np.asarray(one[key]) - np.asarray(other[key])).max()) for key in one]
    untouched = changed(state, values(model)) == [] and nodes == [
        len(layer._inbound_nodes) for _, layer in layer_paths(model)
    ]
    return {
        "told": told,
        "left": [one.rule for one in fixes_of(new, config={})],
        "apart": apart,
        "untouched": untouched,
        "names": [path for path, _ in layer_paths(model)] == [path for path, _ in layer_paths(new)],
        "flags": flags == {path: layer.trainable for path, layer in layer_paths(new)},
        "biases": [path for path, layer in layer_paths(new) if getattr(layer, "bias", None) is not None],
        "momentum": new.get_layer("norm").momentum,
        "new": all(there is not here for there, here in zip(layer_paths(model), layer_paths(new), strict=True)),
        "trained": trained_alike(keras, model, new),
        "unsafe": [one.rule for one in fixes_of(fixed(model, unsafe=True, config={}), config={})],
    }


def trained_alike(keras: Any, model: Any, new: Any) -> list[float]:
    """Both trained for some steps, without dropout: how far their predictions are apart, and how far they moved."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(1, 2, (32, 10, 10, 3)).astype("float32"), rng.normal(0, 1, (32, 2)).astype("float32")
    outputs, before = [], np.asarray(model(x)["y"])
    for each in (model, fixed(new, config={}, select=["redundant-bias"])):
        each.get_layer("norm").momentum = 0.9
        each.get_layer("inner").layers[-1].rate = 0.0
        alone = keras.Model(each.inputs[0], each.output["y"])
        alone.compile(keras.optimizers.SGD(0.01), "mse")
        alone.fit(x, y, batch_size=32, epochs=4, shuffle=False, verbose=0)
        outputs.append(np.asarray(alone(x, training=False)))
    return [float(np.abs(outputs[0] - outputs[1]).max()), float(np.abs(outputs[0] - before).max())]


_WRONG = """
from bnlint import Problem, Severity
from bnlint.rulebook.change import Change, Function, SetArgument

category = "mode"
severity = Severity.ADVICE


def check(program, options):
    for layer in program.layers:
        if layer.kind == "Dense" and layer.calls and layer.arg("activation").value == "relu":
            step = SetArgument(layer.origin, "activation", "tanh")
            yield Problem(layer.origin, "no relu.", change=Change("tanh", (step,), Function((layer.calls[0],))))
"""


def functional(keras: Any, *more: Any, cls: Any = None) -> Any:
    """A dense layer, with this activation, and a normalization, and behind it these layers."""
    layers = keras.layers
    inputs = keras.Input((6,))
    hidden = layers.BatchNormalization()(layers.Dense(5, activation=more[0] if more else None)(inputs))
    for layer in more[1:]:
        hidden = layer(hidden)
    return shaken((cls or keras.Model)(inputs, hidden))


def unrepaired(keras: Any) -> dict[str, Any]:
    """Where `fixed` raises, or leaves something."""
    layers = keras.layers
    found: dict[str, Any] = {}

    class Net(keras.Model):  # type: ignore[misc, name-defined]
        """A subclass."""

        def __init__(self) -> None:
            super().__init__()
            self.dense, self.norm = layers.Dense(3), layers.BatchNormalization()

        def call(self, x: Any) -> Any:
            return self.norm(self.dense(x))

    class Closed(layers.Layer):  # type: ignore[misc, name-defined]
        """A layer that its configuration does not make anew."""

        def __init__(self, function: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.function = function

        def call(self, x: Any) -> Any:
            return self.function(x)

    class Stepping(keras.Model):  # type: ignore[misc, name-defined]
        """A functional model with a training step of its own."""

        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

    def said(build: Callable[[], Any], **more: Any) -> str:
        try:
            return type(fixed(build(), config={}, **more)).__name__
        except ValueError as error:
            return str(error)

    net = Net()
    net(np.zeros((2, 3), "float32"))
    found["subclass"], found["functional subclass"] = said(lambda: net), said(lambda: functional(keras, cls=Stepping))
    found["closed"] = said(lambda: functional(keras, None, Closed(lambda t: t + 1.0)))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "no_relu.py").write_text(_WRONG)
        Path(folder, "no_relu.md").write_text("# No relu\n\nBecause.\n")
        found["wrong"] = said(lambda: functional(keras, "relu"), rules=[folder], select=["no-relu"], unsafe=True)
        kept = fixed(functional(keras, "relu"), config={}, rules=[folder], select=["no-relu"])
        found["wrong, not asked for"] = kept.layers[1].activation.__name__
    return found


def steps(keras: Any) -> dict[str, Any]:
    """Other changes than those of arguments, and models that are built when they are first called."""
    layers = keras.layers
    found: dict[str, Any] = {}
    model = functional(keras)
    network = LayerSpot(f"<{model.name}>", model.name)
    edits = Edits()
    edits.add(Change("", (Freeze(network, network, network),)).steps, reachable(model))
    found["frozen"] = [layer.trainable for layer in rebuilt(model, edits)[0].layers]
    training = Training(batch_size=16, strategy="MirroredStrategy", replicas=2)
    several = fixed(functional(keras), training=training, unsafe=True, config={}, select=["unsynchronized-batchnorm"])
    found["synchronized"] = several.layers[-1].synchronized
    inputs = keras.Input((6,))
    flagged = shaken(keras.Model(inputs, layers.BatchNormalization()(layers.Dense(5)(inputs), training=True)))
    state = values(flagged)
    found["flags"] = [
        [one.rule for one in fixes_of(fixed(flagged, config={}, unsafe=unsafe), config={})] for unsafe in (False, True)
    ]
    found["flags changed"] = changed(state, values(flagged))
    inputs = keras.Input((6, 4))
    wrapped = shaken(keras.Model(inputs, layers.TimeDistributed(layers.BatchNormalization(), name="steps")(inputs)))
    unwrapped = fixed(wrapped, config={}, unsafe=True, select=["time-distributed-batchnorm"]).layers[-1]
    found["unwrapped"] = [unwrapped.name, type(unwrapped).__name__]
    late = keras.Sequential([layers.Dense(3), layers.BatchNormalization()])
    late(np.zeros((2, 5), "float32"))
    found["late"] = [list(variable.shape) for variable in fixed(late, config={}).variables]
    return found


def resnet(keras: Any) -> dict[str, Any]:
    """Keras's own ResNet50, whose 53 convolutions all have a bias that its normalizations subtract."""
    model = shaken(keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classifier_activation=None))
    x = np.random.default_rng(1).normal(0, 50, (4, 64, 64, 3)).astype("float32")
    recalibrate(model, x, method="batches")
    new = fixed(model, config={})
    one, other = (np.asarray(each(x, training=False)) for each in (model, new))
    return {
        "biases": [
            sum(hasattr(layer, "kernel_size") and layer.use_bias for layer in each.layers) for each in (model, new)
        ],
        "apart": float(np.abs(one - other).max() / np.abs(one).max()),
    }


def main(package: str) -> None:
    """Print everything."""
    keras = importlib.import_module(package)
    parts = (variety, exact, precise, kinds, shapes_of_data, refused, repaired, unrepaired, steps, resnet)
    chosen = [part for part in parts if part.__name__ in sys.argv[2:] or len(sys.argv) == 2]
    print(json.dumps({part.__name__: part(keras) for part in chosen}))


if __name__ == "__main__":
    main(sys.argv[1])
