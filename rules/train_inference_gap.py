"""Batch normalizations whose output on sample data depends on the mode."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bnlint import Options, Problem, Program, Severity
from bnlint.graph import Call, Gap, label

category = "state"
severity = Severity.WARNING
options = {"tolerance": 0.3}

_NOISE = 3.0
"""How many standard errors of a mean over the samples are no gap yet."""


def check(program: Program, options: Options) -> Iterator[Problem]:
    """Each layer whose two modes differ on the data by more than the tolerance, in the order in which they run."""
    tolerance = options["tolerance"]
    assert isinstance(tolerance, (int, float))
    apart: dict[object, tuple[Call, Gap]] = {}
    for call in program.calls:
        state = call.layer.state
        if state is not None and state.gap is not None and state.gap.own > _limit(float(tolerance), state.gap):
            apart.setdefault(call.layer, (call, state.gap))
    first = next(iter(apart.values()), None)
    for call, gap in apart.values():
        assert first is not None
        said = (
            f"{label(call.layer)} gives {_amount(gap.own)} in training and in inference mode for one and the same input"
        )
        where = f", most in channel {gap.channel}"
        total = f"; with all that comes before it, {_amount(gap.total)}"
        starts = "The gap starts here" if call is first[0] else f"The gap starts at {label(first[0].layer)}"
        related = () if call is first[0] else ((first[0].layer.origin, "here the two modes come apart"),)
        yield Problem(call.layer.origin, f"{said}{where}{total}. {starts}.", related=related)


def _limit(tolerance: float, gap: Gap) -> float:
    """The tolerance, or the difference that so few samples make by chance."""
    return max(tolerance, _NOISE / math.sqrt(max(1, gap.samples)))


def _amount(size: float) -> str:
    return f"outputs {size:.2g} standard deviations apart"
