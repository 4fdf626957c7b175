"""Models as they are drawn: plain data, made of a program before it is taken apart, cheap to send between processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..findings import Place

Form = Literal[
    "batchnorm",
    "normalization",
    "activation",
    "dropout",
    "linear",
    "recurrent",
    "join",
    "reshaping",
    "input",
    "model",
    "other",
]
"""What a node is drawn as."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One call of a layer or operation, or an input.

    settings: what its label says besides the kind, "64", "3×3", "relu". rate: a dropout's rate, which may differ
    between blocks that are else the same. training: the flag as given: "True", "False", "…" where its value is not
    known; "" where none is given. inputs: the numbers of the nodes it takes, in order; branched: for each, whether it
    is taken in one of several branches only. places: where findings stand that are marked on it.
    """

    number: int
    kind: str
    form: Form
    name: str = ""
    settings: tuple[str, ...] = ()
    rate: float | None = None
    training: str = ""
    optional: bool = False
    inputs: tuple[int, ...] = ()
    branched: tuple[bool, ...] = ()
    places: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True)
class Scene:
    """One model: its nodes in the order of their numbers, from 0, each behind those it takes.

    outputs: for each output the nodes that it may be: one, or several of branches that are not known to be taken.
    places: where findings stand that concern the model, but none of its nodes. complete: whether all of it is known.
    """

    name: str
    style: str
    place: Place
    nodes: tuple[Shown, ...]
    outputs: tuple[tuple[int, ...], ...]
    places: frozenset[Place] = frozenset()
    complete: bool = True

    def marked(self) -> bool:
        """Whether a finding stands on it."""
        return bool(self.places) or any(node.places for node in self.nodes)
