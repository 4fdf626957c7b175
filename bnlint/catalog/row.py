"""What is known of one layer or function of Keras."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Role = Literal[
    "linear",
    "activation",
    "pass-through",
    "join",
    "dropout",
    "batch-normalization",
    "normalization",
    "recurrent",
    "attention",
    "preprocessing",
    "container",
    "other",
]
"""What a layer or function does to a tensor.

"linear": weights mix its channels. "activation": a nonlinearity of each number, or of each channel's. "pass-through":
neither mixes channels nor activates. "join": combines tensors of one shape, number by number. "dropout": what it does
in training changes the variance. "container": it holds other layers, or wraps one.
"""

Size = int | None
Shape = tuple[Size, ...]
"""Sizes of a tensor's axes, batch first; None where one is not known."""


class Asked(Protocol):
    """A layer whose output's shape is asked for: its arguments, Keras's defaults filled in, and what it wraps."""

    def value(self, name: str, default: object = None) -> Any:
        """An argument's value, given or Keras's default, or an Unknown; `default` where there is neither."""

    def inner(self, shape: Shape) -> Shape | None:
        """The shape that the wrapped layer, or the last of those in it, gives for an input of this one."""


Rule = Callable[[Asked, Sequence[Shape | None]], Shape | None]
"""The shape of the output from those of the inputs; None where not even its rank is known."""


class Row(NamedTuple):
    """One layer or function.

    name: how the graph calls it, a layer by its class, a function in CamelCase. aliases: the other names that it has,
    or had. role: see Role. shape: the rule for its output, None for no rule. keeps_axes: it leaves a tensor's axes
    where they are, whatever it does to the values. transparent: one number added to each channel of its input is the
    same number added to each of its output's. computes: the arguments that decide what it computes from its weights,
    for the reference runtime; None where that does not know it. since, until: the first and the last version of Keras
    that has it. random: what it gives in training is drawn. multiplicative: f(m·x) = f(m)·f(x) where m has no number
    below 0, with the default arguments. renamed: the old and the new name of arguments that have another one now.
    parameters: those of its constructor, as Python writes them, for a layer that neither Keras has.
    """

    name: str
    aliases: tuple[str, ...] = ()
    role: Role = "other"
    shape: Rule | None = None
    keeps_axes: bool = False
    transparent: bool = False
    computes: tuple[str, ...] | None = None
    since: str = ""
    until: str = ""
    random: bool = False
    multiplicative: bool = False
    renamed: tuple[tuple[str, str], ...] = ()
    parameters: str = ""

    @property
    def spatial(self) -> int:
        """How many spatial axes a layer works on: 2 for Conv2D; 0 for none, or any number."""
        return next((rank for rank in (1, 2, 3) if f"{rank}D" in self.name), 0)

    @property
    def family(self) -> str:
        """The name without the number of spatial axes."""
        return re.sub(r"[123]D", "", self.name)
