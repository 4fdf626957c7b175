"""Which conditions ask what there is."""

from __future__ import annotations

import re

from .about import Completed
from .bound import Symbol
from .kind import Opaque

_ASKS = re.compile(r"version|hasattr|getattr|backend|eager|callable|\bdir\b", re.IGNORECASE)
"""Names in the code that stand for a question of this kind."""
DEEP = 6
"""How far into what a condition follows from is looked."""


def guards(condition: object, depth: int = 0) -> bool:
    """Whether a condition asks for a version, a name or a backend, or whether something has raised."""
    if isinstance(condition, Symbol):
        return _ASKS.search(condition.path) is not None
    if not isinstance(condition, Opaque) or depth >= DEEP:
        return False
    if isinstance(condition.about, Completed) or _ASKS.search(condition.name):
        return True
    return any(guards(part, depth + 1) for part in condition.about or ())
