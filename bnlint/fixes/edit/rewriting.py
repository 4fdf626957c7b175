"""The steps that give code another form: a layer made elsewhere, a chain taken up, a function written out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import libcst as cst

from ...graph import Origin
from ...rulebook.change import Apply, Hoist, Join, Unfold
from .rows import arguments
from .slots import (
    block_of,
    index_of,
    line_behind,
    lines_of,
    row_of,
    slot_of,
    statement_of,
)
from .tree import NotFixed, Tree, names_in, walk

Node = Callable[[Origin], cst.CSTNode]


def _hoist(step: Hoist, tree: Tree, node: Node) -> None:
    call = node(step.origin)
    function, cls = tree.above(call, cst.FunctionDef), tree.above(call, cst.ClassDef)
    if not isinstance(call, cst.Call) or function is None or cls is None or function not in cls.body.body:
        raise NotFixed("the layer is not made in a method of its class")
    if tree.above(call, (cst.For, cst.While, cst.CompFor, cst.Lambda)) is not None:
        raise NotFixed("it is made several times in one call")
    me = function.params.params[0].name.value if function.params.params else ""
    foreign = {name.value for name in names_in(call)} & (_local(function) | {me})
    if foreign or not me:
        raise NotFixed(f"its arguments depend on {', '.join(sorted(foreign))}")
    name = f"{me}.{_attribute(tree, cls, function, call, step.name)}"
    _make(tree, cls, me, f"{name} = {tree.code(call)}", node(step.behind) if step.behind else None)
    tree.put(call, name)


def _attribute(tree: Tree, cls: cst.ClassDef, function: cst.FunctionDef, call: cst.Call, name: str) -> str:
    """The attribute for a layer: numbered where the method makes several of its class, and not taken."""
    calls = [part for part in walk(function) if isinstance(part, cst.Call)]
    made = [part for part in calls if tree.code(part.func) == tree.code(call.func)]
    code = tree.code(cls)
    before = max(map(int, re.findall(rf"\.{name}_(\d+)\b", code)), default=0)
    numbers = range(before + 1, before + 1 + len(made))
    names = [f"{name}_{number}" for number in numbers] if len(made) > 1 or before else [name]
    if any(re.search(rf"\.{each}\b", code) for each in names):
        raise NotFixed(f"the class has an attribute {name} already")
    return names[index_of(made, call)]


def _make(tree: Tree, cls: cst.ClassDef, me: str, line: str, behind: cst.CSTNode | None) -> None:
    """Write a line in the constructor of a class, behind the statement that makes another of its layers, or last."""
    methods = [one for one in cls.body.body if isinstance(one, cst.FunctionDef)]
    init = next((one for one in methods if one.name.value == "__init__"), None)
    if init is None:
        _make_constructor(tree, cls, me, line)
        return
    if init.params.params[:1] and init.params.params[0].name.value != me:
        raise NotFixed("its constructor calls the object otherwise")
    block = init.body.body
    last = block[-1]
    for statement in block:
        if behind is not None and tree.holds(statement, behind):
            last = statement
    if not isinstance(init.body, cst.IndentedBlock) or not isinstance(last, cst.SimpleStatementLine):
        raise NotFixed("its constructor has no line to put it behind")
    if isinstance(last.body[-1], cst.Return):
        raise NotFixed("its constructor returns")
    line_behind(tree, last, line)


def _make_constructor(tree: Tree, cls: cst.ClassDef, me: str, line: str) -> None:
    first = cls.body.body[0]
    start = tree.line_start(start_of(tree, first))
    indent, inner = tree.indent(start), tree.indent(start) + tree.module.default_indent
    lines = [f"{indent}def __init__({me}, **kwargs):", f"{inner}super().__init__(**kwargs)", f"{inner}{line}", ""]
    if not isinstance(cls.body, cst.IndentedBlock) or isinstance(first, cst.SimpleStatementLine):
        raise NotFixed("the class has no constructor")
    tree.replace(start, start, "".join(f"{one}{tree.newline}" for one in lines))


def start_of(tree: Tree, statement: cst.CSTNode) -> int:
    """Where a statement begins, behind the comments and blank lines that LibCST counts to it."""
    start, _ = tree.range(statement)
    for space in getattr(statement, "leading_lines", ()):
        start = tree.range(space)[1]
    found = re.match(r"[ \t\f]*", tree.text[start:])
    return start + (found.end() if found else 0)


def _local(function: cst.FunctionDef) -> set[str]:
    """The parameters of a function and the names it assigns."""
    given = function.params
    params = [*given.posonly_params, *given.params, *given.kwonly_params, given.star_kwarg]
    names = {param.name.value for param in params if param is not None}
    binding = (cst.AssignTarget, cst.AnnAssign, cst.AugAssign, cst.For, cst.CompFor, cst.NamedExpr)
    targets = [part.target for part in walk(function.body) if isinstance(part, binding)]
    return names | {name.value for target in targets for name in names_in(target)}


def _join(step: Join, tree: Tree, node: Node) -> None:
    call = node(step.origin)
    line = tree.parent(call)
    if not isinstance(line, cst.Expr) or not isinstance(call, cst.Call):
        raise NotFixed("it is no statement of its own")
    statement = statement_of(tree, call)
    start, end = tree.range(call)
    if isinstance(call.func, cst.Call) or (call.args and _chain_name(tree, statement, call)):
        given = call.args[0].value if call.args else None
        if not isinstance(given, cst.Name):
            raise NotFixed("what it is called with has no name")
        tree.replace(start, start, f"{given.value} = ")
        return
    block = block_of(tree, statement)
    place = index_of(block, statement)
    around = {_taker(tree, other) for other in block[max(0, place - 1) : place + 2] if other is not statement}
    if len(around) != 1 or None in around:
        raise NotFixed("what is around it does not show where it belongs")
    before, behind = next(pair for pair in around if pair is not None)
    tree.replace(start, start, before)
    tree.replace(end, end, behind)


def _chain_name(tree: Tree, statement: cst.CSTNode, call: cst.Call) -> bool:
    """Whether a call like `self.norm(x)` is one on a variable, as opposed to the construction of a layer."""
    return isinstance(call.args[0].value, cst.Name) and call.args[0].keyword is None


def _taker(tree: Tree, statement: cst.CSTNode) -> tuple[str, str] | None:
    """What a statement like this one puts around its layer: `model.add(` and `)`, or `x = ` and `(x)`."""
    single = isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1
    small = statement.body[0] if single else None  # type: ignore[attr-defined]
    if isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
        func = small.value.func
        added = isinstance(func, cst.Attribute) and func.attr.value == "add"
        return (f"{tree.code(func)}(", ")") if added else None
    if not isinstance(small, cst.Assign) or not isinstance(small.targets[-1].target, cst.Name):
        return None
    name, value = small.targets[-1].target.value, small.value
    while isinstance(value, cst.Call) and value.args:
        value = value.args[0].value
    return (f"{name} = ", f"({name})") if isinstance(value, cst.Name) else None


def _unfold(step: Unfold, tree: Tree, node: Node) -> None:
    slot = slot_of(tree, node(step.origin))
    if step.function is not None:
        function = node(step.function)
        assert isinstance(function, (cst.FunctionDef, cst.Lambda))
        codes = [tree.code(layer) for layer in _layers_of(tree, function)]
    elif isinstance(slot.code, (cst.Name, cst.Attribute)):
        codes = [f"{tree.code(slot.code)}()"]
    else:
        codes = [tree.code(layer) for layer in _chained(tree, slot.code)[0]]
    if any("\n" in code or "\r" in code for code in codes):
        raise NotFixed("its layers are written on several lines")
    tree.put(slot.code, codes[0])
    if slot.kind == "element":
        row, index = row_of(tree, slot)
        row.insert(index + 1, *codes[1:])
    elif slot.kind == "add":
        assert isinstance(slot.node, cst.SimpleStatementLine)
        if len(codes) > 1:
            line_behind(tree, slot.node, tree.newline.join(_adding(tree, slot.node, slot.name, codes[1:])))
    else:
        raise NotFixed("it does not stand in a list or an `.add`")


def _adding(tree: Tree, statement: cst.SimpleStatementLine, name: str, codes: list[str]) -> list[str]:
    indent = tree.indent(lines_of(tree, statement)[0])
    return [f"{'' if number == 0 else indent}{name}.add({code})" for number, code in enumerate(codes)]


def _chained(tree: Tree, code: cst.BaseExpression) -> tuple[list[cst.BaseExpression], str]:
    """The layers of nested calls `last(…)(first(…)(x))`, first to last, and the name of x."""
    found: list[cst.BaseExpression] = []
    while isinstance(code, cst.Call):
        if not isinstance(code.func, cst.Call) or len(code.args) != 1 or code.args[0].keyword or code.args[0].star:
            raise NotFixed("not all of it are layers that are made and called")
        found.insert(0, code.func)
        code = code.args[0].value
    if not found or not isinstance(code, cst.Name):
        raise NotFixed("what its layers are called with is not a name")
    return found, code.value


def _layers_of(tree: Tree, function: cst.FunctionDef | cst.Lambda) -> list[cst.BaseExpression]:
    """The layers through which a function of one tensor sends it, in order, where it does nothing else."""
    params = function.params
    extra = [params.star_kwarg, params.star_arg, *params.kwonly_params, *params.posonly_params, *params.params[1:]]
    if not params.params or any(isinstance(one, cst.Param) for one in extra):
        raise NotFixed("the function takes more than a tensor")
    if isinstance(function, cst.FunctionDef) and function.decorators:
        raise NotFixed("the function is decorated")
    current = params.params[0].name.value
    found: list[cst.BaseExpression] = []
    for target, value in _assignments(function):
        layers: list[cst.BaseExpression] = []
        if isinstance(value, cst.Call):
            layers, given = _chained(tree, value)
        else:
            given = value.value if isinstance(value, cst.Name) else ""
        if given != current:
            raise NotFixed("the function does not chain its layers one behind the other")
        found, current = found + layers, target
    local = _local(function) if isinstance(function, cst.FunctionDef) else {params.params[0].name.value}
    if not found or local & {name.value for layer in found for name in names_in(layer)}:
        raise NotFixed("its layers are made from what only the function knows")
    return found


def _assignments(function: cst.FunctionDef | cst.Lambda) -> list[tuple[str, cst.BaseExpression]]:
    """What a function assigns to which name, in order; "" for what it returns."""
    if isinstance(function, cst.Lambda):
        return [("", function.body)]
    found: list[tuple[str, cst.BaseExpression]] = []
    for line in function.body.body:
        small: cst.CSTNode | None = line
        if isinstance(line, cst.SimpleStatementLine):
            small = line.body[0] if len(line.body) == 1 else None
        if isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString) and not found:
            continue
        if isinstance(small, cst.Return) and small.value is not None and line is function.body.body[-1]:
            return [*found, ("", small.value)]
        target = small.targets[0].target if isinstance(small, cst.Assign) and len(small.targets) == 1 else None
        if not isinstance(small, cst.Assign) or not isinstance(target, cst.Name):
            break
        found.append((target.value, small.value))
    raise NotFixed("the function does more than chain layers")


def _apply(step: Apply, tree: Tree, node: Node) -> None:
    call = node(step.origin)
    if not isinstance(call, cst.Call) or not call.args or call.args[0].keyword is not None or call.args[0].star:
        raise NotFixed("the tensor is not its first argument")
    first, *others = call.args
    passed = [arg for arg in others if arg.keyword is not None and arg.keyword.value in _OF_THE_CALL]
    kept = [arg for arg in others if arg not in passed]
    if kept and passed and "#" in tree.code(call):
        raise NotFixed("a comment stands among the arguments")
    if passed:
        given = [", ".join(tree.code(arg) for arg in row) for row in (kept, [first, *passed])]
        tree.put(call, f"{tree.code(call.func)}({given[0]})({given[1]})")
        return
    arguments(tree, call).remove(0)
    end = tree.range(call)[1]
    tree.replace(end, end, f"({tree.code(first)})")


_OF_THE_CALL = ("training", "mask")
"""Arguments that a layer takes when it is called, and not when it is made."""

STEPS: Mapping[type, Callable[[Any, Tree, Node], None]] = {
    Apply: _apply,
    Hoist: _hoist,
    Join: _join,
    Unfold: _unfold,
}
