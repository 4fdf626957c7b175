"""Imports that lead to other files of the project, each of which is evaluated once a program."""

from __future__ import annotations

import pathlib

from ..module import Module
from ..symbols import canonical, function_in, unimported
from ..values.bound import Symbol
from ..values.code import Frame, Pending
from ..values.containers import Scope
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Opaque, Value
from ..values.lifted import may_be_absent

MAX_DEPTH = 8

_LIBRARIES = frozenset(
    "numpy np tf keras tensorflow torch jax pandas sklearn scipy matplotlib cv2 PIL os sys re math typing collections "
    "functools".split()
)


def imported(m: Evaluator, module: Module, name: str) -> Value:
    """What `import name` gives: a library's symbol, or another file of the project, which is opened when it is used."""
    top = name.split(".")[0]
    root = canonical(name).split(".")[0]
    follows = name.startswith("keras.src.applications") and m.exact
    if module.file is None or ((top in _LIBRARIES or root in _LIBRARIES) and not follows):
        return Symbol(name)
    if m.project.find(module, name) is None:
        return Symbol(name) if not name.startswith(".") else Opaque(f"the module {name}", name)
    return Pending(module, name)


def arrived(m: Evaluator, pending: Pending) -> Value:
    """What a pending import stands for."""
    found = m.project.find(pending.importer, pending.base)
    frame = None if found is None else load(m, pending.importer, found)
    if frame is None:
        return Opaque(f"the module {pending.base}", pending.base)
    return member(m, frame, pending.name) if pending.name else frame


def member(m: Evaluator, frame: Frame, name: str) -> Value:
    """A module's variable, what its star imports bring, or a file of the package."""
    if name in frame.variables:
        value = frame.variables[name]
        if isinstance(value, Pending):
            if value in m.arriving:  # `from package import module`, in the package itself.
                return submodule(m, frame, name)
            m.arriving.append(value)
            value = frame.variables[name] = arrived(m, value)
            m.arriving.pop()
        return m.settled(value)
    found = starred(m, frame, name)
    found = brought(frame, name) if found is ABSENT else found
    found = submodule(m, frame, name) if found is ABSENT else found
    if found is ABSENT and len(frame.libraries) == 1 and not name.startswith("_"):
        return Symbol(frame.libraries[0]).member(name)  # Where else should it come from?
    return found


def brought(frame: Frame, name: str) -> Value:
    """What star imports of libraries have brought under this name; ABSENT where that is anybody's guess."""
    if not frame.variables.open:
        return ABSENT
    path = unimported(name) or function_in(frame.libraries, name)
    return ABSENT if path is None else Symbol(path)


def has(m: Evaluator, frame: Frame, name: str) -> bool | None:
    """Whether a module has a name; None where that is not known.

    It lacks one only where it is evaluated to its end, and where nothing but what is known binds names.
    """
    if name in frame.variables:
        return None if may_be_absent(frame.variables[name]) else True
    file = frame.module.file
    if file is None or frame in m.importing or frame.stars or frame.variables.open or "__getattr__" in frame.variables:
        return None
    return file.name == "__init__.py" and m.project.file_in(file.parent, name) is not None


def starred(m: Evaluator, frame: Frame, name: str) -> Value:
    """What a star import of another file brings under this name; ABSENT where none does."""
    for pending in reversed(frame.stars):
        if pending in m.arriving:
            continue
        m.arriving.append(pending)
        try:
            module = arrived(m, pending)
            if isinstance(module, Frame) and not name.startswith("_"):
                if name in module.variables:
                    return member(m, module, name)
                found = starred(m, module, name)
                found = brought(module, name) if found is ABSENT else found
                if found is not ABSENT:
                    return found
        finally:
            m.arriving.pop()
    return ABSENT


def load(m: Evaluator, importer: Module, file: pathlib.Path) -> Frame | None:
    """Another file as the frame its statements leave behind; None where it cannot be read."""
    key = str(file)
    if key in m.modules:
        return m.modules[key]
    if len(m.importing) >= MAX_DEPTH:
        return None
    module = m.project.module(file, importer)
    if module is None:
        return None
    dotted = f"{module.package}.{file.stem}" if module.package else file.stem
    frame = Frame(
        module,
        Scope({"__name__": dotted if file.name != "__init__.py" else module.package, "__file__": Opaque("__file__")}),
    )
    m.modules[key] = frame
    m.importing.append(frame)
    stack, m.stack = m.stack, ()
    try:
        with m.aside(), m.within(kind="build", functions=(), tape=None, purpose=None, because=""):
            m.execute(module.draft.statements, frame)
    finally:
        m.importing.pop()
        m.stack = stack
    return frame


def submodule(m: Evaluator, frame: Frame, name: str) -> Value:
    """`package.name` where the package's `__init__` does not bind the name: a file of the package, or ABSENT."""
    file = frame.module.file
    if file is not None and file.name == "__init__.py":
        found = m.project.file_in(file.parent, name)
        if found is not None:
            loaded = load(m, frame.module, found)
            if loaded is not None:
                return loaded
    return ABSENT
