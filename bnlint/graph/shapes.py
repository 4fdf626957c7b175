"""The shape of a layer's output from the shapes of its inputs, as far as arguments are known."""

from __future__ import annotations

from collections.abc import Sequence
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
        return None if self.layer.wrapped is None else output_shape(self.layer.wrapped, [shape])
