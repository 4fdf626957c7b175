"""The steps of a change, each carried out on the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import libcst as cst

from ...graph import Origin
from ...rulebook.change import (
    AddCall,
    AddStatement,
    Construct,
    ImportFrom,
    MoveCall,
    RemoveCall,
    Rename,
    Replace,
    Snippet,
    Step,
)
from . import arguments, freezing, rewriting
from .names import add_name, aliases_of, class_name, literal, module_of
from .slots import (
    Slot,
    between,
    block_of,
    drop_line,
    hole,
    index_of,
    line_behind,
    lines_of,
    put_behind,
    slot_of,
    statement_of,
    take_out,
)
from .tree import NotFixed, Tree, walk

Node = Callable[[Origin], cst.CSTNode]
"""Which node of the tree an origin is. Raises NotFixed where it is none of this file."""


def carry_out(step: Step, tree: Tree, node: Node) -> None:
    """Note the replacements that a step needs. Raises NotFixed where the source does not allow it."""
    _ALL[type(step)](step, tree, node)


def _replace(step: Replace, tree: Tree, node: Node) -> None:
    target = node(step.origin)
    expression = target.value if isinstance(target, (cst.Arg, cst.Element)) else target
    if isinstance(step.by, Snippet):
        tree.put(expression, step.by.text.replace("{}", tree.code(expression)))
    elif not hasattr(step.by, "place"):
        tree.put(expression, literal(tree, step.by))
    else:
        inner = node(cast(Origin, step.by))
        kept = inner.value if isinstance(inner, cst.Arg) else inner
        if not tree.holds(expression, kept):
            tree.put(expression, tree.code(kept))
            return
        # What stands around it goes, so that other steps may change what stays.
        (start, end), (first, last) = tree.range(expression), tree.range(kept)
        if "#" in tree.text[start:first] + tree.text[last:end]:
            raise NotFixed("a comment stands in what would go")
        tree.replace(start, first, "")
        tree.replace(last, end, "")


def _construct(step: Construct, tree: Tree, node: Node) -> None:
    target = node(step.origin)
    call = target.value if isinstance(target, (cst.Arg, cst.Element)) else target
    if not isinstance(call, cst.Call) or any(arg.star for arg in call.args):
        raise NotFixed("what the layer is made with is not all written here")
    name = class_name(tree, call, step.kind)
    there = [arg.keyword.value for arg in call.args if arg.keyword is not None]
    if len(there) == len(call.args) and set(there) == set(step.args):
        tree.put(call.func, name)
        return
    if "#" in tree.code(call):
        raise NotFixed("a comment may stand among the arguments")
    args = [tree.code(arg) for arg in call.args if arg.keyword is not None and arg.keyword.value in step.args]
    args += [f"{key}={literal(tree, value)}" for key, value in step.args.items() if key not in there]
    tree.put(call, f"{name}({', '.join(args)})")


def _rename(step: Rename, tree: Tree, node: Node) -> None:
    target = node(step.origin)
    call = target if isinstance(target, cst.Call) else tree.parent(target)
    if not isinstance(call, cst.Call) or (call is not target and call.func is not target):
        raise NotFixed("the layer is not made here")
    tree.put(call.func, class_name(tree, call, step.kind))


def _construction(tree: Tree, like: cst.CSTNode, step: AddCall) -> str:
    given = [literal(tree, value) for value in step.positional]
    given += [f"{name}={literal(tree, value)}" for name, value in step.args.items()]
    return f"{class_name(tree, like, step.kind)}({', '.join(given)})"


def _remove_call(step: RemoveCall, tree: Tree, node: Node) -> None:
    slot = slot_of(tree, node(step.call.origin))
    made = node(step.call.layer.origin)
    take_out(tree, slot)
    if not tree.holds(slot.node, made):
        _remove_construction(tree, made, slot)


def _remove_construction(tree: Tree, made: cst.CSTNode, slot: Slot) -> None:
    """Leave out the statement that makes a layer, which nothing but the slot may use."""
    statement = statement_of(tree, made)
    assign = statement.body[0]
    if not isinstance(assign, cst.Assign) or assign.value is not made or len(assign.targets) != 1:
        raise NotFixed("the layer is not made in a statement of its own")
    target = assign.targets[0].target
    name = tree.code(target)
    scope = tree.above(target, cst.ClassDef if isinstance(target, cst.Attribute) else (cst.FunctionDef, cst.Module))
    same = _alike(tree, scope or tree.module, type(target))[name]
    if any(part is not target and not tree.holds(slot.code, part) for part in same):
        raise NotFixed(f"{name} is used elsewhere too")
    drop_line(tree, statement)


def _alike(tree: Tree, scope: cst.CSTNode, kind: type[cst.CSTNode]) -> dict[str, list[cst.CSTNode]]:
    """The nodes of a kind in a scope, by their code."""
    found = tree.layout.alike.setdefault((id(scope), kind), {})
    if not found:
        for part in walk(scope):
            if isinstance(part, kind):
                found.setdefault(tree.code(part), []).append(part)
    return found


def _move_call(step: MoveCall, tree: Tree, node: Node) -> None:
    slot, after = slot_of(tree, node(step.call.origin)), slot_of(tree, node(step.after.origin))
    if [origin.key for origin in step.call.origin.stack] != [origin.key for origin in step.after.origin.stack]:
        raise NotFixed("the layers do not stand in one function")
    ahead = step.call.time < step.after.time
    between(tree, *((slot, after) if ahead else (after, slot)))
    around = (tree.code(slot.code), "") if slot.kind in ("element", "add") else hole(tree, slot)
    nested = tree.holds(after.code, slot.code) or tree.holds(slot.code, after.code)
    if not nested and slot.kind in ("element", "add") and slot.kind != after.kind:
        raise NotFixed("the layers are not written in the same way")
    remarks = take_out(tree, slot)
    lines = not nested and (slot.kind in ("assign", "return") or after.kind == "assign")
    put_behind(tree, after, around, remarks, lines=lines, column=tree.column(tree.range(slot.code)[0]))


def _add_call(step: AddCall, tree: Tree, node: Node) -> None:
    slot = slot_of(tree, node(step.after.origin))
    like = node(step.after.layer.origin)
    made = _construction(tree, like.value if isinstance(like, (cst.Arg, cst.Element)) else like, step)
    if slot.kind not in ("element", "add"):
        if step.after.context.kind == "call":
            made = _kept(tree, like, step.kind, made)
        put_behind(tree, slot, (f"{made}(", ")"), ("", ""), lines=_in_lines(tree, slot))
        return
    put_behind(tree, slot, (made, ""), ("", ""), lines=True)


def _in_lines(tree: Tree, slot: Slot) -> bool:
    """Whether the code at a slot is one of a run of statements `x = layer(x)`."""
    if slot.kind == "assign":
        return True
    if slot.kind != "return":
        return False
    given = slot.code.args[0].value if isinstance(slot.code, cst.Call) and slot.code.args else None
    block = block_of(tree, slot.node)
    before = block[index_of(block, slot.node) - 1 : index_of(block, slot.node)]
    assign = before[0].body[0] if before and isinstance(before[0], cst.SimpleStatementLine) else None
    target = assign.targets[0].target if isinstance(assign, cst.Assign) else None
    return isinstance(given, cst.Name) and target is not None and tree.code(target) == given.value


def _kept(tree: Tree, beside: cst.CSTNode, kind: str, made: str) -> str:
    """Make a new layer an attribute, behind the one that is made in the constructor; how `call` names it."""
    statement = statement_of(tree, beside)
    assign, cls = statement.body[0], tree.above(beside, cst.ClassDef)
    target = assign.targets[0].target if isinstance(assign, cst.Assign) and assign.value is beside else None
    if not isinstance(target, cst.Attribute) or cls is None:
        raise NotFixed("the layer beside it is not an attribute")
    base = f"{tree.code(target.value)}.{re.sub('(?<=[a-z])(?=[A-Z])', '_', kind).lower()}"
    name, code, number = base, tree.code(cls), 1
    while re.search(rf"{re.escape(name)}\b", code):
        number += 1
        name = f"{base}_{number}"
    line_behind(tree, statement, f"{name} = {made}")
    return name


def _add_statement(step: AddStatement, tree: Tree, node: Node) -> None:
    statement = statement_of(tree, node(step.origin))
    start, end = lines_of(tree, statement)
    indent = tree.indent(start)
    lines = tree.newline.join(f"{indent}{line}" for line in step.code.text.splitlines())
    if step.where == "before":
        tree.replace(start, start, f"{lines}{tree.newline}")
    else:
        tree.put_behind(end, lines)


def _import_from(step: ImportFrom, tree: Tree, node: Node) -> None:
    found = tree.above(node(step.origin), cst.ImportFrom)
    if found is None or found.module is None or found.relative:
        raise NotFixed("there is no `from … import` here")
    names, end = aliases_of(found), tree.range(found)[1]
    alone = len(names) == 1 and "#" not in tree.text[end : tree.line_end(end)]
    beside = _import_beside(tree, found, step.module) if alone else None
    if beside is None:
        tree.put(found.module, step.module)
    else:
        add_name(tree, aliases_of(beside), tree.code(names[0]))
        drop_line(tree, statement_of(tree, found))


def _import_beside(tree: Tree, found: cst.ImportFrom, module: str) -> cst.ImportFrom | None:
    """An import from that module, with nothing but imports between."""
    block = block_of(tree, statement_of(tree, found))
    place = index_of(block, statement_of(tree, found))
    for row in (reversed(block[:place]), block[place + 1 :]):
        for statement in row:
            small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
            if not isinstance(small, (cst.Import, cst.ImportFrom)):
                break
            if isinstance(small, cst.ImportFrom) and module_of(tree, small) == module and aliases_of(small):
                return small
    return None


_STEPS: Mapping[type, Callable[[Any, Tree, Node], None]] = {
    Replace: _replace,
    Construct: _construct,
    Rename: _rename,
    RemoveCall: _remove_call,
    MoveCall: _move_call,
    AddCall: _add_call,
    AddStatement: _add_statement,
    ImportFrom: _import_from,
}
_ALL = {**_STEPS, **arguments.STEPS, **freezing.STEPS, **rewriting.STEPS}
