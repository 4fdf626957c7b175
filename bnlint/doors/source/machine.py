"""The evaluator's state, and the steps everything else is made of: fuel, branches, contexts, origins.

How expressions, statements, calls and attributes work is given to the machine as tables, so that each of them stands in
a module of its own and none needs to import the others.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import libcst as cst

from ...fault import Fault
from ...finding import Place
from ...graph import Arg, Context, Layer, Program, Tensor, Unknown, Use
from .args import Args, to_arg
from .conditions import guards
from .journal import Journal, choose
from .module import Spot
from .project import Project
from .scopes import Assuming, Within
from .symbols import canonical
from .values import (
    ABSENT,
    Array,
    Assumed,
    Choice,
    Class,
    Dict,
    Frame,
    Func,
    Instance,
    List,
    Opaque,
    Symbol,
    Value,
)

RETURN, BREAK, CONTINUE, RAISE = "return", "break", "continue", "raise"
Completion = str | None
"""How a statement ended: None, or one of RETURN, BREAK, CONTINUE, RAISE."""

MAX_DEPTH = 40
MAX_STEPS = 100_000
MAX_CALLS = 4_000
MAX_USES = 250
"""Calls of one layer; those of a file's layers together are MAX_CALLS."""
MAX_MODELS = 200
MAX_EVENTS = 1_000
BULK = 32
"""How many items of a container are worth a step of fuel."""


_ITSELF = frozenset({str, int, float, bool, type(None)})
_CALLABLES = ("builtins.", "keras.", "tf.", "np.")
"""Libraries whose symbols are functions and classes; in others a symbol may be a constant, or a flag."""

TOO_DEEP = "values in values, or calls in calls, too deep"


class OutOfFuel(Exception):
    """The program is larger than what is spent on one file."""


class Machine:
    """Evaluates one program. See the modules that fill its tables."""

    apply: Callable[..., Value]
    arrived: Callable[..., Value]
    assign: Callable[..., None]
    attribute: Callable[..., Value]
    call_value: Callable[..., Value]
    call_method: Callable[..., Value]
    defaults: Callable[..., dict[str, Value]]
    define: Callable[..., None]
    escape: Callable[..., None]
    event: Callable[..., Any]
    fill_sequential: Callable[..., None]
    imported: Callable[..., Value]
    is_kind: Callable[..., bool | None]
    library_call: Callable[..., Value]
    library_method: Callable[..., Value]
    member: Callable[..., Value]
    model_attribute: Callable[..., Value]
    set_attribute: Callable[..., None]
    set_functional: Callable[..., None]
    starred: Callable[..., Value]
    super: Callable[..., Value]
    symbol_attribute: Callable[..., Value]
    symbol_problem: Callable[..., Any]
    to_arg: Callable[..., Arg]

    def __init__(
        self,
        program: Program,
        project: Project,
        expressions: dict[type, Callable[..., Value]],
        statements: dict[type, Callable[..., Completion]],
        steps: dict[str, Callable[..., Any]],
    ) -> None:
        self.program = program
        self.project = project
        self.expressions = expressions
        self.statements = statements
        for name, step in steps.items():
            setattr(self, name, partial(step, self))
        self.journal = Journal()
        self.facts: dict[Opaque, bool] = {}
        self.asking: dict[Opaque, bool] = {}
        self.compared: dict[tuple[object, ...], Opaque] = {}
        self.constants: dict[int, Value] = {}
        self.context = Context(testing=program.testing)
        self.contexts: dict[tuple[object, ...], Context] = {}
        self.stack: tuple[Spot, ...] = ()
        self.running: list[Func] = []
        self.inside: list[Any] = []
        self.optional = 0
        self.guarded = 0
        self.steps = 0
        self.limit = MAX_STEPS
        self.room = MAX_CALLS
        self.time = 0
        self.functions: list[Func] = []
        self.enclosing: list[Frame] = []
        self.classes: list[Class] = []
        self.instances: list[Instance] = []
        self.tapes: dict[object, list[Any]] = {}
        self.objects: dict[Layer, Instance] = {}
        self.lambdas: dict[Layer, Value] = {}
        self.chained: dict[Layer, tuple[int, Tensor]] = {}
        self.outside: dict[int, tuple[Value, Tensor]] = {}
        self.element_spots: dict[int, tuple[Value, list[Spot]]] = {}
        self.escaping: set[Instance] = set()
        self.modules: dict[str, Frame] = {}
        self.importing: list[Frame] = []
        self.arriving: list[Any] = []
        self.channels_first = False
        self.exact = False
        self.unasked = False
        self.heavy: dict[cst.CSTNode, int] = {}
        self.barren: set[cst.CSTNode] = set()
        self.exhausted = ""
        self.recording: list[Value] = []

    def dissolve(self) -> None:
        """Let go of all but the graph, so that no cycle keeps the syntax trees."""
        for frame in self.enclosing:
            frame.variables.clear()
            frame.returns.clear()
        for cls in self.classes:
            cls.members.clear()
        for instance in self.instances:
            instance.attributes.clear()
        for frame in self.modules.values():
            frame.variables.clear()
        self.__dict__.clear()

    def reset(self) -> None:
        """Forget what was under way when the fuel ran out."""
        self.stack, self.facts, self.optional, self.guarded = (), {}, 0, 0
        self.context = Context(testing=self.program.testing)
        self.running.clear()
        self.inside.clear()
        self.recording.clear()
        self.journal.reset()

    def give_up(self, reason: Exception, node: cst.CSTNode | None = None, frame: Frame | None = None) -> None:
        """Note why what is under way is not followed to its end; `node` is the statement in which bnlint failed."""
        if isinstance(reason, OutOfFuel):
            self.exhausted = str(reason)
        elif isinstance(reason, RecursionError):
            self.exhausted = TOO_DEEP
        else:
            self.exhausted = "bnlint itself failed on the way"
            place = Place(self.program.path)
            if node is not None and frame is not None:
                with suppress(Exception):  # The fault may be in how places are told.
                    place = self.spot(node, frame).place()
            self.program.faults.append(Fault.of("evaluating it", reason, place))

    def tick(self) -> int:
        """The next moment of the program."""
        self.time += 1
        program = self.program
        if len(program.calls) > self.room or len(program.models) > MAX_MODELS or len(program.events) > MAX_EVENTS:
            raise OutOfFuel("the graph grew too large")
        return self.time

    def spend(self, items: int) -> None:
        """One step of fuel, and more for work on many items."""
        self.steps += 1 + items // BULK
        if self.steps > self.limit:
            raise OutOfFuel("too many steps")

    def spot(self, node: cst.CSTNode, frame: Frame) -> Spot:
        """The origin of what a node makes."""
        return Spot(frame.module, node, self.stack)

    def evaluate(self, node: cst.BaseExpression, frame: Frame) -> Value:
        """The value of an expression."""
        self.steps += 1
        if self.steps > self.limit:
            raise OutOfFuel("too many steps")
        handler = self.expressions.get(type(node))
        if handler is None:
            return Opaque(type(node).__name__)
        value = handler(self, node, frame)
        return self.settled(value) if type(value) is Choice else value

    def execute(self, body: Any, frame: Frame) -> Completion:
        """Run statements until one does not fall through."""
        statements = self.statements
        for statement in body:
            handler = statements.get(type(statement))
            if handler is not None:
                self.steps += 1
                if self.steps > self.limit:
                    raise OutOfFuel("too many steps")
                completion = handler(self, statement, frame)
                if completion is not None:
                    return completion
        return None

    def call(self, func: Value, args: Args) -> Value:
        """Call a value."""
        self.steps += 1
        if self.steps > self.limit:
            raise OutOfFuel("too many steps")
        return self.call_value(func, args)

    def note_use(self, path: str, node: cst.CSTNode, frame: Frame) -> None:
        """Note that the code has a library symbol which a rule may care about."""
        self.note(path, self.spot(node, frame))

    def note(self, path: str, spot: Spot, args: Args | None = None) -> None:
        """The same for a spot; `args` where the symbol is called there."""
        given: dict[str, Arg] | None = None
        if args is not None:
            given = {str(i): to_arg(value, args.spot_of(i, "")) for i, value in enumerate(args.positional)}
            given |= {name: to_arg(value, args.spot_of(None, name)) for name, value in args.keywords.items()}
            given |= {"**": Arg(Unknown("an unknown **"), spot)} if args.open else {}
        guarded = self.guarded > 0 or any(map(self._asks, self.facts))
        self.program.uses.append(Use(path, spot, guarded, self.context, self.time, given))

    def _asks(self, condition: Opaque) -> bool:
        found = self.asking.get(condition)
        if found is None:
            found = self.asking[condition] = guards(condition)
        return found

    def store(self, variables: Dict, name: Any, value: Value) -> None:
        """Write a variable, an attribute or an item, so that a branch can take it back."""
        self.journal.touch(variables)
        variables[name] = value

    def settled(self, value: Value) -> Value:
        """The value under what is known about conditions here."""
        while isinstance(value, Choice):
            fact = self.truth_of(value.condition)
            if fact is None:
                return value
            value = value.then if fact else value.other
        return value

    def truth_of(self, condition: Opaque) -> bool | None:
        """What is known of a condition here."""
        if not self.facts:
            return None
        if condition in self.facts:
            return self.facts[condition]
        if condition.key and condition.key[0] == "not":
            fact = self.truth_of(condition.key[1])  # type: ignore[arg-type]
            return None if fact is None else not fact
        return None

    def assuming(self, condition: Opaque, truth: bool) -> Assuming:
        """Run the body under a condition."""
        return Assuming(self, condition, truth)

    def suppose(self, condition: Opaque, truth: bool) -> None:
        self.facts = {**self.facts, condition: truth}
        if condition.key and condition.key[0] == "not":
            self.facts[condition.key[1]] = not truth  # type: ignore[index]

    def within(self, **changes: Any) -> Within:
        """Run the body in a changed context."""
        key = (self.context, *changes.items())
        context = self.contexts.get(key)
        if context is None:
            context = self.contexts[key] = replace(self.context, **changes)
        return Within(self, context)

    def fork(
        self,
        condition: Opaque,
        then: Callable[[], Completion],
        other: Callable[[], Completion],
        frame: Frame | None = None,
    ) -> Completion:
        """Run both sides of an unknown branch from the same state, and join what they leave behind."""
        first, left_first = self._side(condition, True, then, frame)
        second, left_second = self._side(condition, False, other, frame)
        self.spend(sum(len(row[1]) for row in (*left_first.values(), *left_second.values())))
        if first is None and second is None:
            self.journal.join(condition, left_first, left_second)
            return None
        goes_on = left_first if first is None else left_second
        ends = left_second if first is None else left_first
        if first is not None and second is not None:
            kept = {key: row for key, row in {**left_first, **left_second}.items() if not self._is_frame(row[0], frame)}
            self.journal.join(
                condition,
                {k: v for k, v in left_first.items() if k in kept},
                {k: v for k, v in left_second.items() if k in kept},
            )
            return first if first == second else (RETURN if RETURN in (first, second) else BREAK)
        self.journal.adopt(goes_on)
        self.suppose(condition, first is None)  # Until the function, or the round of the loop, ends.
        if first == RETURN or second == RETURN:
            lost = {k: v for k, v in ends.items() if k not in goes_on and not self._is_frame(v[0], frame)}
            self.journal.join(condition, lost, {})
        return None

    def _side(
        self, condition: Opaque, truth: bool, run: Callable[[], Completion], frame: Frame | None
    ) -> tuple[Completion, dict[int, Any]]:
        returned = len(frame.returns) if frame is not None else 0
        self.journal.begin()
        done = False
        try:
            with self.assuming(condition, truth):
                completion = run()
            done = True
        finally:
            left = self.journal.end(keep=not done)
        if completion == RETURN and frame is not None:
            for index in range(returned, len(frame.returns)):
                frame.returns[index] = self._detached(frame.returns[index], left)
        return completion, left

    @staticmethod
    def _is_frame(container: Any, frame: Frame | None) -> bool:
        while frame is not None:
            if container is frame.variables:
                return True
            frame = frame.parent
        return False

    def _detached(self, value: Value, left: dict[int, Any]) -> Value:
        """A returned model as it was where the branch returned it; the original goes on as it was before the branch."""
        entries = getattr(value, "entries", None)
        row = left.get(id(entries)) if entries is not None else None
        if row is None:
            return value
        copy = replace(
            value, entries=List(row[1]), calls=[], nodes=[], events=list(value.events), writes=list(value.writes)
        )
        self.program.models.append(copy)
        self.program.layers.append(copy)
        del left[id(entries)]
        return copy

    def truth(self, value: Value) -> bool | Opaque:
        """Whether a value is true, or the condition that decides it."""
        value = self.settled(value)
        if value is None or isinstance(value, (bool, int, float, str, bytes, tuple, range)):
            return bool(value)
        if isinstance(value, (List, Dict)):
            return True if value else (Opaque("open") if value.open else False)
        if isinstance(value, Opaque):
            fact = self.truth_of(value)
            return value if fact is None else fact
        if isinstance(value, Choice):
            sides = {self.truth(leaf) if not isinstance(leaf, Opaque) else None for leaf in value.leaves()}
            if len(sides) == 1 and isinstance(only := sides.pop(), bool):
                return only
            if self.truth(value.then) is True and self.truth(value.other) is False:
                return value.condition
            return self.derived("truth", value)
        if isinstance(value, Assumed):
            return self.derived("assumed", value)
        if isinstance(value, (Tensor, Array)):
            return Opaque("data")
        if isinstance(value, Symbol) and not canonical(value.path).startswith(_CALLABLES):
            return self.derived("truth", value.path)
        return True

    def derived(self, *key: object) -> Opaque:
        """The condition derived from these parts: the same object whenever it is derived again."""
        parts = tuple([part if type(part) in _ITSELF else id(part) for part in key])
        found = self.compared.get(parts)
        if found is None:
            found = self.compared[parts] = Opaque("a condition", key)
        return found

    def choose(self, condition: Opaque, then: Value, other: Value) -> Value:
        """One of two values."""
        return choose(condition, then, other)

    def each(self, value: Value, act: Callable[[Value], Value], depth: int = 0) -> Value:
        """Do the same to each alternative of a Choice, in branches of their own."""
        value = self.settled(value)
        if not isinstance(value, Choice):
            return act(value)
        if depth > 3 or len(value.leaves()) > 4:
            return Opaque("too many alternatives")
        results: list[Value] = [ABSENT, ABSENT]

        def side(index: int, alternative: Value) -> Completion:
            if alternative is not ABSENT:
                results[index] = self.each(alternative, act, depth + 1)
            return None

        choice = value
        self.fork(choice.condition, lambda: side(0, choice.then), lambda: side(1, choice.other))
        return self.choose(choice.condition, results[0], results[1])
