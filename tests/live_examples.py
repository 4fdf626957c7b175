"""Runs programs in real Keras and checks every model they build: live_examples.py keras|tf_keras, with them as JSON.

Standard input holds, by name, the code and the keywords for `check_model`. Prints JSON: for each, what it raised, how
many models were checked, the findings, each with the lines that made its layer or that hold its `call`, and what went
wrong in checking. Nothing is trained or loaded: `fit` builds a model and notes how it would be trained, data sets are
small and made up. Layers and models that a program only defines are made.
"""

from __future__ import annotations

import ast
import builtins
import gc
import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from bnlint import check_model
from bnlint.doors.live.training import Training
from bnlint.runtime.fitting import training_of

keras: Any = importlib.import_module(sys.argv[1])
LEGACY = sys.argv[1] == "tf_keras"
if LEGACY:
    for part in ("", *(f".{name}" for name in "layers models datasets applications backend optimizers".split())):
        sys.modules[f"keras{part}"] = importlib.import_module(f"tf_keras{part}")
    keras.ops = tf.nn
PROGRAM = "program.py"
SHAPES = ((8,), (16, 8), (32, 32, 8), (32, 32, 3), (28, 28, 1), (784,), (16,), (28, 28), (4, 32, 32, 3))
SETTINGS = {"rate": 0.5, "momentum": 0.9}
"""Arguments by their names, for what a program only defines; others are 8."""

Sample = dict[str, Any]

made: dict[int, tuple[Any, int]] = {}
"""Every layer and model made while a program runs, with the line of the program that made it."""

fits: dict[int, Training] = {}
"""How models were last trained, by their identity."""


def line(layer: Any) -> int | None:
    """The innermost line of the program that is being run; None for the model that a Sequential makes for itself."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename != PROGRAM:
        maker = frame.f_locals.get("self") if frame.f_code.co_filename.endswith("sequential.py") else layer
        if maker is not layer:
            return None
        frame = frame.f_back
    return frame.f_lineno if frame is not None else 0


def stand_in() -> None:
    """Note what is made; small data, no downloads, no training."""
    base = next(cls for cls in reversed(keras.Model.__mro__) if cls.__name__ == "Layer")
    original = base.__init__

    def init(layer: Any, *given: Any, **more: Any) -> None:
        if (where := line(layer)) is not None:
            made.setdefault(id(layer), (layer, where))
        original(layer, *given, **more)

    base.__init__ = tf.__internal__.tracking.no_automatic_dependency_tracking(init) if LEGACY else init
    for stand in (fit, train_on_batch, load_weights):
        setattr(keras.Model, stand.__name__, stand)
    for name in ("evaluate", "predict", "save", "save_weights"):
        setattr(keras.Model, name, built)
    files = importlib.import_module("tf_keras.src.utils.data_utils" if LEGACY else "keras.src.utils.file_utils")
    files.get_file = lambda *_, **__: "weights.h5"
    tf.keras.utils.image_dataset_from_directory = dataset
    for name, shape in (("mnist", (28, 28)), ("fashion_mnist", (28, 28)), ("cifar10", (32, 32, 3))):
        both = tuple((np.zeros((60_000, *shape), "uint8"), np.zeros(60_000)) for _ in range(2))
        getattr(keras.datasets, name).load_data = lambda both=both: both
    keras.datasets.boston_housing.load_data = lambda: ((np.zeros((404, 13)), np.zeros(404)), (None, None))


def dataset(*_: Any, image_size: tuple[int, int] = (256, 256), batch_size: int = 32, **__: Any) -> Any:
    """A folder's pictures: how many, nobody knows."""
    data = tf.data.Dataset.from_tensor_slices((np.zeros((64, *image_size, 3), "float32"), np.zeros(64)))
    return data.filter(lambda x, y: True).batch(batch_size)


def fit(
    self: Any,
    x: Any = None,
    y: Any = None,
    batch_size: Any = None,
    epochs: int = 1,
    steps_per_epoch: Any = None,
    **_: Any,
) -> Any:
    """Built, and not trained."""
    known = training_of(self, {"epochs": epochs, "steps": steps_per_epoch})
    if id(self) in fits and known.epochs is not None:
        known = replace(known, epochs=known.epochs + (fits[id(self)].epochs or 0))
    fits[id(self)] = known
    built(self, x)
    return keras.callbacks.History()


def train_on_batch(self: Any, x: Any, *given: Any, **more: Any) -> float:
    """The same of one step."""
    fits[id(self)] = Training(batch_size=len(x))
    built(self, x)
    return 0.0


def load_weights(self: Any, *_: Any, **__: Any) -> None:
    """Weights of earlier training."""
    for layer in self._flatten_layers():
        for name in ("moving_mean", "moving_variance"):
            if getattr(layer, name, None) is not None:
                getattr(layer, name).assign(np.full(getattr(layer, name).shape, 0.5))


def built(model: Any, x: Any = None, *_: Any, **__: Any) -> Any:
    """The model, called once where it is not built yet."""
    shapes = [tuple(x.shape[1:])] if hasattr(x, "shape") else []
    for shape in () if model.built else (*shapes, *SHAPES):
        try:
            model(np.zeros((2, *shape), "float32"))
            break
        except Exception:
            model.built, model._build_input_shape = False, None  # Keras 2 keeps the first shape, right or not.
    return np.zeros((8, 2))


def undefined(code: str) -> set[str]:
    """Names that a program reads and never makes."""
    nodes = list(ast.walk(ast.parse(code)))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)} | set(dir(builtins))
    bound |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    imports = (one for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for one in node.names)
    bound |= {(one.asname or one.name).split(".")[0] for one in imports}
    return {node.id for node in nodes if isinstance(node, ast.Name)} - bound


def complete(scope: Sample) -> None:
    """Make the models and layers that the program only defines. What functions make is up to their callers."""
    used = {type(layer) for layer, _ in made.values()}
    for thing in list(scope.values()):
        own = inspect.isclass(thing) and thing.__module__ == "program" and issubclass(thing, keras.layers.Layer)
        if own and thing not in used:
            complete_one(thing)


def complete_one(thing: Any) -> None:
    """Make a layer or model with plausible arguments; a layer then becomes a model."""
    parameters = inspect.signature(thing).parameters.values()
    needed = [one.name for one in parameters if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    layer = thing(**{name: SETTINGS.get(name, 8) for name in needed})
    for shape in () if isinstance(layer, keras.Model) else SHAPES:
        try:
            keras.Model(inputs := keras.Input(shape), layer(inputs))
            break
        except Exception:
            layer = thing(**{name: SETTINGS.get(name, 8) for name in needed})


class Anything(np.ndarray):  # type: ignore[type-arg]
    """What a program finds under a name it does not define: data, or a function that gives data twice over."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        return (self, self), (self, self)


def run(code: str, lint: Sample) -> Sample:
    """What a program raises, and what is found in its models."""
    made.clear()
    fits.clear()
    keras.backend.clear_session()
    scope: Sample = {"__name__": "program"} | {name: Anything((64, 8), "float32") for name in undefined(code)}
    raised = ""
    try:
        exec(compile(code, PROGRAM, "exec", dont_inherit=True), scope)
        complete(scope)
    except BaseException as error:
        raised = f"{type(error).__name__}: {error}"[:200]
    finally:
        keras.backend.set_image_data_format("channels_last")
    models = [layer for layer, _ in made.values() if isinstance(layer, keras.Model) and hasattr(layer, "built")]
    inside = {id(part) for model in models for part in model._flatten_layers(include_self=False)}
    checked = [model for model in models if id(model) not in inside or id(model) in fits]
    found: list[Any] = []
    failed: list[str] = []
    for model in checked:
        try:
            built(model)
            report = check_model(model, training=fits.get(id(model)), **lint)
        except Exception:
            failed.append(traceback.format_exc()[-500:])
            continue
        failed += [*report.notes, *(failure.message for failure in report.failures)]
        found += [[f.rule, str(f.severity), f.place.layer, sorted(lines_of(f.place.layer, model))] for f in report]
    return {"raised": raised, "models": len(checked), "found": found, "failed": failed}


def lines_of(name: str | None, model: Any) -> Iterator[int]:
    """The lines by which the layer of this path is known."""
    layers = [model]
    for part in (name or "").split("/")[1:]:
        layers = [one for layer in layers for one in held(layer) if one.name == part]
    for layer in layers:
        if id(layer) in made:
            yield made[id(layer)][1]
        code = getattr(inspect.unwrap(type(layer).call), "__code__", None)
        if code is not None and code.co_filename == PROGRAM:
            yield code.co_firstlineno


def held(layer: Any) -> list[Any]:
    inner = [one for name in ("layer", "forward_layer") if (one := getattr(layer, name, None)) is not None]
    return [*layer._flatten_layers(include_self=False), *inner]


if __name__ == "__main__":
    stand_in()
    gc.freeze()  # Else each clear_session goes through all of TensorFlow.
    del sys.argv[1:]  # Some of the programs read them.
    asked: dict[str, tuple[str, Sample]] = json.load(sys.stdin)
    print(json.dumps({name: run(*given) for name, given in asked.items()}))
