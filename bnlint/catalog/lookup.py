"""Rows by name, and sets of names by what their rows say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from .applications import APPLICATIONS, Application
from .functions import FUNCTIONS, names_of
from .layers import LAYERS
from .optimizers import OPTIMIZERS, Optimizer
from .row import Role, Row

NOTHING = Row("")
"""The row of what is not in the catalog."""


def rows() -> Iterator[Row | Application | Optimizer]:
    """All rows: layers, functions, applications, optimizers; each has a `name` and `aliases`.

    A layer's other names are also those of the functions that do what it does.
    """
    for layer in LAYERS.values():
        yield layer._replace(aliases=(*layer.aliases, *names_of(layer.name)))
    yield from FUNCTIONS.values()
    yield from APPLICATIONS
    yield from OPTIMIZERS


def row(kind: str) -> Row:
    """The row of a layer, or an operation, by its kind in the graph; NOTHING where Keras has none of that name."""
    return LAYERS.get(kind) or FUNCTIONS.get(kind) or NOTHING


@cache
def kinds(*roles: Role) -> frozenset[str]:
    """The names of the layers and operations of these roles, and the other names of these layers."""
    found = [one for one in (*LAYERS.values(), *FUNCTIONS.values()) if one.role in roles]
    return frozenset(name for one in found for name in (one.name, *(one.aliases if one.name in LAYERS else ())))
