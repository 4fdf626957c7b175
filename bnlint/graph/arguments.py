"""Which values the code gives to an argument of its batch normalizations."""

from __future__ import annotations

from collections.abc import Iterator

from .nodes import Arg, Layer, Object, Origin
from .program import Program
from .questions import is_batchnorm, is_frozen, used_on


def settings(program: Program, name: str) -> Iterator[tuple[Origin, Arg, str]]:
    """Each known value that the code writes for an argument of batch normalizations that are not frozen.

    Once for each value at each place: the place, the argument, and which uses of a helper give it, in the words of
    `used_on`. What the code expects to raise is left out, and so are unit tests.
    """
    groups: dict[tuple[object, str], tuple[Origin, Arg, list[Layer]]] = {}
    for layer in program.layers:
        arg = layer.args.get(name)
        if arg is None or arg.origin is None or not arg.known or not is_batchnorm(layer):
            continue
        if not (layer.context.raises or layer.context.testing or is_frozen(layer)):
            groups.setdefault((arg.origin.key, _shown(arg.value)), (arg.origin, arg, []))[2].append(layer)
    for origin, arg, layers in groups.values():
        calls = [call for layer in layers for call in layer.calls]
        yield origin, arg, used_on(calls, program) if calls else ""


def _shown(value: object) -> str:
    if isinstance(value, Object):
        return f"{value.kind}({[(name, _shown(arg.value)) for name, arg in sorted(value.args.items())]})"
    return repr(value)
