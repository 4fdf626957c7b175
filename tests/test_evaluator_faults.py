"""The laws of the evaluator find faults that are planted into it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from kit.abstract import contradicted, evaluated
from kit.faults import FAULTS, Fault
from kit.programs import programs
from kit.python import Program, assignments, run

OBEYED = 0.98
"""The least share of programs on which the laws hold without a fault; 0.997 when this was written."""
ENOUGH = 500
"""How many programs of each sort the laws are tried on, at most, before a fault is taken to be missed."""


pytestmark = pytest.mark.slow

Run = tuple[dict[str, bool], dict[str, Any]]


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Program, list[Run]]]:
    """The programs that the laws are tried on, with their runs: those of which all conditions are known, and the
    others, in turn.
    """
    found = [program for pair in zip(_drawn(sure=True), _drawn(sure=False), strict=False) for program in pair]
    runs = [[(unknowns, run(one, unknowns) or {}) for unknowns in assignments(one.unknowns)] for one in found]
    tried = [one for one in zip(found, runs, strict=True) if is_obeyed(*one)]
    assert len(tried) > OBEYED * len(found)
    return tried


def _drawn(sure: bool) -> list[Program]:
    found: list[Program] = []

    @settings(max_examples=ENOUGH, phases=[Phase.generate], derandomize=True)  # What finds a fault must not be luck.
    @given(programs(sure))
    def draw(program: Program) -> None:
        found.append(program)

    draw()
    return found


def is_obeyed(program: Program, runs: list[Run]) -> bool:
    """Whether the evaluator denies nothing of what Python does."""
    answer = evaluated(program.text, program.others)
    return not answer.faults and not any(contradicted(answer, variables, unknowns) for unknowns, variables in runs)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(
    fault: Fault, drawn: list[tuple[Program, list[Run]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    assert not all(is_obeyed(*one) for one in drawn)
