"""Imports that lead to other files of the project: found, parsed once a process, evaluated once a program."""

from __future__ import annotations

import pathlib
from collections import OrderedDict

import libcst as cst

from ..gate import Refused, read_text
from .machine import Machine
from .module import Module
from .symbols import canonical
from .values import ABSENT, Dict, Frame, Opaque, Pending, Symbol, Value

MAX_DEPTH = 8
MAX_SIZE = 600_000
KEPT = 1_500_000
"""How many characters of parsed modules a process keeps."""

_LIBRARIES = frozenset(
    {
        "numpy",
        "np",
        "tf",
        "keras",
        "tensorflow",
        "torch",
        "jax",
        "pandas",
        "sklearn",
        "scipy",
        "matplotlib",
        "cv2",
        "PIL",
        "os",
        "sys",
        "re",
        "math",
        "typing",
        "collections",
        "functools",
    }
)
_parsed: OrderedDict[pathlib.Path, tuple[int, Module | None]] = OrderedDict()


def search_path(file: pathlib.Path) -> list[pathlib.Path]:
    """Where a file's absolute imports are looked up: its own folder, its package's parent, and src beside them."""
    folders = [file.parent]
    package = file.parent
    while (package / "__init__.py").is_file() and package.parent != package:
        package = package.parent
    folders.append(package)
    if not (file.parent / "__init__.py").is_file():
        folders.append(file.parent.parent)
    folders += [folder / "src" for folder in folders]
    return list(dict.fromkeys(folders))


def package_of(file: pathlib.Path) -> str:
    """The dotted name of the package that holds the file, "" where it is none."""
    parts: list[str] = []
    folder = file.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def imported(m: Machine, module: Module, name: str) -> Value:
    """What `import name` gives: a library's symbol, or another file of the project, which is opened when it is used."""
    top = name.split(".")[0]
    root = canonical(name).split(".")[0]
    follows = name.startswith("keras.src.applications") and m.exact
    if module.file is None or ((top in _LIBRARIES or root in _LIBRARIES) and not follows):
        return Symbol(name)
    if _find(module, name) is None:
        return Symbol(name) if not name.startswith(".") else Opaque(f"the module {name}")
    return Pending(module, name)


def arrived(m: Machine, pending: Pending) -> Value:
    """What a pending import stands for."""
    found = _find(pending.importer, pending.base)
    frame = None if found is None else load(m, pending.importer, found)
    if frame is None:
        return Opaque(f"the module {pending.base}")
    return member(m, frame, pending.name) if pending.name else frame


def member(m: Machine, frame: Frame, name: str) -> Value:
    """A module's variable, what its star imports bring, or a file of the package."""
    if name in frame.variables:
        value = frame.variables[name]
        if isinstance(value, Pending):
            if value in m.arriving:
                return Opaque("an import cycle")
            m.arriving.append(value)
            value = frame.variables[name] = arrived(m, value)
            m.arriving.pop()
        return m.settled(value)
    found = starred(m, frame, name)
    return submodule(m, frame, name) if found is ABSENT else found


def starred(m: Machine, frame: Frame, name: str) -> Value:
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
                if found is not ABSENT:
                    return found
        finally:
            m.arriving.pop()
    return ABSENT


def _find(module: Module, name: str) -> pathlib.Path | None:
    assert module.file is not None
    if name.startswith("."):
        level = len(name) - len(name.lstrip("."))
        folder = module.file.parent
        for _ in range(level - 1):
            folder = folder.parent
        return _file_in(folder, name.lstrip("."))
    installed = module.package.split(".")[0] != name.split(".")[0]
    for folder in module.search:
        if installed and folder.name in ("site-packages", "dist-packages"):
            continue
        found = _file_in(folder, name)
        if found is not None and found != module.file:
            return found
    return None


def _file_in(folder: pathlib.Path, name: str) -> pathlib.Path | None:
    path = folder.joinpath(*name.split(".")) if name else folder
    for candidate in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def load(m: Machine, importer: Module, file: pathlib.Path) -> Frame | None:
    """Another file as the frame its statements leave behind; None where it cannot be read."""
    key = str(file)
    if key in m.modules:
        return m.modules[key]
    if len(m.importing) >= MAX_DEPTH:
        return None
    module = _parse(file, m.shown(file), importer)
    if module is None:
        return None
    dotted = f"{module.package}.{file.stem}" if module.package else file.stem
    frame = Frame(
        module,
        Dict({"__name__": dotted if file.name != "__init__.py" else module.package, "__file__": Opaque("__file__")}),
    )
    m.modules[key] = frame
    m.importing.append(frame)
    saved = m.stack, m.context, m.facts, m.optional
    m.stack, m.facts, m.optional = (), {}, 0
    try:
        with m.journal.aside(), m.within(kind="build", functions=(), tape=None, purpose=None, because=""):
            m.execute(module.tree.body, frame)
    finally:
        m.importing.pop()
        m.stack, m.context, m.facts, m.optional = saved
    return frame


def _parse(file: pathlib.Path, shown: str, importer: Module) -> Module | None:
    try:
        modified = file.stat().st_mtime_ns
        kept = _parsed.get(file)
        if kept is not None and kept[0] == modified:
            _parsed.move_to_end(file)
            return kept[1]
        data = file.read_bytes()
        text = read_text(data) if len(data) <= MAX_SIZE else None
    except (OSError, Refused):
        return None
    module = None if text is None else Module(shown, text, cst.parse_module(text), package=package_of(file), file=file)
    if module is not None:
        module.search = list(dict.fromkeys([*search_path(file), *importer.search]))
    _parsed[file] = (modified, module)
    _parsed.move_to_end(file)
    while sum(len(kept.text) for _, kept in _parsed.values() if kept is not None) > KEPT:
        _parsed.popitem(last=False)
    return module


def tree_of(text: str, file: pathlib.Path | None) -> cst.Module:
    """A text's tree: the one that importers of its file have met, or a new one, which is not kept."""
    _, module = _parsed.get(file, (0, None)) if file is not None else (0, None)
    return module.tree if module is not None and module.text == text else cst.parse_module(text)


def submodule(m: Machine, frame: Frame, name: str) -> Value:
    """`package.name` where the package's `__init__` does not bind the name: a file of the package, if there is one."""
    file = frame.module.file
    if file is not None and file.name == "__init__.py":
        found = _file_in(file.parent, name)
        if found is not None:
            loaded = load(m, frame.module, found)
            if loaded is not None:
                return loaded
    return Opaque(f"{name} of a module")
