"""What the evaluator says of a program's variables, held against Python itself on programs that are drawn.

A run in Python is one leaf of what the evaluator says: with the unknown booleans put in, each variable is as it says,
or it does not know. Of a run that raises it says nothing: what it knows at a program's end is about the runs that get
there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from kit import abstract
from kit.changes import CHANGES, Change, name_in, twins, variables
from kit.exclusions import EXCLUSIONS
from kit.programs import programs
from kit.python import Program, assignments, run
from kit.reduce import reduced

GENERATOR = Path(__file__).parent / "kit" / "programs"
MANY = 1_500
"""Examples of a slow law: a minute or so."""
DRAW = [Phase.generate]
"""Not Phase.shrink: the laws make small what they find."""
OBEYED = 0.99
"""The least share of many programs of which it denies nothing; 0.997 when this was written."""
KNOWN = 0.9
"""The least share of variables that are known where all conditions are; 0.97 when this was written."""


def denied(program: Program) -> str:
    """What the evaluator denies of what Python does; "" for nothing."""
    answer = abstract.evaluated(program.text, program.others)
    if answer.faults:
        return answer.faults[0]
    for unknowns in assignments(program.unknowns):
        left = run(program, unknowns) or {}
        said = [
            f"{name} is {left[name]!r}, and not {abstract.shown(answer, name, unknowns)}"
            for name in abstract.contradicted(answer, left, unknowns)
        ]
        if said:
            return "\n".join([f"With {unknowns}", *said])
    return ""


def check(program: Program) -> None:
    """Fail where the evaluator denies what Python does, and show a small program of which it does."""
    if denied(program):
        small = reduced(program, denied)
        pytest.fail(f"{small}\n{denied(small)}", pytrace=False)


@settings(max_examples=100, phases=DRAW, derandomize=True)
@given(programs(sure=True))
def test_a_run_is_what_the_evaluator_says(program: Program) -> None:
    check(program)


@settings(max_examples=100, phases=DRAW, derandomize=True)
@given(programs())
def test_each_run_is_a_leaf_of_what_the_evaluator_says(program: Program) -> None:
    check(program)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@settings(max_examples=25, derandomize=True)
@given(data=st.data())
def test_a_change_that_must_not_matter_does_not(change: Change, data: st.DataObject) -> None:
    """What is known stays known."""
    one, other = data.draw(twins(change))
    before, after = (abstract.evaluated(program.text) for program in (one, other))
    for unknowns in assignments(tuple({*one.unknowns, *other.unknowns})):
        for name in variables(one):
            said = [abstract.shown(before, name, unknowns), abstract.shown(after, name_in(other, name), unknowns)]
            if said[0] != said[1]:
                pytest.fail(f"{one}\n{other}\nWith {unknowns}, {name} is {said[0]}, or {said[1]}", pytrace=False)


def test_what_is_known_is_said() -> None:
    """A share of all variables of programs without unknown conditions, so that silence is no way to obey."""
    known: list[bool] = []

    @settings(max_examples=100, derandomize=True)
    @given(programs(sure=True))
    def count(program: Program) -> None:
        answer = abstract.evaluated(program.text, program.others)
        known.extend(abstract.is_known(answer, name, {}) for name in run(program, {}) or ())

    count()
    assert len(known) > 300
    assert sum(known) / len(known) >= KNOWN


@pytest.mark.parametrize("name", EXCLUSIONS)
def test_what_is_left_out_is_still_wrong(name: str) -> None:
    """A construct that is mended is no exclusion any more."""
    assert denied(EXCLUSIONS[name])


@pytest.mark.slow
@pytest.mark.parametrize("sure", [True, False])
def test_nearly_all_of_many_runs_are_what_the_evaluator_says(sure: bool) -> None:
    """What it denies of the others is not understood yet, or is a construct left out that was drawn in disguise."""
    wrong: list[Program] = []

    @settings(max_examples=MANY, phases=DRAW, derandomize=True)
    @given(programs(sure))
    def draw(program: Program) -> None:
        if denied(program):
            wrong.append(program)

    draw()
    assert len(wrong) <= (1 - OBEYED) * MANY, "\n\n".join(map(str, wrong[:3]))


def test_what_is_left_out_is_known_to_the_generator() -> None:
    """An exclusion that nothing asks for leaves nothing out, and what is mended is not drawn."""
    text = "".join(path.read_text(encoding="utf-8") for path in GENERATOR.glob("*.py"))
    assert [name for name in EXCLUSIONS if f'"{name}"' not in text] == []
