"""The steps of a change, each carried out on the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import libcst as cst

from ..change import (
    AddCall,
    AddParameter,
    AddStatement,
    Code,
    Construct,
    ImportFrom,
    MoveCall,
    NameArgument,
    RemoveArgument,
    RemoveCall,
    Replace,
    SetArgument,
    Step,
)
from ..graph import Origin
from . import rewriting
from .names import class_name, literal
from .rows import arguments, parameters
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
from .tree import Refused, Tree, names_in, walk

Node = Callable[[Origin], cst.CSTNode]
"""Which node of the tree an origin is. Raises Refused where it is none of this file."""


def carry_out(step: Step, tree: Tree, node: Node) -> None:
    """Note the replacements that a step needs. Raises Refused where the source does not allow it."""
    (_STEPS.get(type(step)) or rewriting.STEPS[type(step)])(step, tree, node)


def _call_at(tree: Tree, node: cst.CSTNode) -> cst.Call:
    call = tree.above(node, cst.Call)
    if call is None:
        raise Refused("there is no call to give the argument to")
    return call


def _set_argument(step: SetArgument, tree: Tree, node: Node) -> None:
    target = node(step.origin)
    call = _call_at(tree, target)
    arg = target if isinstance(target, cst.Arg) else _given(call, step.name, step.position)
    if arg is None:
        _add_argument(tree, call, f"{step.name}={_written(tree, step.value, node)}")
        return
    if arg.star or (arg.keyword is not None and arg.keyword.value != step.name):
        raise Refused(f"{step.name} is not written in this call")
    place: cst.CSTNode = arg.value
    if step.of and not isinstance(arg.value, (cst.Float, cst.Integer)):
        constant = _constant(tree, arg)
        if constant is None:
            tree.put(arg.value, step.of.replace("{}", _closed(tree, arg.value)))
            return
        place = constant
    tree.put(place, _written(tree, step.value, node))


def _written(tree: Tree, value: object, node: Node) -> str:
    """A value as source: a literal, code, or a copy of the expression at an origin."""
    if not hasattr(value, "place"):
        return literal(tree, value)
    found = node(cast(Origin, value))
    return tree.code(found.value if isinstance(found, cst.Arg) else found)


def _given(call: cst.Call, name: str, position: int | None = None) -> cst.Arg | None:
    """The argument of this name, or at this position. Raises Refused where a `*` or `**` may hide it."""
    for index, arg in enumerate(call.args):
        if arg.star == "*" or (arg.star and position is not None):
            raise Refused(f"{name} may be in {arg.star}")
        if arg.keyword.value == name if arg.keyword is not None else index == position and not arg.star:
            return arg
    return None


def _closed(tree: Tree, value: cst.BaseExpression) -> str:
    """An expression's source, in parentheses where it would fall apart beside an operator."""
    code = tree.code(value)
    return code if isinstance(value, (cst.Name, cst.Attribute, cst.Subscript, cst.Call)) or value.lpar else f"({code})"


def _constant(tree: Tree, arg: cst.Arg) -> cst.BaseExpression | None:
    """The number behind a constant of the module that is used for arguments of this name only; None for others."""
    if not isinstance(arg.value, cst.Name) or arg.keyword is None:
        return None
    names = [name for name in names_in(tree.module) if name.value == arg.value.value]
    assigned = [parent for name in names if isinstance(parent := tree.parent(name), cst.AssignTarget)]
    for name in names:
        parent = tree.parent(name)
        used = isinstance(parent, cst.Arg) and parent.keyword is not None
        if not (parent in assigned or (used and parent.keyword.value == arg.keyword.value)):  # type: ignore[union-attr]
            return None
    assign = tree.parent(assigned[0]) if len(assigned) == 1 else None
    line = tree.parent(assign) if assign is not None else None
    if not isinstance(assign, cst.Assign) or len(assign.targets) != 1 or line is None:
        return None
    number = isinstance(assign.value, (cst.Float, cst.Integer)) and isinstance(tree.parent(line), cst.Module)
    return assign.value if number else None


def _add_argument(tree: Tree, call: cst.Call, code: str) -> None:
    """One more argument, in front of any `**`."""
    index = next((place for place, arg in enumerate(call.args) if arg.star == "**"), len(call.args))
    if len(call.args) == 1 and isinstance(call.args[0].value, cst.GeneratorExp) and not call.args[0].value.lpar:
        raise Refused("a generator is its only argument")
    arguments(tree, call).insert(index, code)


def _remove_argument(step: RemoveArgument, tree: Tree, node: Node) -> None:
    call = _call_at(tree, node(step.origin))
    arg = _given(call, step.name, step.position)
    if arg is None:
        raise Refused(f"{step.name} is not written here")
    index = index_of(call.args, arg)
    if arg.keyword is None and any(other.keyword is None for other in call.args[index + 1 :]):
        raise Refused("another positional argument follows")
    arguments(tree, call).remove(index)


def _name_argument(step: NameArgument, tree: Tree, node: Node) -> None:
    arg = tree.above(node(step.origin), cst.Arg)
    call = tree.parent(arg) if arg else None
    if arg is None or not isinstance(call, cst.Call) or arg.star:
        raise Refused("the argument does not stand in this call")
    behind = call.args[index_of(call.args, arg) + 1 :]
    if any(other.keyword is None and other.star != "**" for other in behind):
        raise Refused("another positional argument follows")
    start, _ = tree.range(arg)
    tree.replace(start, tree.range(arg.value)[0], f"{step.name}=")


def _replace(step: Replace, tree: Tree, node: Node) -> None:
    target = node(step.origin)
    expression = target.value if isinstance(target, (cst.Arg, cst.Element)) else target
    if isinstance(step.by, Code):
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
            raise Refused("a comment stands in what would go")
        tree.replace(start, first, "")
        tree.replace(last, end, "")


def _construct(step: Construct, tree: Tree, node: Node) -> None:
    target = node(step.origin)
    call = target.value if isinstance(target, (cst.Arg, cst.Element)) else target
    if not isinstance(call, cst.Call) or any(arg.star for arg in call.args):
        raise Refused("what the layer is made with is not all written here")
    name = class_name(tree, call, step.kind)
    there = [arg.keyword.value for arg in call.args if arg.keyword is not None]
    if len(there) == len(call.args) and set(there) == set(step.args):
        tree.put(call.func, name)
        return
    if "#" in tree.code(call):
        raise Refused("a comment may stand among the arguments")
    args = [tree.code(arg) for arg in call.args if arg.keyword is not None and arg.keyword.value in step.args]
    args += [f"{key}={literal(tree, value)}" for key, value in step.args.items() if key not in there]
    tree.put(call, f"{name}({', '.join(args)})")


def _construction(tree: Tree, like: cst.CSTNode, step: AddCall) -> str:
    given = [literal(tree, value) for value in step.positional]
    given += [f"{name}={literal(tree, value)}" for name, value in step.args.items()]
    return f"{class_name(tree, like, step.kind)}({', '.join(given)})"


def _add_parameter(step: AddParameter, tree: Tree, node: Node) -> None:
    function = tree.above(node(step.origin), cst.FunctionDef)
    if function is None:
        raise Refused("there is no function to give the parameter to")
    given = function.params
    star = isinstance(given.star_arg, cst.Param)
    names = [*given.posonly_params, *given.params]
    if star or given.kwonly_params:
        names = list(given.kwonly_params) or ([given.star_arg] if isinstance(given.star_arg, cst.Param) else [])
    new = f"{step.name}={step.default}"
    if names:
        parameters(tree, names, 0).insert(len(names), new)
    else:
        start = tree.text.index("(", tree.range(function.name)[1]) + 1
        tree.replace(start, start, f"{new}, " if given.star_kwarg else new)


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
        raise Refused("the layer is not made in a statement of its own")
    target = assign.targets[0].target
    name = tree.code(target)
    scope = tree.above(target, cst.ClassDef if isinstance(target, cst.Attribute) else (cst.FunctionDef, cst.Module))
    same = [part for part in walk(scope or tree.module) if isinstance(part, type(target)) and tree.code(part) == name]
    if [part for part in same if part is not target and not tree.holds(slot.code, part)]:
        raise Refused(f"{name} is used elsewhere too")
    drop_line(tree, statement)


def _move_call(step: MoveCall, tree: Tree, node: Node) -> None:
    slot, after = slot_of(tree, node(step.call.origin)), slot_of(tree, node(step.after.origin))
    if [origin.key for origin in step.call.origin.stack] != [origin.key for origin in step.after.origin.stack]:
        raise Refused("the layers do not stand in one function")
    ahead = step.call.time < step.after.time
    between(tree, *((slot, after) if ahead else (after, slot)))
    around = (tree.code(slot.code), "") if slot.kind in ("element", "add") else hole(tree, slot)
    nested = tree.holds(after.code, slot.code) or tree.holds(slot.code, after.code)
    if not nested and slot.kind in ("element", "add") and slot.kind != after.kind:
        raise Refused("the layers are not written in the same way")
    remarks = take_out(tree, slot)
    lines = not nested and slot.kind in ("assign", "return")
    put_behind(tree, after, around, remarks, lines=lines or (after.kind == "assign" and not nested))


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
        raise Refused("the layer beside it is not an attribute")
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
    lines = "".join(f"{indent}{line}{tree.newline}" for line in step.code.text.splitlines())
    if step.where == "before":
        tree.replace(start, start, lines)
    else:
        broken = "" if tree.text[:end].endswith(("\n", "\r")) else tree.newline
        tree.replace(end, end, broken + (lines.removesuffix(tree.newline) if broken else lines))


def _import_from(step: ImportFrom, tree: Tree, node: Node) -> None:
    found = tree.above(node(step.origin), cst.ImportFrom)
    if found is None or found.module is None or found.relative:
        raise Refused("there is no `from … import` here")
    tree.put(found.module, step.module)


_STEPS: Mapping[type, Callable[[Any, Tree, Node], None]] = {
    SetArgument: _set_argument,
    RemoveArgument: _remove_argument,
    NameArgument: _name_argument,
    Replace: _replace,
    Construct: _construct,
    AddParameter: _add_parameter,
    RemoveCall: _remove_call,
    MoveCall: _move_call,
    AddCall: _add_call,
    AddStatement: _add_statement,
    ImportFrom: _import_from,
}
