"""The step that freezes the batch normalization layers of a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import libcst as cst

from ...graph import Origin
from ...rulebook.change import Freeze
from .names import class_name
from .rewriting import start_of
from .slots import block_of, index_of, lines_of, statement_of
from .tree import NotFixed, Tree, names_in, walk

Node = Callable[[Origin], cst.CSTNode]
_Statement = cst.SimpleStatementLine | cst.For

_LAYERS = re.compile(r"(?P<network>.+)\.layers(\[[^\[\]]*\])?")
"""What a loop over a network's layers, or a slice of them, goes over."""


def _freeze(step: Freeze, tree: Tree, node: Node) -> None:
    spot = node(step.origin)
    if isinstance(spot, cst.Attribute):
        network, statement = _assigned_to(tree, spot)
    else:
        network, statement = _made_in(tree, spot)
    if step.network is not None:
        network = _name_there(tree, node(step.network), statement)
    for following in _behind(tree, statement):
        if _looped_over(tree, following) != network:
            break
        statement = following
    like = node(step.like)
    kind = class_name(tree, like.value if isinstance(like, (cst.Arg, cst.Element)) else like, "BatchNormalization")
    layer, inner = _loop_variable(tree, statement), tree.module.default_indent
    lines = [
        f"for {layer} in {network}.layers:",
        f"{inner}if isinstance({layer}, {kind}):",
        f"{inner}{inner}{layer}.trainable = False",
    ]
    _write_behind(tree, statement, lines)


def _assigned_to(tree: Tree, target: cst.Attribute) -> tuple[str, _Statement]:
    """The network whose `trainable` is assigned to, or over whose layers a loop does that, and where this ends."""
    owner = target.value
    loop = tree.above(target, cst.For)
    while loop is not None and not any(name.value == tree.code(owner) for name in names_in(loop.target)):
        above = tree.parent(loop)
        loop = tree.above(above, cst.For) if above is not None else None
    if loop is not None:
        network = _looped_over(tree, loop)
        if not network:
            raise NotFixed("the loop does not go over the layers of a network")
        return network, loop
    if not isinstance(owner, (cst.Name, cst.Attribute)):
        raise NotFixed("the network has no name")
    return tree.code(owner), statement_of(tree, target)


def _looped_over(tree: Tree, statement: cst.CSTNode) -> str:
    """The network over whose layers a loop goes; "" for other statements."""
    found = _LAYERS.fullmatch(tree.code(statement.iter)) if isinstance(statement, cst.For) else None
    return found["network"] if found else ""


def _made_in(tree: Tree, construction: cst.CSTNode) -> tuple[str, _Statement]:
    """The name that a network is given, and the statement that makes it."""
    assign = tree.parent(construction)
    if not isinstance(assign, cst.Assign) or len(assign.targets) != 1:
        raise NotFixed("the network has no name")
    target = assign.targets[0].target
    if not isinstance(target, (cst.Name, cst.Attribute)):
        raise NotFixed("the network has no name")
    return tree.code(target), statement_of(tree, construction)


def _name_there(tree: Tree, construction: cst.CSTNode, statement: cst.CSTNode) -> str:
    """What a network is called at a statement, where that is sure."""
    name, made = _made_in(tree, construction)
    scope, here = tree.above(made, cst.FunctionDef), tree.above(statement, cst.FunctionDef)
    code = tree.code(scope or tree.module)
    assigned = re.findall(rf"(?<![\w.]){re.escape(name)}[ \t]*=(?!=)", code)
    inside = scope is None or scope is here
    if not inside or len(assigned) != 1 or tree.range(made)[0] > tree.range(statement)[0]:
        raise NotFixed(f"{name} may be something else here")
    return name


def _behind(tree: Tree, statement: cst.CSTNode) -> Iterator[cst.For]:
    """The loops that follow a statement directly."""
    block = block_of(tree, statement)
    for following in block[index_of(block, statement) + 1 :]:
        if not isinstance(following, cst.For):
            return
        yield following


def _loop_variable(tree: Tree, statement: cst.CSTNode) -> str:
    """A name for a layer: as other loops over layers have it, else `layer`, or what is not used for other things."""
    loops = [part for part in walk(tree.module) if isinstance(part, cst.For) and _looped_over(tree, part)]
    used = [part.target.value for part in loops if isinstance(part.target, cst.Name)]
    if used:
        return used[0]
    names = {name.value for name in names_in(tree.above(statement, cst.FunctionDef) or tree.module)}
    return "layer" if "layer" not in names else "each"


def _write_behind(tree: Tree, statement: _Statement, lines: list[str]) -> None:
    last = [part for part in walk(statement) if isinstance(part, (cst.SimpleStatementLine, cst.SimpleStatementSuite))]
    if isinstance(statement, cst.For):
        indent, end = tree.indent(start_of(tree, statement)), tree.range(last[-1])[1]
    else:
        start, end = lines_of(tree, statement)
        indent = tree.indent(start)
    tree.put_behind(end, tree.newline.join(f"{indent}{line}" for line in lines))


STEPS: Mapping[type, Callable[[Any, Tree, Node], None]] = {Freeze: _freeze}
