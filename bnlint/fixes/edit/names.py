"""How the source at hand writes things: literals, and the names of Keras's classes and where they come from."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

import libcst as cst

from ...catalog.modules import LAYERS, OLD_LAYERS
from ...rulebook.change import Snippet
from .rows import imported
from .tree import NotFixed, Positions, Tree, reads, walk


def literal(tree: Tree, value: object) -> str:
    """A value as source; strings take the quotes that the file uses more often."""
    if isinstance(value, Snippet):
        return value.text
    if isinstance(value, str) and value.isprintable() and not set(value) & set("'\"\\"):
        return f"{tree.layout.quote}{value}{tree.layout.quote}"
    return repr(value)


def class_name(tree: Tree, like: cst.CSTNode, kind: str) -> str:
    """What to call a class of keras.layers where `like` makes one of Keras's layers; imports it where that is needed.

    Raises NotFixed where the file does not show where that class is to be had.
    """
    imports = tree.layout.imports
    func = like.func if isinstance(like, cst.Call) else None
    if isinstance(func, cst.Attribute) and _is_layers(tree, func.value, imports):
        return f"{tree.code(func.value)}.{kind}"
    froms = [node for node in imports if isinstance(node, cst.ImportFrom) and _from_layers(tree, node)]
    beside = [
        (node, alias)
        for node in froms
        for alias in aliases_of(node)
        if isinstance(func, cst.Name) and bound_name(alias) == func.value
    ]
    named = [alias for node in froms for alias in aliases_of(node) if _name(alias.name) == kind]
    if named and (not beside or len(named) == len(beside)):
        return bound_name(named[0])
    if any(isinstance(node.names, cst.ImportStar) for node in froms):
        return kind
    if beside:
        if kind in tree.layout.named:
            raise NotFixed(f"{kind} is something else in this file")
        for node, _ in beside:
            add_name(tree, aliases_of(node), kind)
        return kind
    return f"{_layers(tree, imports)}.{kind}"


def aliases_of(node: cst.ImportFrom | cst.Import) -> Sequence[cst.ImportAlias]:
    """The names that an import imports, none for a star."""
    return () if isinstance(node.names, cst.ImportStar) else node.names


def _name(node: cst.CSTNode) -> str:
    return node.value if isinstance(node, cst.Name) else ""


def bound_name(alias: cst.ImportAlias) -> str:
    """The variable that an import binds, "" for the packages of a dotted name."""
    return _name(alias.asname.name if alias.asname else alias.name)


def module_of(tree: Tree, node: cst.ImportFrom) -> str:
    """The module that names are imported from, "" for a relative one."""
    return tree.code(node.module) if node.module is not None and not node.relative else ""


def _from_layers(tree: Tree, node: cst.ImportFrom) -> bool:
    """Whether names of Keras's layers are imported from a module that has them all."""
    return module_of(tree, node) in LAYERS


def _is_layers(tree: Tree, node: cst.BaseExpression, imports: Sequence[cst.Import | cst.ImportFrom]) -> bool:
    """Whether an expression, in which a class of Keras's layers is found, is the module that has them all."""
    dotted = _dotted(tree, node, imports)
    return dotted.split(".")[-1] == "layers" and dotted not in OLD_LAYERS and not dotted.startswith(".")


def _dotted(tree: Tree, node: cst.BaseExpression, imports: Sequence[cst.Import | cst.ImportFrom]) -> str:
    """A dotted name with what its first part was imported as."""
    first, dot, rest = tree.code(node).partition(".")
    for one in imports:
        for alias in aliases_of(one):
            if bound_name(alias) == first:
                within = f"{module_of(tree, one)}." if isinstance(one, cst.ImportFrom) else ""
                return f"{within}{tree.code(alias.name)}{dot}{rest}"
    return tree.code(node)


def _layers(tree: Tree, imports: Sequence[cst.Import | cst.ImportFrom]) -> str:
    """How this file can say keras.layers, as far as its imports at the top show."""
    for node in imports:
        if tree.above(node, (cst.FunctionDef, cst.ClassDef)) is not None:
            continue
        within = f"{module_of(tree, node)}." if isinstance(node, cst.ImportFrom) else ""
        for alias in aliases_of(node):
            whole, name = f"{within}{tree.code(alias.name)}", bound_name(alias) or tree.code(alias.name)
            rest = next((known for known in LAYERS if known == whole or known.startswith(f"{whole}.")), None)
            if whole == "tensorflow":
                rest = "tensorflow.keras.layers"
            if rest is not None:
                return name + rest[len(whole) :]
    raise NotFixed("how to name another of Keras's layers is not clear here")


def add_name(tree: Tree, aliases: Sequence[cst.ImportAlias], kind: str) -> None:
    """Import one more name with these: in its place in the alphabet where they follow it, else behind the others."""
    names = [_name(alias.name) for alias in aliases]
    index = len(names)
    orders: tuple[Callable[[str], Any], ...] = (str.lower, str, _by_type)
    for key in orders:
        if len(names) > 1 and names == sorted(names, key=key):
            index = next((place for place, name in enumerate(names) if key(name) > key(kind)), index)
            break
    imported(tree, aliases).insert(index, kind)


def _by_type(name: str) -> tuple[int, str]:
    """The order in which isort puts names by default: constants, classes, functions."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name.lower()


def imported_names(layout: Positions) -> set[str]:
    """The names that are imported from modules."""
    froms = (node for node in layout.imports if isinstance(node, cst.ImportFrom))
    return {bound_name(alias) for node in froms for alias in aliases_of(node)}


def without_unused(had: Counter[str], after: str, path: str) -> str:
    """A text without the imported names that a change left unused. `had`: how often names were read before it."""
    if PurePath(path).name == "__init__.py":
        return after
    has = reads(ast.parse(after))
    gone = {name for name in had if name not in has}
    if not gone:
        return after
    module = cst.parse_module(after)
    tree = Tree(Positions(module, after))
    for node in walk(module):
        if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
            _drop_names(tree, node, gone)
    new = tree.rebuilt()
    return new if new == after else without_unused(had, new, path)


def _drop_names(tree: Tree, node: cst.ImportFrom, gone: set[str]) -> None:
    aliases = list(aliases_of(node))
    unused = [index for index, alias in enumerate(aliases) if bound_name(alias) in gone]
    line = tree.parent(node)
    if not unused or not isinstance(line, cst.SimpleStatementLine):
        return
    if len(unused) < len(aliases):
        imported(tree, aliases).remove(unused[0])
    elif len(line.body) == 1 and isinstance(tree.parent(line), cst.Module):
        start, end = tree.line_start(tree.range(node)[0]), tree.range(line)[1]
        tree.replace(start, end, "")
