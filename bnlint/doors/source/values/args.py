"""The arguments of a call, and values as the graph shows them."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from ....graph import Arg, Unknown
from ..module import Spot
from .kind import ABSENT, Value, of
from .lifted import Assumed


@dataclass(slots=True)
class Args:
    """The arguments of a call, evaluated, each with its spot.

    `open`: there may be more, from an unknown * or **. `callee`: the name of the library's function, canonical, or of
    the method, that is called.
    """

    spot: Spot
    positional: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    spots: dict[int | str, Spot | cst.CSTNode] = field(default_factory=dict)
    open: bool = False
    callee: str = ""

    @property
    def values(self) -> list[Value]:
        """All arguments, positional ones first."""
        return [*self.positional, *self.keywords.values()]

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

    def named(self, names: tuple[str, ...]) -> dict[str, Arg]:
        """All arguments for the graph, the positional ones by these names; "**" where there may be more."""
        found = {
            name: to_arg(value, self.spot_of(index, name))
            for index, (name, value) in enumerate(zip(names, self.positional, strict=False))
        }
        found |= {name: to_arg(value, self.spot_of(None, name)) for name, value in self.keywords.items()}
        if self.open:
            found.setdefault("**", Arg(Unknown("an unknown **"), self.spot))
        return found

    def rest(self, start: int) -> Args:
        """The same without the first positional arguments."""
        spots = {
            (k - start if isinstance(k, int) else k): v
            for k, v in self.spots.items()
            if not isinstance(k, int) or k >= start
        }
        return Args(self.spot, self.positional[start:], self.keywords, spots, self.open, self.callee)


def to_arg(value: Value, spot: Spot | None) -> Arg:
    """A value of the evaluator as an argument of the graph."""
    if type(value) in _PLAIN:
        return Arg(value, spot)
    certain = True
    while isinstance(value, Assumed):
        value, certain = value.value, False
    return Arg(of(value).as_arg(), spot, certain)


_PLAIN = frozenset({bool, int, float, str})
