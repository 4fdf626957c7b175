"""The evaluator as values and libraries see it: what it knows, and what it can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import libcst as cst

from ....graph import Context, Event, Layer, Model, Program, Tensor
from ..module import Spot
from ..project import Project
from .args import Args
from .bound import Method, Symbol
from .branches import Completion, OutOfFuel
from .code import Class, Frame, Func, Instance, Pending
from .containers import Dict, List
from .data import Array
from .guards import asked
from .kind import Items, Opaque, Value, of
from .lifted import Assumed, Choice
from .recording import Recorder, is_tensor
from .shaping import shape_of_item

MAX_STEPS = 100_000


class Evaluator(Recorder, ABC):
    """Evaluates one program."""

    def __init__(
        self,
        program: Program,
        project: Project,
        expressions: Mapping[type, Callable[[Any, Any, Frame], Value]],
        statements: Mapping[type, Callable[[Any, Any, Frame], Completion]],
    ) -> None:
        super().__init__(program)
        self.project = project
        self.watched = project.watched
        self._expressions = expressions
        self._statements = statements
        self.limit = MAX_STEPS
        self.contexts: dict[tuple[object, ...], Context] = {}
        self.running: list[Func] = []
        self.functions: list[Func] = []
        self.enclosing: list[Frame] = []
        self.classes: list[Class] = []
        self.instances: list[Instance] = []
        self.objects: dict[Layer, Instance] = {}
        self.lambdas: dict[Layer, Value] = {}
        self.given: dict[Opaque, Model] = {}
        self.chained: dict[Layer, tuple[int, Tensor]] = {}
        self.tapes: dict[Value, list[Event]] = {}
        self.element_spots: dict[int, tuple[Value, list[Spot]]] = {}
        self.unmade: dict[str, Spot] = {}
        self.constants: dict[int, Value] = {}
        self.heavy: dict[cst.CSTNode, int] = {}
        self.barren: set[cst.CSTNode] = set()
        self.modules: dict[str, Frame] = {}
        self.importing: list[Frame] = []
        self.arriving: list[Pending] = []
        self.channels_first = False
        self.environment = Dict()
        self.unasked = False

    @abstractmethod
    def call_function(self, func: Func, args: Args, receiver: Value = ...) -> Value:
        """Evaluate a function of the project on these arguments."""

    @abstractmethod
    def enter(self, func: Func, receiver: Value = ...) -> Value:
        """Evaluate a function that nobody calls, on unknown arguments."""

    @abstractmethod
    def instantiate(self, cls: Class, args: Args) -> Value:
        """Make an object of a class of the project."""

    @abstractmethod
    def arrived(self, pending: Pending) -> Value:
        """What a pending import stands for."""

    @abstractmethod
    def member(self, module: Frame, name: str) -> Value:
        """What a module of the project has under a name."""

    @abstractmethod
    def has(self, module: Frame, name: str) -> bool | None:
        """Whether a module of the project has a name; None where that is not known."""

    @abstractmethod
    def apply(self, layer: Layer, args: Args) -> Value:
        """Call a layer or model."""

    @abstractmethod
    def connect(self, model: Model) -> None:
        """Connect the layers of a Sequential, as far as that is still to be done."""

    def evaluate(self, node: cst.BaseExpression, frame: Frame) -> Value:
        """The value of an expression."""
        self.steps += 1
        if self.steps > self.limit:
            raise OutOfFuel("too many steps")
        handler = self._expressions.get(type(node))
        if handler is None:
            return Opaque(type(node).__name__)
        value = handler(self, node, frame)
        return self.settled(value) if type(value) is Choice else value

    def execute(self, body: Iterable[cst.CSTNode], frame: Frame) -> Completion:
        """Run statements until one does not fall through."""
        for statement in body:
            handler = self._statements.get(type(statement))
            if handler is not None:
                self.steps += 1
                if self.steps > self.limit:
                    raise OutOfFuel("too many steps")
                completion = handler(self, statement, frame)
                if completion is not None:
                    return completion
        return None

    def spot(self, node: cst.CSTNode, frame: Frame) -> Spot:
        """The origin of what a node makes."""
        return Spot(frame.module, node, self.stack)

    def within(self, **changes: Any) -> Within:
        """Run the body in a changed context."""
        key = (self.context, *changes.items())
        context = self.contexts.get(key)
        if context is None:
            context = self.contexts[key] = replace(self.context, **changes)
        return Within(self, context)

    def list(self, items: Iterable[Value], is_open: bool = False) -> Value:
        """A list of these items."""
        return List(items, is_open)

    def by_default(self, value: Value) -> Value:
        """A value that may be set otherwise before the program runs; where that is followed exactly, nobody has."""
        return value if self.exact or isinstance(value, (Opaque, Assumed)) else Assumed(value)

    def cut(self, value: Opaque, samples: int) -> Value:
        """So many samples of data of which nothing else is known, or numbers of a version."""
        name = asked((value,))
        return Opaque("a part of it", name) if name else Array((samples,))

    def call(self, func: Value, args: Args) -> Value:
        """Call a value."""
        self.steps += 1
        if self.steps > self.limit:
            raise OutOfFuel("too many steps")
        func = self.settled(func)
        result = of(func).call(self, args)
        if type(result) is Opaque and result.about is None and isinstance(func, (Symbol, Method, Opaque)):
            result.name = asked((result, func, *args.values)) or result.name
        return result

    def attribute(self, value: Value, name: str, spot: Spot) -> Value:
        """`value.name`."""
        return of(self.settled(value)).attribute(self, name, spot)

    def set_attribute(self, value: Value, name: str, new: Value, spot: Spot) -> None:
        """`value.name = new`."""
        of(self.settled(value)).set_attribute(self, name, new, spot)

    def iterate(self, value: Value) -> Items:
        """The items of an iterable, and whether these are all and certain."""
        return of(self.settled(value)).iterate(self)

    def item(self, value: Value, key: Value, spot: Spot) -> Value:
        """`value[key]`."""
        if is_tensor(value):
            return self.apply_op("GetItem", [value], spot, shape_of_item(self.tensor(value).shape, key))
        if isinstance(value, Choice) or not isinstance(key, (Choice, Assumed)):
            return of(value).item(self, key, spot)
        if isinstance(key, Choice):
            return self.each(key, lambda one: self.item(value, one, spot))
        if isinstance(value, Assumed):
            return Assumed(self.item(value.value, key, spot))
        result = self.item(value, key.value, spot)
        return result if isinstance(result, (Opaque, Symbol, Func)) else Assumed(result)


class Within:
    """The evaluator's context is another one while the body runs. A generator costs three times as much."""

    __slots__ = ("_before", "_context", "_evaluator")

    def __init__(self, evaluator: Evaluator, context: Context) -> None:
        self._evaluator, self._before, self._context = evaluator, evaluator.context, context

    def __enter__(self) -> None:
        self._evaluator.context = self._context

    def __exit__(self, *_: object) -> None:
        self._evaluator.context = self._before
