"""What each kind of expression evaluates to."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import libcst as cst

from ....graph import Layer
from ..library.methods import note_unmade
from ..values.about import Both, Either, Not
from ..values.args import Args
from ..values.bound import Symbol
from ..values.code import Frame, Func
from ..values.containers import Dict, List, Scope, Set
from ..values.evaluator import Evaluator
from ..values.kind import Opaque, Operator, Value
from ..values.lifted import Assumed
from ..values.operators import binary, compare, unary
from ..values.plain import MAX_ITEMS, is_key
from .calling import super_of
from .literals import LITERALS
from .names import NAMES
from .parameters import defaults
from .reflection import REFLECTION
from .targets import assign

MAX_ROUNDS = 300
"""A comprehension over more items is evaluated for the first."""
_ADD = Operator("Add", operator.add)
_SUBTRACT = Operator("Subtract", operator.sub)
_MULTIPLY = Operator("Multiply", operator.mul)
_DIVIDE = Operator("TrueDivide", operator.truediv)
_FLOOR_DIVIDE = Operator("FloorDivide", operator.floordiv)
_MODULO = Operator("Mod", operator.mod)
_POWER = Operator("Power", operator.pow)
_NEGATIVE = Operator("Negative", operator.neg)
_INVERT = Operator("BitwiseNot", operator.invert)

OPERATORS: dict[type, Operator] = {
    **dict.fromkeys((cst.Add, cst.AddAssign), _ADD),
    **dict.fromkeys((cst.Subtract, cst.SubtractAssign), _SUBTRACT),
    **dict.fromkeys((cst.Multiply, cst.MultiplyAssign), _MULTIPLY),
    **dict.fromkeys((cst.Divide, cst.DivideAssign), _DIVIDE),
    **dict.fromkeys((cst.FloorDivide, cst.FloorDivideAssign), _FLOOR_DIVIDE),
    **dict.fromkeys((cst.Modulo, cst.ModuloAssign), _MODULO),
    **dict.fromkeys((cst.Power, cst.PowerAssign), _POWER),
    cst.MatrixMultiply: Operator("Matmul", operator.matmul),
    cst.BitOr: Operator("BitwiseOr", operator.or_),
    cst.BitAnd: Operator("BitwiseAnd", operator.and_),
    cst.BitXor: Operator("BitwiseXor", operator.xor),
    cst.LeftShift: Operator("LeftShift", operator.lshift),
    cst.RightShift: Operator("RightShift", operator.rshift),
}

COMPARISONS: dict[type, str] = {
    cst.Equal: "==",
    cst.NotEqual: "!=",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.Is: "is",
    cst.IsNot: "is not",
    cst.In: "in",
    cst.NotIn: "not in",
}


def _elements(m: Evaluator, elements: Iterable[cst.BaseElement], frame: Frame) -> tuple[list[Value], bool]:
    found: list[Value] = []
    complete = True
    for element in elements:
        value = m.evaluate(element.value, frame)
        if type(element) is cst.StarredElement:
            items, whole = m.iterate(value)
            room = MAX_ITEMS - len(found)
            found += items[:room]
            complete = complete and whole and len(items) <= room
        else:
            found.append(value)
    return found, complete


def _list(m: Evaluator, node: cst.List | cst.Set, frame: Frame) -> Value:
    items, complete = _elements(m, node.elements, frame)
    if type(node) is cst.Set:
        return Set(items, open=not complete)
    result = List(items, open=not complete)
    if type(node) is cst.List:
        spots = [m.spot(element.value, frame) for element in node.elements]
        m.element_spots[id(result)] = (result, spots)
        if len(spots) == len(items):
            note_unmade(m, items, spots)
    return result


def _tuple(m: Evaluator, node: cst.Tuple, frame: Frame) -> Value:
    items, complete = _elements(m, node.elements, frame)
    if any(isinstance(item, Symbol) for item in items) and len(items) == len(node.elements):
        note_unmade(m, items, [m.spot(element.value, frame) for element in node.elements])
    return tuple(items) if complete else List(items, open=True)


def _dict(m: Evaluator, node: cst.Dict, frame: Frame) -> Value:
    result = Dict()
    for element in node.elements:
        value = m.evaluate(element.value, frame)
        if type(element) is cst.StarredDictElement:
            if isinstance(value, Dict):
                result.merge(value)
            else:
                result.open = True
            continue
        assert type(element) is cst.DictElement
        key = m.evaluate(element.key, frame)
        if isinstance(key, (str, int, float, bool, bytes, tuple, type(None), Symbol)) and is_key(key):
            result[key] = value
        else:
            result.open = True
    return result


def _comprehension(m: Evaluator, node: Any, frame: Frame) -> Value:
    inner = Frame(frame.module, Scope(), frame, frame.name, owner=frame.owner, receiver=frame.receiver)
    inner.is_comprehension = True
    results: list[Any] = []
    complete = _comp_for(m, node.for_in, inner, lambda: results.append(_comp_result(m, node, inner)))
    if type(node) is cst.DictComp:
        table = Dict(open=not complete)
        for key, value in results:
            if isinstance(key, (str, int, float, bool, tuple, type(None))) and is_key(key):
                table[key] = value
            else:
                table.open = True
        return table
    return (Set if type(node) is cst.SetComp else List)(results, open=not complete)


def _comp_result(m: Evaluator, node: Any, frame: Frame) -> Value:
    if type(node) is cst.DictComp:
        return m.evaluate(node.key, frame), m.evaluate(node.value, frame)
    return m.evaluate(node.elt, frame)


def _comp_for(m: Evaluator, clause: cst.CompFor, frame: Frame, emit: Callable[[], None]) -> bool:
    items, complete = m.iterate(m.evaluate(clause.iter, frame))
    if len(items) > MAX_ROUNDS:
        items, complete = items[:1], False
    for item in items:
        assign(m, clause.target, item, frame)
        tests = [m.truth(m.evaluate(test.test, frame)) for test in clause.ifs]
        if any(test is False for test in tests):
            continue
        complete = complete and all(test is True for test in tests)
        if clause.inner_for_in is not None:
            complete = _comp_for(m, clause.inner_for_in, frame, emit) and complete
        else:
            emit()
    return complete


def _binary(m: Evaluator, node: cst.BinaryOperation, frame: Frame) -> Value:
    left, right = m.evaluate(node.left, frame), m.evaluate(node.right, frame)
    return binary(m, OPERATORS[type(node.operator)], left, right, m.spot(node, frame))


def _unary(m: Evaluator, node: cst.UnaryOperation, frame: Frame) -> Value:
    value, sign = m.evaluate(node.expression, frame), type(node.operator)
    if sign is cst.Not:
        truth = m.truth(value)
        return not truth if isinstance(truth, bool) else m.derived(Not(truth))
    if sign is cst.Plus:
        return value
    return unary(m, _NEGATIVE if sign is cst.Minus else _INVERT, value, m.spot(node, frame))


def _boolean(m: Evaluator, node: cst.BooleanOperation, frame: Frame) -> Value:
    left = m.evaluate(node.left, frame)
    truth = m.truth(left)
    is_and = type(node.operator) is cst.And
    if isinstance(truth, bool):
        return m.evaluate(node.right, frame) if truth == is_and else left
    found: list[Value] = []

    def second() -> Value:
        found.append(m.evaluate(node.right, frame))
        return None

    def first() -> Value:
        return None

    m.either(truth, *((second, first) if is_and else (first, second)))
    right = found[0]
    if isinstance(left, Assumed) and not is_and:
        left = left.value
    if right is not is_and and isinstance(right, bool):
        return right
    settled = m.truth(right)
    if isinstance(left, (Opaque, Symbol)) and (isinstance(right, bool) or isinstance(settled, Opaque)):
        either = right if isinstance(right, bool) else settled
        return m.derived(Both(truth, either) if is_and else Either(truth, either))
    return m.choose(truth, right, left) if is_and else m.choose(truth, left, right)


def _comparison(m: Evaluator, node: cst.Comparison, frame: Frame) -> Value:
    left = m.evaluate(node.left, frame)
    result: Value = True
    for comparison in node.comparisons:
        right = m.evaluate(comparison.comparator, frame)
        outcome = compare(m, COMPARISONS[type(comparison.operator)], left, right)
        if outcome is False:
            return False
        if isinstance(outcome, Opaque):
            result = m.derived(Both(result, outcome)) if isinstance(result, Opaque) else outcome
        left = right
    return result


def _conditional(m: Evaluator, node: cst.IfExp, frame: Frame) -> Value:
    truth = m.truth(m.evaluate(node.test, frame))
    if isinstance(truth, bool):
        return m.evaluate(node.body if truth else node.orelse, frame)
    return m.either(truth, lambda: m.evaluate(node.body, frame), lambda: m.evaluate(node.orelse, frame))


def _lambda(m: Evaluator, node: cst.Lambda, frame: Frame) -> Value:
    m.enclosing.append(frame)
    return Func(node, frame, "<lambda>", defaults(m, node.params, frame))


def _subscript(m: Evaluator, node: cst.Subscript, frame: Frame) -> Value:
    value = m.evaluate(node.value, frame)
    keys = [_key(m, element.slice, frame) for element in node.slice]
    return m.item(value, keys[0] if len(keys) == 1 else tuple(keys), m.spot(node, frame))


def _key(m: Evaluator, node: cst.BaseSlice, frame: Frame) -> Value:
    if isinstance(node, cst.Index):
        return m.evaluate(node.value, frame)
    assert isinstance(node, cst.Slice)
    bounds = (node.lower, node.upper, node.step)
    return slice(*(None if bound is None else m.evaluate(bound, frame) for bound in bounds))


def _call(m: Evaluator, node: cst.Call, frame: Frame) -> Value:
    func = m.evaluate(node.func, frame)
    path = func.path if isinstance(func, Symbol) else ""
    if path == "builtins.super":
        return super_of(frame)
    args = Args(m.spot(node, frame))
    asks = path in ("builtins.isinstance", "builtins.callable")
    m.guarded += asks
    for arg in node.args:
        value = m.evaluate(arg.value, frame)
        if arg.star:
            _unpack_into(m, args, arg, value)
            continue
        key: int | str = len(args.positional) if arg.keyword is None else arg.keyword.value
        args.spots[key] = arg
        if isinstance(key, str):
            args.keywords[key] = value
        else:
            args.positional.append(value)
    m.guarded -= asks
    result = REFLECTION[path](m, args, frame) if path in REFLECTION else m.call(func, args)
    if path in m.unmade and isinstance(result, Layer) and not _names(node.func, path):
        result.unmade = m.unmade[path]
    return result


def _names(node: cst.BaseExpression, path: str) -> bool:
    """Whether an expression is the name of a symbol, and no variable that holds it."""
    last = node.attr if isinstance(node, cst.Attribute) else node
    return isinstance(last, cst.Name) and last.value == path.rpartition(".")[2]


def _unpack_into(m: Evaluator, args: Args, arg: cst.Arg, value: Value) -> None:
    """`*value` or `**value` among the arguments of a call."""
    if arg.star == "**":
        known = value.items() if isinstance(value, Dict) else ()
        for key, item in known:
            if isinstance(key, str):
                args.keywords[key] = m.settled(item)
                args.spots[key] = arg
        args.open = args.open or not isinstance(value, Dict) or value.open
        return
    items, complete = m.iterate(value)
    room = MAX_ITEMS - len(args.positional)
    for item in items[:room]:
        args.spots[len(args.positional)] = arg
        args.positional.append(item)
    args.open = args.open or not complete or len(items) > room


def _named(m: Evaluator, node: cst.NamedExpr, frame: Frame) -> Value:
    value = m.evaluate(node.value, frame)
    while frame.is_comprehension and frame.parent is not None:
        frame = frame.parent
    assign(m, node.target, value, frame)
    return value


def _await(m: Evaluator, node: cst.Await, frame: Frame) -> Value:
    return m.evaluate(node.expression, frame)


def _yield(m: Evaluator, node: cst.Yield, frame: Frame) -> Value:
    if isinstance(node.value, cst.From):
        items, complete = m.iterate(m.evaluate(node.value.item, frame))
    else:
        items, complete = [None if node.value is None else m.evaluate(node.value, frame)], True
    m.journal.touch(frame.yields)
    frame.yields.extend(items)
    frame.yields.open = frame.yields.open or not complete
    m.escape(frame.yields)
    return Opaque("what is sent to a generator")


def _ellipsis(m: Evaluator, node: cst.Ellipsis, frame: Frame) -> Value:
    return ...


EXPRESSIONS: dict[type, Callable[..., Value]] = {
    **NAMES,
    **LITERALS,
    cst.List: _list,
    cst.Set: _list,
    cst.Tuple: _tuple,
    cst.Dict: _dict,
    cst.ListComp: _comprehension,
    cst.SetComp: _comprehension,
    cst.GeneratorExp: _comprehension,
    cst.DictComp: _comprehension,
    cst.BinaryOperation: _binary,
    cst.UnaryOperation: _unary,
    cst.BooleanOperation: _boolean,
    cst.Comparison: _comparison,
    cst.IfExp: _conditional,
    cst.Lambda: _lambda,
    cst.Subscript: _subscript,
    cst.Call: _call,
    cst.NamedExpr: _named,
    cst.Await: _await,
    cst.Yield: _yield,
    cst.Ellipsis: _ellipsis,
}
