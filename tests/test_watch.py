"""The callback, in Keras 3 and in tf_keras: what it sees of a training, and that the training is none the wiser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from asked import asked

import bnlint

HERE = Path(__file__).parent
STYLES = ["built", "sequential", "subclass"]
LAST, TINY, SHORT = "last-batch-of-one", "tiny-batch", "unconverged-moving-average"


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What live_watch.py prints with this Keras."""
    result: dict[str, Any] = asked("live_watch.py", request.param)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_weights_logs_and_random_numbers_are_those_without_it(style: str, found: dict[str, Any]) -> None:
    assert found["same"][style] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("arrays", [LAST, TINY, SHORT]),
        ("default", [LAST, SHORT]),
        ("split", [TINY, SHORT]),
        ("dataset", [LAST, TINY, SHORT]),
        ("dropped", [TINY, SHORT]),
        ("repeated", [TINY, SHORT]),
        ("generator", [SHORT]),
        ("told", [TINY, SHORT]),
        ("sequential", [LAST, TINY, SHORT]),
        ("subclass", [LAST, TINY, SHORT]),
    ],
)
def test_the_batches_are_those_of_the_training(name: str, rules: list[str], found: dict[str, Any]) -> None:
    seen = found["batches"][name]
    assert seen["rules"] == rules
    assert (seen["failures"], seen["epochs"], seen["works"]) == (0, 1, True)
    assert all(f"warning {rule} " in seen["printed"] for rule in rules)


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_the_convergence_is_that_of_the_variables(style: str, found: dict[str, Any]) -> None:
    """Two of three epochs, of five batches each, two batches an execution; one that was not built has no beginning."""
    said, own, printed = found["convergence"][style]
    assert [epoch[:2] for epoch in said] == [["norm", pytest.approx(0.9**5)], ["norm", pytest.approx(0.9**10)]]
    assert len(own) == (2 if style == "built" else 1)
    for epoch, moved in zip(reversed(said), reversed(own), strict=False):
        assert epoch[2:] == pytest.approx(moved, rel=1e-4) and min(moved) > 0.01
    assert printed.count("\nnorm    59.0% ") == printed.count("\nnorm    34.9% ") == 1


@pytest.mark.slow
def test_a_training_that_is_not_to_be_does_not_begin(found: dict[str, Any]) -> None:
    assert ": error batch-of-one " in found["refused"]["said"] and found["refused"]["kept"] is True


@pytest.mark.slow
def test_a_watch_that_breaks_leaves_the_training_alone(found: dict[str, Any]) -> None:
    said = "bnlint does not watch this training: RuntimeError: no way\n"
    assert found["refused"]["broken"] == [said, False, [], 1]


@pytest.mark.slow
def test_a_second_training_begins_where_the_first_ended_and_nothing_is_said_twice(found: dict[str, Any]) -> None:
    (first, printed), (second, same) = found["again"]
    assert (first, second) == ([LAST, TINY, SHORT], [LAST, TINY])
    assert printed == same != ""


@pytest.mark.slow
@pytest.mark.parametrize("style", ["built", "subclass"])
def test_the_strategy_is_known(style: str, found: dict[str, Any]) -> None:
    """Of 32 samples each of two devices has 16."""
    seen = found["distributed"][style]
    assert seen["rules"] == [LAST, TINY, SHORT, "unsynchronized-batchnorm"]
    assert (seen["failures"], seen["epochs"], seen["works"]) == (0, 1, True)


@pytest.mark.slow
def test_a_model_is_clean_or_an_assertion_says_why(found: dict[str, Any]) -> None:
    alone, trained, ignored, _ = found["clean"]
    assert alone == ignored == ""
    assert "trains on batches of 8" in trained and trained.endswith("1 finding (1 warning) in 1 model")


@pytest.mark.slow
def test_the_flag_that_keras_notes_for_a_dropout_was_given_by_nobody(found: dict[str, Any]) -> None:
    assert "warning dropout-before-batchnorm Dropout(0.5) feeds BatchNormalization" in found["clean"][-1]


def test_what_is_asked_for_wrongly_is_told_before_training() -> None:
    with pytest.raises(bnlint.ConfigError, match="unknown rule or category 'tiny-bach'"):
        bnlint.Watch(select=["tiny-bach"], config={})
    with pytest.raises(ValueError, match="unknown severity 'loud'"):
        bnlint.Watch(fail_on="loud", config={})
    with pytest.raises(AttributeError, match="'Watch' object has no attribute 'batches'"):
        bnlint.Watch(config={}).batches  # noqa: B018


FAILING = """
import bnlint
from bnlint.findings import Finding, Place, Severity
from bnlint.runtime import clean


def test_model(monkeypatch):
    finding = Finding("some-rule", "batch", Severity.WARNING, Place("<net>", layer="net/bn"), "It is off.")
    monkeypatch.setattr(clean, "run_model", lambda *given, **more: bnlint.Report([finding], checked=1))
    bnlint.assert_clean(None, fail_on="error")
    bnlint.assert_clean(None)
"""


def test_a_failed_test_ends_where_the_model_is_asked_about(tmp_path: Path) -> None:
    """pytest shows the line of the test, and none of bnlint's."""
    (tmp_path / "test_net.py").write_text(FAILING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_net.py"]
    variables = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert (
        ">       bnlint.assert_clean(None)\nE       bnlint.reporters.report.FindingsError: <net> (net/bn): "
        in done.stdout
    )
    assert "some-rule It is off." in done.stdout and "1 failed" in done.stdout
    assert "raise FindingsError" not in done.stdout and "report.raise_for" not in done.stdout
