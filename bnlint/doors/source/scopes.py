"""What holds for a machine while the body of a `with` runs. Classes, for a generator costs three times as much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .values import Opaque

if TYPE_CHECKING:
    from ...graph import Context
    from .machine import Machine


class Within:
    """The machine's context is another one while the body runs."""

    __slots__ = ("_before", "_context", "_machine")

    def __init__(self, machine: Machine, context: Context) -> None:
        self._machine, self._before, self._context = machine, machine.context, context

    def __enter__(self) -> None:
        self._machine.context = self._context

    def __exit__(self, *_: object) -> None:
        self._machine.context = self._before


class Assuming:
    """The machine takes a condition for true, or for false, while the body runs."""

    __slots__ = ("_before", "_condition", "_machine", "_truth")

    def __init__(self, machine: Machine, condition: Opaque, truth: bool) -> None:
        self._machine, self._before, self._condition, self._truth = machine, machine.facts, condition, truth

    def __enter__(self) -> None:
        self._machine.suppose(self._condition, self._truth)
        self._machine.optional += 1

    def __exit__(self, *_: object) -> None:
        self._machine.facts = self._before
        self._machine.optional -= 1
