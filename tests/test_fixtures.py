"""The programs in fixtures/: every mark is a finding, every finding is marked, and the right programs run."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bnlint
from bnlint.rulebook.folders import open_book

PROGRAMS = Path(__file__).parents[1] / "fixtures" / "programs"
MARK = re.compile(r"# <- (.+)$")

PITFALLS = {
    *("mixed-placement", "normalized-output", "dropout-before-batchnorm", "tiny-batch", "batch-of-one"),
    *("missing-training-false", "training-true-at-inference"),
    *("function-in-sequential", "batchnorm-in-lambda", "discarded-batchnorm"),
}

RUN_SMALL = """
import numpy as np
import cnn_classifier_right, custom_training_loop_right, gan_right
import tabular_mlp_right, transfer_learning_right, unet_right
rng = np.random.default_rng(0)
digits = [(rng.random((n, 28, 28, 1), "float32"), rng.integers(0, 10, n)) for n in (256, 32)]
pets = 255 * rng.random((64, 32, 32, 3), "float32"), rng.integers(0, 2, 64).astype("float32")
assert set(tabular_mlp_right.main(512, epochs=1, batch_size=64)) == {"plain", "normalized"}
assert set(cnn_classifier_right.main(digits, epochs=1)) == {"with", "without"}
assert transfer_learning_right.main(pets, weights=None, epochs=1).output_shape == (None, 1)
assert gan_right.main(2 * digits[0][0] - 1, epochs=1).shape == (16, 28, 28, 1)
assert custom_training_loop_right.main(512, epochs=1)[1].shape == (10,)
assert 0 <= unet_right.main(64, size=16, epochs=1) <= 1
print("all ran")
"""


def marks(text: str) -> set[tuple[int, str, str]]:
    """(line, severity, rule) of every mark."""
    found = set()
    for number, line in enumerate(text.splitlines(), 1):
        if mark := MARK.search(line):
            for one in mark[1].split(", "):
                severity, rule = one.split()
                found.add((number, severity, rule))
    return found


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_marks_are_the_findings(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    report = bnlint.check_source(text, str(program))
    assert not report.failures
    assert {(finding.place.line, str(finding.severity), finding.rule) for finding in report} == marks(text)
    assert bool(marks(text)) == program.stem.endswith("_wrong")


def test_every_program_has_both_versions() -> None:
    names = {path.stem.rsplit("_", 1)[0] for path in PROGRAMS.glob("*.py")}
    assert all((PROGRAMS / f"{name}_{version}.py").is_file() for name in names for version in ("wrong", "right"))


def test_programs_show_the_pitfalls_of_the_seeds() -> None:
    marked = {rule for program in PROGRAMS.glob("*.py") for _, _, rule in marks(program.read_text(encoding="utf-8"))}
    assert marked >= PITFALLS
    assert marked <= set(open_book())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_right_programs_run() -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROGRAMS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    environment |= {"TF_USE_LEGACY_KERAS": "0", "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-c", RUN_SMALL]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.endswith("all ran\n")
