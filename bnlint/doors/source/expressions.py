"""What each kind of expression evaluates to."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import libcst as cst

from .args import Args
from .machine import Completion, Machine
from .names import NAMES
from .operators import (
    MAX_ITEMS,
    MAX_NUMBER,
    MAX_TEXT,
    absolute,
    arithmetic,
    compare,
    contains,
    is_key,
    items_of,
    subscript,
)
from .values import (
    Assumed,
    Dict,
    Frame,
    Func,
    List,
    Opaque,
    Symbol,
    Value,
)

OPERATORS: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    cst.Add: ("Add", operator.add),
    cst.AddAssign: ("Add", operator.add),
    cst.Subtract: ("Subtract", operator.sub),
    cst.SubtractAssign: ("Subtract", operator.sub),
    cst.Multiply: ("Multiply", operator.mul),
    cst.MultiplyAssign: ("Multiply", operator.mul),
    cst.Divide: ("TrueDivide", operator.truediv),
    cst.DivideAssign: ("TrueDivide", operator.truediv),
    cst.FloorDivide: ("FloorDivide", operator.floordiv),
    cst.FloorDivideAssign: ("FloorDivide", operator.floordiv),
    cst.Modulo: ("Mod", operator.mod),
    cst.ModuloAssign: ("Mod", operator.mod),
    cst.Power: ("Power", operator.pow),
    cst.PowerAssign: ("Power", operator.pow),
    cst.MatrixMultiply: ("Matmul", operator.matmul),
    cst.BitOr: ("BitwiseOr", operator.or_),
    cst.BitAnd: ("BitwiseAnd", operator.and_),
    cst.BitXor: ("BitwiseXor", operator.xor),
    cst.LeftShift: ("LeftShift", operator.lshift),
    cst.RightShift: ("RightShift", operator.rshift),
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


def _constant(m: Machine, node: cst.Integer | cst.Float | cst.SimpleString | cst.Imaginary, frame: Frame) -> Value:
    key = id(node)
    if key not in m.constants:
        m.constants[key] = _literal(node)
    return m.constants[key]


def _literal(node: cst.Integer | cst.Float | cst.SimpleString | cst.Imaginary) -> Value:
    """A literal's value; the plain ones without the parser that `evaluated_value` calls."""
    text = node.value
    if type(node) is cst.SimpleString and text[0] in "\"'" and "\\" not in text:
        width = 3 if text[:3] in ('"""', "'''") else 1
        return text[width:-width]
    try:
        if type(node) is cst.Float:
            return float(text)
        value = int(text) if text.isdecimal() else node.evaluated_value
        return Opaque("a large number") if isinstance(value, int) and value >= MAX_NUMBER else value
    except (ValueError, SyntaxError):
        return Opaque("a literal")


def _joined_string(m: Machine, node: cst.ConcatenatedString, frame: Frame) -> Value:
    parts, rest = [m.evaluate(node.left, frame)], node.right
    while type(rest) is cst.ConcatenatedString:  # Not by recursion: there may be thousands.
        parts.append(m.evaluate(rest.left, frame))
        rest = rest.right
    texts = [part for part in (*parts, m.evaluate(rest, frame)) if isinstance(part, str)]
    return "".join(texts) if len(texts) > len(parts) else Opaque("a string")


def _formatted_string(m: Machine, node: cst.FormattedString, frame: Frame) -> Value:
    text = ""
    known = True
    for part in node.parts:
        if type(part) is cst.FormattedStringText:
            text += part.value.replace("{{", "{").replace("}}", "}")
            continue
        assert type(part) is cst.FormattedStringExpression
        value = m.evaluate(part.expression, frame)
        if (
            isinstance(value, (str, int, float, bool))
            and len(text) < MAX_TEXT
            and part.format_spec is None
            and part.conversion is None
        ):
            text += str(value)
        else:
            known = False
    return text if known else Opaque("a formatted string")


def _elements(m: Machine, elements: Iterable[cst.BaseElement], frame: Frame) -> tuple[list[Value], bool]:
    found: list[Value] = []
    complete = True
    for element in elements:
        value = m.evaluate(element.value, frame)
        if type(element) is cst.StarredElement:
            items, whole = items_of(m, value)
            room = MAX_ITEMS - len(found)
            found += items[:room]
            complete = complete and whole and len(items) <= room
        else:
            found.append(value)
    return found, complete


def _list(m: Machine, node: cst.List | cst.Set, frame: Frame) -> Value:
    items, complete = _elements(m, node.elements, frame)
    result = List(items, open=not complete)
    if type(node) is cst.List:
        m.element_spots[id(result)] = (result, [m.spot(element.value, frame) for element in node.elements])
    return result


def _tuple(m: Machine, node: cst.Tuple, frame: Frame) -> Value:
    items, complete = _elements(m, node.elements, frame)
    return tuple(items) if complete else List(items, open=True)


def _dict(m: Machine, node: cst.Dict, frame: Frame) -> Value:
    result = Dict()
    for element in node.elements:
        value = m.evaluate(element.value, frame)
        if type(element) is cst.StarredDictElement:
            if isinstance(value, Dict):
                result.update(value)
                result.open = result.open or value.open
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


def _comprehension(m: Machine, node: Any, frame: Frame) -> Value:
    inner = Frame(frame.module, Dict(), frame, frame.name, owner=frame.owner, receiver=frame.receiver)
    results: list[Value] = []
    complete = _comp_for(m, node.for_in, inner, lambda: results.append(_comp_result(m, node, inner)))
    if type(node) is cst.DictComp:
        table = Dict(open=not complete)
        for key, value in results:
            if isinstance(key, (str, int, float, bool, tuple, type(None))) and is_key(key):
                table[key] = value
            else:
                table.open = True
        return table
    return List(results, open=not complete)


def _comp_result(m: Machine, node: Any, frame: Frame) -> Value:
    if type(node) is cst.DictComp:
        return m.evaluate(node.key, frame), m.evaluate(node.value, frame)
    return m.evaluate(node.elt, frame)


def _comp_for(m: Machine, clause: cst.CompFor, frame: Frame, emit: Callable[[], None]) -> bool:
    items, complete = items_of(m, m.evaluate(clause.iter, frame))
    if len(items) > 300:
        items, complete = items[:1], False
    for item in items:
        m.assign(clause.target, item, frame)
        tests = [m.truth(m.evaluate(test.test, frame)) for test in clause.ifs]
        if any(test is False for test in tests):
            continue
        complete = complete and all(test is True for test in tests)
        if clause.inner_for_in is not None:
            complete = _comp_for(m, clause.inner_for_in, frame, emit) and complete
        else:
            emit()
    return complete


def _binary(m: Machine, node: cst.BinaryOperation, frame: Frame) -> Value:
    left, right = m.evaluate(node.left, frame), m.evaluate(node.right, frame)
    kind, operate = OPERATORS[type(node.operator)]
    return arithmetic(m, kind, operate, left, right, m.spot(node, frame))


def _unary(m: Machine, node: cst.UnaryOperation, frame: Frame) -> Value:
    value = m.evaluate(node.expression, frame)
    if type(node.operator) is cst.Not:
        truth = m.truth(value)
        return not truth if isinstance(truth, bool) else m.derived("not", truth)
    if type(node.operator) is cst.Minus:
        return absolute(m, "Negative", operator.neg, value, m.spot(node, frame))
    if type(node.operator) is cst.Plus:
        return value
    return absolute(m, "BitwiseNot", operator.invert, value, m.spot(node, frame))


def _boolean(m: Machine, node: cst.BooleanOperation, frame: Frame) -> Value:
    left = m.evaluate(node.left, frame)
    truth = m.truth(left)
    is_and = type(node.operator) is cst.And
    if isinstance(truth, bool):
        return m.evaluate(node.right, frame) if truth == is_and else left
    with m.assuming(truth, is_and):
        right = m.evaluate(node.right, frame)
    if isinstance(left, Assumed) and not is_and:
        left = left.value
    settled = m.truth(right)
    if is_and and settled is False:
        return False
    if not is_and and settled is True and isinstance(right, bool):
        return True
    if isinstance(left, Opaque) and (isinstance(right, bool) or isinstance(settled, Opaque)):
        return m.derived("and" if is_and else "or", truth, right if isinstance(right, bool) else settled)
    return m.choose(truth, right, left) if is_and else m.choose(truth, left, right)


def _comparison(m: Machine, node: cst.Comparison, frame: Frame) -> Value:
    left = m.evaluate(node.left, frame)
    result: Value = True
    for comparison in node.comparisons:
        right = m.evaluate(comparison.comparator, frame)
        sign = COMPARISONS[type(comparison.operator)]
        if sign in ("in", "not in"):
            outcome = contains(m, left, right)
            if sign == "not in":
                outcome = not outcome if isinstance(outcome, bool) else m.derived("not", outcome)
        else:
            outcome = compare(m, sign, left, right)
        if outcome is False:
            return False
        if outcome is not True:
            result = outcome
        left = right
    return result


def _conditional(m: Machine, node: cst.IfExp, frame: Frame) -> Value:
    truth = m.truth(m.evaluate(node.test, frame))
    if isinstance(truth, bool):
        return m.evaluate(node.body if truth else node.orelse, frame)
    results: list[Value] = [None, None]

    def side(index: int, branch: cst.BaseExpression) -> Completion:
        results[index] = m.evaluate(branch, frame)
        return None

    m.fork(truth, lambda: side(0, node.body), lambda: side(1, node.orelse))
    return m.choose(truth, results[0], results[1])


def _lambda(m: Machine, node: cst.Lambda, frame: Frame) -> Value:
    m.enclosing.append(frame)
    return Func(node, frame, "<lambda>", m.defaults(node.params, frame))


def _subscript(m: Machine, node: cst.Subscript, frame: Frame) -> Value:
    value = m.evaluate(node.value, frame)
    keys = []
    for element in node.slice:
        inner = element.slice
        if type(inner) is cst.Index:
            keys.append(m.evaluate(inner.value, frame))
        else:
            assert type(inner) is cst.Slice
            keys.append(
                slice(
                    *(
                        None if part is None else m.evaluate(part, frame)
                        for part in (inner.lower, inner.upper, inner.step)
                    )
                )
            )
    return subscript(m, value, keys[0] if len(keys) == 1 else tuple(keys), m.spot(node, frame))


def _call(m: Machine, node: cst.Call, frame: Frame) -> Value:
    func = m.evaluate(node.func, frame)
    args = Args(m.spot(node, frame))
    if isinstance(func, Symbol) and func.path == "builtins.super":
        return m.super(frame)
    asks = isinstance(func, Symbol) and func.path in ("builtins.isinstance", "builtins.callable")
    m.guarded += asks
    for arg in node.args:
        value = m.evaluate(arg.value, frame)
        if not arg.star:
            key: int | str = len(args.positional) if arg.keyword is None else arg.keyword.value
            args.spots[key] = arg
            if isinstance(key, str):
                args.keywords[key] = value
            else:
                args.positional.append(value)
        elif arg.star == "*":
            items, complete = items_of(m, value)
            room = MAX_ITEMS - len(args.positional)
            complete = complete and len(items) <= room
            for item in items[:room]:
                args.spots[len(args.positional)] = arg
                args.positional.append(item)
            args.open = args.open or not complete
        else:
            if isinstance(value, Dict):
                for key, item in value.items():
                    if isinstance(key, str):
                        args.keywords[key] = m.settled(item)
                        args.spots[key] = arg
            args.open = args.open or not isinstance(value, Dict) or value.open
    m.guarded -= asks
    return m.call(func, args)


def _named(m: Machine, node: cst.NamedExpr, frame: Frame) -> Value:
    value = m.evaluate(node.value, frame)
    m.assign(node.target, value, frame)
    return value


def _await(m: Machine, node: cst.Await, frame: Frame) -> Value:
    return m.evaluate(node.expression, frame)


def _yield(m: Machine, node: cst.Yield, frame: Frame) -> Value:
    value: Value = None
    if isinstance(node.value, cst.From):
        value = m.evaluate(node.value.item, frame)
    elif node.value is not None:
        value = m.evaluate(node.value, frame)
    m.escape(value)
    frame.yields.append(value)
    return Opaque("what is sent to a generator")


def _ellipsis(m: Machine, node: cst.Ellipsis, frame: Frame) -> Value:
    return ...


EXPRESSIONS: dict[type, Callable[..., Value]] = {
    **NAMES,
    cst.Integer: _constant,
    cst.Float: _constant,
    cst.Imaginary: _constant,
    cst.SimpleString: _constant,
    cst.ConcatenatedString: _joined_string,
    cst.FormattedString: _formatted_string,
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
