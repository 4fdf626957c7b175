"""The reference runtime against Keras 3 and tf_keras, each in a process of its own: runs the checks in against/."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

AGAINST = Path(__file__).with_name("against")
CHECKS = sorted(path.stem for path in AGAINST.glob("check_*.py"))
LIBRARIES = ("keras", "tf_keras")

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in LIBRARIES), reason="needs keras and tf_keras"
)


def check(library: str, checks: list[str], examples: int) -> None:
    """Run these checks against this library, with so many examples each."""
    environment = {**os.environ, "REAL_KERAS": library, "EXAMPLES": str(examples), "KERAS_BACKEND": "tensorflow"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment["TF_USE_LEGACY_KERAS"] = "1" if library == "tf_keras" else "0"
    paths = [str(AGAINST / f"{name}.py") for name in checks]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", *paths]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", CHECKS)
def test_the_reference_agrees(library: str, name: str) -> None:
    check(library, [name], 500)


def test_the_reference_agrees_with_keras_3_on_a_few_examples() -> None:
    check("keras", ["check_batchnorm", "check_linear"], 10)
