"""Which batch normalizations of a pretrained network an assignment to a slice of its layers reaches."""

from __future__ import annotations

from typing import Literal

from ..catalog import LAST_BATCHNORM
from .nodes import Layer, Model, Write

End = Literal["first", "last"]

_FIRST = (2, 6)
_MANY = 60
"""Fewer layers than any of the applications has."""
_BEHIND_LAST = 8
"""At most so many layers of an application without its top stand behind its last batch normalization, and itself."""
_TOP = 10
_DOUBT = 6
"""By how many layers the versions of Keras differ."""


def reaches(write: Write, owner: Layer, base: Model, end: End) -> bool | None:
    """Whether a write to a part of the owner's layers goes to the first, or last, batch normalization of a base.

    None where that is not known. The base is one of keras.applications; the owner is the base itself, or a model that
    goes on from its output, whose layers then begin with the base's.
    """
    if write.part is None or not begins_with(owner, base):
        return None
    start, stop = write.part
    starts = True if start is None else _behind(start, owner, base, end)
    stops = False if stop is None else _behind(stop, owner, base, end)
    if starts is False or stops is True:
        return False
    return None if starts is None or stops is None else True


def begins_with(owner: Layer, base: Layer) -> bool:
    """Whether the owner's layers begin with the base's: it is the base, or goes on from its output."""
    if owner is base:
        return True
    return isinstance(owner, Model) and isinstance(base, Model) and owner.inputs == base.inputs


def _behind(bound: int, owner: Layer, base: Model, end: End) -> bool | None:
    """Whether the batch normalization stands at this index or behind it; None where it is too close to tell."""
    if end == "first":
        if bound < 0:
            return False if bound >= -_MANY else None
        return True if bound <= _FIRST[0] else False if bound >= _FIRST[1] else None
    if bound < 0:
        behind = _layers_behind(owner, base)
        return None if behind is None else True if -bound >= behind[1] else False if -bound <= behind[0] else None
    last = LAST_BATCHNORM.get(base.kind)
    if last is None or abs(bound - last) <= _DOUBT:
        return None
    return bound < last


def _layers_behind(owner: Layer, base: Model) -> tuple[int, int] | None:
    """How many layers of the owner stand behind the last batch normalization at least, and with it at most."""
    top = base.arg("include_top").value is not False
    more = 0
    if owner is not base:
        assert isinstance(owner, Model)
        if not owner.complete:
            return None
        more = sum(1 for call in owner.nodes if call.layer is not base)
    return 1 + more, _BEHIND_LAST + more + (_TOP if top else 1)
