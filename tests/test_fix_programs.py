"""The programs of fixable rules' cards, before and after the fix, do in real Keras what the certificates claim."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import mean, pstdev
from typing import Any

import pytest
import test_mode_fixes
from asked import asked

from bnlint.api import check_source, fix_source
from bnlint.findings import Fix
from bnlint.rulebook.card import unmarked
from bnlint.rulebook.folders import open_book
from bnlint.rulebook.rule import Rule
from bnlint.run.examples import trials

BOOK = open_book()
TARGETS = {"keras": "3", "tf_keras": "2"}

MODELS = {
    "batchnorm-in-call 1": "Net()",
    "dropout-before-batchnorm 3": "Net(0.5)",
    "dropout-before-batchnorm 4": "keras.Model(x := keras.Input((12, 11, 8)), conv_block(x, 8))",
    "function-in-sequential 3": "head",
    "mixed-placement 4": "Net()",
    "redundant-bias 3": "keras.Sequential([keras.Input((12, 11, 8)), ConvBN(8)])",
    "repeated-batchnorm 3": "Net()",
}
"""The model to look at, where it is not `model`."""

EFFECTS = {
    "last-batch-of-one": "batches",
    "unsynchronized-batchnorm": "devices",
    "batchnorm-in-call": "learned",
    "discarded-batchnorm": "learned",
    "pytorch-momentum": "left",
    "dropout-before-batchnorm": "variance",
}
"""What is measured of a rule's fix beside the function."""

FRONTS = {"dropout-before-batchnorm 5": 1}
"""How many linear layers give drawn numbers, where not all do."""

OTHER_KERAS = {
    ("keras", "dropout-before-batchnorm 2"): "ValueError",  # tf.nn.relu on a symbolic tensor of Keras 3.
}
"""What a program raises, before and after, that is not meant for this Keras."""


LOADED = {f"repeated-batchnorm {number}" for number in (1, 2, 3)}
"""Whose weights load all the same, but for those of a layer that is gone."""


@dataclass(frozen=True)
class Case:
    """A card's example that has a fix under one Keras: the codes before and after it, and its fixes."""

    name: str
    before: str
    after: str
    fixes: tuple[Fix, ...]

    @property
    def rule(self) -> str:
        return self.name.split()[0]

    @property
    def claim(self) -> str:
        return self.fixes[0].certificate.claim

    def asked(self) -> tuple[list[str], str, dict[str, list[Any]]]:
        """What the other process is asked to do with it."""
        measures: dict[str, list[Any]] = {}
        if self.fixes[0].certificate.training is not None:
            bias = any("bias" in fix.certificate.weights for fix in self.fixes)
            measures["function"] = [bias]
        if effect := EFFECTS.get(self.rule):
            measures[effect] = [FRONTS.get(self.name, 99)] if effect == "variance" else []
        return [self.before, self.after], MODELS.get(self.name, "model"), measures


@cache
def fixed(rule: str, target: str) -> list[Case]:
    """The examples of a rule's card that are fixed under a Keras."""
    found = []
    bad = [trial for trial in trials([BOOK[rule]]) if trial.example.kind == "bad" and not trial.example.live]
    for number, trial in enumerate(bad, start=1):
        if trial.example.target not in ("auto", target):
            continue
        code, lint = unmarked(trial.example.code), {**trial.lint(), "target": target}
        fixes = tuple(finding.fix for finding in check_source(code, **lint, fixes=True) if finding.fix)
        if fixes:
            found.append(Case(f"{rule} {number}", code, fix_source(code, unsafe=True, **lint), fixes))
    return found


def cases(target: str) -> dict[str, Case]:
    """All but those whose modes and exceptions test_mode_fixes.py runs."""
    others = {*test_mode_fixes.IN_MODES, *test_mode_fixes.RAISING}
    return {case.name: case for rule in BOOK if rule not in others for case in fixed(rule, target)}


@cache
def run(library: str) -> dict[str, dict[str, Any]]:
    """What all of them do on one Keras, in a process of its own."""
    given = {name: case.asked() for name, case in cases(TARGETS[library]).items()}
    found: dict[str, dict[str, Any]] = asked("live_fix_programs.py", library, given)
    return found


ALL = [(library, name) for library, target in TARGETS.items() for name in cases(target)]


def measured(library: str, name: str) -> dict[str, Any]:
    """What came of a case."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"needs {library}")
    found = run(library)[name]
    assert "failure" not in found, found["failure"]
    return found


@pytest.fixture(params=[one for one in ALL if one not in OTHER_KERAS], ids=" ".join)
def ran(request: pytest.FixtureRequest) -> tuple[Case, dict[str, Any]]:
    """A case, and what came of it in real Keras: before, it raises what is claimed, or nothing."""
    library, name = request.param
    case, found = cases(TARGETS[library])[name], measured(library, name)
    raises = re.search(r"as it stands raises (\w+)", case.claim)
    assert found["raised"] == [raises[1] if raises else "", ""]
    return case, found


@pytest.mark.slow
@pytest.mark.parametrize(("library", "name"), OTHER_KERAS)
def test_programs_for_another_keras_raise_fixed_or_not(library: str, name: str) -> None:
    assert measured(library, name)["raised"] == [OTHER_KERAS[library, name]] * 2
    assert name in {case for other, case in ALL if other != library}


def rounding(largest: float) -> float:
    """Of float32: 24 bits, some hundred operations, and 1 / 0.03 by epsilon."""
    return 2**-23 * 300 * max(1, largest)


@pytest.mark.slow
def test_the_function_changes_as_claimed(ran: tuple[Case, dict[str, Any]]) -> None:
    """With the weights handed over as the certificate says: the same outputs or others, in each mode."""
    case, found = ran
    if "training" not in found:
        assert "as it stands raises" in case.claim or ("could not be tried" in case.claim and case.rule in EFFECTS)
        return
    gaps = {"training": found["training"], "inference": max(found["start"], found["inference"])}
    for mode, gap in gaps.items():
        differs = any(mode in fix.certificate.claim.partition("(")[0] for fix in case.fixes)
        assert (gap > rounding(found["largest"])) is differs, (mode, found)


@pytest.mark.slow
def test_weights_saved_before_load_as_claimed(ran: tuple[Case, dict[str, Any]]) -> None:
    case, found = ran
    if "loading" in found:
        refused = any("no longer load" in fix.certificate.claim for fix in case.fixes)
        assert bool(found["loading"]) is (refused and case.name not in LOADED), found


@pytest.mark.slow
def test_the_effect_is_as_said(ran: tuple[Case, dict[str, Any]]) -> None:
    case, found = ran
    said = " ".join(effect for fix in case.fixes for effect in fix.certificate.effects)
    for measure in case.asked()[2].keys() & CHECKS.keys():
        CHECKS[measure](case, said, found[measure])


def _left_out(case: Case, said: str, found: list[dict[str, Any]]) -> None:
    match = re.fullmatch(r"each epoch leaves one of the (\d+) samples out: with shuffle, another one every time", said)
    assert match
    before, after = found
    assert before["rows"] == [*after["rows"], 1] and sum(before["rows"]) == int(match[1])
    assert before["left out"] == [[], []]
    (one,), (other,) = after["left out"]
    assert (one != other) is ("shuffle" in case.after) and (one == other == int(match[1]) - 1) is (one == other)


def _on_devices(case: Case, said: str, found: list[dict[str, float]]) -> None:
    """The moving variance starts at 1, with 24 bits; one device's is far from that of all samples in comparison."""
    assert said.endswith("each takes the statistics of all samples of a batch")
    before, after = found
    assert after["all"] < 2**-22 < 1e-5 < before["all"]
    assert min(before["one"], before["mean"]) < 2**-22


def _learned(case: Case, said: str, found: list[dict[str, Any]]) -> None:
    """Before, no gamma matters; after, one does, and learns, and is saved."""
    before, after = found
    assert before["matters"] == before.get("learns", 0.0) == 0
    assert before.get("raised", "") == ("ValueError" if case.rule == "batchnorm-in-call" else "")
    assert after["gammas"] == 1 and after["matters"] > 0.1 and after["learns"] > 1e-5 and after["saved"] == 0


def _memory(case: Case, said: str, found: list[list[float]]) -> None:
    match = re.match(r"after 10 steps, under 0.01 % .* left before, (\d+) % after the newest .* weighs (\d+)%", said)
    assert match
    (one, ten), (later, much_later) = found
    assert ten < 1e-4 and round(100 * much_later) == int(match[1])
    assert round(100 * (1 - later)) == int(match[2]) == round(100 * one)


def _variance(case: Case, said: str, found: list[list[list[float]]]) -> None:
    """The certificate's number is of one draw, in two digits: within four deviations of a draw in Keras."""
    match = re.search(
        r"inference is ([\d.]+) times that .* before|is ([\d.]+) times that in inference before, 1 times", said
    )
    before, after = found
    assert after == [[1.0] * len(draws) for draws in after] and len(before) == len(after)
    claimed = float(match[2]) if match else 1.0
    assert (claimed > 1.5) is bool(match)
    for draws in before:
        assert abs(mean(draws) - claimed) <= 0.05 + 4 * pstdev(draws)


CHECKS: dict[str, Callable[[Case, str, Any], None]] = {
    "batches": _left_out,
    "devices": _on_devices,
    "learned": _learned,
    "left": _memory,
    "variance": _variance,
}


def changes(rule: Rule) -> bool:
    """Whether a rule's module makes a Change."""
    assert rule.path is not None
    names = (
        node.func for node in ast.walk(ast.parse(rule.path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    )
    return any(isinstance(name, ast.Name) and name.id == "Change" for name in names)


def test_every_rule_that_makes_changes_is_run_in_real_keras() -> None:
    """On its own card's programs: those that have a fix here, or in test_mode_fixes.py."""
    run_somewhere: set[str] = set()
    for target in TARGETS.values():
        here = {case.rule for case in cases(target).values()}
        there = {name.split()[0] for name in test_mode_fixes.cases(target)}
        assert here | there == {rule for rule in BOOK if fixed(rule, target)}
        run_somewhere |= here | there
    assert run_somewhere == {name for name, rule in BOOK.items() if changes(rule)} and len(run_somewhere) > 20


def test_what_is_run_is_what_the_cards_show() -> None:
    """The examples without a version of their own are shown fixed for Keras 3."""
    shown = {trial.fixed[0] for rule in BOOK.values() for trial in trials([rule])}
    assert all(case.after in shown for case in cases("3").values())
    assert EFFECTS.keys() <= {case.rule for case in cases("3").values()}


def test_cases_are_of_examples_that_are_there() -> None:
    names = {name for target in TARGETS.values() for name in cases(target)}
    assert {*MODELS, *FRONTS, *LOADED, *(name for _, name in OTHER_KERAS)} <= names
