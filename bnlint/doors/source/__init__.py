"""The source door: Python text in, the graph out, by bounded partial evaluation. Nothing is imported or executed."""

from __future__ import annotations

import gc
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager

import libcst as cst

from ...graph import Model, Program
from ...inputs.code import Code
from ...inputs.suffixes import is_document
from .draft import deep
from .language.finish import complete_models, enter_the_rest, leave_open, mark_dropped
from .language.machine import Machine
from .module import Module
from .project import Project, opened
from .target import keras_1, keras_of, tensorflow_1
from .testing import holds_tests
from .values.branches import OutOfFuel
from .values.code import Frame
from .values.containers import Scope
from .values.kind import Opaque, layer_of

RECURSION_LIMIT = 6_000


def evaluate(
    code: Code | str,
    path: str,
    *,
    target: str = "auto",
    file: pathlib.Path | None = None,
    project: Project | None = None,
) -> Program:
    """The program that a Python text is.

    The text must have passed the gate; Refused where LibCST does not parse it even so. `path` is what findings show.
    `target` is "auto", "2", "3" or "3.N". `file` is where the text was read, an absolute path; None for a text from
    elsewhere, whose imports are not followed. `project` knows the other files of the run, and is given again and again.
    """
    project = project or Project()
    with _unhindered():
        program, module = _opened(_code(code), path, target, file, project)
        _run(program, module, project)
    if module.draft.unread:
        raise module.draft.unread[0]
    if is_document(path):  # It shows a training step, and says in words that there is a loop around it.
        for event in program.events:
            event.repeated = event.repeated or event.kind in ("train_on_batch", "tape")
    return program


def _code(given: Code | str) -> Code:
    return Code(given) if isinstance(given, str) else given


def _opened(code: Code, path: str, target: str, file: pathlib.Path | None, project: Project) -> tuple[Program, Module]:
    """An empty program for a text, and the text as a module."""
    text = code.text
    keras = keras_of(text, target, file, code.pins)
    program = Program(path, keras.major, keras.minor, keras.because, keras.explicit, tensorflow_1(text))
    program.keras_1, program.testing = keras_1(text), holds_tests(str(file or path), text)
    return program, opened(code, path, file, project.draft(code, file))


@contextmanager
def _unhindered() -> Iterator[None]:
    """Room for deep recursion, and no garbage collection meanwhile: it costs up to a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with deep(RECURSION_LIMIT):
            yield
    finally:
        if collecting:
            gc.enable()


def evaluate_entry(
    code: Code | str,
    path: str,
    entry: str,
    *,
    target: str = "auto",
    file: pathlib.Path | None = None,
    project: Project | None = None,
) -> Program:
    """The program that a module and one expression in it are: the module's statements, then the expression, exactly.

    Nothing else is entered. The expression's model is the last of `program.models`. Raises ValueError where the
    expression does not parse or gives no model. The other arguments are those of `evaluate`.
    """
    project = project or Project()
    program, module = _opened(_code(code), path, target, file, project)
    try:
        expression = cst.parse_expression(entry)
    except cst.ParserSyntaxError as error:
        raise ValueError(f"not an expression: {entry}") from error
    machine = Machine(program, project)
    machine.exact, machine.limit, machine.room = True, 20 * machine.limit, 5 * machine.room
    frame = Frame(module, Scope({"__name__": module.package or "__main__", "__file__": Opaque("__file__")}))
    with _unhindered():
        _execute(machine, frame)
        value = machine.evaluate(expression, frame)
        complete_models(machine, frame)
    model = layer_of(value)
    if not isinstance(model, Model):
        raise ValueError(f"{entry} gives no model, but {getattr(value, 'reason', '') or type(value).__name__}")
    program.models.remove(model)
    program.models.append(model)
    return program


def _run(program: Program, module: Module, project: Project) -> None:
    machine = Machine(program, project)
    main = module.file is None or module.file.name != "__init__.py"
    frame = Frame(
        module, Scope({"__name__": "__main__" if main else module.package, "__file__": Opaque("__file__")}), name=""
    )
    if module.file is not None:
        machine.modules[str(module.file)] = frame
    for stage in (_execute, enter_the_rest, complete_models, mark_dropped):
        try:
            stage(machine, frame)
        except Exception as reason:
            machine.give_up(reason)
            machine.reset()
    if machine.exhausted:
        program.notes.append(f"{program.path}: not followed to the end: {machine.exhausted}")
        leave_open(program)
    machine.dissolve()


def _execute(machine: Machine, frame: Frame) -> None:
    """Run a module's statements; one that raises does not keep the rest from being looked at."""
    body = frame.module.draft.statements
    for index in range(len(body)):
        try:
            machine.execute(body[index : index + 1], frame)
        except (OutOfFuel, RecursionError):
            raise
        except Exception as error:
            machine.give_up(error, body[index], frame)
            machine.reset()
