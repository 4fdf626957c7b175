"""The shape of a layer's output from the shapes of its inputs, as far as arguments are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalog import row
from .nodes import Layer, Model, Shape


def output_shape(layer: Layer, shapes: Sequence[Shape | None]) -> Shape | None:
    """The output's shape, batch axis first; None where not even its rank is known."""
    if isinstance(layer, Model):
        return layer.outputs[0].shape if len(layer.outputs) == 1 else None
    rule = row(layer.kind).shape
    return None if rule is None else rule(_Asked(layer), shapes)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A layer as the catalog's rules ask about it."""

    layer: Layer

    def value(self, name: str, default: object = None) -> Any:
        known = name in self.layer.args or name in self.layer.defaults
        return self.layer.arg(name).value if known else default

    def inner(self, shape: Shape) -> Shape | None:
        found: Shape | None = shape
        held = list(_held(self.layer))
        for layer in held:
            found = None if found is None else output_shape(layer, [found])
        return found if held else None


def _held(layer: Layer) -> Iterator[Layer]:
    """The layer that a layer wraps, or those that it is made with, in their order."""
    given = [layer.args[name].value for name in ("cell", "cells", "layers") if name in layer.args]
    for value in [layer.wrapped] if layer.wrapped is not None else given or [layer.children]:
        yield from (one for one in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(one, Layer))
