"""Which conditions ask what there is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from .about import Completed
from .bound import Symbol
from .kind import Opaque, of

_ASKS = re.compile(r"version|hasattr|getattr|backend|eager|callable|\bdir\b", re.IGNORECASE)
"""Names in the code that stand for a question of this kind."""
DEEP = 6
"""How far into what a condition follows from is looked."""
FEW = 8
"""The numbers of a version are no more."""


def guards(condition: object) -> bool:
    """Whether a condition asks for a version, a name or a backend, or whether something has raised."""
    return bool(asked((condition,)))


def asked(values: Iterable[object], depth: int = 0) -> str:
    """The name of what the first of these values asks, or holds what does; "" where none asks."""
    return next(filter(None, (_asked(value, depth) for value in values)), "")


def _asked(value: object, depth: int) -> str:
    if isinstance(value, Symbol):
        return value.path if _ASKS.search(value.path) else ""
    if depth >= DEEP:
        return ""
    if not isinstance(value, Opaque):
        held = of(value).held(True)  # type: ignore[arg-type]
        return "" if held is None else asked(islice(held, FEW), depth + 1)
    if isinstance(value.about, Completed):
        return "try"
    return value.name if _ASKS.search(value.name) else asked(value.about or (), depth + 1)
