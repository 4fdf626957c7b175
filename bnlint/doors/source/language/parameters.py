"""What the parameters of a function are bound to."""

from __future__ import annotations

import libcst as cst

from ..values.args import Args
from ..values.code import Frame, Func
from ..values.containers import Dict, List
from ..values.evaluator import Evaluator
from ..values.kind import ABSENT, Value, parameter
from ..values.lifted import Assumed, instead

_SIMPLE = (bool, int, float, str, type(None))


def defaults(m: Evaluator, params: cst.Parameters, frame: Frame) -> dict[str, Value]:
    """The default values of a function's parameters, evaluated where it is defined."""
    return {
        param.name.value: m.evaluate(param.default, frame)
        for param in (*params.posonly_params, *params.params, *params.kwonly_params)
        if param.default is not None
    }


def bind(func: Func, args: Args, receiver: Value, frame: Frame) -> None:
    """Bind the parameters to what a call gives."""
    params = func.node.params
    names = [param.name.value for param in (*params.posonly_params, *params.params)]
    values = list(args.positional)
    if receiver is not ABSENT and not func.is_static:
        values.insert(0, receiver)
    bound = frame.variables
    bound.update(zip(names, values, strict=False))
    if type(params.star_arg) is cst.Param:
        rest = values[len(names) :]
        bound[params.star_arg.name.value] = List(rest, open=True) if args.open else tuple(rest)
    keywords = dict(args.keywords)
    for name in func.params:
        if name in keywords:
            bound[name] = instead(keywords.pop(name), _default(func, name, args.open))
        elif name not in bound:
            bound[name] = _default(func, name, args.open)
    if params.star_kwarg is not None:
        bound[params.star_kwarg.name.value] = Dict(keywords, open=args.open)


def _default(func: Func, name: str, open_call: bool) -> Value:
    if name not in func.defaults:
        return parameter(name)
    value = func.defaults[name]
    if not open_call:
        return value
    return Assumed(value) if isinstance(value, _SIMPLE) else parameter(name)


def unknown(func: Func, name: str) -> Value:
    """What a parameter of a function that nobody calls is: a default is known only as such."""
    if name not in func.defaults:
        return parameter(name)
    value = func.defaults[name]
    return Assumed(value) if isinstance(value, (*_SIMPLE, bytes, tuple, List)) else value


def bind_unknown(func: Func, receiver: Value, frame: Frame) -> None:
    """Bind the parameters of a function that nobody calls."""
    params, bound = func.node.params, frame.variables
    bound.update((name, unknown(func, name)) for name in func.params)
    if receiver is not ABSENT and not func.is_static and func.params:
        bound[func.params[0]] = receiver
    if type(params.star_arg) is cst.Param:
        bound[params.star_arg.name.value] = List(open=True)
    if params.star_kwarg is not None:
        bound[params.star_kwarg.name.value] = Dict(open=True)
