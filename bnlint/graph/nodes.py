"""The nodes of the graph. Doors make them; rules read them.

Every value is known or an `Unknown`; what is known only as somebody's default says so (`Arg.certain`).
`time`, of layers, calls, writes and events, is the moment at which the door put a node into the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from .program import Event

from ..findings import Place

Shape = tuple["int | None", ...]
"""A tensor's shape with the batch axis first; None for an axis of unknown size."""


class Origin(Protocol):
    """Where a node comes from: a spot in a source, or a layer of a model. Made concrete only when printed."""

    @property
    def key(self) -> object:
        """Equal and hashable for the same spot, however often the code there ran."""
        ...

    @property
    def path(self) -> str:
        """The file or model it is in, as `place().path`, without the cost of a position."""
        ...

    @property
    def stack(self) -> tuple[Origin, ...]:
        """The calls through which a helper's code was reached, outermost first."""
        ...

    def place(self) -> Place:
        """The spot as path, lines and columns, or as a layer's path."""
        ...


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known, and why, for people. `name` is the name in the code that it comes from."""

    reason: str = ""
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Function:
    """A function as a value, by the last part of its name: `tf.nn.relu` is `Function("relu")`.

    `keras` is True for a public symbol of Keras or TensorFlow, False for code of the project.
    """

    name: str
    keras: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """A library object as a value: an optimizer, a regularizer, a schedule. `kind` is the name of its class."""

    kind: str
    args: Mapping[str, Arg] = field(default_factory=dict)
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class PerReplica:
    """A batch size of so many samples for each device of a strategy, of which there is an unknown number."""

    samples: int


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument's value and where it was written.

    `value` is a plain Python value, a `Function`, an `Object`, a `Layer`, a `PerReplica` or an `Unknown`. `certain` is
    False where the value is only the default of a parameter or of a flag. `origin` is None for Keras's own default.
    """

    value: object
    origin: Origin | None = None
    certain: bool = True

    @property
    def known(self) -> bool:
        """Whether there is a value at all, if only by default."""
        return not isinstance(self.value, Unknown)

    @property
    def given(self) -> bool:
        """Whether the code passes this argument (a value of None included)."""
        return self.origin is not None


NOT_GIVEN = Arg(None)


@dataclass(frozen=True, slots=True)
class Context:
    """Under which circumstances code ran.

    kind: "build" while a graph is put together; "call" inside `call` of a Model or Layer subclass; "lambda" inside the
    function of a Lambda layer; "eager" for a direct call on data.
    functions: the names of the enclosing functions, outermost first.
    tape: an identity for the GradientTape the code is recorded by, None outside.
    purpose: what the enclosing code is there for, as far as its names or its place in Keras's protocol say.
    because: that reason, as a phrase: "in test_step", "after load_model".
    raises: the code is expected to raise: it stands in an assertRaises block.
    testing: the code is a unit test's, or runs in one.
    strategy: the tf.distribute strategy in whose scope the code runs, "" for none; replicas: how many devices it has,
    None where that is not known.
    """

    kind: Literal["build", "call", "lambda", "eager"] = "build"
    functions: tuple[str, ...] = ()
    tape: object | None = None
    purpose: Literal["training", "inference"] | None = None
    because: str = ""
    raises: bool = False
    testing: bool = False
    strategy: str = ""
    replicas: int | None = None


@dataclass(eq=False, slots=True)
class Tensor:
    """What a call returns, or an input. `call` is None for inputs and for values from outside.

    `either` holds the alternatives where unknown branches join: the tensor is one of them. `escaped` is True when code
    that the door could not follow has seen the tensor; `data` is True for data, as opposed to a symbolic tensor.
    `exported` is True where that is only because a variable of the module holds it.
    `outside` is True where it comes from what nothing is known of, be it a tensor or data. `overwritten` is where its
    variable was given another tensor before anything had used it, and that tensor.
    """

    call: Call | None = None
    shape: Shape | None = None
    users: list[Call] = field(default_factory=list)
    either: tuple[Tensor, ...] = ()
    escaped: bool = False
    exported: bool = False
    data: bool = False
    outside: bool = False
    input: Layer | None = None
    overwritten: tuple[Origin, Tensor] | None = None

    def sources(self) -> tuple[Tensor, ...]:
        """The tensors this one may be: itself, or the leaves of its alternatives."""
        if not self.either:
            return (self,)
        seen: dict[Tensor, None] = {}
        stack = list(self.either)
        visited = set()
        while stack:
            tensor = stack.pop()
            if tensor in visited:
                continue
            visited.add(tensor)
            if tensor.either:
                stack.extend(tensor.either)
            else:
                seen[tensor] = None
        return tuple(seen)


@dataclass(eq=False, slots=True)
class Write:
    """An assignment to `trainable`, at a time of the program.

    only: to which layers of a model it went: "" for the model itself or all its layers, "batchnorm" for its BN layers,
    "others" for all but those, "some" for a part of its layers.
    part: that part's first layer and the one behind its last, as in a slice (`base.layers[:-10]`), where known.
    """

    value: Arg
    time: int
    only: Literal["", "batchnorm", "others", "some"] = ""
    part: tuple[int | None, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a batch normalization's two modes are apart on sample data.

    own: the difference of its outputs in the two modes for one and the same input, the one it gets in inference.
    total: the difference of its outputs when all batch normalizations run in training mode and when all run in
    inference mode. Both are root mean squares over the data, relative to the standard deviation in training mode.
    channel: where the own difference is largest; samples: how many values a channel's batch statistics come from.
    """

    own: float
    total: float
    channel: int
    samples: int


@dataclass(frozen=True, slots=True)
class State:
    """What the weights of a batch normalization hold, in numbers of its channels.

    initial: with moving mean 0 and moving variance 1. broken_mean, broken_variance: with NaN or an infinity. negative,
    constant: with a moving variance below 0, of 0. moved: whether gamma or beta are off 1 and 0 anywhere; None where
    the layer has neither. gap: None without sample data.
    """

    channels: int
    initial: int
    broken_mean: int
    broken_variance: int
    negative: int
    constant: int
    moved: bool | None
    gap: Gap | None = None


@dataclass(eq=False, slots=True)
class Layer:
    """An object that can be called on tensors: a layer, a model, or an operation on tensors (`op`).

    kind: the class's name in Keras ("Dense"); a project's own subclass has the kind of the nearest Keras class it
    inherits ("Layer", "BatchNormalization") and its own name in `cls`. Operations are named as in keras.ops ("Relu").
    args: the arguments by name, Keras's defaults not included: `arg(name)` adds those.
    wrapped: the layer inside TimeDistributed, Bidirectional, SpectralNormalization, …
    state: what its weights hold, for a batch normalization of a live or saved model.
    unmade: where the layer's class stands among layers, without the parentheses that make it one of them.
    children: the layers that it holds as attributes. held: something keeps or uses it; False for one that is made in
    a statement of its own. attribute: the name by which the layer or model that holds it knows it.
    escaped: the door could not follow everything that is done with the layer.
    """

    kind: str
    origin: Origin
    cls: str = ""
    args: dict[str, Arg] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    op: bool = False
    wrapped: Layer | None = None
    calls: list[Call] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    children: list[Layer] = field(default_factory=list)
    held: bool = False
    escaped: bool = False
    attribute: str | None = None
    time: int = 0
    state: State | None = None
    unmade: Origin | None = None

    def arg(self, name: str) -> Arg:
        """The argument's value as given, else Keras's default, else an Unknown."""
        if name in self.args:
            return self.args[name]
        if name in self.defaults:
            return Arg(self.defaults[name])
        return Arg(Unknown(f"{self.kind} has no argument {name}"))


@dataclass(eq=False, slots=True)
class Call:
    """One application of a layer to tensors.

    `training` is the argument as given; NOT_GIVEN (known, None, no origin) where the call passes none. `positional` are
    the positional arguments behind the first, tensors among them as Unknown("tensor"). `parent` is the call of the
    project's own layer in whose `call` this one happens. `optional` is True where an unknown branch decides
    whether the call happens at all. `time` does not always follow the lines: a Sequential's layers are called when
    something first asks for its graph.
    """

    layer: Layer
    inputs: tuple[Tensor, ...]
    output: Tensor
    origin: Origin
    context: Context
    training: Arg = NOT_GIVEN
    parent: Call | None = None
    optional: bool = False
    time: int = 0
    outputs: tuple[Tensor, ...] = ()
    dropped: bool = False
    positional: tuple[Arg, ...] = ()


@dataclass(eq=False, slots=True)
class Entry:
    """One element of a Sequential: a layer, or what the code put there instead of one.

    problem: "function", "class" or "tensor" where Keras raises; None for a layer and for what is not known.
    name: the name of what was put there. function: where it is defined, for a function of the project.
    """

    value: object
    origin: Origin
    layer: Layer | None = None
    problem: Literal["function", "class", "tensor"] | None = None
    name: str = ""
    optional: bool = False
    function: Origin | None = None


@dataclass(eq=False, slots=True)
class Model(Layer):
    """A keras.Model, however it was made.

    style: "sequential", "functional", "subclass" (`call` evaluated on a symbolic input where possible), "application"
    (of keras.applications: holds BN or not, without its graph), "loaded" (load_model and its like).
    complete: False where part of the graph is not known.
    pretrained: it starts from weights that were learned before.
    iterations: how many steps its optimizer has made, where a live or saved model says so.
    """

    style: Literal["sequential", "functional", "subclass", "application", "loaded"] = "functional"
    entries: list[Entry] = field(default_factory=list)
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    nodes: list[Call] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    methods: frozenset[str] = frozenset()
    signature: tuple[str, ...] = ()
    call_default: Arg | None = None
    call_origin: Origin | None = None
    pretrained: bool = False
    batchnorm: bool | None = None
    complete: bool = True
    iterations: int | None = None

    def event_kinds(self) -> set[str]:
        """Which kinds of events the program lets happen to this model."""
        return {event.kind for event in self.events}
