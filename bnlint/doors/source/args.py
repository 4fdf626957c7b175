"""The arguments of a call, and values as the graph shows them."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from ...graph import Arg, Function, Layer, Object, PerReplica, Unknown
from .module import Spot
from .values import ABSENT, Assumed, Bound, Func, Instance, List, Opaque, Partial, Symbol, Thing, Value, is_small


@dataclass(slots=True)
class Args:
    """The arguments of a call, evaluated, each with its spot. `open`: there may be more, from an unknown * or **."""

    spot: Spot
    positional: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    spots: dict[int | str, Spot | cst.CSTNode] = field(default_factory=dict)
    open: bool = False

    def get(self, index: int | None, name: str, default: Value = ABSENT) -> Value:
        """The argument by position or keyword."""
        if name in self.keywords:
            return self.keywords[name]
        if index is not None and index < len(self.positional):
            return self.positional[index]
        return default

    def spot_of(self, index: int | None, name: str) -> Spot:
        """Where that argument stands; the call itself where it was not written out."""
        found = self.spots.get(name) if name in self.keywords else None if index is None else self.spots.get(index)
        if found is None or isinstance(found, Spot):
            return found or self.spot
        return Spot(self.spot.module, found, self.spot.stack)

    def arg(self, index: int | None, name: str) -> Arg | None:
        """The argument for the graph, None where it is not given."""
        value = self.get(index, name)
        if value is ABSENT:
            return Arg(Unknown("may be in an unknown **"), self.spot) if self.open and index is None else None
        return to_arg(value, self.spot_of(index, name))

    def rest(self, start: int) -> Args:
        """The same without the first positional arguments."""
        spots = {
            (k - start if isinstance(k, int) else k): v
            for k, v in self.spots.items()
            if not isinstance(k, int) or k >= start
        }
        return Args(self.spot, self.positional[start:], self.keywords, spots, self.open)


def to_arg(value: Value, spot: Spot | None) -> Arg:
    """A value of the evaluator as an argument of the graph."""
    if type(value) in _PLAIN:
        return Arg(value, spot)
    certain = True
    while isinstance(value, Assumed):
        value, certain = value.value, False
    return Arg(plain(value), spot, certain)


_PLAIN = frozenset({bool, int, float, str})


def plain(value: Value) -> object:
    """A value of the evaluator as the graph shows it: plain Python, Function, Layer or Unknown."""
    if value is None or type(value) in _PLAIN or isinstance(value, (int, float, str, bytes, Layer)):
        return value
    if isinstance(value, Symbol):
        return Function(value.path.rsplit(".", 1)[-1])
    if isinstance(value, Func):
        return Function(value.name, keras=False)
    if isinstance(value, Bound):
        return Function(value.method if isinstance(value.method, str) else value.method.name, keras=False)
    if isinstance(value, Partial):
        return plain(value.func)
    if isinstance(value, Instance) and value.layer is not None:
        return value.layer
    if isinstance(value, (tuple, List)):
        if not is_small(value):
            return Unknown("a long sequence")
        items = [plain(item) for item in value]
        if any(isinstance(item, Unknown) for item in items) or getattr(value, "open", False):
            return Unknown("a sequence not all known")
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, Assumed):
        return plain(value.value)
    if isinstance(value, Thing):
        return Object(value.symbol.rsplit(".", 1)[-1], value.args)
    if isinstance(value, Opaque) and value.key and value.key[0] == "Multiply":
        return _per_replica(*value.key[1:]) or Unknown(value.reason)
    return Unknown(getattr(value, "reason", "") or type(value).__name__.lower())


def _per_replica(left: object, right: object) -> PerReplica | None:
    """A number of samples times a strategy's number of devices, which is not known."""
    samples, devices = (left, right) if isinstance(left, int) else (right, left)
    counts = isinstance(devices, Opaque) and devices.key is not None and devices.key[0] == "devices"
    return PerReplica(samples) if counts and isinstance(samples, int) else None
