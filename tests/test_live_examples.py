"""What source shows and what the built model shows agree, rule by rule: on every card's examples, and the fixtures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from asked import asked
from not_compared import FETCHING, NOT_COMPARED

from bnlint.api import check_source
from bnlint.doors.source import evaluate
from bnlint.rulebook.card import unmarked
from bnlint.rulebook.folders import open_book
from bnlint.run.examples import trials

PROGRAMS = Path(__file__).parents[1] / "fixtures" / "programs"
BOOK = open_book()
TARGETS = {"keras": "3", "tf_keras": "2"}

pytestmark = pytest.mark.slow

IN_SOURCE_ONLY = {name for name, rule in BOOK.items() if rule.source_only}
"""Rules that find nothing in a built model, for the reason they give."""

LIVE_ONLY = {"broken-statistics", "train-inference-gap", "untouched-statistics"}
"""Rules on the numbers that a trained model holds; their examples are run as such."""

OTHERWISE = {
    "pytorch-momentum 5": "a default that callers may change has been chosen in the built layer",
    "redundant-bias 13": "that a bias was asked for is in the source only",
    "redundant-bias 14": "that a network is only shown at work is in the source only",
    "tiny-batch 9": "a default that callers may change has been chosen in the run",
    "tiny-batch 11": "a loop of its own trains it",
    "training-true-at-inference 3": "the call stands in an evaluation of its own",
    "unconverged-moving-average 5": "how long is up to the command line, and has been chosen in the run",
    "unconverged-moving-average 11": "how much data there is, is not in the source, and has been chosen in the run",
    "unsynchronized-batchnorm 3": "the strategy has one device here, and any number in source",
    "untrained-batchnorm 1": "a loop of its own trains it",
    "untrained-batchnorm 3": "a loop of its own trains it",
}
"""Programs in which the two differ, and why, by rule and number of the example."""

IN_KERAS_3 = {
    "accumulated-gradients 3": "the gradients are added up in a loop of its own",
    "call-without-training 3": "the training stands in a function that nothing calls",
    "call-without-training 11": "it is trained in a loop of its own, which passes the flag",
    "custom_training_loop_wrong": "a loop of its own trains it, and calls it with the flag",
    "gan_wrong": "a loop of its own trains it, and calls it with the flag",
    "transfer_learning_wrong": "that it is called without a flag is in the source only, so live only advises",
}
"""The same, of Keras 3 alone; programs of the fixtures by their names."""

FIT = "model.compile('adam', 'mse')\nmodel.fit"
PETS = "batches(np.zeros((4096, 32, 32, 3)), np.zeros(4096))"
BUILDING = {
    "cnn_classifier_right": "build(True)\nbuild(False)",
    "cnn_classifier_wrong": "plain()\nwith_dropout()",
    "custom_training_loop_right": "",
    "custom_training_loop_wrong": "",
    "gan_right": "GAN()",
    "gan_wrong": "GAN()",
    "tabular_mlp_right": "train(normalized_model(), *load_customers(16384), epochs=20, batch_size=256)",
    "tabular_mlp_wrong": "for make in normalized_model, model_from_a_tutorial: train(make(), *load_customers(16384))",
    "transfer_learning_right": f"base, model = build(None)\n{FIT}({PETS})\nfine_tune(base, model)",
    "transfer_learning_wrong": f"model = build()\n{FIT}({PETS})",
    "unet_right": f"model = build_unet()\n{FIT}(*make_cells(2048), batch_size=32, epochs=5)",
    "unet_wrong": f"model = build_unet()\n{FIT}(*make_cells(2048), batch_size=1, epochs=5)",
}
"""For each program of the fixtures, what builds its models, and how its `main` trains them with `fit`."""


@dataclass(frozen=True)
class Sample:
    """A program, how it is linted, and what is run behind it."""

    code: str
    select: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    more: str = ""

    def lint(self) -> dict[str, Any]:
        return {"select": self.select or None, "config": self.config}


Finding = tuple[str, str, frozenset[int]]
"""A rule, a severity, and the lines that the layer in question is known by; none for a whole model."""


@cache
def samples(target: str) -> dict[str, Sample]:
    """Every example of every card that is for this Keras, but for sessions of TensorFlow 1; and the fixtures."""
    found = {}
    for name, rule in BOOK.items():
        for number, trial in enumerate(trials([rule]), start=1):
            example = trial.example
            session = "compat.v1" in example.code
            if not (example.live or session) and example.target.partition(".")[0] in ("auto", target):
                found[f"{name} {number}"] = Sample(unmarked(example.code), (name,), {name: dict(example.options)})
    for program in sorted(PROGRAMS.glob("*.py")) if target == "3" else ():
        found[program.stem] = Sample(program.read_text(encoding="utf-8"), more=BUILDING[program.stem])
    return found


@cache
def run(library: str) -> dict[str, dict[str, Any]]:
    """What all of them come to on one Keras, in a process of its own."""
    given = {name: (f"{each.code}\n{each.more}", each.lint()) for name, each in samples(TARGETS[library]).items()}
    found: dict[str, dict[str, Any]] = asked("live_examples.py", library, given)
    return found


def in_source(sample: Sample, target: str) -> Iterator[Finding]:
    """What source shows; a line on which a layer is called, or given an argument, also stands for where it is made."""
    program = evaluate(sample.code, "program.py", target=target)
    made: defaultdict[int | None, set[int]] = defaultdict(set)
    for layer, spots in [(call.layer, (call.origin, call.training.origin)) for call in program.calls] + [
        (layer, tuple(arg.origin for arg in layer.args.values())) for layer in program.layers
    ]:
        line = layer.origin.place().line
        for spot in spots:
            if spot is not None and line is not None:
                made[spot.place().line].add(line)
    for finding in check_source(sample.code, "<program>", target=target, **sample.lint()):
        line = finding.place.line
        assert line is not None
        yield finding.rule, str(finding.severity), frozenset({line, *made[line]})


def in_models(found: dict[str, Any]) -> Iterator[Finding]:
    """What the built models show."""
    for rule, severity, layer, lines in found["found"]:
        yield rule, severity, frozenset(lines if "/" in layer else ())


def matches(one: Finding, other: Finding) -> bool:
    return one[:2] == other[:2] and (not one[2] or not other[2] or bool(one[2] & other[2]))


def without(findings: list[Finding], others: list[Finding]) -> list[Finding]:
    """Those findings that none of the others is the same as."""
    return [one for one in findings if not any(matches(one, other) for other in others)]


@cache
def compared(library: str) -> dict[str, tuple[list[Finding], list[Finding]]]:
    """The findings of each program that ran to its end and built a model."""
    target, found = TARGETS[library], run(library)
    return {
        name: (list(in_source(sample, target)), list(in_models(found[name])))
        for name, sample in samples(target).items()
        if found[name]["models"] and not found[name]["raised"]
    }


LIBRARIES = pytest.mark.parametrize("library", TARGETS)


@LIBRARIES
def test_the_models_show_what_source_shows(library: str) -> None:
    differing = {}
    for name, (source, models) in compared(library).items():
        missing = [one for one in without(source, models) if one[0] not in IN_SOURCE_ONLY]
        more = without(models, source)
        if missing or more:
            differing[name] = (missing, more)
    expected = {*OTHERWISE, *(IN_KERAS_3 if library == "keras" else ())}
    assert differing.keys() == expected, {name: differing.get(name) for name in differing.keys() ^ expected}


@LIBRARIES
def test_every_model_could_be_checked(library: str) -> None:
    failed = {name: found["failed"] for name, found in run(library).items() if found["failed"] and not found["raised"]}
    assert failed == {}


@LIBRARIES
def test_what_is_not_compared_is_known(library: str) -> None:
    left = run(library).keys() - compared(library).keys() - FETCHING
    raised = {name: run(library)[name]["raised"].partition(":")[0] for name in left}
    expected = NOT_COMPARED[library]
    assert raised == {f"{rule} {number}": error for rule, each in expected.items() for number, error in each.items()}


@LIBRARIES
def test_only_the_network_keeps_from_comparing_what_fetches(library: str) -> None:
    left = FETCHING & (run(library).keys() - compared(library).keys())
    assert all(run(library)[name]["raised"].startswith("Exception: URL fetch failure") for name in left)


def test_every_rule_finds_its_bad_examples_in_a_model_or_has_a_reason_not_to() -> None:
    agreeing = {
        one[0]
        for library in TARGETS
        for source, models in compared(library).values()
        for one in models
        if not without([one], source)
    }
    assert agreeing == BOOK.keys() - IN_SOURCE_ONLY - LIVE_ONLY


def test_the_programs_of_the_fixtures_build_models() -> None:
    assert BUILDING.keys() == {program.stem for program in PROGRAMS.glob("*.py")}
    assert BUILDING.keys() <= compared("keras").keys()
