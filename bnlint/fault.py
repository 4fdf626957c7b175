"""A mistake of bnlint's own: what it costs is said in one line, and the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .findings import Failure, Place


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception that no code of bnlint expected.

    where: the step that raised it. error: what it says. trace: the traceback. place: what the step was at. foreign: the
    step is no code of bnlint's, but of a rule that somebody else wrote.
    """

    where: str
    error: str
    trace: tuple[str, ...]
    place: Place
    foreign: bool = False

    @classmethod
    def of(cls, where: str, error: Exception, place: Place, foreign: bool = False) -> Fault:
        """The fault that an exception is."""
        import traceback

        said = " ".join(str(error).split())
        name = type(error).__name__
        trace = "".join(traceback.format_exception(error)).splitlines()
        return cls(where, f"{name}: {said}" if said else name, tuple(trace), place, foreign)

    def failure(self) -> Failure:
        """The line that a report has of it."""
        said = f"{self._said} ({self.error})"
        said += "; --verbose shows where" if self.foreign else "; please report it with what --verbose shows"
        return Failure(self.place.path, said, self.place.cell, self.place.line, "bnlint")

    def notes(self) -> Iterator[str]:
        """The traceback, for --verbose."""
        yield f"{self.place}: {self._said}"
        yield from self.trace

    @property
    def _said(self) -> str:
        return f"{self.where} failed" if self.foreign else f"bnlint itself failed in {self.where}"
