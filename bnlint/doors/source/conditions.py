"""What conditions are about."""

from __future__ import annotations

import re

from .values import Opaque, Symbol

_ASKS = re.compile(r"version|hasattr|getattr|backend|eager|callable|\bdir\b|no exception", re.IGNORECASE)


def guards(condition: object, depth: int = 0) -> bool:
    """Whether a condition asks what there is: a version, a name, a backend, or whether something has raised."""
    if isinstance(condition, Symbol):
        return _ASKS.search(condition.path) is not None
    if isinstance(condition, Opaque) and depth < 6:
        parts = condition.key or ()
        return _ASKS.search(condition.reason) is not None or any(guards(part, depth + 1) for part in parts)
    return False
