"""What the code does with its models, and all that it says as one program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..fault import Fault
from .nodes import Arg, Call, Context, Layer, Model, Origin


@dataclass(frozen=True, slots=True)
class Batch:
    """How training data is cut into batches.

    size: samples a batch, an int or PerReplica, at its argument. samples: how many there are, where known. steps:
    batches an epoch. epochs: as given. replicas: how many devices share a batch, where known to be more than one. cut:
    the call that cuts the batches, where it could be told to drop the remainder.
    """

    size: Arg
    samples: int | None = None
    drop_remainder: bool = False
    steps: Arg | None = None
    epochs: Arg | None = None
    replicas: int = 1
    cut: Origin | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is trained on, by these numbers. Nobody means that, so one of them is not what it seems."""
        counts = [arg.value for arg in (self.size, self.steps, self.epochs) if arg is not None]
        return self.samples == 0 or any(type(count) is int and count < 1 for count in counts)


@dataclass(eq=False, slots=True)
class Event:
    """Something that happens to a model: compile, fit, train_on_batch, evaluate, predict, save, call, tape.

    "call" is a direct call of a model on data (see `call`). "tape" is a custom training step: the model was called
    under a GradientTape whose gradients are applied to it. `optional` is True where an unknown branch decides it,
    `repeated` where it stands in a loop of which not every round was run.
    """

    kind: Literal[
        "compile",
        "fit",
        "train_on_batch",
        "evaluate",
        "test_on_batch",
        "predict",
        "predict_on_batch",
        "save",
        "call",
        "tape",
    ]
    model: Model
    origin: Origin
    context: Context
    args: dict[str, Arg] = field(default_factory=dict)
    batch: Batch | None = None
    call: Call | None = None
    optional: bool = False
    repeated: bool = False
    time: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """A library symbol that the code imports, reads or calls, by its path as written, aliases resolved.

    Only symbols are noted that some rule of the run watches. The path begins with the package that the code imports:
    "tensorflow.keras.utils.set_random_seed", "keras.utils.set_random_seed" and "tf_keras.utils.set_random_seed" are
    three. The import or the reading of a name is a use, and each call of it is another one. `guarded` is True inside
    try/except ImportError or AttributeError, in branches on a version or hasattr, and where isinstance asks what it is.
    `context` is where the use stands. `args` are the arguments where the use is a call, positional ones as "0", "1", …,
    "**" for unknown ones; None where the symbol is only imported or read. A member of a library object is used by the
    path of its class:
    "tf.train.AdamOptimizer.minimize", "keras.layers.Layer.updates".
    `time` is that of the node made last before the use, so a node with `node.time <= use.time` came first.
    """

    path: str
    origin: Origin
    guarded: bool
    context: Context
    time: int = 0
    args: Mapping[str, Arg] | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit(".", 1)[-1]


@dataclass(eq=False, slots=True)
class Program:
    """All that a file, notebook, saved model or live model says, as one graph.

    keras: the major version it runs on, 2 or 3, `keras_minor` the minor one where it is known, and `keras_because` why
    that is believed. explicit_keras: the version was asked for, pinned, or follows from an import of tf_keras; else it
    is read off the code, or the default. tensorflow_1: "only" where the code cannot run on TensorFlow 2 (it has
    tf.contrib), "likely" where it is written for sessions and estimators. keras_1: it has arguments that Keras 2
    renamed. testing: it holds unit tests. notes: what the door gave up on, for --verbose. uses: the library symbols
    that the rules of the run watch. taught: direct calls of layers, no models, under a tape whose gradients are applied
    to them. coverage: how many BN calls the code has, and of how many the input is known. faults: where bnlint itself
    failed on the way; all else was looked at.
    """

    path: str
    keras: int = 3
    keras_minor: int | None = None
    keras_because: str = "the default"
    explicit_keras: bool = False
    tensorflow_1: Literal["", "likely", "only"] = ""
    keras_1: bool = False
    testing: bool = False
    layers: list[Layer] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    taught: list[Call] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    coverage: tuple[int, int] = (0, 0)
    faults: list[Fault] = field(default_factory=list)
    _calls_by_key: dict[object, list[Call]] = field(default_factory=dict, init=False, repr=False)
    _indexed: int = field(default=0, init=False, repr=False)

    def dissolve(self) -> None:
        """Cut the cycles of the graph, once it is done with, so that its memory is free at once."""
        for call in self.calls:
            for tensor in (call.output, *call.outputs, *call.inputs):
                tensor.users.clear()
                tensor.call, tensor.either, tensor.overwritten = None, (), None
        for layer in (*self.layers, *(call.layer for call in self.calls)):
            layer.calls.clear()
        for model in self.models:
            for tensor in model.outputs:
                tensor.call = None
            model.nodes.clear()
            model.events.clear()
            model.entries.clear()

    def calls_at(self, origin: Origin) -> Iterator[Call]:
        """Every call that the code at this origin made, one for each use of the helper it stands in."""
        for call in self.calls[self._indexed :]:
            self._calls_by_key.setdefault(call.origin.key, []).append(call)
        self._indexed = len(self.calls)
        return iter(self._calls_by_key.get(origin.key, []))
