"""Fixes of flags, of `trainable` and of misplaced arguments: what they write, and what Keras then does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from bnlint.book import open_book
from bnlint.card import unmarked
from bnlint.engine import check_source
from bnlint.finding import Certificate
from bnlint.trial import Trial, trials

SCRIPT = Path(__file__).with_name("live_mode_fixes.py")
BOOK = open_book()

IN_MODES = {
    "call-without-training": {2: ("AutoEncoder(32)", ""), 3: ("build()", "")},
    "untrained-batchnorm": {
        1: ("model", "train_step(data(28, 28, 1), np.zeros(8))"),
        3: ("(gan := GAN()).generator", "gan.generator_step(data(8))"),
    },
    "missing-training-false": {
        1: ("model", "validation_step(data(784), np.zeros(8))"),
        2: ("model", "predict_classes(data(8))"),
        3: ("generator", "generate_images(8)"),
    },
    "training-true-at-inference": {2: ("model", "test_step(data(28, 28, 1), np.zeros(8))")},
    "training-flag-ignored": {},
    "unfrozen-batchnorm": {},
}
"""By rule and by the number of the example on its card: the model to look at, and what runs the line in question."""

RAISING = ("misplaced-argument", "removed-api", "invalid-hyperparameter")

Program = tuple[str, str, str]


def fixable(rule: str, target: str) -> dict[str, tuple[Trial, Certificate, Program]]:
    """The examples of a card that are fixed under a Keras: each with its certificate, and how to run it."""
    bad = [trial for trial in trials([BOOK[rule]]) if trial.example.kind == "bad"]
    found = {}
    for number, trial in enumerate(bad, start=1):
        if trial.example.target not in ("auto", target):
            continue
        code = unmarked(trial.example.code)
        report = check_source(code, select=[rule], target=target, fixes=True)
        fixes = [finding.fix for finding in report if finding.fix is not None]
        if fixes:
            model, use = IN_MODES.get(rule, {}).get(number, ("model" if rule in IN_MODES else "", ""))
            found[f"{rule} {number}"] = (trial, fixes[0].certificate, (code, model, use))
    return found


def cases(target: str) -> dict[str, tuple[Trial, Certificate, Program]]:
    """All of them."""
    return {name: case for rule in (*IN_MODES, *RAISING) for name, case in fixable(rule, target).items()}


@cache
def run(library: str) -> subprocess.CompletedProcess[str]:
    """Run the programs before and after on a Keras in a process of its own."""
    programs: dict[str, Program] = {}
    for name, (trial, _, (code, model, use)) in cases(TARGETS[library]).items():
        programs |= {f"{name} before": (code, model, use), f"{name} after": (trial.fixed[0], model, use)}
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment["TF_USE_LEGACY_KERAS"] = "1" if library == "tf_keras" else "0"
    environment["KERAS_BACKEND"] = "tensorflow"
    environment["TF_ENABLE_ONEDNN_OPTS"] = "0"  # It corrupts the heap of TensorFlow 2.21 in one of the programs.
    command, given = [sys.executable, str(SCRIPT), library], json.dumps(programs)
    return subprocess.run(
        command, env=environment, input=given, capture_output=True, text=True, timeout=900, check=False
    )


def measured(library: str, name: str) -> tuple[dict[str, object], dict[str, object]]:
    """What a program does before and after."""
    if any(importlib.util.find_spec(package) is None for package in TARGETS):
        pytest.skip("needs keras and tf_keras")
    done = run(library)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return found[f"{name} before"], found[f"{name} after"]


TARGETS = {"keras": "3", "tf_keras": "2"}
NAMES = [(library, name) for library, target in TARGETS.items() for name in cases(target)]


@pytest.mark.slow
@pytest.mark.parametrize(("library", "name"), NAMES)
def test_keras_does_what_the_certificate_says(library: str, name: str) -> None:
    _, certificate, (_, _, use) = cases(TARGETS[library])[name]
    before, after = measured(library, name)
    assert after["raised"] == ""
    if not certificate.modes:
        assert before["raised"] and f" {before['raised']}" in certificate.claim
        return
    assert before["raised"] == ""
    for phase, *said in certificate.modes:
        key = {"train step": "fit"}.get(phase, phase)
        if use and phase in ("call", "tape") and (phase in certificate.claim or "tape" not in certificate.claim):
            key = "use"
        for state, mode in zip((before, after), said, strict=True):
            assert state[key] is mode.startswith("training"), (phase, mode, state)
            if "learn" in mode:
                assert state["learns"] is ("without" not in mode)
