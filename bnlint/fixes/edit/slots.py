"""Where in the source a layer's call stands: in a list, in an `.add`, in a statement, or in an expression."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby, islice, takewhile
from typing import Literal

import libcst as cst

from .rows import Items, comment_above, elements
from .tree import NotFixed, Tree


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a chain of layers.

    kind: "element" of a list or tuple; "add", a statement `name.add(layer)`; "assign", one that says
    `name = layer(…)`; "return", one that says `return layer(…)`; "expression", anything else. `code` is the expression
    that stands there: the layer, or its call. `node` is the element or the statement around it, or the expression
    itself. `name` is the source of what is added to or assigned, "" for the others.
    """

    kind: Literal["element", "add", "assign", "return", "expression"]
    node: cst.CSTNode
    code: cst.BaseExpression
    name: str = ""


def slot_of(tree: Tree, node: cst.CSTNode) -> Slot:
    """The slot of the call or entry at a node."""
    expression = node.value if isinstance(node, (cst.Arg, cst.Element)) else node
    if not isinstance(expression, cst.BaseExpression):
        raise NotFixed("the layer stands in an expression of its own kind")
    holder = tree.parent(expression)
    if isinstance(holder, cst.Element) and isinstance(tree.parent(holder), (cst.List, cst.Tuple)):
        return Slot("element", holder, expression)
    if isinstance(holder, cst.Arg):
        receiver = _added_to(tree, holder)
        return Slot("add", statement_of(tree, holder), expression, receiver) if receiver else _expression(expression)
    if isinstance(holder, cst.Return) and isinstance(expression, cst.Call):
        return Slot("return", statement_of(tree, holder), expression)
    if isinstance(holder, cst.Assign) and len(holder.targets) == 1:
        target = holder.targets[0].target
        if isinstance(target, (cst.Name, cst.Attribute)):
            return Slot("assign", statement_of(tree, holder), expression, tree.code(target))
    return _expression(expression)


def _expression(node: cst.BaseExpression) -> Slot:
    return Slot("expression", node, node)


def _added_to(tree: Tree, arg: cst.Arg) -> str:
    """What `name.add(layer)` adds to, where the argument is all that a statement of this kind has."""
    call = tree.parent(arg)
    whole = isinstance(call, cst.Call) and isinstance(tree.parent(call), cst.Expr) and len(call.args) == 1
    if whole and isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute) and call.func.attr.value == "add":
        return tree.code(call.func.value)
    return ""


def statement_of(tree: Tree, node: cst.CSTNode) -> cst.SimpleStatementLine:
    """The statement a node stands in, on lines of its own. Raises NotFixed where it shares its line with another."""
    found = tree.above(node, (cst.SimpleStatementLine, cst.BaseCompoundStatement, cst.SimpleStatementSuite))
    if not isinstance(found, cst.SimpleStatementLine):
        raise NotFixed("the statement has no line of its own")
    if len(found.body) != 1 or isinstance(found.body[0].semicolon, cst.Semicolon):
        raise NotFixed("the statement shares its line with another one")
    return found


def _comment(line: cst.SimpleStatementLine) -> str:
    """What stands behind a statement on its line: a comment, and the space in front of it."""
    trail = line.trailing_whitespace
    return f"{trail.whitespace.value}{trail.comment.value}" if trail.comment else ""


def block_of(tree: Tree, statement: cst.CSTNode) -> Sequence[cst.CSTNode]:
    """The statements among which one stands."""
    holder = tree.parent(statement)
    if not isinstance(holder, (cst.Module, cst.IndentedBlock)):
        raise NotFixed("the statement does not stand among others")
    return holder.body


def index_of(row: Sequence[cst.CSTNode], node: cst.CSTNode) -> int:
    """Where a node stands in a row, by identity."""
    return next(index for index, each in enumerate(row) if each is node)


def lines_of(tree: Tree, statement: cst.SimpleStatementLine) -> tuple[int, int]:
    """Where the lines of a statement begin and end, the line end and its comment included, comments above not."""
    small = statement.body[0]
    start, end = tree.range(small)[0], tree.range(statement)[1]
    return tree.line_start(start), end


def row_of(tree: Tree, slot: Slot) -> tuple[Items, int]:
    """The row that an element stands in, and its place there."""
    holder = tree.parent(slot.node)
    assert isinstance(holder, (cst.List, cst.Tuple))
    return elements(tree, holder), index_of(holder.elements, slot.node)


def hole(tree: Tree, slot: Slot) -> tuple[str, str]:
    """The text of a layer's call in front of its input and behind it."""
    given = _input(slot)
    (start, end), (first, last) = tree.range(slot.code), tree.range(given)
    return tree.text[start:first], tree.text[last:end]


def _input(slot: Slot) -> cst.BaseExpression:
    call = slot.code
    if not isinstance(call, cst.Call) or not call.args or call.args[0].star or call.args[0].keyword:
        raise NotFixed("what the layer is called with is not a plain argument")
    if "\n" in _gap(call.whitespace_before_args) or isinstance(call.args[0].value, (cst.List, cst.Tuple)):
        raise NotFixed("the layer's input is not written as one value on its line")
    return call.args[0].value


def _gap(space: cst.BaseParenthesizableWhitespace) -> str:
    return "\n" if isinstance(space, cst.ParenthesizedWhitespace) else ""


def take_out(tree: Tree, slot: Slot) -> tuple[str, str]:
    """Leave a layer out of its chain: what it gets goes on in its place. Returns the comments that went with it."""
    if slot.kind == "element":
        row, index = row_of(tree, slot)
        remarks = row.remarks(index)
        row.remove(index)
        return remarks
    if slot.kind == "add":
        return drop_line(tree, slot.node)
    given = _input(slot)
    if slot.kind == "assign" and isinstance(given, cst.Name):
        if given.value != slot.name:
            _renamed(tree, slot, given.value)
        return drop_line(tree, slot.node)
    (start, end), (first, last) = tree.range(slot.code), tree.range(given)
    loose = not isinstance(given, _TIGHT) and not given.lpar
    closed = isinstance(tree.parent(slot.code), (cst.Arg, cst.Assign, cst.Return, cst.Element))
    tree.replace(start, first, "" if closed or not loose else "(")
    tree.replace(last, end, "" if closed or not loose else ")")
    return "", ""


_TIGHT = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)


def drop_line(tree: Tree, statement: cst.CSTNode) -> tuple[str, str]:
    """Remove a statement and the comments that speak of it, which are returned."""
    assert isinstance(statement, cst.SimpleStatementLine)
    start, end = lines_of(tree, statement)
    block = block_of(tree, statement)
    if len(block) == 1:
        raise NotFixed("nothing would be left in its block")
    first = comment_above(tree, start, tree.text[start:end])
    behind = tree.line_end(end)
    alone = first and not tree.text[tree.line_above(first) : first].strip() and not tree.text[end:behind].strip()
    tree.replace(first, behind if alone else end, "")
    return tree.text[first:start], _comment(statement)


def put_behind(
    tree: Tree, slot: Slot, around: tuple[str, str], remarks: tuple[str, str], *, lines: bool, column: int = 0
) -> None:
    """Put a layer behind a slot's: `around` is its call before and behind the input, or the layer and "".

    `lines`: it gets a statement of its own where there is a choice. `column`: in which one its call began before.
    """
    before, behind = around
    indent = tree.column(tree.range(_small(slot.node))[0]) if slot.kind in ("assign", "return") else 0
    if slot.kind == "element":
        row, index = row_of(tree, slot)
        row.insert(index + 1, before, remarks=remarks)
        return
    if slot.kind == "add":
        _line_behind(tree, slot.node, f"{slot.name}.add({before})", remarks)
        return
    if slot.kind == "assign" and lines:
        before = aligned(before, column, indent + len(f"{slot.name} = "))
        _line_behind(tree, slot.node, f"{slot.name} = {before}{slot.name}{behind}", remarks)
        return
    given = slot.code.args[0].value if isinstance(slot.code, cst.Call) and slot.code.args else None
    start, end = tree.range(slot.code)
    if slot.kind == "return" and lines and isinstance(given, cst.Name):
        line = tree.range(_small(slot.node))[0]
        code = aligned(tree.text[start:end], start - line + indent, indent + len(f"{given.value} = "))
        tree.replace(line, end, f"{given.value} = {code}")
        before = aligned(before, column, indent + len("return "))
        _line_behind(tree, slot.node, f"return {before}{given.value}{behind}", remarks)
        return
    tree.replace(start, start, before)
    tree.replace(end, end, behind)


def aligned(code: str, column: int, new: int) -> str:
    """Code that began in one column as it is to be written in another: what stands below a bracket stays there."""
    first, *others = code.splitlines(keepends=True)
    brackets = {column + index + 1 for index, character in enumerate(first) if character in "([{"}
    if not others or column == new or '"""' in code or "'''" in code:
        return code
    depths = [len(line) - len(line.lstrip(" ")) for line in others]
    if not brackets.intersection(depths):
        return code
    moved = [" " * (depth + new - column) + line.lstrip(" ") for depth, line in zip(depths, others, strict=True)]
    return first + "".join(moved)


def _small(statement: cst.CSTNode) -> cst.CSTNode:
    assert isinstance(statement, cst.SimpleStatementLine)
    return statement.body[0]


def _line_behind(tree: Tree, statement: cst.CSTNode, code: str, remarks: tuple[str, str] = ("", "")) -> None:
    assert isinstance(statement, cst.SimpleStatementLine)
    lead, trail = remarks
    line_behind(tree, statement, f"{code}{trail}", lead)


def line_behind(tree: Tree, statement: cst.SimpleStatementLine, code: str, lead: str = "") -> None:
    """Put a line behind a statement; `lead` are whole lines to go in front of it."""
    start, end = lines_of(tree, statement)
    tree.put_behind(end, f"{lead}{tree.indent(start)}{code}")


def _renamed(tree: Tree, slot: Slot, new: str) -> None:
    """Let the statements behind a slot read the variable `new` and not the one that the slot assigns."""
    read = 0
    stale = False
    for statement, names in _names_behind(tree, slot.node, (slot.name, new)):
        written = {name.value for name in names if _is_target(tree, name)}
        loads = [name for name in names if name.value == slot.name and not _is_target(tree, name)]
        if not isinstance(statement, cst.SimpleStatementLine) and (written or stale):
            raise NotFixed(f"{slot.name} is used in more than one way behind it")
        if loads and stale:
            raise NotFixed(f"{new} is something else where {slot.name} is used")
        for name in loads:
            tree.put(name, new)
        read += len(loads)
        if slot.name in written:
            return
        stale |= new in written
    _only_there(tree, slot, read)


def _names_behind(
    tree: Tree, statement: cst.CSTNode, wanted: Iterable[str]
) -> Iterator[tuple[cst.CSTNode, list[cst.Name]]]:
    """The statements behind one in its block that have names of these, each with them."""
    block, holder, start = block_of(tree, statement), tree.parent(statement), tree.range(statement)[1]
    end = tree.range(block[-1])[1]

    def begins(name: cst.Name) -> int:
        return tree.range(name)[0]

    rows = [tree.layout.named.get(name, []) for name in dict.fromkeys(wanted)]
    behind = merge(*(islice(row, bisect_left(row, start, key=begins), None) for row in rows), key=begins)

    def of_block(name: cst.CSTNode) -> cst.CSTNode:
        while (above := tree.parent(name)) is not holder and above is not None:
            name = above
        return name

    inside = takewhile(lambda name: begins(name) < end, behind)
    for _, names in groupby(((of_block(name), name) for name in inside), key=lambda pair: id(pair[0])):
        found = list(names)
        yield found[0][0], [name for _, name in found]


def _only_there(tree: Tree, slot: Slot, read: int) -> None:
    """Raise NotFixed where a variable that goes is read outside the statements behind it in its block."""
    scope = tree.above(slot.node, (cst.FunctionDef, cst.Module)) or tree.module
    loads = _loads(tree, scope, slot.name)
    later = len(loads) - bisect_right(loads, tree.range(slot.node)[0])
    looped = tree.above(slot.node, (cst.For, cst.While)) is not None and later != len(loads)
    if later != read or looped:
        raise NotFixed(f"{slot.name} is used elsewhere too")


def _loads(tree: Tree, scope: cst.CSTNode, name: str) -> list[int]:
    """Where a variable is read in a scope."""
    found, key = tree.layout.loads, (id(scope), name)
    if key not in found:
        names = [one for one in tree.layout.named.get(name, ()) if tree.holds(scope, one) and not _is_target(tree, one)]
        found[key] = [tree.range(one)[0] for one in names]
    return found[key]


def _is_target(tree: Tree, name: cst.Name) -> bool:
    """Whether a name is assigned to and not read."""
    node: cst.CSTNode = name
    holder = tree.parent(node)
    while isinstance(holder, (cst.Tuple, cst.List, cst.Element)):
        node, holder = holder, tree.parent(holder)
    if isinstance(holder, (cst.For, cst.CompFor, cst.AnnAssign, cst.AugAssign)):
        return holder.target is node
    if isinstance(holder, (cst.Param, cst.FunctionDef, cst.ClassDef)):
        return holder.name is node
    if isinstance(holder, cst.NamedExpr):
        return holder.target is node
    return isinstance(holder, (cst.AssignTarget, cst.AsName))


def between(tree: Tree, first: Slot, last: Slot) -> None:
    """Raise NotFixed where one slot does not lead to another one behind it in the same list or block."""
    if tree.holds(last.code, first.code):
        return
    if "element" in (first.kind, last.kind):
        same = tree.parent(first.node) is tree.parent(last.node)
    else:
        one, other = statement_of(tree, first.node), statement_of(tree, last.node)
        same = tree.parent(one) is tree.parent(other) and ("add" in (first.kind, last.kind)) <= (
            first.kind == last.kind and first.name == last.name
        )
    if not same:
        raise NotFixed("the layers do not stand in one list or one run of statements")
    if tree.range(first.code)[0] > tree.range(last.code)[0]:
        raise NotFixed("the layers do not follow each other in the source")
