"""What imports, functions and classes bind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import libcst as cst

from ..library.enums import is_enumeration, make_members
from ..library.records import named_class, prepare
from ..library.subclasses import keras_base
from ..values.args import Args
from ..values.bound import Partial, Symbol
from ..values.branches import Completion
from ..values.code import Bound, Class, Frame, Func, Instance, Pending
from ..values.containers import Scope
from ..values.evaluator import Evaluator
from ..values.kind import Value
from .importing import imported
from .parameters import defaults
from .targets import assign


def dotted(node: Any) -> str:
    """A dotted name's text."""
    return node.value if isinstance(node, cst.Name) else f"{dotted(node.value)}.{node.attr.value}"


def _import(m: Evaluator, node: cst.Import, frame: Frame) -> Completion:
    for alias in node.names:
        path = dotted(alias.name)
        if path.rsplit(".", 1)[-1] in m.watched:
            m.note(path, m.spot(alias, frame))
        if alias.asname is not None:
            assign(m, alias.asname.name, imported(m, frame.module, path), frame)
        else:
            top = path.split(".")[0]
            m.store(frame.variables, top, imported(m, frame.module, top))
    return None


def _import_from(m: Evaluator, node: cst.ImportFrom, frame: Frame) -> Completion:
    base = "." * len(node.relative) + (dotted(node.module) if node.module is not None else "")
    base = _absolute(frame.module.package, base)
    if base == "__future__":
        return None
    module = imported(m, frame.module, base)
    if isinstance(module, Symbol) and base.rsplit(".", 1)[-1] in m.watched:
        m.note(base, m.spot(node, frame))
    if isinstance(node.names, cst.ImportStar):
        if isinstance(module, Pending):
            frame.stars.append(module)
        else:
            frame.variables.open = True
            if isinstance(module, Symbol):
                frame.libraries.append(module.path)
        return None
    for alias in node.names:
        name = dotted(alias.name)
        if name in m.watched and isinstance(module, Symbol):
            m.note(f"{module.path}.{name}", m.spot(alias, frame))
        value = (
            Pending(frame.module, base, name)
            if isinstance(module, Pending)
            else m.attribute(module, name, m.spot(alias, frame))
        )
        assign(m, alias.asname.name if alias.asname is not None else alias.name, value, frame)
    return None


def _absolute(package: str, base: str) -> str:
    """A relative module name in an own package of Keras's is a library name; any other is left to the project."""
    level = len(base) - len(base.lstrip("."))
    if level and package.split(".")[0] in ("keras", "tf_keras", "tensorflow"):
        parts = package.split(".")
        return ".".join([*parts[: len(parts) - level + 1], *([base.lstrip(".")] if base.lstrip(".") else [])])
    return base


def _function(m: Evaluator, node: cst.FunctionDef, frame: Frame) -> Completion:
    names = _decorators(node)
    func = Func(node, frame, node.name.value, defaults(m, node.params, frame), decorators=names)
    m.functions.append(func)
    m.enclosing.append(frame)
    m.store(
        frame.variables, f"{func.name}.setter" if "setter" in names else func.name, _decorated(m, node, func, frame)
    )
    return None


def imports_what_is_there(body: Iterable[cst.CSTNode]) -> bool:
    """Whether statements only import whole libraries without which no program is evaluated: these do not raise."""
    small = [one for line in body for one in (line.body if isinstance(line, cst.SimpleStatementLine) else [line])]
    aliases = [alias for one in small if isinstance(one, cst.Import) for alias in one.names]
    return all(isinstance(one, cst.Import) for one in small) and all(dotted(one.name) in _THERE for one in aliases)


_THERE = ("tensorflow", "keras", "numpy", *sys.stdlib_module_names)


def _decorators(node: cst.FunctionDef | cst.ClassDef) -> tuple[str, ...]:
    """The last parts of the decorators' names, "" for what is no name."""
    called = (one.decorator for one in node.decorators)
    names = (dotted_or(one.func if isinstance(one, cst.Call) else one) for one in called)
    return tuple(name.rpartition(".")[2] for name in names)


def _decorated(m: Evaluator, node: cst.FunctionDef | cst.ClassDef, value: Value, frame: Frame) -> Value:
    """What the project's own decorators make of a function or class; those of libraries leave it as it is."""
    for decorator in reversed(node.decorators):
        wrapper = m.evaluate(decorator.decorator, frame)
        if isinstance(wrapper, (Func, Bound, Class)):
            result = m.call(wrapper, Args(m.spot(decorator, frame), [value]))
            value = result if isinstance(result, (Func, Bound, Class, Instance, Partial)) else value
    return value


def _class(m: Evaluator, node: cst.ClassDef, frame: Frame) -> Completion:
    bases = [m.evaluate(arg.value, frame) for arg in node.bases]
    scope = Frame(frame.module, Scope(), frame, node.name.value)
    cls = Class(node.name.value, node, frame, bases, scope.variables)
    first = len(m.functions)
    m.execute(node.body.body, scope)
    for func in m.functions[first:]:
        if func.frame is scope:
            func.owner, func.frame = cls, frame
    if any(name.endswith("dataclass") for name in _decorators(node)):
        prepare(cls)
    m.enclosing.append(frame)
    cls.keras, cls.testing = keras_base(bases), cls.is_test_case()
    m.classes.append(cls)
    if is_enumeration(cls):
        make_members(cls)
    m.store(frame.variables, node.name.value, named_class(cls) or _decorated(m, node, cls, frame))
    return None


def dotted_or(node: Any) -> str:
    """A dotted name's text, "" for anything else."""
    try:
        return dotted(node)
    except AttributeError:
        return ""


DEFINITIONS: dict[type, Callable[..., Completion]] = {
    cst.Import: _import,
    cst.ImportFrom: _import_from,
    cst.FunctionDef: _function,
    cst.ClassDef: _class,
}
