"""The evaluator, put together: its tables, the project's functions and modules, and what it gives up."""

from __future__ import annotations

from contextlib import suppress

import libcst as cst

from ....fault import Fault
from ....findings import Place
from ....graph import Context, Layer, Model, Program
from ..library import applying, sequential, subclasses
from ..project import Project
from ..values.args import Args
from ..values.branches import OutOfFuel
from ..values.code import Class, Frame, Func, Pending
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Value
from . import calling, importing
from .expressions import EXPRESSIONS
from .statements import STATEMENTS

TOO_DEEP = "values in values, or calls in calls, too deep"


class Machine(Evaluator):
    """Evaluates one program."""

    def __init__(self, program: Program, project: Project) -> None:
        super().__init__(program, project, EXPRESSIONS, STATEMENTS)
        self.exhausted = ""

    def call_function(self, func: Func, args: Args, receiver: Value = ABSENT) -> Value:
        return calling.call_function(self, func, args, receiver)

    def enter(self, func: Func, receiver: Value = ABSENT) -> Value:
        return calling.enter(self, func, receiver)

    def instantiate(self, cls: Class, args: Args) -> Value:
        return subclasses.instantiate(self, cls, args)

    def arrived(self, pending: Pending) -> Value:
        return importing.arrived(self, pending)

    def member(self, module: Frame, name: str) -> Value:
        return importing.member(self, module, name)

    def has(self, module: Frame, name: str) -> bool | None:
        return importing.has(self, module, name)

    def apply(self, layer: Layer, args: Args) -> Value:
        return applying.apply(self, layer, args)

    def connect(self, model: Model) -> None:
        if model.style == "sequential":
            sequential.chain(self, model)

    def dissolve(self) -> None:
        """Let go of all but the graph, so that no cycle keeps the syntax trees."""
        for frame in (*self.enclosing, *self.modules.values()):
            frame.variables.clear()
            frame.returned = None
        for cls in self.classes:
            cls.members.clear()
        for instance in self.instances:
            instance.attributes.clear()
        self.__dict__.clear()

    def reset(self) -> None:
        """Forget what was under way when the fuel ran out."""
        self.stack = ()
        self.context = Context(testing=self.program.testing)
        self.running.clear()
        self.inside.clear()
        self.recording.clear()
        self.forget()

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
