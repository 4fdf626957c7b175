"""The steps that say what a call is given, and what a function takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import libcst as cst

from ...graph import Origin
from ...rulebook.change import AddParameter, Forward, NameArgument, RemoveArgument, SetArgument, Snippet
from .names import literal
from .rows import arguments, parameters
from .slots import index_of
from .tree import NotFixed, Tree, names_in, walk

Node = Callable[[Origin], cst.CSTNode]

_FLAG = "training"


def _call_at(tree: Tree, node: cst.CSTNode) -> cst.Call:
    call = tree.above(node, cst.Call)
    if call is None:
        raise NotFixed("there is no call to give the argument to")
    return call


def _set_argument(step: SetArgument, tree: Tree, node: Node) -> None:
    target = node(step.origin)
    call = _call_at(tree, target)
    arg = target if isinstance(target, cst.Arg) else _given(call, step.name, step.position)
    if arg is None:
        _add_argument(tree, call, f"{step.name}={_written(tree, step.value, node)}")
        return
    if arg.star or (arg.keyword is not None and arg.keyword.value != step.name):
        raise NotFixed(f"{step.name} is not written in this call")
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
    """The argument of this name, or at this position. Raises NotFixed where a `*` or `**` may hide it."""
    for index, arg in enumerate(call.args):
        if arg.star == "*" or (arg.star and position is not None):
            raise NotFixed(f"{name} may be in {arg.star}")
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
        raise NotFixed("a generator is its only argument")
    arguments(tree, call).insert(index, code)


def _remove_argument(step: RemoveArgument, tree: Tree, node: Node) -> None:
    call = _call_at(tree, node(step.origin))
    arg = _given(call, step.name, step.position)
    if arg is None:
        raise NotFixed(f"{step.name} is not written here")
    index = index_of(call.args, arg)
    if arg.keyword is None and any(other.keyword is None for other in call.args[index + 1 :]):
        raise NotFixed("another positional argument follows")
    arguments(tree, call).remove(index)


def _name_argument(step: NameArgument, tree: Tree, node: Node) -> None:
    arg = tree.above(node(step.origin), cst.Arg)
    call = tree.parent(arg) if arg else None
    if arg is None or not isinstance(call, cst.Call) or arg.star:
        raise NotFixed("the argument does not stand in this call")
    behind = call.args[index_of(call.args, arg) + 1 :]
    if any(other.keyword is None and other.star != "**" for other in behind):
        raise NotFixed("another positional argument follows")
    start, _ = tree.range(arg)
    tree.replace(start, tree.range(arg.value)[0], f"{step.name}=")


def _add_parameter(step: AddParameter, tree: Tree, node: Node) -> None:
    function = tree.above(node(step.origin), cst.FunctionDef)
    if function is None:
        raise NotFixed("there is no function to give the parameter to")
    there = {param.name.value: param for param in _params(function)}
    if step.of:
        _rename_parameter(step, tree, function, there)
    elif step.name in there:
        _set_default(tree, there[step.name], step.default)
    else:
        _new_parameter(tree, function, step.name, step.default)


def _params(function: cst.FunctionDef) -> list[cst.Param]:
    given = function.params
    return [*given.posonly_params, *given.params, *given.kwonly_params]


def _set_default(tree: Tree, param: cst.Param, default: str) -> None:
    code = tree.code(param.annotation.annotation) if param.annotation is not None else ""
    fitting = "False" if code == "bool" and default == "None" else default
    if param.default is not None:
        tree.put(param.default, fitting)
    else:
        end = tree.range(param)[1]
        tree.replace(end, end, f" = {fitting}" if code else f"={fitting}")


def _rename_parameter(step: AddParameter, tree: Tree, function: cst.FunctionDef, there: dict[str, cst.Param]) -> None:
    """Another name for a parameter that nobody passes by its name."""
    old, keywords = there[step.of], (part.keyword for part in walk(tree.module) if isinstance(part, cst.Arg))
    if step.name in there or any(word is not None and word.value == step.of for word in keywords):
        raise NotFixed(f"{step.of} is passed by that name")
    for name in names_in(function.body):
        if name.value == step.of:
            tree.put(name, step.name)
    tree.put(old.name, step.name)
    if old.default is None or tree.code(old.default) not in ("None", "False"):
        _set_default(tree, old, step.default)


def _new_parameter(tree: Tree, function: cst.FunctionDef, name: str, default: str) -> None:
    given = function.params
    if any("input_signature" in tree.code(decorator) for decorator in function.decorators):
        raise NotFixed("a decorator says what the function takes")
    typed = [param.annotation is not None for param in _params(function)[1:]]
    new = f"{name}: bool = False" if default == "None" and typed and all(typed) else f"{name}={default}"
    star = [given.star_arg] if isinstance(given.star_arg, cst.Param) else []
    names = [*(given.kwonly_params or star or given.params)]
    if names:
        parameters(tree, names, 0).insert(len(names), new)
    elif given.posonly_params:
        end = tree.text.index("/", tree.range(given.posonly_params[-1])[1]) + 1
        tree.replace(end, end, f", {new}")
    else:
        start = tree.text.index("(", tree.range(function.name)[1]) + 1
        tree.replace(start, start, f"{new}, " if given.star_kwarg else new)


def _forward(step: Forward, tree: Tree, node: Node) -> None:
    call = _call_at(tree, node(step.origin))
    function = tree.above(call, (cst.FunctionDef, cst.Lambda))
    if not isinstance(function, cst.FunctionDef):
        raise NotFixed("it does not stand in a function")
    if _FLAG not in {param.name.value for param in _params(function)}:
        if function.name.value != "call":
            raise NotFixed(f"{function.name.value} has no flag to hand on")
        _new_parameter(tree, function, _FLAG, "None")
    _set_argument(SetArgument(step.origin, _FLAG, Snippet(_FLAG)), tree, node)


STEPS: Mapping[type, Callable[[Any, Tree, Node], None]] = {
    SetArgument: _set_argument,
    RemoveArgument: _remove_argument,
    NameArgument: _name_argument,
    AddParameter: _add_parameter,
    Forward: _forward,
}
