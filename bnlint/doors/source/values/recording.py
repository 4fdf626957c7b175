"""How calls get into the graph: values as tensors, applications of layers, operations on tensors, events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....graph import Arg, Call, Context, Event, Layer, Model, Origin, Program, Tensor, Use
from ....graph.nodes import NOT_GIVEN, Shape
from ....graph.shapes import output_shape
from ..module import Spot
from .about import Parameter
from .args import Args, to_arg
from .branches import BULK, Branches, OutOfFuel
from .code import Func, Instance
from .data import Array, Dataset
from .kind import ABSENT, Opaque, Value, of, parts
from .lifted import Choice
from .plain import Sizes, is_comparable, is_small

MAX_ALTERNATIVES = 24
"""How many calls may have made a tensor, as branches decide."""
MAX_USES = 250
"""Calls of one layer; those of a file's layers together are MAX_CALLS."""
MAX_CALLS = 4_000
MAX_MODELS = 200
MAX_EVENTS = 1_000


def is_tensor(value: Value) -> bool:
    """Whether a value is a symbolic tensor or may be one."""
    if isinstance(value, Tensor):
        return not value.data
    return isinstance(value, Choice) and any(map(is_tensor, value.leaves()))


def has_tensor(value: Value) -> bool:
    """Whether a value is, or holds, a symbolic tensor."""
    return any(map(is_tensor, parts(value)))


def _tensor_from(value: Value) -> Tensor:
    """A tensor for what no call of the program gave."""
    shape = None
    if isinstance(value, Array) and value.shape is not None:
        shape = tuple(size if isinstance(size, int) else None for size in value.shape)
    if not isinstance(value, Opaque):
        return Tensor(shape=shape, data=isinstance(value, (Array, Dataset)))
    tensor = Tensor(shape=shape, data=value.batch is not None)
    tensor.outside = not tensor.data and not isinstance(value.about, Parameter)
    return tensor


class Recorder(Branches):
    """Puts into the graph what the program does."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.context = Context(testing=program.testing)
        self.stack: tuple[Spot, ...] = ()
        self.inside: list[Call] = []
        self.recording: list[Value] = []
        self.taped: dict[Value, list[Call]] = {}
        self.time = 0
        self.room = MAX_CALLS
        self.exact = False
        self._outside: dict[int, tuple[Value, Tensor]] = {}
        self.escaping: set[Instance] = set()

    def tick(self) -> int:
        """The next moment of the program."""
        self.time += 1
        program = self.program
        if len(program.calls) > self.room or len(program.models) > MAX_MODELS or len(program.events) > MAX_EVENTS:
            raise OutOfFuel("the graph grew too large")
        return self.time

    def tensor(self, value: Value) -> Tensor:
        """A value as an input of a call: joined branches become a tensor with alternatives."""
        value = self.settled(value)
        if isinstance(value, Tensor):
            return value
        if isinstance(value, Choice):
            leaves = [self.tensor(leaf) for leaf in value.leaves() if leaf is not ABSENT and leaf is not None]
            return leaves[0] if len(leaves) == 1 else self.one_of(leaves)
        key = id(value)
        if key in self._outside and isinstance(value, Opaque):
            return self._outside[key][1]
        tensor = _tensor_from(value)
        self._outside[key] = (value, tensor)
        return tensor

    def one_of(self, tensors: Sequence[Tensor]) -> Tensor:
        """One of these tensors; where that leaves too many, one that is not known."""
        shapes = {tensor.shape for tensor in tensors}
        shape = shapes.pop() if len(shapes) == 1 else None
        joined = Tensor(shape=shape, either=tuple(tensors))
        if len(joined.sources()) <= MAX_ALTERNATIVES:
            return joined
        self.escape(joined)
        return Tensor(shape=shape)

    def tensors(self, value: Value) -> tuple[Tensor, ...]:
        """The tensors of an argument: one, or those of a list, tuple or dict."""
        value = self.settled(value)
        if isinstance(value, (list, tuple, dict)):
            self.spend(len(value))
            if not is_small(value):
                self.escape(value)
                return (self.tensor(Opaque("many values")),)
        return of(value).tensors(self)  # type: ignore[arg-type]

    def escape(self, value: Value) -> None:
        """A value goes where the door cannot follow: what is done with it is not known from here on."""
        if type(value) in _HOLDS_NOTHING:
            return
        for count, part in enumerate(parts(value, calls=True)):
            self.steps += not count % BULK
            if type(part) not in _HOLDS_NOTHING:
                of(part).escape(self)  # type: ignore[arg-type]

    def escape_all(self, args: Args) -> None:
        """The arguments go to code that the door does not follow."""
        for value in args.values:
            self.escape(value)

    def record(
        self, layer: Layer, inputs: tuple[Tensor, ...], spot: Spot, training: Arg = NOT_GIVEN, shape: Any = ABSENT
    ) -> Call:
        """Put one application into the graph; its output has the inferred shape."""
        known: Shape | None = output_shape(layer, [one.shape for one in inputs]) if shape is ABSENT else shape
        output = Tensor(shape=known, data=bool(inputs) and all(tensor.data for tensor in inputs))
        output.outside = any(tensor.outside for tensor in inputs)
        parent = self.inside[-1] if self.inside else None
        if len(layer.calls) >= MAX_USES and not self.exact:
            raise OutOfFuel("a layer is called too often")
        call = Call(layer, inputs, output, spot, self.context, training, parent, self.optional > 0, self.tick())
        output.call = call
        for tensor in inputs:
            tensor.users.append(call)
            sources = tensor.sources() if tensor.either else ()
            self.spend(len(sources) ** 2) if sources else None
            for source in sources:
                source.users.append(call)
        layer.calls.append(call)
        layer.held = True
        self.program.calls.append(call)
        if parent is None and self.context.kind == "build" and not (layer.op or isinstance(layer, Model)):
            for tape in self.recording:
                self.taped.setdefault(tape, []).append(call)
        return call

    def apply_op(
        self, kind: str, values: list[Value], spot: Spot, shape: Shape | None = None, **arguments: Value
    ) -> Tensor:
        """Apply an operation to tensors: `x + y`, tf.nn.relu(x). `shape` is its output's where its row does not say."""
        layer = Layer(kind, spot, kind, context=self.context, op=True, held=True)
        layer.args = {name: to_arg(value, spot) for name, value in arguments.items() if value is not ABSENT}
        given = [
            value for value in values if isinstance(value, Sizes) or not (is_small(value) and is_comparable(value))
        ]
        inputs = tuple(one for value in given for one in self.tensors(value))
        return self.record(layer, inputs, spot, NOT_GIVEN, ABSENT if shape is None else shape).output

    def event(self, kind: Any, model: Model, spot: Origin, **details: Any) -> Event:
        """Note that something happens to a model."""
        event = Event(kind, model, spot, self.context, optional=self.optional > 0, time=self.tick(), **details)
        model.events.append(event)
        self.program.events.append(event)
        return event

    def note(self, path: str, spot: Spot, args: Args | None = None) -> None:
        """Note that the code has a library symbol which a rule may care about; `args` where it is called there."""
        given = None if args is None else args.named(tuple(map(str, range(len(args.positional)))))
        self.program.uses.append(Use(path, spot, self.is_guarded, self.context, self.time, given))


_HOLDS_NOTHING = frozenset({bool, int, float, str, type(None), Opaque, Func})
